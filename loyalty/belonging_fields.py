"""The fields that tiers give to segment rules."""

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from customers.segments.fields import Column, Field, Kind, Rows
from customers.segments.moments import Moment
from loyalty.models import Tier, TierPeriod


def _periods(moment: Moment) -> QuerySet[TierPeriod]:
    return TierPeriod.objects.at(moment.last_instant)


def _tiers() -> dict[str, str]:
    return dict(Tier.objects.order_by("threshold").values_list("code", "name"))


BELONGING_FIELDS = [
    Field(
        "tier",
        _("Tier"),
        Kind.CHOICE,
        Rows(_periods, Column("tier__code")),
        choices=_tiers,
        group=_("Loyalty"),
    ),
    Field(
        "tier.since",
        _("In the tier since"),
        Kind.DATE,
        Rows(_periods, Column("started_at", instant=True)),
        group=_("Loyalty"),
    ),
    Field(
        "tier.kept_until",
        _("Tier kept until"),
        Kind.DATE,
        Rows(_periods, Column("kept_until", nullable="kept_until")),
        group=_("Loyalty"),
    ),
]
