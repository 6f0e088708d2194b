"""The fields that customers give to segment rules: who they are, what they allow, what they did."""

from collections.abc import Callable, Iterable
from typing import Any

from django.db.models import Q, QuerySet
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from customers.models import (
    Channel,
    Consent,
    Customer,
    Event,
    Order,
    OrderLine,
    Purpose,
    Rollup,
    RollupScope,
    Segment,
    SegmentMembership,
    Trait,
)
from customers.models.consent import ConsentState
from customers.segments.catalogue import Field, Kind
from customers.segments.known import known_values
from customers.segments.moments import Moment
from customers.segments.readers import Column, Happenings, JsonValue, Rows

__all__ = ["FIELDS", "Column", "Field", "Happenings", "JsonValue", "Kind", "Rows"]


def _choices(choices: Iterable[tuple[str, Any]]) -> Callable[[], dict[str, Any]]:
    return lambda: dict(choices)


def _live_statuses() -> dict[str, Any]:
    live = (Customer.Status.ACTIVE, Customer.Status.PROSPECT)
    return {status.value: status.label for status in live}


def _segment_names() -> dict[str, str]:
    return dict(Segment.objects.order_by("name").values_list("code", "name"))


def _members_at(moment: Moment) -> QuerySet:
    entered = SegmentMembership.objects.filter(entered_at__lt=moment.until)
    return entered.filter(Q(left_at__isnull=True) | Q(left_at__gte=moment.until))


def _consents(channel: str, purpose: str) -> Field:
    return Field(
        f"consent.{channel}.{purpose}",
        format_lazy("{}: {}, {}", _("Consent"), Channel(channel).label, Purpose(purpose).label),
        Kind.CHOICE,
        Rows(
            lambda moment: Consent.objects.filter(channel=channel, purpose=purpose),
            Column("state"),
            several=True,
        ),
        choices=_choices(ConsentState.choices),
    )


def _lifetime(moment: Moment) -> QuerySet:
    return Rollup.objects.filter(scope=RollupScope.ALL, scope_value="")


def _line_field(code: str, label: Any, column: Column) -> Field:
    return Field(code, label, Kind.TEXT, Rows(lambda moment: OrderLine.objects.all(), column, owner="order"))


def _by_code(fields: list[Field]) -> dict[str, Field]:
    return {field.code: field for field in fields}


_PLACES = [
    Field(
        "sales_channel",
        _("Sales channel"),
        Kind.TEXT,
        Column("sales_channel__code", nullable="sales_channel"),
    ),
    Field("store", _("Store"), Kind.TEXT, Column("store__code", nullable="store")),
]
ORDER_FIELDS = _by_code(
    [
        *_PLACES,
        Field(
            "business_unit",
            _("Business unit"),
            Kind.TEXT,
            Column("business_unit__code", nullable="business_unit"),
        ),
        Field("amount", _("Amount"), Kind.MONEY, Column("total_amount")),
        Field("currency", _("Currency"), Kind.TEXT, Column("currency")),
        _line_field("sku", _("SKU"), Column("product__sku")),
        _line_field("product_line", _("Product line"), Column("product__product_line", blank=True)),
        _line_field("category", _("Category"), Column("product__category", blank=True)),
        _line_field("brand", _("Brand"), Column("product__brand", blank=True)),
    ]
)
EVENT_FIELDS = _by_code(
    [
        *_PLACES,
        Field("amount", _("Amount"), Kind.MONEY, Column("amount", nullable="amount")),
        Field("sku", _("SKU"), Kind.TEXT, Column("product__sku", nullable="product")),
    ]
)

FIELDS: list[Field] = [
    Field("customer.city", _("City"), Kind.TEXT, Column("city", blank=True)),
    Field("customer.region", _("Region"), Kind.TEXT, Column("region", blank=True)),
    Field("customer.postcode", _("Postcode"), Kind.TEXT, Column("postcode", blank=True)),
    Field("customer.country", _("Country"), Kind.TEXT, Column("country", blank=True)),
    Field("customer.language", _("Language"), Kind.TEXT, Column("language", blank=True)),
    Field("customer.status", _("Status"), Kind.CHOICE, Column("status"), choices=_live_statuses),
    Field(
        "customer.kind",
        _("Person or company"),
        Kind.CHOICE,
        Column("kind"),
        choices=_choices(Customer.Kind.choices),
    ),
    Field(
        "customer.birth_month",
        _("Month of birth"),
        Kind.INTEGER,
        Column("birth_date__month", nullable="birth_date"),
    ),
    Field(
        "customer.birth_date",
        _("Date of birth"),
        Kind.DATE,
        Column("birth_date", nullable="birth_date"),
    ),
    Field("customer.created_at", _("Customer since"), Kind.DATE, Column("created_at", instant=True)),
    *[_consents(channel, purpose) for channel in Channel.values for purpose in Purpose.values],
    Field("stats.orders", _("Orders"), Kind.INTEGER, Rows(_lifetime, Column("orders"), default=0)),
    Field("stats.net_amount", _("Spent"), Kind.MONEY, Rows(_lifetime, Column("net_amount"), default=0)),
    Field(
        "stats.first_order_at",
        _("First order"),
        Kind.DATE,
        Rows(_lifetime, Column("first_order_at", instant=True)),
    ),
    Field(
        "stats.last_order_at",
        _("Last order"),
        Kind.DATE,
        Rows(_lifetime, Column("last_order_at", instant=True)),
    ),
    Field(
        "stats.days_since_first_order",
        _("Days since the first order"),
        Kind.INTEGER,
        Rows(_lifetime, Column("first_order_at", days_since=True)),
    ),
    Field(
        "stats.days_since_last_order",
        _("Days since the last order"),
        Kind.INTEGER,
        Rows(_lifetime, Column("last_order_at", days_since=True)),
    ),
    Field(
        "segment",
        _("Segment"),
        Kind.CHOICE,
        Rows(_members_at, Column("segment__code"), several=True),
        choices=_segment_names,
    ),
    Field(
        "trait.*",
        _("Trait"),
        Kind.ANY,
        Rows(lambda moment, code: Trait.objects.filter(code=code), JsonValue("value")),
        expand=lambda: known_values(Trait, "code"),
    ),
    Field(
        "event.order.recorded",
        _("Order placed"),
        Kind.EVENT,
        Happenings(lambda: Order.objects.counting(), "ordered_at"),
        where=ORDER_FIELDS,
    ),
    Field(
        "event.*",
        _("Event"),
        Kind.EVENT,
        Happenings(lambda type: Event.objects.filter(type=type), "occurred_at"),
        where=EVENT_FIELDS,
        expand=lambda: [type for type in known_values(Event, "type") if type != "order.recorded"],
    ),
]
