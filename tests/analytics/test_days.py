"""Days of purchases: kept as columns, and always what the orders say."""

from contextlib import suppress
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analytics.models import PurchaseDay, StaleDay
from analytics.purchases import ANYWHERE, Purchases, count_orders
from analytics.services.days import read_days, refresh_days, totals_by_day
from analytics.windows import STORE_GROUP, Scope
from customers.models import Order, OrderLine, Product, RollupScope, SalesChannel, Store
from tests.analytics.factories import purchase
from tests.factories import CustomerFactory

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
START, END = date(2026, 10, 1), date(2026, 11, 22)


def at(month: int, day: int, hour: int = 11) -> datetime:
    return datetime(2026, month, day, hour, tzinfo=UTC)


def told(scope: Scope = ANYWHERE) -> list[tuple]:
    return _rows(read_days(START, END, scope=scope))


def told_by_orders(scope: Scope = ANYWHERE) -> list[tuple]:
    return _rows(count_orders(START, END, scope))


def _rows(bought: Purchases) -> list[tuple]:
    return sorted(zip(bought.days.tolist(), bought.customers.tolist(), bought.amounts.tolist(), strict=True))


@pytest.fixture
def shop():
    web, store = SalesChannel.objects.create(code="web"), Store.objects.create(code="s1", store_group="north")
    alice = CustomerFactory()
    purchase(alice, at=at(10, 5), amount=1000, sales_channel=web)
    purchase(alice, at=at(10, 31, 23), amount=2000, store=store)
    purchase(None, at=at(11, 3), amount=500, store=store)
    purchase(alice, at=at(11, 21), amount=700, sales_channel=web)
    return alice


def test_days_that_are_over_are_kept_and_today_is_not(shop):
    refresh_days(at=NOW)

    days = PurchaseDay.objects.order_by("day")
    assert (days[0].day, days.reverse()[0].day) == (date(2026, 10, 5), date(2026, 11, 20))
    assert [(day.day, day.net_amount) for day in days.filter(orders__gt=0)] == [
        (date(2026, 10, 5), 1000),
        (date(2026, 11, 1), 2000),
        (date(2026, 11, 3), 500),
    ]
    assert told() == told_by_orders()
    assert not StaleDay.objects.exists()


def test_a_day_is_not_kept_before_its_last_transactions_are_over(shop):
    refresh_days(at=datetime(2026, 11, 3, 23, 30, tzinfo=UTC))

    assert PurchaseDay.objects.order_by("-day")[0].day == date(2026, 11, 2)


@pytest.mark.parametrize(
    "scope",
    [
        Scope(),
        Scope(RollupScope.CHANNEL, "web"),
        Scope(RollupScope.STORE, "s1"),
        Scope(STORE_GROUP, "north"),
        Scope(RollupScope.CHANNEL, "unknown"),
    ],
)
def test_kept_days_know_where_was_bought(shop, scope):
    refresh_days(at=NOW)

    assert told(scope) == told_by_orders(scope)


def test_a_change_of_the_past_is_read_at_once_and_kept_by_the_next_count(shop):
    refresh_days(at=NOW)
    Order.objects.filter(total_amount=1000).update(refunded_amount=400)
    purchase(shop, at=at(10, 6), amount=50)
    Order.objects.filter(total_amount=500).delete()

    assert told() == told_by_orders()
    assert StaleDay.objects.count() == 3
    refresh_days(at=NOW)
    assert told() == told_by_orders()
    assert not StaleDay.objects.exists()
    assert PurchaseDay.objects.get(day=date(2026, 10, 5)).net_amount == 600
    assert totals_by_day(date(2026, 10, 5), date(2026, 10, 7))[date(2026, 10, 6)].net_amount == 50


def test_what_changes_nothing_marks_nothing(shop):
    refresh_days(at=NOW)

    Order.objects.update(content_hash=b"again")

    assert not StaleDay.objects.exists()


def test_an_article_that_moves_to_another_line_is_counted_there(shop):
    tyre = Product.objects.create(sku="T1", product_line="tyres")
    order = Order.objects.get(total_amount=1000)
    OrderLine.objects.create(order=order, line_id="1", product=tyre, quantity=1, amount=800)
    tyres, wheels = (Scope(RollupScope.PRODUCT_LINE, line) for line in ("tyres", "wheels"))
    refresh_days(at=NOW)
    assert told(tyres) == told_by_orders(tyres) != []

    Product.objects.filter(pk=tyre.pk).update(product_line="wheels")

    assert (told(tyres), told(wheels)) == ([], told_by_orders(wheels))
    refresh_days(at=NOW)
    assert not StaleDay.objects.exists()
    assert (told(tyres), told(wheels)) == ([], told_by_orders(wheels))
    assert len(told(wheels)) == 1


def test_orders_of_this_moment_leave_no_mark(shop):
    StaleDay.objects.all().delete()
    with connection.cursor() as cursor:
        cursor.execute("SELECT now()")
        now = cursor.fetchone()[0]

    purchase(shop, at=now, amount=100)
    purchase(shop, at=now - timedelta(hours=2), amount=100)

    assert StaleDay.objects.count() == 1


CHANGES = st.lists(
    st.tuples(st.sampled_from(["buy", "refund", "back-date", "delete", "refresh"]), st.integers(0, 40)),
    max_size=12,
)


class Undone(Exception):
    """Takes back what one example did."""


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=CHANGES)
def test_kept_days_are_what_the_orders_say_whatever_happens(shop, changes):
    with suppress(Undone), transaction.atomic():
        for number, (what, day) in enumerate(changes):
            _change(shop, what, day, number)

            assert told() == told_by_orders()
        raise Undone


def _change(person, what: str, day: int, number: int) -> None:
    orders = list(Order.objects.order_by("pk"))
    order = orders[day % len(orders)] if orders else None
    if what == "refresh":
        refresh_days(at=NOW)
    elif what == "buy" or order is None:
        purchase(person, at=at(10, 1) + timedelta(days=day), amount=day + 1, external_id=f"new-{number}")
    elif what == "refund":
        Order.objects.filter(pk=order.pk).update(refunded_amount=order.total_amount // 2)
    elif what == "back-date":
        Order.objects.filter(pk=order.pk).update(ordered_at=at(10, 2) + timedelta(days=day))
    else:
        order.delete()
