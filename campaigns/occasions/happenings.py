"""What an event says to a trigger's conditions, which it is of its kind, and whether it is still of use."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import CharField, Exists, OuterRef, Q, Value
from django.db.models.functions import Cast, Concat

from campaigns.models import Campaign, Occasion
from campaigns.occasions.found import Found
from campaigns.triggers import EventRule, SegmentRule
from campaigns.triggers.events import SAME_PRODUCT
from customers.models import Event, Order, OrderLine

ORDER = "order.recorded"
# What "once" means: one turn for ever, or one for each event.
ONCE = "once"
OF_EVENT = "event:"
# A refresh that took this long may commit entries that are older than the last look.
OVERLAP = timedelta(minutes=15)
BOUGHT_SINCE = """
SELECT occasion.id FROM campaigns_occasion AS occasion
WHERE occasion.id = ANY(%(ids)s) AND EXISTS (
    SELECT FROM customers_order AS bought
    WHERE bought.customer_id = occasion.customer_id AND bought.status = 'PAID'
      AND bought.ordered_at > (occasion.about ->> 'since')::timestamptz
      AND (NOT %(same)s OR EXISTS (
          SELECT FROM customers_orderline AS line
          WHERE line.order_id = bought.id
            AND occasion.about -> 'products' @> to_jsonb(line.product_id))))
"""
# Two articles are no collection yet; of several the one with the least missing.
ALMOST_COMPLETE = """
SELECT article.collection
FROM customers_product AS article
LEFT JOIN LATERAL (
    SELECT true AS owned FROM customers_orderline AS line
    JOIN customers_order AS bought ON bought.id = line.order_id
    WHERE line.product_id = article.id AND bought.customer_id = %(customer)s AND bought.status = 'PAID'
    LIMIT 1
) AS mine ON true
WHERE article.collection <> '' AND article.collection IN (
    SELECT collection FROM customers_product WHERE id = ANY(%(products)s))
GROUP BY article.collection
HAVING count(*) > 2 AND count(*) - count(owned) BETWEEN 1 AND %(most)s
ORDER BY count(*) - count(owned), article.collection
LIMIT 1
"""
HAPPENED_SINCE = """
SELECT occasion.id FROM campaigns_occasion AS occasion
WHERE occasion.id = ANY(%(ids)s) AND EXISTS (
    SELECT FROM customers_event AS happened
    WHERE happened.customer_id = occasion.customer_id AND happened.type = %(type)s
      AND happened.occurred_at > (occasion.about ->> 'since')::timestamptz)
"""


def event_facts(event: Event) -> dict[str, Any]:
    """Return what conditions may ask of an event; of an order the articles of all its lines, as lists."""
    facts: dict[str, Any] = {
        "amount": event.amount,
        "store": event.store.code if event.store else None,
        "sales_channel": event.sales_channel.code if event.sales_channel else None,
        "source": event.source.code,
    }
    names = ("sku", "product_line", "category", "brand")
    if order := order_of(event):
        articles = OrderLine.objects.filter(order=order)
        found = list(articles.values_list(*(f"product__{name}" for name in names)))
        for place, name in enumerate(names):
            facts[name] = sorted({article[place] for article in found} - {"", None})
    else:
        for name in names:
            facts[name] = (getattr(event.product, name) or None) if event.product else None
    return facts | {f"payload.{name}": value for name, value in event.payload.items()}


def about_event(event: Event) -> dict[str, Any]:
    """Return what a message about an event may speak of (see models.Occasion)."""
    about: dict[str, Any] = {"event": event.pk, "since": event.occurred_at.isoformat()}
    order = order_of(event)
    if order:
        lines = OrderLine.objects.filter(order=order).order_by("-amount", "pk")
        about |= {"order": order, "products": list(lines.values_list("product", flat=True))}
    elif event.product_id:
        about["products"] = [event.product_id]
    if about.get("products"):
        about["product"] = about["products"][0]
    if event.asset_id:
        about["asset"] = event.asset_id
    return about


def collection_to_complete(customer_id: int, products: Sequence[int], *, most_missing: int) -> str:
    """Return a collection of these articles that the customer has all but a few of; empty without one."""
    if not products:
        return ""
    with connection.cursor() as cursor:
        values = {"customer": customer_id, "products": list(products), "most": most_missing}
        cursor.execute(ALMOST_COMPLETE, values)
        found = cursor.fetchone()
    return found[0] if found else ""


def order_of(event: Event) -> int | None:
    """Return the order that an event of ours names."""
    order = event.payload.get("order")
    return order if event.type.startswith("order.") and isinstance(order, int) else None


def event_number(event: Event) -> int:
    """Return the how many-th of its kind an event is for its customer; of orders those that count."""
    order = Order.objects.filter(pk=order_of(event)).first() if event.type == ORDER else None
    if order is not None:
        earlier = Order.objects.counting().filter(customer=event.customer_id)
        before = Q(ordered_at__lt=order.ordered_at) | Q(ordered_at=order.ordered_at, pk__lte=order.pk)
        return earlier.filter(before).count()
    same = Event.objects.filter(customer=event.customer_id, type=event.type)
    before = Q(occurred_at__lt=event.occurred_at) | Q(occurred_at=event.occurred_at, pk__lte=event.pk)
    return same.filter(before).count()


def needless(rule: EventRule, occasions: Sequence[Occasion]) -> set[int]:
    """Return the ids of the occasions that something made needless since they arose."""
    ids = [occasion.pk for occasion in occasions]
    found: set[int] = set()
    with connection.cursor() as cursor:
        if rule.unless_bought:
            cursor.execute(BOUGHT_SINCE, {"ids": ids, "same": rule.unless_bought == SAME_PRODUCT})
            found |= {pk for (pk,) in cursor.fetchall()}
        if rule.unless_event:
            cursor.execute(HAPPENED_SINCE, {"ids": ids, "type": rule.unless_event})
            found |= {pk for (pk,) in cursor.fetchall()}
    return found


def occurrence_of(rule: EventRule | SegmentRule, event_id: int) -> str:
    """Return the occurrence of what an event starts: the event's own, or one for ever."""
    return ONCE if rule.only_once else f"{OF_EVENT}{event_id}"


def segment_moves(
    rule: SegmentRule, *, campaign: Campaign, after: datetime, until: datetime, since: datetime
) -> list[tuple[Found, datetime]]:
    """Return who entered or left the segment within (after, until], and when; told ones alone.

    Looks back a little further than asked, never before `since`, and leaves out what the campaign knows.
    """
    own = Value(ONCE) if rule.only_once else Concat(Value(OF_EVENT), Cast(OuterRef("pk"), CharField()))
    known = Occasion.objects.filter(campaign=campaign, customer=OuterRef("customer"), occurrence=own)
    moves = Event.objects.filter(
        ~Exists(known),
        type=rule.event_type,
        occurred_at__gt=max(after - OVERLAP, since),
        occurred_at__lte=until,
        payload__segment=rule.segment,
        customer__isnull=False,
    )
    named = moves.order_by("occurred_at", "pk").values_list("customer", "pk", "occurred_at")
    return [
        (
            Found(
                customer,
                occurrence_of(rule, pk),
                {"event": pk, "since": at.isoformat()},
            ),
            at,
        )
        for customer, pk, at in named
    ]
