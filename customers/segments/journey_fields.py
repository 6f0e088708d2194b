"""Fields of segment rules about a person's way: how far a prospect is, and which products they own."""

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from customers.models import AssetOwnership, Lead, LeadStage
from customers.segments.catalogue import Field, Group, Kind
from customers.segments.moments import Moment
from customers.segments.readers import Column, Rows

ORIGINS_SHOWN = 500


def _owned(moment: Moment) -> QuerySet:
    return AssetOwnership.objects.at(moment.last_instant)


def _of_the_assortment(moment: Moment) -> QuerySet:
    return _owned(moment).filter(asset__product__isnull=False)


def _origins() -> dict[str, str]:
    origins = Lead.objects.exclude(origin="").order_by("origin").values_list("origin", flat=True)
    return {origin: origin for origin in origins.distinct()[:ORIGINS_SHOWN]}


FIELDS: list[Field] = [
    Field(
        "lead.stage",
        _("Stage as a prospect"),
        Kind.CHOICE,
        Rows(lambda moment: Lead.objects.all(), Column("stage")),
        choices=lambda: dict(LeadStage.choices),
        group=Group.PERSON,
    ),
    Field(
        "lead.origin",
        _("Lead source"),
        Kind.CHOICE,
        Rows(lambda moment: Lead.objects.all(), Column("origin", blank=True)),
        choices=_origins,
        group=Group.PERSON,
    ),
    Field(
        "asset.sku",
        _("Owns the product"),
        Kind.TEXT,
        Rows(_of_the_assortment, Column("asset__product__sku"), several=True),
        group=Group.PURCHASES,
    ),
    Field(
        "asset.owned_from",
        _("Owns a product since"),
        Kind.DATE,
        Rows(_owned, Column("owned_from", instant=True), several=True),
        group=Group.PURCHASES,
    ),
]
