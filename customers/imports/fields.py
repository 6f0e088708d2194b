"""The fields of each kind of record that a file can hold. Their other names are in `aliases`."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from customers.imports import values
from customers.imports.values import Converter
from customers.models import Channel, Customer, Namespace, Purpose
from customers.models.consent import ConsentState

Text = str | Promise
LINE = "lines"  # The first step of the path of what is said once per line of an order.


@dataclass(frozen=True)
class Field:
    """One thing a record can say: where it goes in the item and how its cell is read.

    `whole_file` fields may be given once for every record; `choices` are what such a value may be.
    """

    code: str
    label: Text
    path: tuple[str, ...]
    convert: Converter = values.text
    group: Text = ""
    required: bool = False
    clearable: bool = False
    whole_file: bool = False
    choices: tuple[tuple[str, Text], ...] = ()


PERSON, ADDRESS, CONSENT = _("Person"), _("Address"), _("Consents")
ORDER, LINES, WHO, WHERE, WHAT = _("Order"), _("Lines"), _("Customer"), _("Where"), _("What happened")


def _text(code: str, label: Text, *, group: Text, **more: Any) -> Field:
    return Field(code, label, (code,), group=group, **{"clearable": True} | more)


def _consent(channel: str, purpose: str, label: Text) -> Field:
    code = f"consent.{channel}.{purpose}".lower()
    return Field(code, label, ("consents", channel, purpose), values.granted, CONSENT)


CONSENT_AT = Field("consent_at", _("Consents given at"), ("consent_at",), values.instant, CONSENT)
PROOF = Field(
    "proof", _("Proof of the consents"), ("proof",), values.evidence, CONSENT, whole_file=True
)  # fmt: skip
CUSTOMER_FIELDS = (
    Field("source_id", _("Customer number"), ("source_id",), values.key, PERSON, required=True),
    _text("email", _("E-mail"), group=PERSON, convert=values.key),
    _text("phone", _("Phone"), group=PERSON, convert=values.phone),
    _text("loyalty_card", _("Loyalty card"), group=PERSON, convert=values.key),
    _text("tax_code", _("Tax code"), group=PERSON, convert=values.key),
    Field("kind", _("Person or company"), ("kind",), values.state, PERSON, whole_file=True,
          choices=tuple(Customer.Kind.choices)),
    _text("first_name", _("First name"), group=PERSON),
    _text("last_name", _("Last name"), group=PERSON),
    _text("birth_date", _("Birth date"), group=PERSON, convert=values.day),
    _text("language", _("Language"), group=PERSON, convert=values.language),
    _text("timezone", _("Time zone"), group=PERSON),
    _text("street", _("Street"), group=ADDRESS),
    _text("postcode", _("Postcode"), group=ADDRESS),
    _text("city", _("City"), group=ADDRESS),
    _text("region", _("Region"), group=ADDRESS),
    _text("country", _("Country"), group=ADDRESS, convert=values.country),
    _consent("email", "MARKETING", _("Marketing by e-mail")),
    _consent("sms", "MARKETING", _("Marketing by SMS")),
    _consent("phone", "MARKETING", _("Marketing by phone")),
    _consent("post", "MARKETING", _("Marketing by post")),
    _consent("email", "PROFILING", _("Profiling")),
    CONSENT_AT,
    PROOF,
    Field("attributes", _("Attributes as JSON"), ("attributes",), values.structure, PERSON),
    Field("consents", _("Consents as JSON"), ("consents",), values.structure, CONSENT),
)  # fmt: skip


def _customer_reference(group: Text = WHO) -> tuple[Field, ...]:
    return (
        Field("customer.source_id", _("Customer number"), ("customer", "source_id"), values.key, group),
        Field("customer.email", _("Customer's e-mail"), ("customer", "email"), values.key, group),
        Field("customer.id", _("Customer's id in Fidelio"), ("customer", "id"), values.key, group),
        Field("customer", _("Customer as JSON"), ("customer",), values.structure, group),
    )  # fmt: skip


CURRENCY = Field("currency", _("Currency"), ("currency",), values.currency, ORDER, whole_file=True)
PLACES = (
    Field("sales_channel", _("Sales channel"), ("sales_channel",), values.key, WHERE, whole_file=True),
    Field("store", _("Store"), ("store",), values.key, WHERE, whole_file=True),
)  # fmt: skip
ORDER_FIELDS = (
    Field("source_id", _("Order number"), ("source_id",), values.key, ORDER, required=True),
    Field("ordered_at", _("Ordered at"), ("ordered_at",), values.instant, ORDER, required=True),
    CURRENCY,
    Field("status", _("Status"), ("status",), values.state, ORDER, whole_file=True,
          choices=(("PAID", _("Paid")), ("PENDING", _("Pending")))),
    Field("shipping_amount", _("Shipping"), ("shipping_amount",), values.amount, ORDER),
    *_customer_reference(),
    *PLACES,
    Field("business_unit", _("Business unit"), ("business_unit",), values.key, WHERE, whole_file=True),
    Field("lines.sku", _("Article (SKU)"), (LINE, "sku"), values.key, LINES, required=True),
    Field("lines.quantity", _("Quantity"), (LINE, "quantity"), values.decimal, LINES),
    Field("lines.unit_price", _("Unit price"), (LINE, "unit_price"), values.amount, LINES),
    Field("lines.amount", _("Amount before discount"), (LINE, "amount"), values.amount, LINES),
    Field("lines.discount_amount", _("Discount"), (LINE, "discount_amount"), values.amount, LINES),
    Field("lines.tax_rate", _("Tax rate, percent"), (LINE, "tax_rate"), values.decimal, LINES),
    Field("lines.line_id", _("Line number"), (LINE, "line_id"), values.key, LINES),
    Field("lines", _("Lines as JSON"), (LINE,), values.structure, LINES),
)  # fmt: skip
ARTICLE = _("Article")
PRODUCT_FIELDS = (
    Field("sku", _("SKU"), ("sku",), values.key, ARTICLE, required=True),
    _text("name", _("Name"), group=ARTICLE),
    _text("brand", _("Brand"), group=ARTICLE, whole_file=True),
    _text("category", _("Category"), group=ARTICLE, whole_file=True),
    _text("product_line", _("Product line"), group=ARTICLE, whole_file=True),
    _text("collection", _("Collection"), group=ARTICLE, whole_file=True),
    _text("unit_price", _("Price, VAT included"), group=ARTICLE, convert=values.amount),
    _text("unit_cost", _("Unit cost"), group=ARTICLE, convert=values.amount),
    _text("tax_rate", _("Tax rate, percent"), group=ARTICLE, convert=values.decimal, whole_file=True),
)  # fmt: skip
EVENT_FIELDS = (
    Field("external_id", _("Event number"), ("external_id",), values.key, WHAT, required=True),
    Field("type", _("Type"), ("type",), values.lower, WHAT, required=True, whole_file=True),
    Field("occurred_at", _("Occurred at"), ("occurred_at",), values.instant, WHAT, required=True),
    *_customer_reference(),
    Field("identity.value", _("Identity"), ("identity", "value"), values.key, WHO),
    Field("identity.namespace", _("Kind of identity"), ("identity", "namespace"),
          values.lower, WHO, whole_file=True,
          choices=tuple(Namespace.choices)),
    *PLACES,
    Field("sku", _("Article (SKU)"), ("sku",), values.key, WHAT),
    Field("amount", _("Amount"), ("amount",), values.amount, WHAT),
    CURRENCY,
    Field("payload", _("Content as JSON"), ("payload",), values.structure, WHAT),
)  # fmt: skip
CONSENT_FIELDS = (
    Field("email", _("E-mail"), ("email",), values.key, WHO),
    *_customer_reference()[:1],
    *_customer_reference()[2:],
    Field("channel", _("Channel"), ("channel",), values.lower, CONSENT, required=True, whole_file=True,
          choices=tuple(Channel.choices)),
    Field("purpose", _("Purpose"), ("purpose",), values.state, CONSENT, required=True, whole_file=True,
          choices=tuple(Purpose.choices)),
    Field("state", _("State"), ("state",), values.granted, CONSENT, required=True, whole_file=True,
          choices=tuple(ConsentState.choices)),
    Field("address", _("Contact point"), ("address",), values.key, CONSENT),
    Field("occurred_at", _("Given at"), ("occurred_at",), values.instant, CONSENT),
    Field("text_version", _("Version of the text"), ("text_version",), values.text, CONSENT, whole_file=True),
    PROOF,
)  # fmt: skip


def fields_of(fields: Iterable[Field]) -> Iterable[tuple[Text, list[Field]]]:
    """Return fields by their group, in their order."""
    groups: dict[Text, list[Field]] = {}
    for one in fields:
        groups.setdefault(one.group, []).append(one)
    return groups.items()
