"""What apologies did: treated customers beside similar ones, complaints beside orders."""

from datetime import timedelta
from decimal import Decimal
from itertools import count

import pytest
from django.core.cache import cache
from django.urls import reverse

from coupons.services import apology_report, issue_apology, known_apology_report, refresh_apology_report
from customers.services import record_event
from tests.coupons import factories
from tests.coupons.factories import NOW, customer, staff

pytestmark = pytest.mark.django_db
numbers = count(1)
# Ten weeks before the report, in the middle of a month.
THEN = NOW.replace(month=8, day=14)


@pytest.fixture
def agent():
    return staff("agent", email="agent@shop.example")


def order(person, **fields):
    return factories.order(person, number=str(next(numbers)), **fields)


def buyer(*, again_after=None, moment=THEN):
    """Return somebody who bought once just before the moment, and perhaps again so many days after it."""
    person = customer()
    order(person, ordered_at=moment - timedelta(days=3), total=5000)
    if again_after is not None:
        order(person, ordered_at=moment + timedelta(days=again_after), total=5000)
    return person


def apologise(person, agent, at=THEN, **options):
    return issue_apology(
        person, agent=agent, **{"amount": 500, "reason": "late parcel", "channel": None, "at": at, **options}
    )


def test_treated_customers_are_compared_with_similar_ones(agent):
    for again_after in (10, 20, None, 40):
        apologise(buyer(again_after=again_after), agent)
    for again_after in (5, None, None, None, 50):
        buyer(again_after=again_after)
    for _ in range(6):  # Another cell: bought long ago, and much.
        order(customer(), ordered_at=THEN - timedelta(days=200), total=90_000)

    month, quarter = apology_report(at=NOW).comparisons

    assert (month.days, month.treated, month.comparable) == (30, 4, 4)
    assert (month.rate, month.similar_rate) == (Decimal("0.5"), Decimal("0.2"))
    assert month.difference == Decimal("0.3")
    assert (quarter.treated, quarter.rate) == (0, None)


def test_after_ninety_days_the_longer_view_joins(agent):
    apologise(buyer(again_after=80), agent)
    for again_after in (80, 80, None, None, None):
        buyer(again_after=again_after)

    month, quarter = apology_report(at=THEN + timedelta(days=91)).comparisons

    assert (month.rate, month.similar_rate) == (Decimal(0), Decimal(0))
    assert (quarter.treated, quarter.rate, quarter.similar_rate) == (1, Decimal(1), Decimal("0.4"))


def test_without_enough_similar_customers_nothing_is_said(agent):
    apologise(buyer(), agent)
    for _ in range(4):
        buyer(again_after=5)

    month = apology_report(at=NOW).comparisons[0]

    assert (month.treated, month.comparable, month.rate, month.difference) == (1, 0, None, None)


def test_who_was_treated_lately_is_nobody_to_compare_with(agent):
    apologise(buyer(), agent)
    for _ in range(5):
        apologise(buyer(again_after=5), agent, at=THEN + timedelta(days=50), amount=100)

    assert apology_report(at=NOW).comparisons[0].comparable == 0


def test_complaints_are_counted_per_thousand_orders(agent):
    people = [buyer(again_after=5) for _ in range(4)]
    for place, person in enumerate(people[:2]):
        record_event("complaint.made", external_id=str(place), customer=person, occurred_at=THEN, payload={})
    apologise(people[0], agent)

    months = {month.first.month: month for month in apology_report(at=NOW).months}

    assert len(months) == 12 and len(apology_report(at=NOW).months) == 13
    assert (months[8].complaints, months[8].orders, months[8].complaint_rate) == (2, 8, Decimal(250))
    assert (months[8].apologies, months[8].worth_amount) == (1, 500)
    assert (months[9].orders, months[9].complaint_rate) == (0, None)


def test_last_night_s_report_is_shown(agent):
    refresh_apology_report(at=NOW)
    apologise(buyer(), agent)

    assert known_apology_report(at=NOW).apologies == 0
    cache.clear()
    assert known_apology_report(at=NOW).apologies == 1


def test_the_page_says_that_nobody_drew_lots(client, agent):
    cache.clear()
    client.force_login(staff("boss", is_superuser=True))

    page = client.get(reverse("admin:coupons_apology_report"))

    assert page.status_code == 200
    assert "Not randomised" in page.content.decode()
    assert "Too early to tell" in page.content.decode()
