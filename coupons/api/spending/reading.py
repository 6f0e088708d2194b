"""From a request to the spending it asks about, and the counting of codes that lead nowhere."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers
from rest_framework.request import Request

from coupons import services
from coupons.api.spending.shapes import SpendingIn
from coupons.engine import Application, Cart, Line
from coupons.services import Buyer, Purchase, Redeemable, Spending
from coupons.services.offers import unknown_codes
from coupons.services.spendings import Offer
from operations.api.readers import NotPlain, reader_of
from operations.models import ApiClient
from operations.wrong_codes import TooManyWrongCodes, count_wrong_codes, refuse_guessing

ARTICLE = ("sku", "product", "category", "brand", "collection")


@dataclass(frozen=True)
class Question:
    """A request that was understood: the spending it asks about, and at which moment."""

    spending: Spending
    fields: dict[str, Any]
    at: datetime


def read_question(
    request: Request,
    shape: type[SpendingIn],
    *,
    needs_redeemables: bool = True,
    create_prospect: bool = False,
) -> Question:
    """Return what the request asks. Raises InvalidInput, CustomerNotFound, TooManyWrongCodes."""
    fields = _fields(request.data, shape)
    if needs_redeemables and not fields["redeemables"] and not fields["automatic"]:
        raise serializers.ValidationError({"redeemables": [_("Name something to spend.")]})
    at = fields.get("at") or fields.get("redeemed_at") or timezone.now()
    reference = dict(fields["customer"]) if fields["customer"] else None
    # Who may make a prospect spends, in a transaction: there the buyer has to stay who they are.
    buyer = services.find_buyer(reference, create_prospect=create_prospect, hold=create_prospect, at=at)
    refuse_guessing(request.auth, subject_of(buyer, reference))
    return Question(_spending(request, fields, buyer), fields, at)


def _fields(data: Any, shape: type[SpendingIn]) -> dict[str, Any]:
    try:
        return reader_of(shape)(data)
    except NotPlain:
        return _checker(shape).run_validation(data)


@cache
def _checker(shape: type[SpendingIn]) -> SpendingIn:
    """Return one serializer for all requests: to build it takes longer than to check a cart with it."""
    return shape()


def subject_of(buyer: Buyer, reference: dict[str, str] | None = None) -> str:
    """Return under whom wrong codes are counted."""
    if buyer.subject or not reference:
        return buyer.subject
    return f"reference:{reference.get('source')}:{reference.get('source_id')}"


def count_unknown(client: ApiClient, spending: Spending, offers: Iterable[Offer]) -> None:
    """Count the codes that do not exist. Raises TooManyWrongCodes."""
    unknown = [one for one in offers if one.unknown]
    count_wrong_codes(client, subject_of(spending.buyer), len(unknown))


def count_refused(client: ApiClient, spending: Spending) -> None:
    """Count the codes of a refused spending that do not exist: each of them, whatever was refused first.

    Raises TooManyWrongCodes.
    """
    count_wrong_codes(client, subject_of(spending.buyer), unknown_codes(spending.redeemables))


def count_left_out(client: ApiClient, spending: Spending) -> None:
    """Count the unknown codes that a partial application left out; what was spent stays spent."""
    if spending.application != Application.PARTIAL:
        return
    try:
        count_refused(client, spending)
    except TooManyWrongCodes:
        return  # The next request is refused.


def _spending(request: Request, fields: dict[str, Any], buyer: Buyer) -> Spending:
    return Spending(
        purchase=_purchase(fields["order"], request.data["order"]),
        buyer=buyer,
        redeemables=tuple(_redeemable(one) for one in fields["redeemables"]),
        automatic=fields["automatic"],
        application=Application(fields["application"]),
        client=request.auth,
        reservation_key=fields.get("reservation_key") or "",
    )


def _redeemable(one: dict[str, Any]) -> Redeemable:
    name = one.get("code") or one.get("id") or ""
    return Redeemable(one["type"], name, units=one.get("amount") or one.get("points"))


def _purchase(order: dict[str, Any], content: dict[str, Any]) -> Purchase:
    cart = Cart(
        lines=tuple(_line(line) for line in order["lines"]),
        currency=order["currency"],
        shipping_amount=order["shipping_amount"],
        store=order.get("store", ""),
        sales_channel=order.get("sales_channel", ""),
        country=order.get("country", ""),
        metadata=order.get("metadata") or {},
    )
    return Purchase(cart, content, source=order.get("source", ""), source_id=order.get("source_id", ""))


def _line(line: dict[str, Any]) -> Line:
    return Line(
        line_id=line["line_id"],
        unit_price=line["unit_price"],
        quantity=line["quantity"],
        tax_rate=line.get("tax_rate") or Decimal(0),
        unit_cost=line.get("unit_cost"),
        discounted=line.get("discounted", False),
        metadata=line.get("metadata") or {},
        **{name: line.get(name, "") for name in ARTICLE},
    )
