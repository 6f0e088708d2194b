"""What can be brought in by a file: the kinds of records, and the service that takes each.

A record is checked by the API's own serializer, so that a file can say exactly what a call can.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from customers import services
from customers.api.catalogue import ProductIn
from customers.api.consents import ConsentIn
from customers.api.customers import CustomerIn
from customers.api.events import EventIn
from customers.api.orders import OrderIn
from customers.imports.fields import (
    CONSENT_FIELDS,
    CUSTOMER_FIELDS,
    EVENT_FIELDS,
    ORDER_FIELDS,
    PRODUCT_FIELDS,
    Field,
    Text,
)
from operations.models.client import Scope
from operations.outcomes import Outcome, WriteMode


@dataclass(frozen=True)
class Kind:
    """One kind of record.

    `open` is where columns of the sender's own go, such as attributes; `number` the field that says which
    record it is; `scope` what an API client needs to send such a file.
    """

    code: str
    label: Text
    fields: tuple[Field, ...]
    serializer: type[serializers.Serializer]
    write: Callable[..., list[Outcome]]
    open: str = ""
    number: str = ""
    scope: str = ""
    modes: tuple[str, ...] = ("upsert",)
    announces: bool = False
    by_name: dict[str, Field] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_name", {one.code: one for one in self.fields})


def _write_products(
    items: list[dict[str, Any]], *, at: datetime, mode: WriteMode, announce: bool
) -> list[Outcome]:
    return services.upsert_products(items, mode=mode)


def _write_customers(
    items: list[dict[str, Any]], *, at: datetime, mode: WriteMode, announce: bool
) -> list[Outcome]:
    return services.upsert_customers(items, at=at, mode=mode)


def _write_orders(
    items: list[dict[str, Any]], *, at: datetime, mode: WriteMode, announce: bool
) -> list[Outcome]:
    return services.record_orders(items, at=at, announce=announce)


def _write_events(
    items: list[dict[str, Any]], *, at: datetime, mode: WriteMode, announce: bool
) -> list[Outcome]:
    return services.record_external_events(items, at=at, announce=announce, quarantine=False)


def _write_consents(
    items: list[dict[str, Any]], *, at: datetime, mode: WriteMode, announce: bool
) -> list[Outcome]:
    return services.record_external_consents(items, at=at)


ALL_MODES = ("upsert", "create", "update")
KINDS: dict[str, Kind] = {
    kind.code: kind
    for kind in (
        Kind("customers", _("Customers"), CUSTOMER_FIELDS, CustomerIn, _write_customers, "attributes",
             number="source_id", scope=Scope.CUSTOMERS_WRITE, modes=ALL_MODES),
        Kind("orders", _("Orders"), ORDER_FIELDS, OrderIn, _write_orders,
             number="source_id", scope=Scope.ORDERS_WRITE, announces=True),
        Kind("products", _("Products"), PRODUCT_FIELDS, ProductIn, _write_products,
             number="sku", scope=Scope.CATALOGUE_WRITE, modes=ALL_MODES),
        Kind("events", _("Events"), EVENT_FIELDS, EventIn, _write_events, "payload",
             number="external_id", scope=Scope.EVENTS_WRITE, announces=True),
        Kind("consents", _("Consents"), CONSENT_FIELDS, ConsentIn, _write_consents,
             scope=Scope.CONSENTS_WRITE),
    )
}  # fmt: skip
