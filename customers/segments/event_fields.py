"""What customers do, as rules name it: orders, articles bought, every kind of event, entering segments."""

from collections.abc import Iterable
from typing import Any

from django.db.models import ExpressionWrapper, F, QuerySet
from django.db.models.fields import BigIntegerField
from django.utils.translation import gettext_lazy as _

from customers.models import Event, Order, OrderLine, RollupScope, Segment, SegmentMembership
from customers.models.order import counts
from customers.segments.catalogue import Field, Group, Kind
from customers.segments.happenings import Happenings
from customers.segments.known import known_values
from customers.segments.readers import Column, JsonMember, Rows
from customers.segments.told_events import told_events
from customers.segments.totals import Totals

__all__ = ["EVENTS", "EVENT_FIELDS", "ORDER_FIELDS"]


def by_code(fields: Iterable[Field]) -> dict[str, Field]:
    """Return fields by their codes, as an event's own conditions name them."""
    return {field.code: field for field in fields}


def _line_field(code: str, label: Any, column: Column, kind: Kind = Kind.TEXT) -> Field:
    rows = Rows(lambda moment: OrderLine.objects.all(), column, owner="order", join="lines")
    return Field(code, label, kind, rows)


def segment_names() -> dict[str, str]:
    return dict(Segment.objects.order_by("name").values_list("code", "name"))


def _lines() -> QuerySet:
    sold = OrderLine.objects.filter(counts("order__"))
    paid = ExpressionWrapper(F("amount") - F("discount_amount"), output_field=BigIntegerField())
    return sold.annotate(paid_amount=paid)


def _entered(moment_column: str) -> Happenings:
    return Happenings(
        lambda: SegmentMembership.objects.filter(**{f"{moment_column}__isnull": False}), moment_column
    )


def _told_types() -> list[str]:
    return known_values(Event, "type")


_PLACES = [
    Field(
        "sales_channel",
        _("Sales channel"),
        Kind.TEXT,
        Column("sales_channel__code", nullable="sales_channel"),
    ),
    Field("store", _("Store"), Kind.TEXT, Column("store__code", nullable="store")),
]
_BUSINESS_UNIT = Field(
    "business_unit", _("Business unit"), Kind.TEXT, Column("business_unit__code", nullable="business_unit")
)
ORDER_FIELDS = by_code(
    [
        *_PLACES,
        _BUSINESS_UNIT,
        Field("source", _("Source"), Kind.TEXT, Column("source__code")),
        Field("amount", _("Amount"), Kind.MONEY, Column("total_amount")),
        Field("net_amount", _("Amount after returns"), Kind.MONEY, Column("net_amount")),
        Field("currency", _("Currency"), Kind.TEXT, Column("currency")),
        Field("day", _("Day"), Kind.DATE, Column("ordered_at", instant=True)),
        _line_field("sku", _("SKU"), Column("product__sku")),
        _line_field("product_line", _("Product line"), Column("product__product_line", blank=True)),
        _line_field("category", _("Category"), Column("product__category", blank=True)),
        _line_field("brand", _("Brand"), Column("product__brand", blank=True)),
        _line_field("collection", _("Collection"), Column("product__collection", blank=True)),
        _line_field("quantity", _("Quantity of an article"), Column("quantity"), Kind.NUMBER),
    ]
)
LINE_FIELDS = by_code(
    [
        Field("sku", _("SKU"), Kind.TEXT, Column("product__sku")),
        Field("product_line", _("Product line"), Kind.TEXT, Column("product__product_line", blank=True)),
        Field("category", _("Category"), Kind.TEXT, Column("product__category", blank=True)),
        Field("brand", _("Brand"), Kind.TEXT, Column("product__brand", blank=True)),
        Field("collection", _("Collection"), Kind.TEXT, Column("product__collection", blank=True)),
        Field("quantity", _("Quantity"), Kind.NUMBER, Column("quantity")),
        Field("amount", _("Amount"), Kind.MONEY, Column("paid_amount")),
        Field("discount_amount", _("Discount"), Kind.MONEY, Column("discount_amount")),
        Field(
            "sales_channel",
            _("Sales channel"),
            Kind.TEXT,
            Column("order__sales_channel__code", nullable="order__sales_channel"),
        ),
        Field("store", _("Store"), Kind.TEXT, Column("order__store__code", nullable="order__store")),
    ]
)
EVENT_FIELDS = by_code(
    [
        *_PLACES,
        _BUSINESS_UNIT,
        Field("source", _("Source"), Kind.TEXT, Column("source__code")),
        Field("amount", _("Amount"), Kind.MONEY, Column("amount", nullable="amount")),
        Field("day", _("Day"), Kind.DATE, Column("occurred_at", instant=True)),
        Field("sku", _("SKU"), Kind.TEXT, Column("product__sku", nullable="product")),
        Field(
            "product_line",
            _("Product line"),
            Kind.TEXT,
            Column("product__product_line", nullable="product", blank=True),
        ),
        Field(
            "category", _("Category"), Kind.TEXT, Column("product__category", nullable="product", blank=True)
        ),
        Field("brand", _("Brand"), Kind.TEXT, Column("product__brand", nullable="product", blank=True)),
        Field("payload.*", _("Detail"), Kind.ANY, JsonMember("payload"), parameter=_("Name of the detail")),
    ]
)
_MEMBERSHIP_FIELDS = by_code(
    [Field("segment", _("Segment"), Kind.CHOICE, Column("segment__code"), choices=segment_names)]
)
# The fields whose values have totals of their own.
SCOPES = {
    "product_line": RollupScope.PRODUCT_LINE,
    "sales_channel": RollupScope.CHANNEL,
    "store": RollupScope.STORE,
}

EVENTS: list[Field] = [
    Field(
        "event.order.recorded",
        _("Order placed"),
        Kind.EVENT,
        Happenings(
            lambda: Order.objects.counting(),
            "ordered_at",
            totals=Totals(SCOPES | {"business_unit": RollupScope.BUSINESS_UNIT}, all_orders=True),
        ),
        where=ORDER_FIELDS,
        group=Group.EVENTS,
    ),
    Field(
        "event.product.bought",
        _("Article bought"),
        Kind.EVENT,
        Happenings(_lines, "order__ordered_at", customer="order__customer", totals=Totals(SCOPES)),
        where=LINE_FIELDS,
        group=Group.EVENTS,
    ),
    *told_events(EVENT_FIELDS),
    Field(
        "event.segment.entered",
        _("Segment entered"),
        Kind.EVENT,
        _entered("entered_at"),
        where=_MEMBERSHIP_FIELDS,
        group=Group.EVENTS,
    ),
    Field(
        "event.segment.left",
        _("Segment left"),
        Kind.EVENT,
        _entered("left_at"),
        where=_MEMBERSHIP_FIELDS,
        group=Group.EVENTS,
    ),
    Field(
        "event.*",
        _("Event"),
        Kind.EVENT,
        Happenings(lambda type: Event.objects.filter(type=type).for_profiling(), "occurred_at"),
        where=EVENT_FIELDS,
        expand=_told_types,
        group=Group.EVENTS,
        parameter=_("Type of the event"),
    ),
]
