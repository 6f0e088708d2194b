"""`loyalty.rules` in SQL over an order `o` with its `channel`, `store` and `unit`, for the backfill."""

from dataclasses import dataclass, field
from typing import Any

from django.conf import settings

from coupons.engine import Items
from loyalty.rules import WEEKDAYS, Circumstances, ExpiryKind, Kind, Terms
from loyalty.rules.arithmetic import LARGEST_PRODUCT, is_per_event
from loyalty.services.caps import counted_caps
from loyalty.services.lots import holding_days

LINE_NAMES = {
    "skus": "product.sku",
    "products": "product.name",
    "categories": "product.category",
    "brands": "product.brand",
    "collections": "product.collection",
}
_IN_SEGMENT = """EXISTS (
    SELECT FROM customers_segmentmembership member JOIN customers_segment s ON s.id = member.segment_id
    WHERE s.code = ANY(%s) AND member.customer_id = o.customer_id AND member.entered_at <= o.ordered_at
      AND (member.left_at IS NULL OR member.left_at > o.ordered_at))"""
# The better of what tier and membership gave, as `loyalty.services.benefits` says.
_BENEFIT = """greatest(1, (
    SELECT max(tier.multiplier) FROM loyalty_tierperiod p JOIN loyalty_tier tier ON tier.id = p.tier_id
    WHERE p.customer_id = o.customer_id AND p.started_at <= o.ordered_at
      AND (p.ended_at IS NULL OR p.ended_at > o.ordered_at)
), (
    SELECT max(plan.multiplier)
    FROM loyalty_membership m JOIN loyalty_membershipplan plan ON plan.id = m.plan_id
    WHERE m.customer_id = o.customer_id AND m.started_at <= o.ordered_at AND m.ends_at > o.ordered_at
))"""


@dataclass
class Expression:
    """An expression with its parameters, in the order in which they stand in it."""

    sql: str
    values: list[Any] = field(default_factory=list)


def can_be_said(terms: Terms) -> bool:
    """Return whether SQL says all of these terms: what counts from one order to the next, it does not."""
    return not counted_caps(terms) and not terms.expiry.is_prolonged


def holds(when: Circumstances) -> Expression:
    """Return whether circumstances hold, as `Circumstances.hold` says."""
    local, zone = "o.ordered_at AT TIME ZONE %s", settings.PROGRAMME_TIME_ZONE
    parts, values = ["true"], []
    for codes, column in (
        (when.sales_channels, "channel.code"),
        (when.stores, "store.code"),
        (when.business_units, "unit.code"),
    ):
        if codes:
            parts.append(f"COALESCE({column} = ANY(%s), false)")
            values.append(sorted(codes))
    if when.weekdays:
        parts.append(f"extract(isodow FROM {local}) = ANY(%s)")
        values += [zone, [WEEKDAYS.index(day) + 1 for day in sorted(when.weekdays)]]
    if when.hours:
        parts.append(f"({local})::time >= %s AND ({local})::time < %s")
        # 24:00 is a time to PostgreSQL, and after every other.
        values += [zone, when.hours.since, zone, when.hours.until or "24:00"]
    for day, compared in ((when.since, ">="), (when.until, "<=")):
        if day:
            parts.append(f"({local})::date {compared} %s")
            values += [zone, day]
    for codes in (
        {when.segment} if when.segment else (),
        when.tier_segments,
        when.membership_segments,
    ):
        if codes:
            parts.append(_IN_SEGMENT)
            values.append(sorted(codes))
    return Expression(" AND ".join(parts), values)


def factor(terms: Terms) -> Expression:
    """Return the product of the multipliers that apply, as `loyalty.rules.product` rounds it."""
    factors, values = ["1::numeric"], []
    for multiplier in terms.multipliers:
        when = holds(multiplier.when)
        factors.append(f"CASE WHEN {when.sql} THEN %s::numeric ELSE 1 END")
        values += [*when.values, multiplier.factor]
    if terms.benefits:
        factors.append(_BENEFIT)
    return Expression(f"least({LARGEST_PRODUCT}, round({' * '.join(factors)}, 6))", values)


def covers(items: Items | None) -> Expression:
    """Return whether `product` is one of the articles, as `Items.cover` says."""
    if items is None:
        return Expression("true")
    named = _named(items)
    parts, values = [named.sql if items.named else "true"], [*named.values]
    if items.exclude and items.exclude.named:
        left_out = _named(items.exclude)
        parts.append(f"NOT ({left_out.sql})")
        values += left_out.values
    return Expression(" AND ".join(parts), values)


def units(terms: Terms) -> Expression:
    """Return what `amount`, `quantity` and `factor` give, as `loyalty.rules.units_for` says."""
    if terms.kind == Kind.PER_AMOUNT:
        given = Expression("div(amount::numeric * %s * factor, %s)", [terms.points, terms.per_amount])
    elif terms.kind == Kind.PER_UNIT:
        given = Expression("div(quantity * %s * factor, %s)", [terms.points, terms.per_quantity])
    else:
        given = Expression("trunc(%s * factor)", [terms.points])
    caps = [cap.units for cap in terms.caps if is_per_event(cap)]
    sql = f"least({', '.join([given.sql, *['%s' for _cap in caps]])})::bigint"
    return Expression(sql, [*given.values, *caps])


def activation(terms: Terms) -> Expression:
    """Return the instant from which points are spendable, as `loyalty.rules.spendable_from` says."""
    days, zone = holding_days(terms), settings.PROGRAMME_TIME_ZONE
    if not days:
        return Expression("ordered_at")
    return Expression(
        "((ordered_at AT TIME ZONE %s)::date + %s + 1)::timestamp AT TIME ZONE %s", [zone, days, zone]
    )


def expiration(terms: Terms) -> Expression:
    """Return the exclusive end of points spendable from `activates_at`, as `Expiry.expires_at` says."""
    expiry, zone = terms.expiry, settings.PROGRAMME_TIME_ZONE
    start = "(activates_at AT TIME ZONE %s)::date"
    if expiry.kind == ExpiryKind.NEVER:
        return Expression("NULL::timestamptz")
    if expiry.kind == ExpiryKind.DATE:
        day = _day_of_year(expiry.month, expiry.day)
        chosen = f"CASE WHEN {day} >= {start} THEN {day} ELSE {_day_of_year(expiry.month, expiry.day)} END"
        first, later = [zone, expiry.years], [zone, 1]
        values = [*first * 2, zone, *first * 2, *later * 2]
        return Expression(f"(({chosen}) + interval '1 day') AT TIME ZONE %s", [*values, zone])
    unit, count = ("days", expiry.days) if expiry.kind == ExpiryKind.DAYS else ("months", expiry.months)
    end = f"({start} + make_interval({unit} => %s) + interval '1 day') AT TIME ZONE %s"
    return Expression(end, [zone, count, zone])


def _day_of_year(month: int, day: int) -> str:
    """Return a day of the year so many years after `activates_at`, within its month."""
    first = f"make_date(extract(year FROM activates_at AT TIME ZONE %s)::int + %s, {month:d}, 1)"
    last = f"({first} + interval '1 month' - interval '1 day')::date"
    return f"least({first} + {day - 1:d}, {last})"


def _named(items: Items) -> Expression:
    parts, values = [], []
    for name, column in LINE_NAMES.items():
        if names := getattr(items, name):
            parts.append(f"{column} = ANY(%s)")
            values.append(sorted(names))
    return Expression(" OR ".join(f"({part})" for part in parts).join("()") if parts else "true", values)
