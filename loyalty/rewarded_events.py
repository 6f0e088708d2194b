"""What is often rewarded, ready to choose; any other kind of event that sources tell can be named as well."""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from loyalty.rules import ORDER

BIRTHDAY = "customer.birthday"
PROFILE_COMPLETED = "profile.completed"
# Told by ourselves, not by sources.
OWN_TYPES = frozenset(
    {
        BIRTHDAY, PROFILE_COMPLETED, "consent.changed", "referral.registered", "referral.qualified",
        "challenge.completed", "badge.earned", "membership.started", "email.clicked",
    }
)  # fmt: skip


@dataclass(frozen=True)
class RewardedEvent:
    """A kind of event as the console offers it, with points to begin with and a cap that keeps it honest."""

    type: str
    label: str | Promise
    points: int = 10
    icon: str = "bolt"


STANDARD = [
    RewardedEvent(ORDER, _("An order that was paid"), 1, "shopping_bag"),
    RewardedEvent("review.written", _("A review"), 20, "rate_review"),
    RewardedEvent("social.shared", _("Something shared on a social network"), 10, "share"),
    RewardedEvent("survey.answered", _("A survey answered"), 30, "fact_check"),
    RewardedEvent("nps.answered", _("Saying whether they would recommend us"), 10, "sentiment_satisfied"),
    RewardedEvent("visit.recorded", _("A visit of a store, the site or the app"), 5, "storefront"),
    RewardedEvent(BIRTHDAY, _("Their birthday"), 100, "cake"),
    RewardedEvent(PROFILE_COMPLETED, _("A profile that is complete"), 50, "badge"),
    RewardedEvent("product.tried", _("An article tried in a store"), 20, "checkroom"),
    RewardedEvent("product.registered", _("An article registered by its serial number"), 50, "qr_code_2"),
    RewardedEvent("packaging.returned", _("Packaging brought back"), 10, "recycling"),
    RewardedEvent("defect.reported", _("A defect reported"), 20, "report"),
    RewardedEvent("consent.changed", _("A consent given or changed"), 20, "mark_email_read"),
    RewardedEvent("referral.qualified", _("A friend they brought who bought"), 50, "group_add"),
]
BY_TYPE = {each.type: each for each in STANDARD}


def label_of(type: str) -> str:
    """Return what a kind of event is called; its code where it is none of the usual ones."""
    known = BY_TYPE.get(type)
    return str(known.label) if known else type
