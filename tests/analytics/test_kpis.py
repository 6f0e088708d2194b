"""Key figures by period and over the last days."""

from datetime import UTC, date, datetime, timedelta

import pytest

from analytics.metrics import METRICS
from analytics.services import compare_days, kpis, monthly_cohorts, revenue_series
from analytics.windows import Scope
from coupons.services import publish_coupon, redeem_stack
from customers.models import Order, RollupScope, SalesChannel, Segment
from customers.services.events import record_event
from customers.services.rollups import refresh_rollups
from operations.errors import InvalidInput
from tests.analytics.factories import purchase
from tests.coupons.factories import NOW, promotion, spending
from tests.factories import CustomerFactory

TODAY = date(2026, 11, 21)

pytestmark = pytest.mark.django_db


def at(month: int, day: int, hour: int = 11) -> datetime:
    return datetime(2026, month, day, hour, tzinfo=UTC)


@pytest.fixture
def purchases():
    """Alice buys twice in October and once in November, Bob in October, Charlie in November; and one more."""
    alice, bob, charlie = (CustomerFactory(first_name=name) for name in ("Alice", "Bob", "Charlie"))
    purchase(alice, at=at(10, 5), amount=1000)
    purchase(alice, at=at(10, 20), amount=2000)
    purchase(bob, at=at(10, 31, 22), amount=1500)
    purchase(alice, at=at(11, 10), amount=4000)
    # In Rome it is November already.
    purchase(charlie, at=at(10, 31, 23), amount=2500)
    purchase(charlie, at=at(11, 12), amount=9000, status=Order.Status.CANCELLED)
    purchase(None, at=at(11, 11), amount=500)
    purchase(charlie, at=at(11, 11), amount=300, currency="CHF")
    refresh_rollups([alice.pk, bob.pk, charlie.pk])
    return alice, bob, charlie


def test_months_come_from_rollups_with_anonymous_sales_beside(purchases):
    october, november = kpis(date(2026, 10, 1), TODAY)

    assert (october.period, october.orders, october.net_amount, october.buyers) == ("2026-10", 3, 4500, 2)
    assert (november.period, november.orders, november.net_amount, november.buyers) == ("2026-11", 3, 7000, 2)
    assert october.retention_rate is None
    assert november.retention_rate == 0.5
    assert (october.repeat_rate, november.repeat_rate) == (0.5, 0.0)
    assert (october.purchase_frequency, november.purchase_frequency) == (1.5, 1.0)
    assert (october.average_transaction_value, november.average_transaction_value) == (1500, 2333)


@pytest.mark.parametrize("grain", ["day", "week", "month", "quarter", "year"])
def test_every_grain_counts_the_same_orders(purchases, grain):
    periods = kpis(date(2026, 1, 1), date(2026, 12, 31), grain)

    assert sum(period.orders for period in periods) == 6
    assert sum(period.net_amount for period in periods) == 11_500


def test_days_begin_at_midnight_of_the_programme(purchases):
    days = {kpi.period: kpi.orders for kpi in kpis(date(2026, 10, 31), date(2026, 11, 1), "day")}

    assert days == {"2026-10-31": 1, "2026-11-01": 1}


def test_a_period_without_orders_has_no_rates(purchases):
    (year,) = kpis(date(2025, 1, 1), date(2025, 1, 1), "year")

    assert (year.orders, year.buyers, year.net_amount) == (0, 0, 0)
    assert year.repeat_rate is year.average_transaction_value is year.nps is year.redemption_rate is None


def test_nps_is_promoters_less_detractors(purchases):
    answers = [10] * 25 + [7] * 15 + [0] * 10
    for number, score in enumerate(answers):
        record_event(
            "nps.answered", external_id=f"nps {number}", occurred_at=at(11, 3), payload={"score": score}
        )

    october, november = kpis(date(2026, 10, 1), TODAY)

    assert (october.nps, november.nps) == (None, 30)


def test_the_redemption_rate_is_of_what_was_handed_out_in_the_period(purchases):
    alice, bob, _charlie = purchases
    offer = promotion()
    handed_out = [
        publish_coupon(offer, customer=person, source_id=person.first_name, at=NOW) for person in (alice, bob)
    ]
    redeem_stack(spending(handed_out[0].coupon, who=alice), at=NOW)

    october, november = kpis(date(2026, 10, 1), TODAY)

    assert (october.redemption_rate, november.redemption_rate) == (0.5, None)
    assert compare_days(60, until=TODAY).coupons_now.redemption_rate == 0.5


def test_a_period_that_ends_before_it_starts_is_bad_input():
    with pytest.raises(InvalidInput):
        kpis(TODAY, TODAY - timedelta(days=1))
    with pytest.raises(InvalidInput, match="1000 periods"):
        kpis(date(2000, 1, 1), TODAY, "day")


def test_the_last_days_stand_against_as_many_before(purchases):
    comparison = compare_days(21, until=TODAY)

    assert (comparison.now.net_amount, comparison.now.orders, comparison.now.buyers) == (7000, 3, 2)
    assert (comparison.before.net_amount, comparison.before.orders, comparison.before.buyers) == (3500, 2, 2)
    assert comparison.now.new_buyers == 1
    assert comparison.whole
    assert comparison.retention_rate == 0.5
    assert not compare_days(365, until=TODAY).whole
    assert compare_days(365, until=TODAY).retention_rate is None


def test_revenue_has_a_point_for_every_day(purchases):
    points = revenue_series(date(2026, 11, 9), date(2026, 11, 12))

    assert points == [
        (date(2026, 11, 9), 0, 0),
        (date(2026, 11, 10), 4000, 1),
        (date(2026, 11, 11), 500, 1),
        (date(2026, 11, 12), 0, 0),
    ]


def test_a_cohort_is_fixed_by_the_first_order(purchases):
    october, november = monthly_cohorts(3, until=TODAY)

    assert (october.month, october.size, october.active) == (date(2026, 10, 1), 2, [2, 1])
    assert (october.orders, october.net_amounts, october.spent_each) == ([3, 1], [4500, 4000], [2250, 4250])
    assert (november.month, november.active, november.net_amounts) == (date(2026, 11, 1), [1], [2500])


def test_a_cohort_in_a_channel_is_still_of_the_first_order_anywhere(purchases):
    alice, _bob, _charlie = purchases
    web = SalesChannel.objects.create(code="web")
    purchase(alice, at=at(11, 12), amount=100, sales_channel=web)
    refresh_rollups([alice.pk])

    october, november = monthly_cohorts(3, until=TODAY, scope=Scope(RollupScope.CHANNEL, "web"))

    assert (october.size, october.active, october.net_amounts) == (2, [0, 1], [0, 100])
    assert (november.size, november.active) == (1, [0])


def test_key_figures_over_the_api(api, purchases):
    answer = api.get("/api/v1/kpis", {"from": "2026-11-01", "to": "2026-11-30", "grain": "month"})

    assert answer.status_code == 200
    assert answer.json() == [
        {
            "period": "2026-11",
            "retention_rate": 0.5,
            "repeat_rate": 0.0,
            "average_transaction_value": 2333,
            "purchase_frequency": 1.0,
            "orders": 3,
            "net_amount": 7000,
            "buyers": 2,
            "nps": None,
            "redemption_rate": None,
        }
    ]


def test_any_key_figure_over_the_api(api, purchases):
    days = {"from": "2026-10-01", "to": "2026-11-30"}

    answer = api.get("/api/v1/kpis/new_buyers", days)

    assert answer.json() == {
        "code": "new_buyers",
        "label": "New customers",
        "meaning": str(METRICS["new_buyers"].meaning),
        "unit": "number",
        "better": "up",
        "values": [{"period": "2026-10", "value": 2.0}, {"period": "2026-11", "value": 1.0}],
    }
    assert api.get("/api/v1/kpis/happiness", days).status_code == 404


def test_key_figures_of_a_segment_over_the_api(api, purchases):
    Segment.objects.create(code="nobody", name="Nobody", kind=Segment.Kind.MANUAL)

    (november,) = api.get(
        "/api/v1/kpis", {"from": "2026-11-01", "to": "2026-11-30", "segment": "nobody"}
    ).json()

    assert (november["orders"], november["buyers"], november["repeat_rate"]) == (0, 0, None)


def test_cohorts_over_the_api(api, purchases):
    october, november = api.get("/api/v1/cohorts", {"until": "2026-11-21", "months": 3}).json()

    assert october == {
        "month": "2026-10",
        "size": 2,
        "active": [2, 1],
        "rates": [1.0, 0.5],
        "orders": [3, 1],
        "net_amounts": [4500, 4000],
    }
    assert november["month"] == "2026-11"
    assert api.get("/api/v1/cohorts", {"until": "2026-11-21", "months": 600}).status_code == 422


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ({"from": "2026-11-01", "to": "2026-11-30", "scope": "CHANNEL"}, "/scope_value"),
        ({"from": "2026-11-01", "to": "2026-11-30", "scope": "PLANET", "scope_value": "x"}, "/scope"),
        ({"from": "2026-11-01", "to": "2026-11-30", "segment": "nobody"}, "/segment"),
        ({"to": "2026-11-30"}, "/from"),
        ({"from": "2026-11-01", "to": "soon"}, "/to"),
        ({"from": "2026-11-01", "to": "2026-10-01"}, "/to"),
        ({"from": "0001-01-01", "to": "2026-10-01"}, "/from"),
        ({"from": "2026-11-01", "to": "2026-11-30", "grain": "century"}, "/grain"),
    ],
)
def test_a_bad_question_names_its_place(api, query, pointer):
    answer = api.get("/api/v1/kpis", query)

    assert (answer.status_code, answer.json()["details"][0]["pointer"]) == (422, pointer)
