"""The rules that an incentive has to pass before it is computed, in the order a person would ask them."""

from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

from coupons.engine.cart import Cart
from coupons.engine.context import Context
from coupons.engine.incentive import (
    Candidate,
    Conditions,
    CouponFacts,
    Limit,
    MinimumSpend,
    SpendBasis,
    SpendScope,
    Validity,
)
from coupons.engine.trace import Check, plain_number

CUSTOMER_SUBJECTS = ("CUSTOMER", "CUSTOMER_COUPON")


def check(candidate: Candidate, cart: Cart, context: Context, places: list[int]) -> list[Check]:
    """Return every rule's answer; `places` are those of the lines the incentive aims at."""
    conditions = candidate.conditions
    checks = [Check("not_spent_on_this_order", not candidate.spent, "duplicate_redemption")]
    checks += _validity(candidate.validity, context.at, by_itself=candidate.coupon is None)
    if candidate.coupon:
        checks += _coupon(candidate.coupon, context.at)
    if conditions.weekly_hours:
        checks.append(_hours(candidate, context.at))
    same = cart.currency == candidate.currency
    checks.append(Check("currency", same, "currency_mismatch", cart.currency, candidate.currency))
    checks += _customer(candidate, context)
    checks += _place(conditions, cart, context)
    if conditions.contains or conditions.metadata:
        checks += _contents(conditions, cart)
    checks.append(_items(cart, places))
    return checks


def check_limits(limits: tuple[Limit, ...], taken: dict[str, int]) -> Iterator[Check]:
    """Yield the limits' answers, counting what this very request takes as well."""
    for limit in limits:
        used = limit.used + taken.get(limit.key, 0)
        if limit.unknown:
            yield Check("customer_known", False, "customer_rules_violated")
            continue
        yield Check(
            f"limit.{limit.subject}.{limit.period}",
            used < limit.uses,
            "quantity_exceeded" if limit.subject == "COUPON" else "redemption_rules_violated",
            actual=used,
            expected=limit.uses,
        )


def check_spend(minimum: MinimumSpend, spent: int) -> Check:
    """Return whether enough is spent, and what is missing (`missing: {"amount": 1250}`)."""
    passed = spent >= minimum.amount
    return Check(
        "minimum_spend",
        passed,
        "order_rules_violated",
        actual=spent,
        expected=minimum.amount,
        missing=None if passed else {"amount": minimum.amount - spent},
    )


def spend(minimum: MinimumSpend, cart: Cart, eligible: list[int], left: list[int]) -> int:
    """Return what counts as spent, by the basis and scope that the condition states."""
    counted = eligible if minimum.scope == SpendScope.ELIGIBLE_ITEMS else range(len(cart.lines))
    if minimum.basis == SpendBasis.INITIAL:
        return sum(cart.lines[place].amount for place in counted)
    return sum(left[place] for place in counted)


def _validity(validity: Validity, at: datetime, *, by_itself: bool) -> Iterator[Check]:
    stopped = validity.stopped and (by_itself or not validity.draining)
    yield Check("promotion.not_stopped", not stopped, "promotion_stopped")
    yield Check("promotion.activated", validity.enabled, "coupon_not_active")
    yield from _interval("promotion", validity.starts_at, validity.ends_at, at)


def _coupon(coupon: CouponFacts, at: datetime) -> Iterator[Check]:
    yield Check("coupon.on", coupon.active, "coupon_disabled")
    yield from _interval("coupon", coupon.valid_from, coupon.valid_until, at)
    if coupon.max_uses is not None:
        yield Check(
            "coupon.uses",
            coupon.uses < coupon.max_uses,
            "quantity_exceeded",
            actual=coupon.uses,
            expected=coupon.max_uses,
        )


def _interval(rule: str, since: datetime | None, until: datetime | None, at: datetime) -> Iterator[Check]:
    if since is not None:
        yield Check(f"{rule}.started", at >= since, "coupon_not_active", actual=at, expected=since)
    if until is not None:
        yield Check(f"{rule}.not_ended", at < until, "coupon_expired", actual=at, expected=until)


def _hours(candidate: Candidate, at: datetime) -> Check:
    local = at.astimezone(ZoneInfo(candidate.zone))
    passed = any(span.hold(local) for span in candidate.conditions.weekly_hours)
    return Check("weekly_hours", passed, "coupon_not_active_now", actual=local.strftime("%a %H:%M"))


def _customer(candidate: Candidate, context: Context) -> Iterator[Check]:
    conditions, coupon = candidate.conditions, candidate.coupon
    if candidate.effect.personal:
        yield Check("personal_offer", not candidate.effect.lacks_value, "customer_rules_violated")
    if coupon and (coupon.personal or conditions.holder_only):
        passed = coupon.holder is not None and coupon.holder == context.customer
        yield Check("holder", passed, "customer_rules_violated")
    if conditions.segment is not None:
        passed = conditions.segment in context.segments
        yield Check("segment", passed, "customer_rules_violated", expected=conditions.segment)
    if conditions.verified_email:
        yield Check("verified_email", context.verified_email, "customer_rules_violated")
    if conditions.first_order_only:
        passed = context.customer is not None and not context.has_ordered
        yield Check("first_order_only", passed, "customer_rules_violated")
    if conditions.regions:
        yield _among("regions", conditions.regions, context.region, "customer_rules_violated")
    if conditions.languages:
        wanted = {language.lower() for language in conditions.languages}
        spoken = context.language.lower().replace("_", "-")
        passed = spoken in wanted or spoken.partition("-")[0] in wanted
        yield Check("languages", passed, "customer_rules_violated", context.language, sorted(wanted))


def _place(conditions: Conditions, cart: Cart, context: Context) -> Iterator[Check]:
    if conditions.countries:
        country = cart.country or context.country
        yield _among("countries", conditions.countries, country, "order_rules_violated")
    if conditions.stores:
        yield _among("stores", conditions.stores, cart.store, "order_rules_violated")
    if conditions.sales_channels:
        yield _among("sales_channels", conditions.sales_channels, cart.sales_channel, "order_rules_violated")


def _among(rule: str, wanted: frozenset[str], actual: str, key: str) -> Check:
    return Check(rule, actual in wanted, key, actual=actual, expected=sorted(wanted))


def _contents(conditions: Conditions, cart: Cart) -> Iterator[Check]:
    for part in conditions.contains:
        there = sum(line.quantity for line in cart.lines if part.covers(line))
        short = None
        if there < part.quantity:
            short = {"products": [part.short_of(plain_number(part.quantity - there))]}
        yield Check(
            "contains",
            short is None,
            "order_rules_violated",
            actual=plain_number(there),
            expected=part.short_of(part.quantity),
            missing=short,
        )
    for name, wanted in conditions.metadata.items():
        said = [cart.metadata, *(line.metadata for line in cart.lines)]
        passed = any(name in one and one[name] == wanted for one in said)
        yield Check("metadata", passed, "order_rules_violated", cart.metadata.get(name), {name: wanted})


def _items(cart: Cart, places: list[int]) -> Check:
    lines = cart.lines
    missing = None if places else {"quantity": 1}
    actual = [lines[place].line_id for place in places]
    return Check("items", bool(places), "order_rules_violated", actual=actual, missing=missing)
