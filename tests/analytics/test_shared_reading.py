"""Several models scored together: the orders are read once, and the scores are those of single runs."""

from datetime import date, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from analytics.models import RfmRun, RfmScore
from analytics.services import (
    create_rfm_model,
    queue_rfm_checks,
    run_rfm,
    run_rfm_models,
    shared_readings,
)
from analytics.tasks import score_rfm_model
from customers.models import BusinessUnit, Customer, Order, PurchaseChange
from tests.analytics.factories import buyer, purchase
from tests.factories import (
    NOON,
    CustomerFactory,
    OrderFactory,
    ProductFactory,
    SalesChannelFactory,
    StoreFactory,
)

TODAY = date(2026, 11, 21)
SCOPES = [
    {},
    {"scope": "CHANNEL", "scope_value": "web"},
    {"scope": "CHANNEL", "scope_value": "shops"},
    {"scope": "BUSINESS_UNIT", "scope_value": "north"},
    {"scope": "STORE", "scope_value": "rome"},
    {"scope": "STORE_GROUP", "scope_value": "sea"},
    {"scope": "COUNTRY", "scope_value": "IT"},
    {"scope": "PRODUCT_LINE", "scope_value": "tyres"},
    {"scope": "PRODUCT_LINE", "scope_value": "oil"},
    {"window_days": 30},
    {"window_days": 30, "scope": "CHANNEL", "scope_value": "web"},
]
pytestmark = pytest.mark.django_db


def models(prefix: str, scopes: list[dict]) -> list:
    return [
        create_rfm_model(f"{prefix}-{number}", name=prefix, minimum_population=1, **scope)
        for number, scope in enumerate(scopes)
    ]


def scored(model) -> list[tuple]:
    return list(
        RfmScore.objects.of(model)
        .order_by("customer")
        .values_list("customer", "r", "f", "m", "segment", "last_order_on", "orders", "net_amount")
    )


def told(run: RfmRun) -> tuple:
    return (run.population, run.orders, run.net_amount, run.anonymous_orders, run.thresholds, run.cells)


def readings_made(queries: CaptureQueriesContext) -> int:
    made = 'CREATE TEMPORARY TABLE "fidelio_rfm_reading'
    return sum(one["sql"].startswith(made) for one in queries)


def a_town():
    web, shops = SalesChannelFactory(code="web"), SalesChannelFactory(code="shops")
    north = BusinessUnit.objects.create(code="north")
    rome = StoreFactory(code="rome", country="IT", store_group="sea")
    nice = StoreFactory(code="nice", country="FR", store_group="sea")
    for sku, line in (("T1", "tyres"), ("T2", "tyres"), ("O1", "oil")):
        ProductFactory(sku=sku, product_line=line)
    places = [
        {"sales_channel": web},
        {"sales_channel": shops, "store": rome, "business_unit": north},
        {"sales_channel": shops, "store": nice},
        {"business_unit": north},
        {},
    ]
    people = CustomerFactory.create_batch(7)
    for number in range(40):
        at = NOON - timedelta(days=1 + number * 7 % 50, hours=number)
        whom = people[number * number % 7]
        purchase(whom, at=at, amount=100 + 37 * number, **places[number % 5])
    for number, whom in enumerate([*people[:4], people[0]]):
        lines = [("T1", 1, 900 + number, 10), ("T2", 1, 300, 0), ("O1", 2, 50, 5)]
        at = NOON - timedelta(days=3 + number)
        OrderFactory(customer=whom, external_id=f"with lines {number}", lines=lines, ordered_at=at)
    purchase(None, at=NOON - timedelta(days=2), sales_channel=web)
    purchase(people[0], at=NOON - timedelta(days=2), currency="CHF")
    Order.objects.filter(pk=Order.objects.order_by("pk").first().pk).update(refunded_amount=40)
    Customer.objects.filter(pk=people[6].pk).update(profiling="OBJECTED")


def test_models_scored_together_are_scored_as_by_single_runs():
    a_town()
    together, single = models("together", SCOPES), models("single", SCOPES)

    with CaptureQueriesContext(connection) as queries:
        runs = run_rfm_models(together, as_of=TODAY)

    # All time by place, all time by product line, and the last thirty days.
    assert readings_made(queries) == 3
    alone = [run_rfm(model, as_of=TODAY) for model in single]
    assert [told(run) for run in runs] == [told(run) for run in alone]
    assert [scored(model) for model in together] == [scored(model) for model in single]
    assert all(scored(model) for model in together)
    assert [run.changed_rows for run in run_rfm_models(together, as_of=TODAY, everybody=True)] == [0] * 11


def test_models_that_can_follow_what_changed_read_nothing_together():
    alice = buyer(3)
    both = models("both", [{}, {"window_days": 100}])
    run_rfm_models(both, as_of=TODAY)
    PurchaseChange.objects.all().delete()

    with CaptureQueriesContext(connection) as queries:
        runs = run_rfm_models(both, as_of=TODAY)

    assert readings_made(queries) == 0
    assert [run.extent for run in runs] == [RfmRun.Extent.CHANGES] * 2
    assert RfmScore.objects.filter(customer=alice).count() == 2


def test_one_model_that_is_refused_leaves_the_others_to_be_scored():
    buyer(3)
    first, last = models("fine", [{}, {}])
    choosy = create_rfm_model("choosy", name="Choosy")

    runs = run_rfm_models([first, choosy, last], as_of=TODAY)

    assert [run.model for run in runs] == [first, last]
    assert choosy.runs.get().status == RfmRun.Status.FAILED
    assert (len(scored(first)), scored(choosy), len(scored(last))) == (1, [], 1)


def test_what_is_bought_after_the_reading_is_read_by_the_next_run():
    alice = buyer(3)
    both = models("both", [{}, {}])
    promised = [RfmRun(model=model, as_of=TODAY) for model in both]
    with shared_readings(promised) as readings:
        purchase(alice, at=NOON - timedelta(days=2))
        Customer.objects.filter(pk=buyer(1).pk).update(profiling="OBJECTED")

        first = run_rfm(both[0], as_of=TODAY, reading=readings[both[0].pk])

    assert (first.orders, first.population) == (1, 1)
    assert first.horizon == readings[both[0].pk].horizon
    assert run_rfm(both[0], as_of=TODAY).orders == 2


def test_a_reading_that_another_run_has_overtaken_is_not_used():
    alice = buyer(3)
    both = models("both", [{}, {}])
    promised = [RfmRun(model=model, as_of=TODAY) for model in both]
    with shared_readings(promised) as readings:
        purchase(alice, at=NOON - timedelta(days=2))
        run_rfm(both[0], as_of=TODAY)

        run = run_rfm(both[0], as_of=TODAY, everybody=True, reading=readings[both[0].pk])

    assert (run.orders, run.changed_rows) == (2, 0)


def test_the_runs_of_a_night_are_one_bell_and_read_the_orders_once(
    django_capture_on_commit_callbacks, monkeypatch
):
    rung = []
    monkeypatch.setattr(score_rfm_model, "delay", lambda *ids: rung.append(ids))
    buyer(3), buyer(30)
    both = models("both", [{}, {}])
    run_rfm_models(both, as_of=TODAY)
    RfmScore.objects.of(both[1]).update(orders=7)

    with django_capture_on_commit_callbacks(execute=True):
        queue_rfm_checks()
    with CaptureQueriesContext(connection) as queries:
        score_rfm_model(*rung[0])

    checks = RfmRun.objects.filter(checks=True).order_by("pk")
    assert rung == [tuple(run.pk for run in checks)]
    assert readings_made(queries) == 1
    assert [(run.model, run.status) for run in checks] == [(model, "DONE") for model in both]
    assert scored(both[0]) == scored(both[1])


def test_a_reading_is_not_taken_for_another_day_of_the_same_models():
    alice = buyer(3)
    purchase(alice, at=NOON)
    first, twice, once = models("nights", [{}, {"monetary": "AVERAGE"}, {"weights": [1, 2, 3]}])
    tomorrow = TODAY + timedelta(days=1)
    promised = [RfmRun(model=model, as_of=TODAY) for model in (first, twice, once)]
    promised += [RfmRun(model=model, as_of=tomorrow) for model in (first, twice)]

    with shared_readings(promised, everybody=True) as readings:
        runs = [
            run_rfm(model, as_of=TODAY, everybody=True, reading=readings.get(model.pk))
            for model in (first, once)
        ]

    assert [run.orders for run in runs] == [1, 1]
