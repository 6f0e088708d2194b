"""The days of 2026 whose clock changes, in Rome: 29 March has 23 hours, 25 October has 25."""

from datetime import UTC, date, datetime, timedelta

import pytest

from analytics.metrics import metric_series, metric_value
from analytics.models import RfmScore
from analytics.services import create_rfm_model, run_rfm
from customers.services.rollups import refresh_rollups
from tests.analytics.factories import purchase
from tests.factories import CustomerFactory

pytestmark = pytest.mark.django_db
SPRING, AUTUMN = date(2026, 3, 29), date(2026, 10, 25)
# (the first instant of the day, the first of the next), which are midnights in Rome.
BOUNDS = {
    SPRING: (datetime(2026, 3, 28, 23, tzinfo=UTC), datetime(2026, 3, 29, 22, tzinfo=UTC)),
    AUTUMN: (datetime(2026, 10, 24, 22, tzinfo=UTC), datetime(2026, 10, 25, 23, tzinfo=UTC)),
}
SECOND, DAY = timedelta(seconds=1), timedelta(days=1)


@pytest.fixture(params=[SPRING, AUTUMN], ids=["spring", "autumn"])
def day(request):
    """Eve buys in the last second before, Alice in the day's first and last, Bob in the first one after."""
    begins, ends = BOUNDS[request.param]
    people = [CustomerFactory(first_name=name) for name in ("Eve", "Alice", "Bob")]
    eve, alice, bob = people
    purchase(eve, at=begins - SECOND, amount=1_000)
    purchase(alice, at=begins, amount=200)
    purchase(alice, at=ends - SECOND, amount=30)
    purchase(bob, at=ends, amount=4_000)
    refresh_rollups([person.pk for person in people])
    return request.param


def test_a_day_holds_the_orders_between_its_midnights(day):
    days = dict(metric_series("net_amount", start=day - DAY, end=day + DAY, grain="day"))

    assert days == {day - DAY: 1_000, day: 230, day + DAY: 4_000}
    assert metric_value("orders", start=day, end=day) == 2


def test_the_month_with_the_change_holds_all_of_it(day):
    assert dict(metric_series("net_amount", start=day, end=day, grain="month")) == {day.replace(day=1): 5_230}
    assert metric_value("buyers", start=day.replace(day=1), end=day) == 2


def test_a_run_counts_to_the_midnight_before_its_day_and_recency_in_days_of_the_calendar(day):
    model = create_rfm_model(
        "fixed", name="Fixed", binning="FIXED", minimum_population=1,
        thresholds={"r": [4, 3, 2, 1], "f": [2, 3, 4, 5], "m": [100, 230, 1_000, 4_000]},
    )  # fmt: skip

    on_the_day = run_rfm(model, as_of=day)
    before = [(score.customer.first_name, score.last_order_on) for score in scores(model)]
    day_after = run_rfm(model, as_of=day + DAY)
    after = [(each.customer.first_name, each.last_order_on, each.r, each.f, each.m) for each in scores(model)]

    assert (on_the_day.population, before) == (1, [("Eve", day - DAY)])
    assert (day_after.population, after) == (
        2,
        [("Alice", day, 5, 2, 3), ("Eve", day - DAY, 4, 1, 4)],
    )


def scores(model):
    return RfmScore.objects.of(model).select_related("customer").order_by("customer__first_name")
