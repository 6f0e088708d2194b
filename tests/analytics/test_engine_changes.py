"""What changed is all that is read, and comes to the same as reading everybody."""

from datetime import date, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analytics.models import RfmModel, RfmRun, RfmScore
from analytics.services import create_rfm_model, run_rfm
from customers.models import Customer, Order, PurchaseChange, SegmentMembership, Store
from customers.services.erasure import erase_customer
from customers.services.merges import merge_customers, undo_merge
from customers.services.purchase_changes import forget_purchase_changes
from tests.analytics.factories import buyer, purchase
from tests.factories import (
    NOON,
    CustomerFactory,
    OrderFactory,
    SalesChannelFactory,
    SourceProfileFactory,
    StoreFactory,
)

TODAY = date(2026, 11, 21)
TOMORROW = TODAY + timedelta(days=1)
FULL, CHANGES = RfmRun.Extent.FULL, RfmRun.Extent.CHANGES
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def follow_however_many(monkeypatch):
    """Of so few customers, everybody would be read anyway."""
    monkeypatch.setattr("analytics.engine.totals.MOST", 0)


def model(code="followed", **settings):
    return create_rfm_model(code, name=code, minimum_population=1, **settings)


def have_read(rfm_model, **when) -> RfmRun:
    """Run, and forget the notes: a transaction always sees its own, and a test is one transaction."""
    run = run_rfm(rfm_model, **({"as_of": TODAY} | when))
    PurchaseChange.objects.all().delete()
    return run


def totals(rfm_model) -> dict[int, tuple]:
    rows = RfmScore.objects.of(rfm_model)
    return {row[0]: row[1:] for row in rows.values_list("customer", "last_order_on", "orders", "net_amount")}


def scored(rfm_model) -> dict[int, tuple]:
    rows = RfmScore.objects.of(rfm_model).values_list(
        "customer", "r", "f", "m", "sum", "candidate_segment", "last_order_on", "orders", "net_amount"
    )
    return {row[0]: row[1:] for row in rows}


def assert_members_are_whom_the_scores_say(rfm_model):
    stored = {row.customer_id: row.segment for row in RfmScore.objects.of(rfm_model)}
    members = SegmentMembership.objects.current().filter(segment__code__startswith=f"{rfm_model.code}--")
    assert {one.customer_id: one.segment.code.partition("--")[2] for one in members} == stored
    assert members.count() == len(stored)


def test_a_night_reads_only_whose_orders_changed():
    alice, bob, carla = buyer(3), buyer(40), buyer(200)
    followed = model()
    first = have_read(followed)
    Order.objects.filter(customer=alice).update(refunded_amount=2000)
    purchase(bob, at=NOON - timedelta(days=300), amount=700)

    second = run_rfm(followed, as_of=TOMORROW)

    assert (first.extent, second.extent) == (FULL, CHANGES)
    assert second.reread == 2
    assert totals(followed) == {
        alice.pk: (date(2026, 11, 18), 1, 3000),
        bob.pk: (date(2026, 10, 12), 2, 5700),
        carla.pk: (date(2026, 5, 5), 1, 5000),
    }


def test_what_a_run_did_not_see_yet_is_read_by_the_next():
    alice = buyer(3)
    followed = model()
    have_read(followed)
    purchase(alice, at=NOON)

    today = have_read(followed)
    tomorrow = run_rfm(followed, as_of=TOMORROW)

    assert (today.extent, today.changed_rows) == (CHANGES, 0)
    assert (tomorrow.extent, tomorrow.reread) == (CHANGES, 1)
    assert totals(followed)[alice.pk] == (TODAY, 2, 10_000)


def test_orders_that_leave_the_window_are_read_again():
    alice, bob = buyer(5, 29), buyer(29)
    followed = model(window_days=30)
    have_read(followed)

    later = run_rfm(followed, as_of=TODAY + timedelta(days=7))

    assert later.extent == CHANGES
    assert totals(followed) == {alice.pk: (date(2026, 11, 16), 1, 5000)}
    assert later.moves == 1
    assert bob.pk not in scored(followed)


@pytest.mark.parametrize(
    "change",
    [
        {"weights": [2, 1, 1]},
        {"window_days": 400},
        {"monetary": "AVERAGE"},
        {"recency": "INVERTED"},
    ],
)
def test_a_changed_model_reads_everybody_and_settles_anew(change):
    buyer(3), buyer(100, 200)
    followed = model()
    run_rfm(followed, as_of=TODAY)
    RfmModel.objects.filter(pk=followed.pk).update(**change)

    again = run_rfm(RfmModel.objects.get(pk=followed.pk), as_of=TODAY)

    assert (again.extent, again.redefined) == (FULL, True)
    assert not RfmScore.objects.of(followed).filter(candidate_runs__gt=0).exists()


def test_an_earlier_day_and_an_old_run_read_everybody():
    buyer(3)
    followed = model()
    run_rfm(followed, as_of=TODAY, at=NOON)

    earlier = run_rfm(followed, as_of=TODAY - timedelta(days=2), at=NOON)
    after_weeks = run_rfm(followed, as_of=TODAY + timedelta(days=20), at=NOON + timedelta(days=20))

    assert [earlier.extent, after_weeks.extent] == [FULL, FULL]


def test_a_run_that_was_promised_first_and_done_last_is_the_one_that_is_followed():
    alice = buyer(3)
    purchase(alice, at=NOON)
    followed = model()
    waited = RfmRun.objects.create(model=followed, as_of=TODAY)
    have_read(followed, as_of=TOMORROW)
    have_read(followed, run=waited)
    assert totals(followed)[alice.pk][1] == 1

    run_rfm(followed, as_of=TOMORROW)

    assert totals(followed)[alice.pk] == (TODAY, 2, 10_000)


def test_notes_are_forgotten_after_everybody_has_read_them():
    buyer(3)
    assert PurchaseChange.objects.exists()
    PurchaseChange.objects.update(noted_at=NOON - timedelta(days=15))

    assert forget_purchase_changes(at=NOON) == 0
    assert forget_purchase_changes(at=NOON + timedelta(days=1)) > 0
    assert not PurchaseChange.objects.exists()


def test_a_store_in_another_group_is_seen_by_models_of_groups_alone():
    store = StoreFactory(country="IT", store_group="north")
    alice = CustomerFactory()
    purchase(alice, at=NOON - timedelta(days=2), store=store)
    group, everyone = model("group", scope="STORE_GROUP", scope_value="north"), model()
    run_rfm(group, as_of=TODAY)
    run_rfm(everyone, as_of=TODAY)

    Store.objects.update(store_group="south")

    assert run_rfm(everyone, as_of=TODAY).extent == CHANGES
    assert run_rfm(everyone, as_of=TODAY).population == 1
    group.binning, group.thresholds = "FIXED", {"r": [9, 8, 7, 6], "f": [1, 2, 3, 4], "m": [2, 3, 4, 5]}
    assert run_rfm(group, as_of=TODAY).population == 0
    assert not SegmentMembership.objects.current().filter(segment__code__startswith="group--").exists()


def test_a_merge_between_runs_counts_once_and_its_undoing_twice():
    alice, double = buyer(3), CustomerFactory()
    OrderFactory(
        customer=double,
        external_id="of the double",
        ordered_at=NOON - timedelta(days=90),
        source_profile=SourceProfileFactory(customer=double),
    )
    followed = model()
    run_rfm(followed, as_of=TODAY)

    operation = merge_customers(alice, [double], reason="the same person", at=NOON)
    merged = run_rfm(followed, as_of=TODAY)

    assert (merged.extent, merged.population) == (CHANGES, 1)
    assert totals(followed) == {alice.pk: (date(2026, 11, 18), 2, 10_000)}
    assert_members_are_whom_the_scores_say(followed)

    undo_merge(operation, at=NOON)
    parted = run_rfm(followed, as_of=TODAY)

    assert (parted.extent, parted.population) == (CHANGES, 2)
    assert totals(followed)[double.pk] == (date(2026, 8, 23), 1, 5000)
    assert_members_are_whom_the_scores_say(followed)


def test_whoever_was_erased_is_scored_no_more():
    alice, bob = buyer(3), buyer(40)
    followed = model()
    run_rfm(followed, as_of=TODAY)

    erase_customer(alice, at=NOON)

    assert run_rfm(followed, as_of=TODAY).population == 1
    assert run_rfm(followed, as_of=TODAY, checks=True).differences == 0
    assert set(scored(followed)) == {bob.pk}


def test_a_person_who_refuses_profiling_and_allows_it_again_is_scored_again():
    alice, bob = buyer(3), buyer(40)
    followed = model()
    run_rfm(followed, as_of=TODAY)

    Customer.objects.filter(pk=alice.pk).update(profiling="OBJECTED")
    assert run_rfm(followed, as_of=TODAY).population == 1
    Customer.objects.filter(pk=alice.pk).update(profiling="ALLOWED")

    assert run_rfm(followed, as_of=TODAY).population == 2
    assert set(scored(followed)) == {alice.pk, bob.pk}


def test_a_change_past_the_triggers_is_found_by_the_check_and_put_right():
    alice, _bob = buyer(3), buyer(40)
    followed = model()
    have_read(followed)
    RfmScore.objects.filter(customer=alice).update(orders=7)

    run_rfm(followed, as_of=TODAY)
    assert totals(followed)[alice.pk][1] == 7
    check = run_rfm(followed, as_of=TODAY, checks=True)

    assert (check.checks, check.differences, check.extent) == (True, 1, FULL)
    assert totals(followed)[alice.pk] == (date(2026, 11, 18), 1, 5000)
    assert run_rfm(followed, as_of=TODAY, checks=True).differences == 0


# What may happen in a shop between two runs, to one of a few customers; days are those before TODAY.
HAPPENS = st.tuples(
    st.sampled_from(["buy", "refund", "backdate", "cancel", "delete", "give", "refuse", "allow", "run"]),
    st.integers(0, 5),
    st.integers(-3, 120),
    st.integers(0, 9000),
)
MODELS = [{}, {"window_days": 45}, {"scope": "CHANNEL", "scope_value": "web"}, {"monetary": "AVERAGE"}]


def happen(kind: str, customers: list[Customer], which: int, day: int, amount: int) -> None:
    customer, orders = customers[which], Order.objects.filter(customer=customers[which])
    at = NOON - timedelta(days=day)
    order = orders.order_by("pk").first()
    if kind == "buy":
        channel = SalesChannelFactory(code="web" if amount % 2 else "store")
        purchase(customer, at=at, amount=amount, sales_channel=channel)
    elif kind in ("refuse", "allow"):
        profiling = "OBJECTED" if kind == "refuse" else "ALLOWED"
        Customer.objects.filter(pk=customer.pk).update(profiling=profiling)
    elif order is None:
        return
    elif kind == "refund":
        orders.filter(pk=order.pk).update(refunded_amount=min(amount, order.total_amount))
    elif kind == "backdate":
        orders.filter(pk=order.pk).update(ordered_at=at)
    elif kind == "cancel":
        orders.filter(pk=order.pk).update(status=Order.Status.CANCELLED)
    elif kind == "delete":
        orders.filter(pk=order.pk).delete()
    elif kind == "give":
        orders.filter(pk=order.pk).update(customer=customers[(which + 1) % len(customers)])


def compare_with_everybody(settings_of_it: dict, story: list[tuple]) -> None:
    SalesChannelFactory(code="web")
    customers = CustomerFactory.create_batch(6)
    own = {"r": [90, 60, 30, 10], "f": [2, 3, 4, 5], "m": [1000, 2000, 4000, 8000]}
    fixed = {"binning": "FIXED", "thresholds": own}
    purchase(customers[0], at=NOON - timedelta(days=1), sales_channel=SalesChannelFactory(code="web"))
    quantiles, steps = model("quantiles", **settings_of_it), model("steps", **settings_of_it, **fixed)
    day = TODAY
    run_rfm(steps, as_of=day)
    run_rfm(quantiles, as_of=day)
    for number, (kind, *what) in enumerate([*story, ("run", 0, 0, 0)]):
        if kind != "run":
            happen(kind, customers, *what)
            continue
        day += timedelta(days=1)
        afresh = model(f"afresh-{number}", **settings_of_it, **fixed)
        everybody = run_rfm(afresh, as_of=day)
        followed = run_rfm(steps, as_of=day)
        assert followed.extent == CHANGES
        assert scored(steps) == scored(afresh)
        assert (followed.cells, followed.population, followed.net_amount) == (
            everybody.cells,
            everybody.population,
            everybody.net_amount,
        )
        assert_members_are_whom_the_scores_say(steps)
        if everybody.population:
            other = model(f"again-{number}", **settings_of_it)
            assert run_rfm(quantiles, as_of=day).thresholds == run_rfm(other, as_of=day).thresholds
            assert scored(quantiles) == scored(other)
            assert_members_are_whom_the_scores_say(quantiles)


STORIES = {
    "settings_of_it": st.sampled_from(MODELS),
    "story": st.lists(HAPPENS, min_size=2, max_size=12),
}
QUIET = {"deadline": None, "suppress_health_check": list(HealthCheck), "database": None}


def in_a_savepoint(settings_of_it, story):
    from django.db import transaction

    with transaction.atomic():
        compare_with_everybody(settings_of_it, story)
        transaction.set_rollback(True)


@settings(max_examples=6, derandomize=True, **QUIET)
@given(**STORIES)
def test_following_changes_equals_reading_everybody(settings_of_it, story):
    in_a_savepoint(settings_of_it, story)


@pytest.mark.slow
@settings(max_examples=150, **QUIET)
@given(**STORIES)
def test_following_changes_equals_reading_everybody_in_many_stories(settings_of_it, story):
    in_a_savepoint(settings_of_it, story)
