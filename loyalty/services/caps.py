"""Caps of earning rules per customer or in all, and period: counted under a lock, so that none is passed."""

from collections.abc import Iterable
from datetime import date, datetime

from django.conf import settings
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Greatest

from coupons.rules import local_day, period_start
from customers.models import Customer
from loyalty.models import EarningCounter, EarningRule
from loyalty.rules import Cap, CapPeriod, CapSubject, Terms


def take_within_caps(rule: EarningRule, customer: Customer, *, units: int, at: datetime) -> int:
    """Return how many of `units` the rule's caps leave in the periods of an instant, and count them.

    What a cap leaves is given, also when it is less than what was earned. Locks the counters, which come
    after the accounts and in the order of their keys; the caller holds the customer.
    """
    caps = counted_caps(rule.current.terms)
    if not caps or not units:
        return units
    counters = _locked(rule, customer, caps, at)
    room = [left_of(cap, counters[_key(cap, customer, at)]) for cap in caps]
    granted = min(units, *room)
    if granted:
        own = EarningCounter.objects.filter(pk__in=[one.pk for one in counters.values()])
        own.update(units=F("units") + granted, times=F("times") + 1)
    return granted


def room_within_caps(rule: EarningRule, customer: Customer | None, *, at: datetime) -> int | None:
    """Return what the rule's caps leave at an instant, counting nothing; None where nothing is capped."""
    caps = counted_caps(rule.current.terms)
    if not caps:
        return None
    standing = {
        (one.customer_id, one.period, one.starts_on): one
        for one in _counters(rule, customer, _starts(caps, at))
    }
    return min(left_of(cap, standing.get(_key(cap, customer, at))) for cap in caps)


def count_back(
    rule: EarningRule, terms: Terms, customer: Customer | None, *, units: int, whole: bool, at: datetime
) -> None:
    """Give back room for `units` that returns took; with `whole`, the occasion itself no longer counts."""
    keys = {key for cap in counted_caps(terms) if (key := _key(cap, customer, at))}
    for subject, period, starts_on in sorted(keys, key=str):
        row = EarningCounter.objects.filter(rule=rule, customer=subject, period=period, starts_on=starts_on)
        changes = {"units": Greatest(F("units") - units, 0)}
        if whole:
            changes["times"] = Greatest(F("times") - 1, 0)
        row.update(**changes)


def counted_caps(terms: Terms) -> list[Cap]:
    """Return the caps that need a counter: those of one event need none."""
    return [cap for cap in terms.caps if cap.subject != CapSubject.EVENT]


def left_of(cap: Cap, counter: EarningCounter | None) -> int:
    """Return how many units a cap leaves; one of times leaves any number or none."""
    if cap.times is not None:
        return 0 if counter and counter.times >= cap.times else 2**62
    return max(0, cap.units - (counter.units if counter else 0))


def starts_of(period: str, at: datetime) -> date:
    """Return the first local day of the period an instant falls into."""
    zone = settings.PROGRAMME_TIME_ZONE
    if period == CapPeriod.YEAR:
        return local_day(at, zone).replace(month=1, day=1)
    return period_start(period, at, zone)


def _locked(
    rule: EarningRule, customer: Customer, caps: list[Cap], at: datetime
) -> dict[tuple, EarningCounter]:
    keys = {_key(cap, customer, at) for cap in caps}
    rows = [
        EarningCounter(rule=rule, customer_id=subject, period=period, starts_on=starts_on)
        for subject, period, starts_on in sorted(keys, key=str)
    ]
    EarningCounter.objects.bulk_create(rows, ignore_conflicts=True)
    standing = _counters(rule, customer, {key[2] for key in keys})
    found = standing.order_by("pk").select_for_update(of=["self"])
    return {key: one for one in found if (key := (one.customer_id, one.period, one.starts_on)) in keys}


def _counters(rule: EarningRule, customer: Customer | None, starts: set[date]) -> QuerySet[EarningCounter]:
    own = Q(customer__isnull=True) | Q(customer=customer) if customer else Q(customer__isnull=True)
    return EarningCounter.objects.filter(own, rule=rule, starts_on__in=starts)


def _key(cap: Cap, customer: Customer | None, at: datetime) -> tuple[int | None, str, date] | None:
    """Return what names the counter of a cap; None for a customer's cap where there is no customer."""
    if cap.subject != CapSubject.CUSTOMER:
        return (None, cap.period.value, starts_of(cap.period, at))
    # Not None in its place: that is the counter of everybody together.
    return (customer.pk, cap.period.value, starts_of(cap.period, at)) if customer else None


def _starts(caps: Iterable[Cap], at: datetime) -> set[date]:
    return {starts_of(cap.period, at) for cap in caps}
