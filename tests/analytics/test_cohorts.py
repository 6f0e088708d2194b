"""Cohorts and new customers are what a plain count of the orders says."""

from datetime import UTC, date, datetime, timedelta
from random import Random

import pytest
from django.db import connection

from analytics.binary import binary_rows
from analytics.dashboard.figures import cohorts_chart
from analytics.first_orders import count_new_customers, new_customers
from analytics.services import kpis, monthly_cohorts
from analytics.services.days import refresh_days
from analytics.windows import windows_of
from customers.models import Order
from customers.services.rollups import refresh_rollups
from tests.analytics.factories import purchase
from tests.factories import CustomerFactory

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
TODAY = NOW.date()
COUNTED = """
WITH bought AS (
    SELECT customer_id, net_amount, date_trunc('month', ordered_at AT TIME ZONE 'Europe/Rome')::date AS month
    FROM customers_order WHERE status = 'PAID' AND currency = 'EUR' AND customer_id IS NOT NULL
), came AS (SELECT customer_id, min(month) AS cohort FROM bought GROUP BY 1)
SELECT cohort, month, count(DISTINCT customer_id), count(*), sum(net_amount)::bigint
FROM bought JOIN came USING (customer_id) GROUP BY 1, 2
"""


@pytest.fixture
def shop():
    """Twenty people with a hundred orders over nine months, at any hour; some anonymous, some cancelled."""
    dice = Random(5)
    people = [CustomerFactory() for _ in range(20)]
    for number in range(100):
        purchase(
            dice.choice([*people, None]),
            at=NOW - timedelta(hours=dice.randrange(24 * 270)),
            amount=100 + number,
            status=Order.Status.CANCELLED if number % 9 == 0 else Order.Status.PAID,
        )
    refresh_rollups([person.pk for person in people])
    refresh_days(at=NOW)
    return people


def counted() -> dict[tuple[date, date], tuple[int, int, int]]:
    with connection.cursor() as cursor:
        cursor.execute(COUNTED)
        return {(cohort, month): tuple(rest) for cohort, month, *rest in cursor.fetchall()}


def told(months: int = 12) -> dict[tuple[date, date], tuple[int, int, int]]:
    starts = [window.start for window in windows_of(date(2025, 12, 1), TODAY, "month")]
    found = {}
    for cohort in monthly_cohorts(months, until=TODAY):
        columns = zip(cohort.active, cohort.orders, cohort.net_amounts, strict=True)
        months_since = starts[starts.index(cohort.month) :]
        found |= {
            (cohort.month, month): each
            for month, each in zip(months_since, columns, strict=True)
            if any(each)
        }
    return found


def test_cohorts_are_what_sql_counts(shop):
    assert told() == counted()
    assert {cohort for cohort, _month in told(3)} == {
        cohort for cohort, _month in counted() if cohort >= date(2026, 9, 1)
    }


def test_cohorts_follow_what_happens_after_a_day_was_kept(shop):
    newcomer = CustomerFactory()
    purchase(newcomer, at=NOW - timedelta(days=70), amount=1)
    purchase(newcomer, at=NOW - timedelta(minutes=5), amount=2)
    Order.objects.filter(customer=shop[0]).delete()
    refresh_rollups([newcomer.pk, shop[0].pk])

    assert told() == counted()


def test_the_home_page_shows_at_once_what_changed_in_the_past(shop):
    before = people_shown()

    newcomer = CustomerFactory()
    purchase(newcomer, at=NOW - timedelta(days=70), amount=1)
    refresh_rollups([newcomer.pk])

    assert people_shown() == before + 1


def people_shown() -> int:
    """How many people the cohorts of the home page come to, by the labels of the heat map."""
    return sum(int(label.rpartition(" · ")[2]) for label in cohorts_chart(until=TODAY).labels)


def test_new_customers_are_counted_as_they_are_named(shop):
    windows = windows_of(date(2026, 1, 1), TODAY, "week")
    named = new_customers(windows)

    assert count_new_customers(windows) == [len(each) for each in named]
    assert sum(map(len, named)) == len({pk for each in named for pk in each.tolist()})
    assert [each.buyers for each in kpis(date(2025, 12, 1), TODAY)] == [
        sum(
            active for (_cohort, month), (active, _orders, _net) in counted().items() if month == window.start
        )
        for window in windows_of(date(2025, 12, 1), TODAY, "month")
    ]


def test_a_statement_is_planned_with_its_values():
    """Generic plans are for what a till waits for (docs/decisions/0114), not for spans of time."""
    plan = binary_rows("EXPLAIN SELECT FROM customers_order WHERE id < %(most)s", {"most": 4711})
    rows = binary_rows("SELECT %(text)s || '%%', %(ids)s::int[]", {"text": "50 % of 'it'", "ids": [1, 2]})

    assert any("4711" in line for (line,) in plan)
    assert rows == [("50 % of 'it'%", [1, 2])]
