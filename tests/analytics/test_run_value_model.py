"""A run of the value model: what it reads, what it writes, and what it does when it learns nothing."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest
from django.db.models import F

from analytics.errors import ModelDoesNotFit, RunInProgress
from analytics.models import RunStatus, ValueRun
from analytics.services import create_rfm_model, run_rfm
from analytics.services.purchases import observe_purchases
from analytics.services.value import (
    edit_value_model,
    ensure_value_model,
    queue_due_value_runs,
    queue_value_run,
    run_value_model,
)
from analytics.value.traits import CODES
from customers.models import Customer, Order, Trait
from customers.services import merge_customers
from customers.services.erasure import erase_customer
from operations.errors import InvalidInput
from operations.models import JobRun
from operations.services import carry_out
from tests.analytics.crowds import crowd
from tests.analytics.factories import buyer, purchase
from tests.factories import NOON, CustomerFactory

DAY = date(2026, 11, 21)
pytestmark = pytest.mark.django_db


@pytest.fixture
def model():
    return ensure_value_model()


@pytest.fixture
def people():
    return crowd(120, until=DAY)


def of(customer, code):
    return Trait.objects.get(customer=customer, code=code).value


def test_days_with_purchases_count_and_the_first_is_where_it_begins():
    alice = buyer(100, 40, 40, 3, amount=2000)  # Two on one day are one purchase of twice the amount.
    bob = buyer(200, amount=7000)
    purchase(alice, at=NOON, amount=9999)  # Of today: not before the day's first instant.
    purchase(bob, at=NOON - timedelta(days=5), amount=500, status=Order.Status.CANCELLED)
    purchase(None, at=NOON - timedelta(days=5))

    seen = observe_purchases(as_of=DAY, test_days=30)

    bought = seen.purchases
    assert list(bought.customer_ids) == [alice.pk, bob.pk]
    assert [list(each) for each in (bought.x, bought.tx, bought.T)] == [[2, 0], [97, 0], [100, 200]]
    assert list(bought.later_amount) == [6000, 0] and list(bought.mean_amount) == [3000, 0]
    before = seen.before
    assert [list(each) for each in (before.x, before.tx, before.T)] == [[1, 0], [60, 0], [70, 170]]
    assert (list(seen.came), list(seen.came_amount)) == ([1, 0], [2000, 0])


def test_a_day_begins_in_the_programmes_zone_also_when_the_clocks_change():
    # 29 March 2026 has 23 hours in Rome; 23:30 UTC of the 28th is its first half hour.
    alice = CustomerFactory()
    evenings = [datetime(2026, 3, 28, hour, 30, tzinfo=UTC) for hour in (22, 23)]
    for at in [*evenings, *(evening + timedelta(days=1, hours=-1) for evening in evenings)]:
        purchase(alice, at=at)

    seen = observe_purchases(as_of=date(2026, 3, 30), test_days=1).purchases

    assert (list(seen.x), list(seen.tx), list(seen.T)) == ([1], [1], [2])  # The 28th, and the 29th twice.


def test_everybody_who_bought_gets_every_trait(model, people):
    run = run_value_model(model, as_of=DAY, at=NOON)

    assert (run.status, run.population, run.fallback) == (RunStatus.DONE, 120, False)
    assert run.changed_rows == Trait.objects.count() == 120 * len(CODES)
    assert set(Trait.objects.values_list("code", flat=True)) == set(CODES)
    assert Trait.objects.filter(code="probability_active", value__gte=0, value__lte=1).count() == 120
    values = Trait.objects.filter(code="predicted_value_365").values_list("value", flat=True)
    assert sum(values) == pytest.approx(run.totals["values"]["365"], abs=120)
    assert sum(each["customers"] for each in run.activity) == 120
    assert [each["customers"] for each in run.deciles] == [12] * 10
    assert sum(each["share"] for each in run.deciles) == pytest.approx(1)


def test_a_run_on_the_same_data_writes_nothing(model, people):
    run_value_model(model, as_of=DAY, at=NOON)

    again = run_value_model(model, as_of=DAY, at=NOON + timedelta(hours=1))

    assert again.changed_rows == 0
    assert Trait.objects.filter(computed_at__gt=NOON).count() == 0


def test_a_run_finds_back_the_crowd_it_learned_from(model):
    crowd(700, until=DAY, seed=4)

    test = run_value_model(model, as_of=DAY, at=NOON).holdout

    assert test["days"] == 90
    assert test["predicted_orders"] == pytest.approx(test["actual_orders"], rel=0.15)
    assert test["predicted_active"] == pytest.approx(test["actual_active"], abs=0.04)
    assert test["mean_error"] < test["naive_error"]
    assert test["tenths"][9]["actual_orders"] > 5 * test["tenths"][4]["actual_orders"]


def test_segments_are_summed_apart(model, people):
    run_rfm(create_rfm_model("all-orders", name="All orders"), as_of=DAY, at=NOON)

    run = run_value_model(model, as_of=DAY, at=NOON)

    assert sum(each["customers"] for each in run.segments) == 120
    assert sum(each["clv"] for each in run.segments) == pytest.approx(run.totals["clv"], abs=12)


def test_margin_and_discount_rate_move_the_lifetime_value_alone(model, people):
    before = run_value_model(model, as_of=DAY, at=NOON)
    edit_value_model(model, margin_percent=Decimal(60), discount_rate_percent=Decimal(10))

    after = run_value_model(model, as_of=DAY, at=NOON)

    assert after.totals["clv"] == pytest.approx(2 * before.totals["clv"], abs=2)
    assert after.totals["values"] == before.totals["values"]
    assert set(Trait.objects.filter(model_version=f"value/{after.pk}").values_list("code", flat=True)) == {
        "predicted_clv"
    }


def test_impossible_settings_are_refused_and_nothing_is_saved(model):
    with pytest.raises(InvalidInput) as refused:
        edit_value_model(model, margin_percent=Decimal(120))

    assert [mistake.pointer for mistake in refused.value.details] == ["/margin_percent"]
    model.refresh_from_db()
    assert model.margin_percent == 30


def test_without_anybody_to_learn_from_a_run_is_refused(model):
    buyer(10, 20)

    with pytest.raises(ModelDoesNotFit, match="Only 1 customers bought more than once; the minimum is 25"):
        run_value_model(model, as_of=DAY, at=NOON)

    run = ValueRun.objects.get()
    assert (run.status, Trait.objects.count()) == (RunStatus.FAILED, 0)
    assert run.error == "Only 1 customers bought more than once; the minimum is 25."


def test_a_fit_that_fails_leaves_the_last_good_one_and_says_so(model, people, monkeypatch):
    good = run_value_model(model, as_of=DAY, at=NOON)
    from analytics.services import value

    def lost(*columns, **more):
        return value.Bgnbd(1, 1, 1, 1, 0.0, converged=False)

    monkeypatch.setattr(value, "fit_bgnbd", lost)
    purchase(people[0], at=NOON - timedelta(days=1))
    run = run_value_model(model, as_of=DAY, at=NOON)

    assert (run.status, run.fallback) == (RunStatus.DONE, True)
    assert run.fallback_reason == "The likelihood of the purchases has no maximum."
    assert run.parameters == good.parameters
    assert run.holdout is None
    assert run.changed_rows > 0


def test_amounts_that_say_nothing_leave_the_last_good_ones_and_the_run_says_so(model, people, monkeypatch):
    good = run_value_model(model, as_of=DAY, at=NOON)
    from analytics.services import value

    lost = value.GammaGamma(1, 2, 1, 0.0, converged=False)
    monkeypatch.setattr(value, "fit_gamma_gamma", lambda *columns: lost)
    run = run_value_model(model, as_of=DAY, at=NOON)

    assert (run.status, run.fallback) == (RunStatus.DONE, True)
    assert run.fallback_reason == "The amounts of the orders say too little: what earlier ones told stands."
    assert run.parameters == good.parameters
    assert run.changed_rows == 0


def test_everybody_buying_alike_leads_to_a_forecast_or_a_refusal_and_never_to_nonsense(model):
    for _ in range(30):
        buyer(90, 60, 30)

    try:
        run = run_value_model(model, as_of=DAY, at=NOON)
    except ModelDoesNotFit:
        assert Trait.objects.count() == 0
    else:
        values = np.array(Trait.objects.values_list("value", flat=True), float)
        assert np.isfinite(values).all() and (values >= 0).all()
        assert run.totals["order_amount"] == pytest.approx(5000, rel=0.02)


def test_nobody_is_predicted_who_may_not_be_profiled(model, people):
    run_value_model(model, as_of=DAY, at=NOON)
    Customer.objects.filter(pk=people[0].pk).update(profiling=Customer.Profiling.OBJECTED)

    run = run_value_model(model, as_of=DAY, at=NOON)

    assert run.population == 119
    assert not people[0].traits.exists()


def test_whoever_was_merged_between_runs_is_one_person(model, people):
    one, other = people[:2]
    run_value_model(model, as_of=DAY, at=NOON)
    merge_customers(one, [other], reason="the same person", at=NOON)

    run = run_value_model(model, as_of=DAY, at=NOON)

    assert run.population == 119
    assert Trait.objects.filter(customer=one, code__in=CODES).count() == len(CODES)
    assert not Trait.objects.filter(customer=other).exists()


def test_money_that_came_back_makes_no_forecast_negative(model, people):
    purchase(people[0], at=NOON - timedelta(days=2), amount=100, refunded_amount=100)
    Order.objects.filter(customer=people[1]).update(refunded_amount=F("total_amount"))

    run_value_model(model, as_of=DAY, at=NOON)

    assert not Trait.objects.filter(code__in=CODES, value__lt=0).exists()


def test_a_queued_run_is_carried_out_once(model, people):
    run = queue_value_run(model, as_of=DAY)

    with pytest.raises(RunInProgress):
        queue_value_run(model, as_of=DAY)
    job = carry_out(run.job)

    run.refresh_from_db()
    assert (run.status, job.status, job.result["customers"]) == (RunStatus.DONE, "DONE", 120)
    assert ValueRun.objects.count() == JobRun.objects.count() == 1
    queue_value_run(model, as_of=DAY)  # The first is over.


@pytest.mark.parametrize(
    ("schedule", "monday", "tuesday"), [("NIGHTLY", 1, 1), ("WEEKLY", 1, 0), ("MANUAL", 0, 0)]
)
def test_the_clock_runs_what_is_on_it(model, schedule, monday, tuesday):
    edit_value_model(model, schedule=schedule)

    first = queue_due_value_runs(day=date(2026, 11, 23))
    ValueRun.objects.all().delete()
    second = queue_due_value_runs(day=date(2026, 11, 24))

    assert (first, second) == (monday, tuesday)


def test_nothing_is_learned_from_whoever_was_erased():
    alice, bob = buyer(30), buyer(40)
    erase_customer(alice, at=NOON)

    seen = observe_purchases(as_of=DAY, test_days=30)

    assert list(seen.purchases.customer_ids) == [bob.pk]
