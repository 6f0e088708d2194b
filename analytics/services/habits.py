"""What people usually do, read from their orders in sets: favourites, places, times, discounts, interests.

An order weighs half as much after each half year, so that habits follow people slowly.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Any

import numpy as np
from django.conf import settings
from django.db import connection
from django.db.models import Exists, OuterRef
from django.utils import timezone

from analytics.behaviour.habits import RECENT_ORDERS, channel_profile, sensitivity, shrunk
from analytics.behaviour.traits import INTERESTS
from analytics.models import BehaviourState
from analytics.services.behaviour_history import PROFILED
from customers.models import Source, Trait
from customers.models.consent import Purpose

Row = tuple[int, str, Any]

HABIT_HALF_LIFE_DAYS = 180
FAVOURITES = 3
FEWEST_ORDERS = 2
USUAL = 0.4  # What is usual is so in two of five orders.
FAVOURITE_BRAND = 0.2
INTEREST_DAYS = 90
INTEREST_HALF_LIFE_DAYS = 30
MOST_INTERESTS = 5
# What says how much of an interest, as in the engagement score of RFM.
SIGNS = {
    "product.viewed": 1,
    "review.written": 3,
    "product.registered": 3,
    "product.configured": 8,
    "product.tried": 8,
}

_ORDERS = f"""
CREATE TEMPORARY TABLE fidelio_habits ON COMMIT DROP AS
SELECT ordered.id, ordered.customer_id, ordered.ordered_at AT TIME ZONE %(zone)s AS local,
    ordered.store_id, ordered.sales_channel_id,
    power(2::float8, greatest(
        extract(epoch FROM ordered.ordered_at - %(end)s) / 86400 / {HABIT_HALF_LIFE_DAYS}, -100)) AS weight,
    row_number() OVER (
        PARTITION BY ordered.customer_id ORDER BY ordered.ordered_at DESC, ordered.id DESC) AS place,
    count(*) OVER (PARTITION BY ordered.customer_id) AS orders
FROM customers_order AS ordered JOIN customers_customer AS customer ON customer.id = ordered.customer_id
WHERE ordered.status = 'PAID' AND ordered.currency = %(currency)s AND ordered.ordered_at < %(end)s
  AND {PROFILED} {{among}}
"""
_GOODS = """
CREATE TEMPORARY TABLE fidelio_goods ON COMMIT DROP AS
SELECT habit.customer_id, product.category, product.brand, product.product_line,
    sum(habit.weight * line.amount) AS amount, count(DISTINCT habit.id) AS orders
FROM fidelio_habits AS habit JOIN customers_orderline AS line ON line.order_id = habit.id
JOIN customers_product AS product ON product.id = line.product_id
GROUP BY 1, 2, 3, 4
"""
_FAVOURITES = """
SELECT customer_id, array_agg(name ORDER BY amount DESC, name) FROM (
    SELECT customer_id, {column} AS name, sum(amount) AS amount,
        sum(sum(amount)) OVER (PARTITION BY customer_id) AS total,
        row_number() OVER (PARTITION BY customer_id ORDER BY sum(amount) DESC, {column}) AS rank
    FROM fidelio_goods WHERE {column} <> '' GROUP BY 1, 2 HAVING sum(orders) >= %(fewest)s AND sum(amount) > 0
) AS ranked
WHERE rank <= %(most)s AND amount >= %(share)s * total
GROUP BY customer_id
"""
_USUAL = """
SELECT DISTINCT ON (customer_id) customer_id, value FROM (
    SELECT customer_id, {value} AS value, sum(weight) AS weight,
        sum(sum(weight)) OVER (PARTITION BY customer_id) AS total
    FROM fidelio_habits WHERE orders >= %(fewest)s AND {value} IS NOT NULL GROUP BY 1, 2
) AS counted
WHERE weight >= %(share)s * total
ORDER BY customer_id, weight DESC, value
"""
_CHANNELS = """
SELECT habit.customer_id, channel.code, sum(habit.weight), array_agg(habit.place ORDER BY habit.place)
FROM fidelio_habits AS habit JOIN customers_saleschannel AS channel ON channel.id = habit.sales_channel_id
GROUP BY 1, 2 ORDER BY 1, 2
"""
# An order that a code was spent on is reduced as a whole, any other by the share of its reduced articles.
_DISCOUNTED = """
SELECT habit.customer_id, sum(habit.weight), sum(habit.weight * CASE
    WHEN EXISTS (
        SELECT FROM coupons_redemptionstack AS stack
        WHERE stack.order_id = habit.id AND stack.status = 'REDEEMED' AND stack.discount_amount > 0
    ) THEN 1 ELSE COALESCE(line.reduced, 0) END)
FROM fidelio_habits AS habit
LEFT JOIN (
    SELECT line.order_id, sum(line.amount) FILTER (WHERE line.discount_amount > 0)::float8
        / NULLIF(sum(line.amount), 0) AS reduced
    FROM customers_orderline AS line JOIN fidelio_habits AS habit ON habit.id = line.order_id GROUP BY 1
) AS line ON line.order_id = habit.id
GROUP BY 1 ORDER BY 1
"""
# Coupons whose time is over, or that were used: of the others nobody knows the answer yet.
_ANSWERED = """
SELECT given.customer_id, count(*)::float8, count(*) FILTER (WHERE coupon.uses > 0)::float8
FROM coupons_publication AS given JOIN coupons_coupon AS coupon ON coupon.id = given.coupon_id
WHERE given.status = 'PUBLISHED' AND NOT coupon.public AND given.published_at < %(end)s
  AND (coupon.uses > 0 OR COALESCE(coupon.valid_until, given.published_at + interval '30 days') <= %(end)s)
  {among}
GROUP BY 1
"""
_INTERESTS = f"""
SELECT customer_id, array_agg(name ORDER BY strength DESC, name) FROM (
    SELECT event.customer_id, product.category AS name, sum(
        (%(signs)s::jsonb ->> event.type)::float8
        * power(2::float8, extract(epoch FROM event.occurred_at - %(end)s)
            / 86400 / {INTEREST_HALF_LIFE_DAYS})) AS strength,
        row_number() OVER (PARTITION BY event.customer_id ORDER BY sum(
            (%(signs)s::jsonb ->> event.type)::float8
            * power(2::float8, extract(epoch FROM event.occurred_at - %(end)s)
                / 86400 / {INTEREST_HALF_LIFE_DAYS})) DESC, product.category) AS rank
    FROM customers_event AS event JOIN customers_product AS product ON product.id = event.product_id
    JOIN customers_customer AS customer ON customer.id = event.customer_id
    WHERE event.type = ANY(%(types)s) AND event.occurred_at < %(end)s
      AND event.occurred_at >= %(end)s - make_interval(days => {INTEREST_DAYS})
      AND event.source_id <> ALL(%(barred)s) AND product.category <> '' AND {PROFILED}
    GROUP BY 1, 2
) AS ranked WHERE rank <= {MOST_INTERESTS} GROUP BY 1
"""


@dataclass(frozen=True)
class Averages:
    """What everybody does on average: the reduced share of what they buy, and of coupons the share used."""

    discounted: float = 0.0
    answered: float = 0.0


@dataclass
class Habits:
    """The traits found, and how many people are of each kind."""

    rows: list[Row] = field(default_factory=list)
    counts: dict[str, dict[str, int]] = field(default_factory=dict)

    def add(self, customer_id: int, code: str, value: Any) -> None:
        self.rows.append((customer_id, code, value))

    def count(self, what: str, value: str) -> None:
        counted = self.counts.setdefault(what, {})
        counted[value] = counted.get(value, 0) + 1


def read_averages(*, as_of: date) -> Averages:
    """Return what everybody's orders before a day tell."""
    parameters = _parameters(as_of)
    with connection.cursor() as cursor:
        _take_orders(cursor, parameters)
        cursor.execute(f"SELECT sum(orders), sum(reduced) FROM ({_DISCOUNTED}) AS each (id, orders, reduced)")
        orders, reduced = cursor.fetchone()
        answered = _ANSWERED.format(among="AND given.customer_id IN (SELECT customer_id FROM fidelio_habits)")
        cursor.execute(
            f"SELECT sum(given), sum(used) FROM ({answered}) AS each (id, given, used)", parameters
        )
        given, used = cursor.fetchone()
    return Averages(_ratio(reduced or 0, orders or 0), _ratio(used or 0, given or 0))


def read_habits(*, as_of: date, among: Sequence[int], averages: Averages) -> Habits:
    """Return the habits of these customers from their orders before a day; none without a purchase.

    All of them are held at once: of everybody they are read in portions. `averages` are everybody's.
    """
    parameters = _parameters(as_of) | {"among": list(among)}
    habits = Habits()
    with connection.cursor() as cursor:
        _take_orders(cursor, parameters, among="AND ordered.customer_id = ANY(%(among)s)")
        cursor.execute(_GOODS, parameters)
        _read_favourites(cursor, parameters, habits)
        _read_usual(cursor, parameters, habits)
        _read_channels(cursor, habits)
        _read_sensitivity(cursor, parameters, habits, averages)
    return habits


def _parameters(as_of: date) -> dict[str, Any]:
    return {
        "zone": settings.PROGRAMME_TIME_ZONE,
        "currency": settings.PROGRAMME_CURRENCY,
        "end": timezone.make_aware(datetime.combine(as_of, time.min), timezone.get_default_timezone()),
        "fewest": FEWEST_ORDERS,
    }


def _take_orders(cursor: Any, parameters: dict[str, Any], *, among: str = "") -> None:
    for table in ("fidelio_habits", "fidelio_goods"):
        cursor.execute(f"DROP TABLE IF EXISTS pg_temp.{table}")
    cursor.execute(_ORDERS.format(among=among), parameters)
    cursor.execute("CREATE INDEX ON fidelio_habits (id)")
    cursor.execute("ANALYZE fidelio_habits")


def strangers(codes: Sequence[str]) -> list[int]:
    """Return who has one of these traits and no history that is kept: nothing is known of them any more."""
    kept = BehaviourState.objects.filter(customer=OuterRef("customer"))
    found = Trait.objects.filter(~Exists(kept), code__in=codes).order_by("customer")
    return list(found.values_list("customer", flat=True).distinct())


def read_interests(*, as_of: date) -> list[Row]:
    """Return what everybody looked at, put together or tried lately, by category of the assortment."""
    barred = Source.objects.without(Purpose.PROFILING).values_list("pk", flat=True)
    parameters = {
        "end": timezone.make_aware(datetime.combine(as_of, time.min), timezone.get_default_timezone()),
        "types": list(SIGNS),
        "signs": json.dumps(SIGNS),
        "barred": list(barred),
    }
    with connection.cursor() as cursor:
        cursor.execute(_INTERESTS, parameters)
        return [(customer_id, INTERESTS, names) for customer_id, names in cursor.fetchall()]


def _read_favourites(cursor: Any, parameters: dict[str, Any], habits: Habits) -> None:
    for code, column, most, share in (
        ("favourite_categories", "category", FAVOURITES, 0.0),
        ("favourite_brand", "brand", 1, FAVOURITE_BRAND),
        ("favourite_product_line", "product_line", 1, 0.0),
    ):
        cursor.execute(_FAVOURITES.format(column=column), parameters | {"most": most, "share": share})
        for customer_id, names in cursor.fetchall():
            habits.add(customer_id, code, names if most > 1 else names[0])
            habits.count(code, names[0])


def _read_usual(cursor: Any, parameters: dict[str, Any], habits: Habits) -> None:
    store = "(SELECT code FROM customers_store WHERE id = store_id)"
    for code, value, share in (
        ("usual_store", store, USUAL),
        ("usual_weekday", "upper(to_char(local, 'dy'))", 0.0),
        ("usual_hour", "extract(hour FROM local)::int", 0.0),
    ):
        cursor.execute(_USUAL.format(value=value), parameters | {"share": share})
        for customer_id, found in cursor.fetchall():
            habits.add(customer_id, code, found)
            habits.count(code, str(found))


def _read_channels(cursor: Any, habits: Habits) -> None:
    cursor.execute(_CHANNELS)
    used: dict[int, list[tuple[str, float, list[int]]]] = {}
    for customer_id, code, weight, places in cursor.fetchall():
        used.setdefault(customer_id, []).append((code, weight, places))
    for customer_id, channels in used.items():
        total = sum(weight for _code, weight, _places in channels)
        shares = {code: weight / total for code, weight, _places in channels}
        by_place = {place: code for code, _weight, places in channels for place in places}
        recent = [code for place, code in by_place.items() if place <= RECENT_ORDERS]
        earlier = [code for place, code in by_place.items() if place > RECENT_ORDERS]
        profile = channel_profile(shares, recent, earlier)
        habits.add(customer_id, "channel_profile", profile)
        habits.add(customer_id, "usual_channel", max(sorted(shares), key=lambda code: shares[code]))
        habits.add(customer_id, "channel_shares", {code: round(share, 2) for code, share in shares.items()})
        habits.count("channel_profile", profile)


def _read_sensitivity(cursor: Any, parameters: dict[str, Any], habits: Habits, averages: Averages) -> None:
    cursor.execute(_DISCOUNTED)
    rows = cursor.fetchall()
    if not rows:
        return
    ids = np.array([row[0] for row in rows])
    orders, reduced = (np.array([row[place] for row in rows], float) for place in (1, 2))
    cursor.execute(_ANSWERED.format(among="AND given.customer_id = ANY(%(among)s)"), parameters)
    answers = {customer_id: (given, used) for customer_id, given, used in cursor.fetchall()}
    given, used = np.array([answers.get(pk, (0.0, 0.0)) for pk in ids.tolist()]).T
    discounted = shrunk(reduced, orders, averages.discounted)
    answered = shrunk(used, given, averages.answered)
    index = sensitivity(_relative(discounted, averages.discounted), _relative(answered, averages.answered))
    for place, customer_id in enumerate(ids.tolist()):
        habits.add(customer_id, "discounted_share", round(float(discounted[place]), 2))
        habits.add(customer_id, "discount_sensitivity", round(float(index[place]), 2))
        if given[place]:
            habits.add(customer_id, "coupon_response", round(float(answered[place]), 2))
    tenth = np.minimum((index * 10).astype(int), 9)
    habits.counts["discount_sensitivity"] = {
        str(step): int(count) for step, count in enumerate(np.bincount(tenth, minlength=10))
    }


def _relative(own: np.ndarray, average: float) -> np.ndarray:
    """Return own shares as multiples of the average; where there is none, nobody differs from it."""
    return own / average if average > 0 else np.ones(len(own))


def _ratio(part: float, whole: float) -> float:
    return float(part / whole) if whole else 0.0
