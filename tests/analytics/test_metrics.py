"""The registry of key figures."""

from datetime import UTC, date, datetime

import pytest

from analytics.metrics import METRICS, metric_series, metric_value
from analytics.periods import Grain
from analytics.windows import Scope
from customers.models import RollupScope, SalesChannel, Segment, SegmentMembership
from customers.services.rollups import refresh_rollups
from operations.errors import InvalidInput
from tests.analytics.factories import purchase
from tests.factories import CustomerFactory

pytestmark = pytest.mark.django_db


def at(month: int, day: int, hour: int = 11) -> datetime:
    return datetime(2026, month, day, hour, tzinfo=UTC)


@pytest.fixture
def shop():
    """Alice buys on the web in August, September and November; Bob in the store in September and October."""
    web, store = (SalesChannel.objects.create(code=code) for code in ("web", "store"))
    alice, bob = CustomerFactory(first_name="Alice"), CustomerFactory(first_name="Bob")
    for month in (8, 9, 11):
        purchase(alice, at=at(month, 5), amount=1000, sales_channel=web)
    for month in (9, 10):
        purchase(bob, at=at(month, 7), amount=3000, sales_channel=store)
    purchase(None, at=at(9, 8), amount=500, sales_channel=store)
    refresh_rollups([alice.pk, bob.pk])
    return alice, bob


def months(code: str, **narrowed) -> list:
    series = metric_series(
        code, start=date(2026, 9, 1), end=date(2026, 11, 20), grain=Grain.MONTH, **narrowed
    )
    assert [day for day, _ in series] == [date(2026, 9, 1), date(2026, 10, 1), date(2026, 11, 1)]
    return [value for _, value in series]


def test_the_life_of_customers_by_month(shop):
    assert months("buyers") == [2, 1, 1]
    assert months("new_buyers") == [1, 0, 0]
    assert months("retained") == [1, 1, 0]
    assert months("resurrecting") == [0, 0, 1]
    assert months("dormant") == [0, 1, 1]
    assert months("retention_rate") == [1.0, 0.5, 0.0]
    assert months("net_retention_rate") == [1.0, 0.5, 1.0]
    assert months("churn_rate") == [0.0, 0.5, 1.0]


def test_a_channel_has_figures_of_its_own(shop):
    store = Scope(RollupScope.CHANNEL, "store")

    assert months("net_amount", scope=store) == [3500, 3000, 0]
    assert months("new_buyers", scope=store) == [1, 0, 0]
    assert months("retention_rate", scope=store) == [None, 1.0, 0.0]
    assert months("orders", scope=Scope(RollupScope.CHANNEL, "unknown")) == [0, 0, 0]


def test_a_segment_counts_its_members_only(shop):
    alice, _bob = shop
    segment = Segment.objects.create(code="web-people", name="Web people", kind=Segment.Kind.MANUAL)
    SegmentMembership.objects.create(segment=segment, customer=alice, entered_at=at(1, 1))

    assert months("orders", segment=segment) == [1, 0, 1]
    assert months("new_buyers", segment=segment) == [0, 0, 0]
    assert months("net_amount", segment=segment, scope=Scope(RollupScope.CHANNEL, "store")) == [0, 0, 0]


def test_any_days_are_one_figure(shop):
    days = {"start": date(2026, 9, 1), "end": date(2026, 10, 31)}

    assert metric_value("net_amount", **days) == 7500
    assert metric_value("average_transaction_value", **days) == 1875
    assert metric_value("retention_rate", **days) == 1.0
    assert metric_value("nps", **days) is None


def test_what_does_not_exist_is_bad_input(shop):
    with pytest.raises(InvalidInput, match="no key figure"):
        months("happiness")
    with pytest.raises(InvalidInput, match="not known for this part"):
        months("nps", scope=Scope(RollupScope.CHANNEL, "web"))


def test_every_metric_answers_without_any_data():
    days = {"start": date(2026, 9, 1), "end": date(2026, 9, 30)}

    values = {code: metric_value(code, **days) for code in METRICS}

    assert set(values.values()) <= {0, None}
