"""What can go wrong with campaigns and their messages. Base tree: operations.errors.

Refusal
├── OfferNotActive         a campaign is started while its promotion is a draft
├── ExampleLeft            a mail still says the text that it began with
├── ApprovalNeeded         so many people need the agreement of another person
├── TooManyRecipients      a broadcast that is due has outgrown what was agreed to
└── NothingGiven           a landing page gives no code
    ├── PageClosed
    ├── CodesGone
    ├── CountryNotServed
    └── NotANewcomer

InvalidInput
├── ContentInvalid         a template that cannot be sent, with the line of each mistake
└── PictureRefused         not a picture that may be published
Conflict
├── CampaignCodeTaken
├── PlacementCodeTaken
├── LandingPageCodeTaken
├── HoldoutOverlaps        a second global holdout at the same time
└── MoveNotPossible        the campaign's status does not allow this
"""

from django.utils.translation import gettext_lazy as _

from operations.errors import Conflict, InvalidInput, Refusal


class ContentInvalid(InvalidInput):
    message = "The content cannot be sent like this."


class PictureRefused(InvalidInput):
    message = "This picture cannot be used."


class CampaignCodeTaken(Conflict):
    message = "Another campaign has this code."


class PlacementCodeTaken(Conflict):
    message = "Another placement has this code."


class LandingPageCodeTaken(Conflict):
    message = "Another landing page has this code."


class NothingGiven(Refusal):
    """A landing page gives no code to this person, or to nobody any more."""

    key = "nothing_given"


class PageClosed(NothingGiven):
    key = "page_closed"
    message = "This offer is over."


class CodesGone(NothingGiven):
    key = "codes_gone"
    message = "All codes have been given."


class CountryNotServed(NothingGiven):
    key = "country_not_served"
    message = "This offer is for other countries."


class NotANewcomer(NothingGiven):
    key = "not_a_newcomer"
    message = "This offer is for who has not bought from us yet."


class MoveNotPossible(Conflict):
    key = "move_not_possible"
    message = "The campaign's status does not allow this."


class OfferNotActive(Refusal):
    key = "offer_not_active"
    message = "A promotion of the campaign is still a draft."


class ExampleLeft(Refusal):
    """What would be sent still tells whoever writes it to write something."""

    key = "example_left"
    message = _("A message still says the text that it began with: write your own.")


class ApprovalNeeded(Refusal):
    key = "approval_needed"
    message = _(
        "So many people need the agreement of another person. Make a copy of the campaign and start that one."
    )


class TooManyRecipients(Refusal):
    """The audience has grown past what was agreed to; `size` is how many people it is now."""

    key = "too_many_recipients"
    message = _("More people are reached than was agreed to.")

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size


class MayNotApprove(Refusal):
    key = "may_not_approve"
    message = _("You may not agree to the start of campaigns.")


class ReceiverCodeTaken(Conflict):
    message = _("Another receiver has this code.")


class SecretLost(Refusal):
    """The secret key that sealed it was replaced without a fallback."""

    key = "secret_lost"
    message = "A stored secret cannot be opened: name the former SECRET_KEY in SECRET_KEY_FALLBACKS."


class UnsafeHeader(ValueError):
    """A rendered header holds a line break, or an address is not one."""


class CodeGone(ValueError):
    """The code that a message was to bring was withdrawn, renewed or wiped meanwhile."""


class TestNotSent(Refusal):
    """The provider did not take a test mail."""

    __test__ = False
    key = "test_not_sent"


class NothingToSay(ValueError):
    """The version has no content for a message's step and channel."""


class NoRandomHoldout(Refusal):
    key = "no_random_holdout"
    message = "Nobody was held out of this campaign by lot, so what it changed cannot be told."


class HoldoutOverlaps(Conflict):
    key = "holdout_overlaps"
    message = "Another period of the global holdout runs at that time; end it first."
