"""Whole runs at the edges: money below zero, ends of months, everybody equal, orders that commit late."""

import threading
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.conf import settings as site
from django.db import connection, connections, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import sql

from analytics.engine import scoring
from analytics.engine.interface import Thresholds
from analytics.models import RfmModel, RfmRun, RfmScore, RfmSnapshot
from analytics.rules import replacement_score, replacement_steps
from analytics.services import create_rfm_model, run_rfm, run_rfm_models, verify_rfm_model
from customers.models import Return, ReturnLine
from tests.analytics.factories import buyer, purchase
from tests.factories import NOON, CustomerFactory, OrderFactory, ProductFactory

TODAY = date(2026, 11, 21)
pytestmark = pytest.mark.django_db


def model(code="edge", **settings_of_it):
    return create_rfm_model(code, name=code, **({"minimum_population": 1} | settings_of_it))


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), database=None)
@given(
    cycle=st.integers(1, 36_500),
    tolerance=st.integers(1, 36_500),
    ages=st.lists(st.integers(1, 40_000), min_size=1, max_size=50),
)
def test_the_replacement_window_in_sql_is_the_one_of_the_rules(cycle, tolerance, ages):
    # Around each edge, where a day more or less is another score.
    edges = [cycle + side * step + more for side in (-1, 1) for step in replacement_steps(tolerance)
             for more in (-1, 0, 1)]  # fmt: skip
    days = [*ages, *(edge for edge in edges if 0 < edge < 700_000)]
    replaced = RfmModel(recency="REPLACEMENT", cycle_days=cycle, tolerance_days=tolerance)
    thresholds = Thresholds(replacement_steps(tolerance), [1, 2, 3, 4], [1, 2, 3, 4])

    with connection.cursor() as cursor:
        cursor.execute(
            sql.SQL(
                "SELECT {r} FROM (SELECT {as_of}::date - days AS last_order_on, number"
                " FROM unnest({days}::int[]) WITH ORDINALITY AS of (days, number)) AS bought ORDER BY number"
            ).format(r=scoring.scores(replaced, TODAY, thresholds)["r"], as_of=TODAY, days=days)
        )
        found = [score for (score,) in cursor.fetchall()]

    assert found == [replacement_score(age, cycle_days=cycle, tolerance_days=tolerance) for age in days]


def test_money_below_zero_is_scored_worst_and_adds_up():
    ProductFactory(sku="T", product_line="tyres")
    people = CustomerFactory.create_batch(3)
    # What came back cost more than what was bought: a fee, a price corrected.
    for number, (person, amounts) in enumerate(
        zip(people, [[(1000, 3000), (1000, 1005)], [(1000, 1000)], [(1000, 0)]], strict=True)
    ):
        for of_it, (amount, back) in enumerate(amounts):
            at = NOON - timedelta(days=3)
            order = OrderFactory(
                customer=person, external_id=f"{number}-{of_it}", lines=[("T", 1, amount, 0)], ordered_at=at
            )
            parent = Return.objects.create(order=order, external_id="r", returned_at=at, refund_amount=back)
            ReturnLine.objects.create(parent=parent, line=order.lines.get(), quantity=1, refund_amount=back)
            type(order).objects.filter(pk=order.pk).update(refunded_amount=min(back, 999))
    line = {"scope": "PRODUCT_LINE", "scope_value": "tyres"}
    sums, averages = model("sums", **line), model("averages", monetary="AVERAGE", **line)

    runs = [run_rfm(sums, as_of=TODAY), run_rfm(averages, as_of=TODAY)]

    by_customer = RfmScore.objects.order_by("customer")
    assert list(by_customer.filter(model=sums).values_list("net_amount", "m")) == [
        (-2005, 1),
        (0, 2),
        (1000, 4),
    ]
    # -1002.5 is rounded half up, to -1002.
    assert [run.thresholds["m"] for run in runs] == [[-2005, 0, 0, 1000], [-1002, 0, 0, 1000]]
    assert [run.net_amount for run in runs] == [-1005, -1005]
    assert (
        sum(amount for _, amount in runs[0].cells.values()) == sum(runs[0].segment_amounts.values()) == -1005
    )
    assert verify_rfm_model(sums, at=NOON).differences == []


def test_a_run_of_the_first_of_a_month_ends_with_the_last_instant_of_the_month_before():
    rome = ZoneInfo(site.PROGRAMME_TIME_ZONE)
    leap_day, first_of_march, in_january, first_of_february = CustomerFactory.create_batch(4)
    for person, at in (
        (leap_day, datetime(2028, 2, 29, 23, 59, 59, tzinfo=rome)),
        (first_of_march, datetime(2028, 3, 1, tzinfo=rome)),
        (in_january, datetime(2028, 1, 31, 23, 59, 59, tzinfo=rome)),
        (first_of_february, datetime(2028, 2, 1, tzinfo=rome)),
    ):
        purchase(person, at=at)
    month = model(window_days=29)

    run = run_rfm(month, as_of=date(2028, 3, 1))

    assert dict(RfmScore.objects.values_list("customer", "last_order_on")) == {
        leap_day.pk: date(2028, 2, 29),
        first_of_february.pk: date(2028, 2, 1),
    }
    assert run.thresholds["r"] == [29, 29, 1, 1]
    assert RfmSnapshot.objects.get().month == date(2028, 2, 1)


def test_where_everybody_is_equal_everybody_is_at_the_bottom_and_stays_there():
    for _ in range(30):
        buyer(7)
    equal = model(minimum_population=25)

    first = run_rfm(equal, as_of=TODAY)
    again = run_rfm(equal, as_of=TODAY + timedelta(days=1))

    assert first.thresholds == {"r": [7] * 4, "f": [1] * 4, "m": [5000] * 4}
    assert first.cells == again.cells == {"111": [30, 150_000]}
    assert (again.moves, again.segment_sizes["lost"]) == (0, 30)


@pytest.mark.django_db(transaction=True)
def test_orders_that_commit_during_a_run_are_read_by_the_next(monkeypatch):
    # Of so few customers, everybody would be read anyway.
    monkeypatch.setattr("analytics.engine.totals.MOST", 0)
    alice, bob = buyer(3), buyer(40)
    both = [model("one"), model("other")]
    run_rfm_models(both, as_of=TODAY)
    written, may_commit = threading.Event(), threading.Event()

    def buy() -> None:
        try:
            with transaction.atomic():
                purchase(alice, at=NOON - timedelta(days=2), external_id="late")
                written.set()
                may_commit.wait(30)
        finally:
            written.set()
            connections.close_all()

    till = threading.Thread(target=buy)
    till.start()
    assert written.wait(30)
    meanwhile = [run_rfm(both[0], as_of=TODAY), *run_rfm_models(both, as_of=TODAY, everybody=True)]
    # What came later has a later number, and commits before.
    purchase(bob, at=NOON - timedelta(days=2))
    may_commit.set()
    till.join()

    after = [run_rfm(each, as_of=TODAY) for each in both]

    assert [run.orders for run in meanwhile] == [2, 2, 2]
    assert [(run.extent, run.reread, run.orders) for run in after] == [(RfmRun.Extent.CHANGES, 2, 4)] * 2
    assert set(RfmScore.objects.values_list("orders", flat=True)) == {2}
