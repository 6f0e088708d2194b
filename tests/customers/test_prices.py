"""What articles were offered for, and the lowest price of the last 30 days."""

from datetime import UTC, date, datetime, timedelta

import pytest

from customers.models import Product, ProductPrice
from customers.services import upsert_product
from customers.services.prices import (
    collect_last_prices,
    collect_sold_prices,
    raised_lately,
    record_prices,
    with_prices,
)
from loyalty_site.roles import Role
from tests.console_data import staff
from tests.factories import OrderFactory, ProductFactory

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 10, 22, 10, tzinfo=UTC)
TODAY = date(2026, 10, 22)


def sold(product, amount: int, *, quantity: int = 1, at: datetime = NOW, **fields) -> None:
    OrderFactory(ordered_at=at, lines=[(product.sku, quantity, amount, 0)], **fields)


def priced(product) -> list[tuple]:
    rows = ProductPrice.objects.filter(product=product).order_by("day")
    return [(row.day, row.lowest_amount, row.last_amount) for row in rows]


def test_of_several_prices_of_a_day_the_lowest_and_the_last_stand():
    shirt = ProductFactory()

    for amount in (2990, 1990, 2490):
        record_prices({shirt.pk: amount}, on=TODAY)

    assert priced(shirt) == [(TODAY, 1990, 2490)]


def test_a_price_typed_into_the_console_is_written_down(client):
    client.force_login(staff(Role.ADMINISTRATOR))
    typed = {"sku": "SHIRT", "name": "Shirt", "unit_price_amount": "29.90"}

    assert client.post("/console/customers/product/add/", typed).status_code == 302
    shirt = Product.objects.get()
    url = f"/console/customers/product/{shirt.pk}/change/"
    assert client.post(url, typed | {"unit_price_amount": "19.90"}).status_code == 302
    assert client.post(url, typed | {"unit_price_amount": "19.90", "name": "A shirt"}).status_code == 302

    shirt.refresh_from_db()
    assert [row[1:] for row in priced(shirt)] == [(1990, 1990)]
    assert (shirt.name, shirt.unit_price_amount) == ("A shirt", 1990)


@pytest.mark.parametrize("typed", ["-3", "12.345", "banana", "99999999999999999999"])
def test_what_is_no_price_is_refused_beside_its_field(client, typed):
    client.force_login(staff(Role.ADMINISTRATOR))
    shirt = ProductFactory(name="Shirt", unit_price_amount=2990)
    url = f"/console/customers/product/{shirt.pk}/change/"

    page = client.post(url, {"name": "A shirt", "unit_price_amount": typed})

    assert "unit_price_amount" in page.context["adminform"].form.errors
    shirt.refresh_from_db()
    assert (shirt.name, shirt.unit_price_amount) == ("Shirt", 2990)


def test_who_may_only_look_sees_the_price_as_the_list_has_it(client):
    client.force_login(staff(Role.MARKETER))
    shirt = ProductFactory(unit_price_amount=2990, unit_cost_amount=1200)

    page = client.get(f"/console/customers/product/{shirt.pk}/change/").content.decode()

    assert "€29.90" in page and "€12.00" in page
    assert "2990" not in page


def test_a_price_told_with_the_article_is_written_down():
    told = upsert_product("SHIRT", name="Shirt", unit_price_amount=2990).row

    assert [row[1:] for row in priced(told)] == [(2990, 2990)]
    assert Product.objects.get(sku="SHIRT").unit_price_amount == 2990


def test_orders_tell_prices_by_local_day_without_the_customers_discount():
    shirt = ProductFactory()
    sold(shirt, 6000, quantity=2)
    sold(shirt, 2500)
    sold(shirt, 2000, at=datetime(2026, 10, 22, 22, 30, tzinfo=UTC))

    collect_sold_prices(since=NOW - timedelta(days=1), until=NOW + timedelta(days=1))
    collect_sold_prices(since=NOW - timedelta(days=1), until=NOW + timedelta(days=1))

    assert priced(shirt) == [(TODAY, 2500, 3000), (date(2026, 10, 23), 2000, 2000)]


def test_a_sale_does_not_end_the_price_that_was_told():
    shirt = ProductFactory(unit_price_amount=3000)
    record_prices({shirt.pk: 4000}, on=TODAY - timedelta(days=41))
    record_prices({shirt.pk: 3000}, on=TODAY - timedelta(days=40))
    sold(shirt, 4000, at=NOW - timedelta(days=40))
    sold(shirt, 5000, at=NOW - timedelta(days=39))
    sold(shirt, 2500, at=NOW - timedelta(days=38))

    collect_sold_prices(since=NOW - timedelta(days=50), until=NOW)

    assert [row[1:] for row in priced(shirt)] == [(4000, 4000), (3000, 3000), (3000, 3000), (2500, 3000)]
    assert with_prices(Product.objects.all(), at=NOW).get().lowest_amount == 3000


def test_what_is_handed_over_for_nothing_is_no_price():
    shirt, bag = ProductFactory(), ProductFactory()
    for amount in (2500, 0):
        sold(shirt, amount)
    sold(bag, 0)

    collect_sold_prices(since=NOW - timedelta(days=1), until=NOW + timedelta(days=1))

    assert priced(shirt) == [(TODAY, 2500, 2500)]
    assert collect_last_prices() == 0
    assert priced(bag) == []


def test_an_article_sold_long_ago_has_its_last_price():
    shirt, hat = ProductFactory(), ProductFactory(unit_price_amount=500)
    sold(shirt, 1000, at=NOW - timedelta(days=400))
    sold(shirt, 1200, at=NOW - timedelta(days=300))
    sold(hat, 700, at=NOW - timedelta(days=300))

    assert collect_last_prices() == 1
    assert collect_last_prices() == 0

    assert [row[1:] for row in priced(shirt)] == [(1200, 1200)]


def test_only_the_last_thirty_days_before_today_count():
    shirt, hat = ProductFactory(unit_price_amount=2990), ProductFactory(unit_price_amount=900)
    record_prices({shirt.pk: 1000}, on=TODAY - timedelta(days=31))
    record_prices({shirt.pk: 1990}, on=TODAY - timedelta(days=30))
    record_prices({shirt.pk: 500, hat.pk: 900}, on=TODAY)

    found = with_prices(Product.objects.filter(pk=shirt.pk), at=NOW).get()

    assert (found.price_amount, found.lowest_amount) == (2990, 1990)
    assert list(raised_lately(Product.objects.all(), at=NOW)) == [shirt]


def test_a_price_told_long_ago_was_in_force_when_the_thirty_days_began():
    told, sold_only = ProductFactory(unit_price_amount=4000), ProductFactory()
    for article in (told, sold_only):
        record_prices({article.pk: 3000}, on=TODAY - timedelta(days=60))
        record_prices({article.pk: 4000}, on=TODAY - timedelta(days=5))

    lowest = {one.pk: one.lowest_amount for one in with_prices(Product.objects.all(), at=NOW)}

    assert lowest == {told.pk: 3000, sold_only.pk: 4000}
    assert list(raised_lately(Product.objects.all(), at=NOW)) == [told]


def test_a_price_raised_over_thirty_days_ago_is_no_longer_pointed_out():
    shirt = ProductFactory(unit_price_amount=4000)
    record_prices({shirt.pk: 3000}, on=TODAY - timedelta(days=60))
    record_prices({shirt.pk: 4000}, on=TODAY - timedelta(days=30))
    record_prices({shirt.pk: 4000}, on=TODAY)

    assert with_prices(Product.objects.all(), at=NOW).get().lowest_amount == 4000
    assert not raised_lately(Product.objects.all(), at=NOW).exists()
