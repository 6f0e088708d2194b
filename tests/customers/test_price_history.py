"""The page of an article's prices: each day, what changed, and the lowest of the 30 days before."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from customers.models import Product, ProductPrice
from customers.price_history import price_days, prices_by_day
from customers.services.prices import raised_lately, record_prices, with_prices
from loyalty_site.roles import Role
from tests.console_data import staff
from tests.factories import ProductFactory

TODAY = date(2026, 10, 22)
NOW = datetime(2026, 10, 22, 10, tzinfo=UTC)
ROWS = st.dictionaries(st.integers(0, 70), st.tuples(st.integers(1, 9), st.integers(0, 3)), max_size=8)


def days_ago(days: int) -> date:
    return TODAY - timedelta(days=days)


def test_a_told_price_is_carried_on_until_the_next_one():
    rows = [(days_ago(40), 3000, 3000), (days_ago(2), 3500, 4000)]

    days = prices_by_day(rows, until=TODAY, days=4, told=True)

    assert [(one.day, one.lowest_amount, one.last_amount, one.before_amount, one.known) for one in days] == [
        (days_ago(3), 3000, 3000, 3000, False),
        (days_ago(2), 3500, 4000, 3000, True),
        (days_ago(1), 4000, 4000, 3000, False),
        (TODAY, 4000, 4000, 3000, False),
    ]


def test_the_lowest_price_is_forgotten_after_thirty_days():
    rows = [(days_ago(60), 3000, 3000), (days_ago(31), 4000, 4000)]

    days = prices_by_day(rows, until=TODAY, days=3, told=True)

    assert [one.before_amount for one in days] == [3000, 4000, 4000]


def test_of_an_article_known_from_its_sales_only_the_days_of_sale_count():
    rows = [(days_ago(60), 3000, 3000), (days_ago(5), 4000, 4000)]

    today = prices_by_day(rows, until=TODAY, days=1, told=False)[0]

    assert (today.last_amount, today.before_amount) == (4000, 4000)


def test_an_article_without_a_price_has_days_without_one():
    days = prices_by_day([], until=TODAY, days=2, told=False)

    assert [(one.lowest_amount, one.before_amount) for one in days] == [(None, None), (None, None)]


@pytest.mark.django_db
@given(rows=ROWS, told=st.booleans())
def test_the_page_and_the_warning_know_the_same_lowest_price(rows, told):
    ProductPrice.objects.all().delete()
    Product.objects.all().delete()
    last = rows[min(rows)] if rows else (5, 0)
    shirt = ProductFactory(unit_price_amount=sum(last) if told else None)
    for days, (lowest, above) in rows.items():
        record_prices({shirt.pk: lowest + above}, on=days_ago(days))
        record_prices({shirt.pk: lowest}, on=days_ago(days))
        record_prices({shirt.pk: lowest + above}, on=days_ago(days))

    today = price_days(shirt, until=TODAY, days=1)[0]
    asked = with_prices(Product.objects.all(), at=NOW).get()

    assert today.before_amount == asked.lowest_amount
    if rows:
        assert today.last_amount == asked.price_amount
        raised = asked.lowest_amount is not None and asked.price_amount > asked.lowest_amount
        assert list(raised_lately(Product.objects.all(), at=NOW)) == ([shirt] if raised else [])


@pytest.mark.django_db
def test_the_page_tells_what_a_reduction_is_announced_from(client):
    client.force_login(staff(Role.MARKETER))
    today = timezone.localdate()
    shoe = ProductFactory(sku="SHOE", name="Shoe", unit_price_amount=4000)
    record_prices({shoe.pk: 3000}, on=today - timedelta(days=60))
    record_prices({shoe.pk: 4000}, on=today - timedelta(days=5))
    url = f"/console/customers/product/{shoe.pk}/prices/"

    page = client.get(url).content.decode()
    changes = client.get(url + "?csv=changes").content.decode("utf-8-sig")
    days = client.get(url + "?csv=prices&days=365").content.decode("utf-8-sig").splitlines()

    assert "has to name €30.00 as the price before" in page
    assert changes.splitlines()[1].endswith(",30.00,40.00,0.333333,30.00")
    assert len(days) == 366
    assert days[-1].endswith(",40.00,30.00")


@pytest.mark.django_db
def test_an_article_without_any_price_says_how_it_gets_one(client):
    client.force_login(staff(Role.MARKETER))
    shoe = ProductFactory(sku="SHOE", name="Shoe")

    page = client.get(f"/console/customers/product/{shoe.pk}/prices/?days=nonsense").content.decode()

    assert "No price is known yet" in page
    assert client.get("/console/customers/product/0/prices/").status_code == 404


@pytest.mark.django_db
def test_the_list_of_articles_shows_those_raised_lately(client):
    client.force_login(staff(Role.MARKETER))
    today = timezone.localdate()
    shoe, hat = ProductFactory(sku="SHOE", unit_price_amount=4000), ProductFactory(sku="HAT")
    record_prices({shoe.pk: 3000, hat.pk: 900}, on=today - timedelta(days=5))

    page = client.get("/console/customers/product/?price=raised").content.decode()
    everything = client.get("/console/customers/product/").content.decode()

    assert "SHOE" in page and "€40.00" in page and "€30.00" in page
    assert "HAT" not in page and "HAT" in everything
