"""What can go wrong with customers, orders, events and segments. Base tree: operations.errors."""

from django.utils.translation import gettext_lazy as _

from operations.errors import Conflict, Gone, InvalidInput, NotFound, Refusal


class CustomerNotFound(NotFound):
    message = "There is no customer under this reference."


class CustomerErased(Gone):
    pass


class KnownAlready(Conflict):
    key = "known_already"
    message = "This is known already, and only new ones are taken."


class NotKnownYet(NotFound):
    key = "not_known_yet"
    message = "This is not known yet, and only known ones are changed."


class CustomerNotLive(Refusal):
    key = "customer_not_live"
    message = _("This customer was erased, is not known by name, or may not be processed at present.")


class BlockedIdentity(Refusal):
    key = "blocked_identity"
    message = "This value is a filler that identifies nobody."


class NothingToMerge(Refusal):
    key = "nothing_to_merge"
    message = "A merge needs two different customers."


class MergeNotFound(NotFound):
    message = "There is no merge under this id."


class KeptApart(Refusal):
    key = "kept_apart"
    message = "Somebody has decided that these customers are not one person."


class ConsentWithoutProof(InvalidInput):
    message = "A granted consent needs a proof."


class AlreadyRestricted(Refusal):
    key = "already_restricted"
    message = _("The processing of this person's data is restricted already.")


class NotRestricted(Refusal):
    key = "not_restricted"
    message = _("The processing of this person's data is not restricted.")


class SourceGivesNoConsent(Refusal):
    key = "source_gives_no_consent"
    message = _("This source cannot tell that somebody agreed: it is of strangers, or not for this purpose.")


class SourceLeft(Refusal):
    key = "source_left"
    message = _("This source has left; nothing of it is taken any more.")


class OrderConflict(Conflict):
    message = "This order was recorded before with other content."


class EventContradicted(Conflict):
    message = "This event was recorded before with other content."


class BeyondRetention(Refusal):
    key = "beyond_retention"
    message = "This event is older than what is kept."


class NotAProspect(Refusal):
    key = "not_a_prospect"
    message = "This is a customer already, or several people share this key."


class LeadNotMovable(Refusal):
    key = "lead_not_movable"
    message = "A prospect cannot be put into this stage; an order or a registration makes a customer."


class OwnedAlready(Conflict):
    message = "Somebody else owned this at that time."


class OrderNotPossible(Refusal):
    key = "order_not_possible"
    message = "The order is in a state that does not allow this."


class ReturnConflict(Conflict):
    message = "This return was recorded before with other content."


class ReturnNotPossible(Refusal):
    key = "return_not_possible"
    message = "More is returned than was bought."


class SegmentNotFound(NotFound):
    message = "There is no segment under this code."


class SegmentTaken(Conflict):
    message = "There is a segment with this code already."


class RulesTooExpensive(Refusal):
    key = "rules_too_expensive"
    message = "These rules take too long to count while you wait; save the segment, its refresh counts it."


class SegmentHasNoRules(Refusal):
    key = "segment_has_no_rules"
    message = "The members of this segment do not follow from rules."


class CandidateDecided(Conflict):
    message = "Somebody has decided on this pair already, or one of the two is no customer any more."


class NoteOfAnother(Refusal):
    key = "note_of_another"
    message = "Only who wrote a note changes it."
