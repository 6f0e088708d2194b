"""The fields that referrals gives to segment rules: who brings friends, and who came through one."""

from django.utils.translation import gettext_lazy as _

from customers.segments.fields import Column, Field, Found, Happenings, Kind, by_code
from referrals.models import Invitation, Referral, ReferralProgramme, ReferralReward

REFERRALS = _("Referrals")


def _programmes() -> dict[str, str]:
    return dict(ReferralProgramme.objects.order_by("name").values_list("code", "name"))


def _programme(path: str) -> Field:
    return Field("programme", _("Programme"), Kind.CHOICE, Column(path), choices=_programmes)


_PROGRAMME = by_code([_programme("programme__code")])

FIELDS = [
    Field(
        "referral.brought",
        _("Came through a friend"),
        Kind.BOOLEAN,
        Found(lambda moment: Referral.objects.exclude(status=Referral.Status.REJECTED), "referee"),
        group=REFERRALS,
    ),
    Field(
        "event.referral.invited",
        _("Friend invited"),
        Kind.EVENT,
        Happenings(lambda: Invitation.objects.all(), "invited_at", customer="code__customer"),
        where=by_code(
            [
                _programme("code__programme__code"),
                Field("channel", _("Channel"), Kind.TEXT, Column("channel", blank=True)),
            ]
        ),
        group=REFERRALS,
    ),
    Field(
        "event.referral.registered",
        _("Friend registered"),
        Kind.EVENT,
        Happenings(
            lambda: Referral.objects.exclude(status=Referral.Status.REJECTED),
            "registered_at",
            customer="referrer",
        ),
        where=_PROGRAMME,
        group=REFERRALS,
    ),
    Field(
        "event.referral.qualified",
        _("Friend bought"),
        Kind.EVENT,
        Happenings(
            lambda: Referral.objects.converted().filter(qualified_at__isnull=False),
            "qualified_at",
            customer="referrer",
        ),
        where=_PROGRAMME,
        group=REFERRALS,
    ),
    Field(
        "event.referral.rewarded",
        _("Rewarded for a referral"),
        Kind.EVENT,
        Happenings(lambda: ReferralReward.objects.all(), "rewarded_at"),
        where=by_code(
            [
                _programme("referral__programme__code"),
                Field(
                    "side",
                    _("For"),
                    Kind.CHOICE,
                    Column("side"),
                    choices=lambda: dict(ReferralReward.Side.choices),
                ),
            ]
        ),
        group=REFERRALS,
    ),
]
