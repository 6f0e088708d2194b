"""What customers bought of one product line, through one channel, in one store: totals as fields of rules."""

from collections.abc import Callable
from typing import Any

from django.db.models import QuerySet
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from customers.models import (
    BusinessUnit,
    Product,
    RollupScope,
    SalesChannel,
    ScopedRollup,
    Store,
)
from customers.segments.catalogue import Field, Group, Kind
from customers.segments.known import known_values
from customers.segments.moments import Moment
from customers.segments.readers import Column, Rows

# So many of each are offered; any other can be written.
OFFERED = 50
# The word of the code, the scope, what is known of it, and what a person writes in place of the `*`.
SCOPES: list[tuple[str, RollupScope, Any, str, Any]] = [
    ("product_line", RollupScope.PRODUCT_LINE, Product, "product_line", _("Name of the product line")),
    ("sales_channel", RollupScope.CHANNEL, SalesChannel, "code", _("Code of the sales channel")),
    ("business_unit", RollupScope.BUSINESS_UNIT, BusinessUnit, "code", _("Code of the business unit")),
    ("store", RollupScope.STORE, Store, "code", _("Code of the store")),
]


def scope_fields() -> list[Field]:
    """Return how often, how much, first and last of each scope."""
    return [field for scope in SCOPES for field in _fields(*scope)]


def _fields(word: str, scope: RollupScope, model: Any, column: str, parameter: Any) -> list[Field]:
    def rows(moment: Moment, value: str) -> QuerySet:
        return ScopedRollup.objects.filter(scope=scope, scope_value=value)

    def field(name: str, label: Any, kind: Kind, reader: Rows, **more: Any) -> Field:
        return Field(
            f"stats.{word}.*.{name}",
            format_lazy("{}, {}", label, scope.label),
            kind,
            reader,
            expand=_known(model, column),
            group=Group.PURCHASES,
            parameter=parameter,
            **more,
        )

    return [
        field("orders", _("Orders"), Kind.INTEGER, Rows(rows, Column("orders"), default=0), minimum=0),
        field("net_amount", _("Spent"), Kind.MONEY, Rows(rows, Column("net_amount"), default=0)),
        field(
            "first_order_at", _("First order"), Kind.DATE, Rows(rows, Column("first_order_at", instant=True))
        ),
        field(
            "days_since_last_order",
            _("Days since the last order"),
            Kind.INTEGER,
            Rows(rows, Column("last_order_at", days_since=True)),
            unit="days",
        ),
    ]


def _known(model: Any, column: str) -> Callable[[], list[str]]:
    return lambda: [value for value in known_values(model, column) if value][:OFFERED]
