"""Histories carried on from night to night are those that reading everything again would make."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from analytics.models import BehaviourState
from analytics.services.behaviour_history import read_states, refresh_states
from customers.models import Customer, Order
from customers.services.rollups import refresh_rollups
from tests.analytics.factories import purchase
from tests.factories import CustomerFactory

pytestmark = pytest.mark.django_db
ROME = ZoneInfo("Europe/Rome")
HALF_LIVES = [20.0, 30.0]
MONDAY = date(2026, 11, 16)


def order(person: Customer, day: date, hour: int = 12, amount: int = 1000) -> Order:
    made = purchase(person, at=datetime(day.year, day.month, day.day, hour, tzinfo=ROME), amount=amount)
    refresh_rollups([person.pk])
    return made


def kept(as_of: date, half_lives=HALF_LIVES) -> dict[int, tuple]:
    """Return what is kept by customer, faded to a day."""
    found = read_states(as_of=as_of, half_lives=half_lives)
    standing = found.standing
    columns = [standing.first, standing.last, standing.days, standing.orders, standing.amount]
    columns += [standing.weights[value].round(9) for value in half_lives]
    columns += [found.short_gap, found.long_gap]
    return dict(zip(found.ids.tolist(), zip(*(each.tolist() for each in columns), strict=True), strict=True))


def both_ways(since: date, as_of: date):
    """Carry on and read anew; return what the first did, having found both to keep the same."""
    done = refresh_states(as_of=as_of, since=since, half_lives=HALF_LIVES)
    carried = kept(as_of)
    refresh_states(as_of=as_of, since=None, half_lives=HALF_LIVES)
    assert carried == kept(as_of)
    return done


def test_a_new_order_carries_a_history_on_and_leaves_the_others_alone():
    alice, bob = CustomerFactory(), CustomerFactory()
    for days in (40, 25, 10):
        order(alice, MONDAY - timedelta(days=days))
    order(bob, MONDAY - timedelta(days=3))
    refresh_states(as_of=MONDAY, since=None, half_lives=HALF_LIVES)
    order(alice, MONDAY)
    order(alice, MONDAY, hour=17)
    order(bob, MONDAY + timedelta(days=1))  # Not over yet: it stands in the totals already.

    done = both_ways(MONDAY, MONDAY + timedelta(days=1))

    assert (done.carried_on, done.read_anew, done.touched) == (1, 0, [alice.pk])


def test_a_model_without_half_lives_keeps_histories_too():
    alice = CustomerFactory()
    order(alice, MONDAY - timedelta(days=10))
    refresh_states(as_of=MONDAY, since=None, half_lives=[])
    order(alice, MONDAY, amount=500)

    done = refresh_states(as_of=MONDAY + timedelta(days=1), since=MONDAY, half_lives=[])

    first, last, days, orders, amount, *gaps = kept(MONDAY + timedelta(days=1), [])[alice.pk]
    assert (last - first, days, orders, amount, gaps) == (10, 2, 2, 1500, [10.0, 10.0])
    assert done.carried_on == 1


def test_a_refund_a_late_order_and_a_newcomer_are_read_anew():
    refunded, late, moved = CustomerFactory(), CustomerFactory(), CustomerFactory()
    orders = [order(person, MONDAY - timedelta(days=20)) for person in (refunded, late, moved)]
    order(refunded, MONDAY - timedelta(days=9))
    refresh_states(as_of=MONDAY, since=None, half_lives=HALF_LIVES)
    newcomer = CustomerFactory()
    order(newcomer, MONDAY)
    Order.objects.filter(pk=orders[0].pk).update(status="REFUNDED")
    order(late, MONDAY - timedelta(days=50))
    Order.objects.filter(pk=orders[2].pk).update(ordered_at=datetime(2026, 10, 1, 12, tzinfo=ROME))
    refresh_rollups([refunded.pk, moved.pk])

    done = both_ways(MONDAY, MONDAY + timedelta(days=1))

    assert done.read_anew == 4
    assert done.touched == sorted([refunded.pk, late.pk, moved.pk, newcomer.pk])


def test_whoever_refused_profiling_is_not_kept_and_whoever_bought_nothing_any_more_goes():
    refuser, gone = CustomerFactory(profiling="OBJECTED"), CustomerFactory()
    order(refuser, MONDAY - timedelta(days=2))
    only = order(gone, MONDAY - timedelta(days=2))
    refresh_states(as_of=MONDAY, since=None, half_lives=HALF_LIVES)
    assert list(BehaviourState.objects.values_list("customer", flat=True)) == [gone.pk]
    Order.objects.filter(pk=only.pk).update(status="REFUNDED")
    refresh_rollups([gone.pk])

    both_ways(MONDAY, MONDAY + timedelta(days=1))

    assert not BehaviourState.objects.exists()


def test_days_are_those_of_the_programmes_zone_also_when_the_clock_changes():
    alice = CustomerFactory()
    for hour in (0, 1, 3, 23):  # 25 October 2026 has 25 hours.
        order(alice, date(2026, 10, 25), hour=hour)

    refresh_states(as_of=date(2026, 10, 26), since=None, half_lives=HALF_LIVES)

    state = BehaviourState.objects.get()
    assert (state.days, state.orders, state.first_on, state.last_on) == (
        1, 4, date(2026, 10, 25), date(2026, 10, 25),
    )  # fmt: skip
    assert state.weights == pytest.approx([2 ** (-1 / 20), 2 ** (-1 / 30)])
