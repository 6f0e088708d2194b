"""Milestones: reached once for each time, rewarded at once or as the person chooses."""

from datetime import UTC, datetime, timedelta

import pytest

from coupons.models import LedgerEntry
from customers.models import Customer, Event, MergeOperation, Order, Rollup
from customers.services import merge_customers, record_event, undo_merge
from loyalty.errors import RewardNotAvailable
from loyalty.milestones import progress_to, times_reached
from loyalty.models import Milestone, MilestoneReach, Reward, RewardGrant
from loyalty.services import (
    choose_reward,
    create_milestone,
    earn_on_event,
    earn_points,
    edit_milestone,
    follow_milestones,
    milestones,
    sweep_milestones,
)
from loyalty.services.milestones import settle_reach, standings_of
from loyalty.services.tier_values import values_in
from loyalty.services.tiers import the_ladder
from operations.errors import InvalidInput
from tests.coupons.races import at_once
from tests.factories import NOON, CustomerFactory, OrderFactory, StoreFactory
from tests.loyalty.factories import make_reward, make_rule

pytestmark = pytest.mark.django_db
Metric = Milestone.Metric
LATER = NOON + timedelta(hours=1)


def milestone(metric=Metric.ORDERS, threshold=3, rewards=None, **fields):
    given = {"code": "steps", "name": "Steps", "metric": metric, "threshold": threshold, **fields}
    return create_milestone(rewards=rewards or [make_reward("POINTS", points_given=50)], **given)


def follow(customer, *metrics, at=LATER):
    return [reach.number for reach in follow_milestones(customer, metrics or list(Metric), at=at)]


def buy(customer, times=1, **fields):
    return [OrderFactory(customer=customer, **fields) for _time in range(times)]


@pytest.mark.parametrize(
    ("value", "repeats", "times"),
    [(0, True, 0), (2, True, 0), (3, True, 1), (8, True, 2), (9, True, 3), (9, False, 1), (-4, True, 0)],
)
def test_a_milestone_is_reached_once_or_at_every_multiple(value, repeats, times):
    assert times_reached(value, threshold=3, repeats=repeats) == times


def test_the_way_to_the_next_time_starts_anew_and_makes_up_for_returns():
    def way(value, reached, repeats=True):
        found = progress_to(value, threshold=10, repeats=repeats, reached=reached)
        return found.done, found.wanted, found.missing, found.percent

    assert way(7, 0) == (7, 10, 3, 70)
    assert way(17, 1) == (7, 10, 3, 70)
    assert way(8, 1) == (0, 10, 10, 0)  # A return after the first time: 10 was reached, 8 is left.
    assert way(17, 1, repeats=False) == (0, 0, 0, 100)


def test_the_third_order_gives_the_reward_once():
    anna = CustomerFactory()
    milestone()
    buy(anna, 2)
    assert follow(anna) == []

    buy(anna)

    assert (follow(anna), follow(anna)) == ([1], [])
    assert LedgerEntry.objects.get().delta == 50
    assert MilestoneReach.objects.get().status == "GIVEN"
    assert Event.objects.filter(type="milestone.reached").count() == 1


def test_every_second_order_gives_it_again():
    """Seven orders, every second one counts: 2, 4 and 6 are three times 50 points."""
    anna = CustomerFactory()
    milestone(threshold=2, repeats=True)
    buy(anna, 7)

    assert follow(anna) == [1, 2, 3]
    assert sum(LedgerEntry.objects.values_list("delta", flat=True)) == 150


def test_an_order_that_comes_back_takes_nothing_and_gives_nothing_twice():
    anna = CustomerFactory()
    milestone(threshold=2, repeats=True)
    first, *_rest = buy(anna, 2)
    follow(anna)
    Order.objects.filter(pk=first.pk).update(status="REFUNDED", refunded_amount=5000)

    buy(anna)
    assert follow(anna) == []
    buy(anna, 2)

    assert follow(anna) == [2]


def test_what_was_spent_counts_net_of_refunds_and_only_from_its_beginning():
    """50.00 before the beginning, 60.00 and 50.00 after it, of which 15.00 came back: 95.00 of 100.00."""
    anna = CustomerFactory()
    milestone(Metric.AMOUNT, 10_000, counts_from=NOON)
    buy(anna, ordered_at=NOON - timedelta(days=1))
    buy(anna, lines=[("A", 1, 6000, 0)])
    (last,) = buy(anna)
    Order.objects.filter(pk=last.pk).update(refunded_amount=1500)
    assert follow(anna) == []

    buy(anna, lines=[("A", 1, 500, 0)])

    assert follow(anna) == [1]


def test_points_count_as_earned_also_when_they_are_spent():
    """Two orders of 50.00 at a point per euro: 100 points."""
    anna = CustomerFactory()
    make_rule()
    milestone(Metric.POINTS, 100, rewards=[make_reward("DONATION")])
    for order in buy(anna, 2):
        earn_points(order, at=NOON)

    assert follow(anna, Metric.POINTS) == [1]


def test_points_that_events_earned_count_for_milestones_and_tiers_as_well():
    """A review is worth 20 points: five make 100."""
    anna = CustomerFactory()
    make_rule(code="review", kind="PER_EVENT", event_type="review.written", points=20, per_amount=None)
    milestone(Metric.POINTS, 100, rewards=[make_reward("DONATION")])
    for number in range(5):
        key = f"review-{number}"
        review = record_event("review.written", external_id=key, customer=anna, occurred_at=NOON)
        earn_on_event(review, at=NOON)

    assert follow(anna, Metric.POINTS) == [1]
    counted = values_in(the_ladder().rules([]), [anna.pk], first=NOON.date(), last=NOON.date())
    assert counted == {anna.pk: 100}


def test_a_store_visited_twice_on_a_day_is_one_visit():
    anna, milano, roma = CustomerFactory(), StoreFactory(), StoreFactory()
    milestone(Metric.VISITS, 3)
    for number, (store, days) in enumerate([(milano, 0), (milano, 0), (roma, 0), (None, 0), (milano, 1)]):
        record_event(
            "visit.recorded",
            external_id=f"visit:{number}",
            customer=anna,
            store=store,
            occurred_at=NOON - timedelta(days=days),
        )
        assert follow(anna) == ([1] if number == 4 else [])


def test_years_pass_on_the_day_itself_and_a_leap_day_has_its_anniversary_on_the_28th():
    """Customer since 29 February 2024: full years on 28 February 2025, 2026, 2027 and on 29 February 2028."""
    anna = CustomerFactory()
    Customer.objects.filter(pk=anna.pk).update(created_at=datetime(2024, 2, 29, 10, tzinfo=UTC))
    milestone(Metric.YEARS, 1, repeats=True)

    def sweep(*day):
        return sweep_milestones(at=datetime(*day, 12, tzinfo=UTC))

    assert [sweep(2025, 2, 27), sweep(2025, 2, 28), sweep(2026, 2, 27), sweep(2026, 2, 28)] == [0, 1, 0, 1]
    assert [sweep(2028, 2, 28), sweep(2028, 2, 29)] == [1, 1]


def test_years_before_the_beginning_of_a_milestone_do_not_count():
    """Since 10 May 2020, counted from 1 January 2025 (4 full years by then): the first on 10 May 2025."""
    anna = CustomerFactory()
    Customer.objects.filter(pk=anna.pk).update(created_at=datetime(2020, 5, 10, 10, tzinfo=UTC))
    milestone(Metric.YEARS, 1, counts_from=datetime(2024, 12, 31, 23, tzinfo=UTC))

    assert [sweep_milestones(at=datetime(2025, 5, day, 12, tzinfo=UTC)) for day in (9, 10)] == [0, 1]


def test_of_several_rewards_the_person_chooses_one_and_keeps_it():
    anna = CustomerFactory()
    bag, tree, other = make_reward(), make_reward("DONATION"), make_reward()
    milestone(threshold=1, rewards=[bag, tree])
    buy(anna)
    follow(anna)
    reach = MilestoneReach.objects.get()

    with pytest.raises(RewardNotAvailable):
        choose_reward(reach, other, at=LATER)
    assert standings_of(anna, at=LATER)[0].open == (reach,)
    first = choose_reward(reach, tree, at=LATER)
    again = choose_reward(reach, bag, at=LATER)

    assert (first, first.reward, RewardGrant.objects.count()) == (again, tree, 1)


def test_what_cannot_be_given_is_owed_and_given_when_it_can():
    anna = CustomerFactory()
    bag = make_reward(stock=0)
    milestone(threshold=1, rewards=[bag])
    buy(anna)
    follow(anna)
    assert (MilestoneReach.objects.get().status, MilestoneReach.objects.get().reason) == (
        "OWED",
        "out_of_stock",
    )

    Reward.objects.update(stock=1)
    sweep_milestones(at=LATER)

    assert (MilestoneReach.objects.get().status, RewardGrant.objects.get().reward) == ("GIVEN", bag)


def test_the_sweep_finds_who_is_past_it_and_comes_to_an_end():
    people = [CustomerFactory() for _person in range(3)]
    for person in people[:2]:
        buy(person, 3)
    buy(people[2], 2)
    milestone(threshold=3)

    assert (sweep_milestones(at=LATER), sweep_milestones(at=LATER)) == (2, 0)


def test_who_is_merged_while_the_sweep_goes_on_counts_with_all_that_is_theirs(monkeypatch):
    """Anna has one order, her double two: together three, which neither had when the sweep looked."""
    anna, double = CustomerFactory(), CustomerFactory()
    buy(anna, 1)
    buy(double, 2)
    milestone(threshold=1, repeats=True)
    look = milestones._past

    def look_and_merge(*given, **more):
        people = look(*given, **more)
        if double.pk in people and not MergeOperation.objects.exists():
            merge_customers(anna, [double], reason="the same", at=LATER)
        return people

    monkeypatch.setattr(milestones, "_past", look_and_merge)

    assert sweep_milestones(at=LATER) == 3
    assert set(MilestoneReach.objects.values_list("customer", "number")) == {(anna.pk, n) for n in (1, 2, 3)}


def test_two_who_turn_out_to_be_one_reached_it_once_and_part_as_they_were():
    """Both reached it with three orders; together they have six, which is twice."""
    anna, bea = CustomerFactory(), CustomerFactory()
    milestone(threshold=3, repeats=True)
    for person in (anna, bea):
        buy(person, 3)
        follow(person)

    operation = merge_customers(anna, [bea], reason="same", at=LATER)
    assert MilestoneReach.objects.filter(customer=anna).count() == 1
    assert follow(anna) == [2]

    undo_merge(operation, at=LATER)
    assert follow(bea) == []


def test_a_milestone_somebody_reached_is_not_moved():
    anna = CustomerFactory()
    steps = milestone(threshold=1)
    rewards = list(steps.rewards.all())
    buy(anna)
    follow(anna)

    with pytest.raises(InvalidInput):
        edit_milestone(steps, rewards=rewards, threshold=2)
    with pytest.raises(InvalidInput):
        edit_milestone(steps, rewards=[], name="Other")
    edit_milestone(steps, rewards=rewards, name="Other")

    assert (Milestone.objects.get().threshold, Milestone.objects.get().name) == (1, "Other")


@pytest.mark.django_db(transaction=True)
def test_heard_four_times_at_once_it_is_reached_once():
    anna = CustomerFactory()
    milestone(threshold=1)
    buy(anna)

    at_once([lambda: follow(anna) for _time in range(4)])

    assert (MilestoneReach.objects.count(), RewardGrant.objects.count()) == (1, 1)
    assert Rollup.objects.count() == 0


def test_the_sweep_counts_again_under_the_lock(monkeypatch):
    """Anna had three orders when she was found, and two when it was her turn."""
    anna = CustomerFactory()
    milestone()
    orders = buy(anna, 3)
    find = milestones._past

    def find_before_a_return(*given, **named):
        people = find(*given, **named)
        Order.objects.filter(pk=orders[0].pk).update(status="CANCELLED")
        return people

    monkeypatch.setattr(milestones, "_past", find_before_a_return)

    assert sweep_milestones(at=LATER) == 0
    assert not MilestoneReach.objects.exists()


def test_a_reach_that_a_merge_took_out_is_no_error_to_who_read_it_before():
    anna, bea = CustomerFactory(), CustomerFactory()
    milestone(threshold=1, rewards=[make_reward("POINTS", code="a"), make_reward("POINTS", code="b")])
    for person in (anna, bea):
        buy(person)
        follow(person)
    theirs = MilestoneReach.objects.get(customer=bea)
    merge_customers(anna, [bea], reason="same", at=LATER)

    assert settle_reach(theirs, at=LATER) == theirs
    with pytest.raises(RewardNotAvailable):
        choose_reward(theirs, Reward.objects.first(), at=LATER)


@pytest.mark.django_db(transaction=True)
def test_of_two_rewards_chosen_at_once_both_are_told_the_first():
    anna = CustomerFactory()
    rewards = [make_reward("POINTS", code=code) for code in ("a", "b", "c", "d")]
    milestone(threshold=1, rewards=rewards)
    buy(anna)
    follow(anna)
    reach, told = MilestoneReach.objects.get(), []

    at_once([lambda one=one: told.append(choose_reward(reach, one, at=LATER).pk) for one in rewards])

    assert told == [RewardGrant.objects.get().pk] * 4
