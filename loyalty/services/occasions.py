"""Orders and events as the pure rules see them. Reads only."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db.models import F, Q, Sum

from coupons.models import Redemption
from customers.models import BusinessUnit, Customer, Event, Order, OrderLine, SegmentMembership
from loyalty.rules import ORDER, Bought, Occasion, Terms
from loyalty.services.benefits import benefits_of


def order_occasion(order: Order, terms: Iterable[Terms]) -> Occasion:
    """Return what the rules may ask about an order; lines only where one of them looks at lines."""
    asked = list(terms)
    cards = gift_card_amount(order)
    goods = order.total_amount - cards
    lines = order_lines(order) if any(one.looks_at_lines for one in asked) else ()
    return Occasion(
        type=ORDER,
        at=order.ordered_at,
        zone=settings.PROGRAMME_TIME_ZONE,
        goods=goods,
        paid=max(0, goods - paid_by_points(order)),
        lines=lines,
        store=order.store.code if order.store else "",
        sales_channel=order.sales_channel.code if order.sales_channel else "",
        business_unit=_business_unit(order, asked),
        **customer_facts(order.customer, asked, at=order.ordered_at),
    )


def event_occasion(event: Event, customer: Customer, terms: Iterable[Terms]) -> Occasion:
    """Return what the rules may ask about an event; its article is a line without an amount."""
    product = event.product
    line = Bought(quantity=Decimal(1), **_names(product)) if product else None
    return Occasion(
        type=event.type,
        at=event.occurred_at,
        zone=settings.PROGRAMME_TIME_ZONE,
        lines=(line,) if line else (),
        store=event.store.code if event.store else "",
        sales_channel=event.sales_channel.code if event.sales_channel else "",
        business_unit=event.business_unit.code if event.business_unit else "",
        payload=event.payload,
        **customer_facts(customer, list(terms), at=event.occurred_at),
    )


def paid_amount(order: Order) -> int:
    """Return what earns points: goods after discounts, VAT included, in minor units (incentives.md, P6).

    Shipping, gift cards bought and what points paid for do not count.
    """
    return max(0, order.total_amount - gift_card_amount(order) - paid_by_points(order))


def paid_by_points(order: Order) -> int:
    paid = Redemption.objects.filter(stack__order=order, kind=Redemption.Kind.POINTS)
    paid = paid.exclude(status=Redemption.Status.ROLLED_BACK)
    return paid.aggregate(amount=Sum("tender_amount"))["amount"] or 0


def gift_card_amount(order: Order) -> int:
    """Return what an order's gift cards cost: they are no goods."""
    cards = OrderLine.objects.filter(order=order, line_id__in=order.gift_cards.values("line_id"))
    return cards.aggregate(amount=Sum(F("amount") - F("discount_amount")))["amount"] or 0


def order_lines(order: Order) -> tuple[Bought, ...]:
    """Return the lines of goods, without gift cards."""
    lines = order.lines.exclude(line_id__in=order.gift_cards.values("line_id"))
    return tuple(
        Bought(quantity=line.quantity, amount=line.total_amount, pk=line.pk, **_names(line.product))
        for line in lines.select_related("product").order_by("pk")
    )


def customer_segments(customer: Customer, codes: Iterable[str], *, at: datetime) -> frozenset[str]:
    """Return which of these segments a customer was in at an instant."""
    asked = set(codes)
    if not asked:
        return frozenset()
    memberships = SegmentMembership.objects.filter(
        Q(left_at__isnull=True) | Q(left_at__gt=at),
        customer=customer,
        entered_at__lte=at,
        segment__code__in=asked,
    )
    return frozenset(memberships.values_list("segment__code", flat=True))


def customer_facts(customer: Customer, terms: list[Terms], *, at: datetime) -> dict[str, Any]:
    """Return what the rules ask about a customer: the segments they were in, and what their tier gives."""
    codes = frozenset().union(*(one.segments for one in terms))
    facts: dict[str, Any] = {"segments": customer_segments(customer, codes, at=at)}
    if any(one.benefits for one in terms):
        facts["benefit"] = benefits_of(customer, at=at).multiplier
    return facts


def _business_unit(order: Order, terms: list[Terms]) -> str:
    asks = any(
        when.business_units
        for one in terms
        for when in (one.conditions.when, *(m.when for m in one.multipliers))
    )
    if not asks or order.business_unit_id is None:
        return ""
    return BusinessUnit.objects.values_list("code", flat=True).get(pk=order.business_unit_id)


def _names(product) -> dict[str, str]:
    return {
        "sku": product.sku,
        "product": product.name,
        "category": product.category,
        "brand": product.brand,
        "collection": product.collection,
    }
