"""A cart that nobody touched for hours and that led to no order is told as abandoned, once."""

from datetime import timedelta

import pytest

from customers.models import Event, PendingEvent
from customers.services import record_external_events, record_orders, tell_abandoned_carts
from tests.factories import NOON, CustomerFactory

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)
ITEMS = [{"sku": "TYRE", "quantity": 2, "price": 5000}]


@pytest.fixture
def alice():
    return CustomerFactory(email="alice@mail.example")


def cart(external_id="1", at=NOON, type="cart.updated", **payload):
    item = {
        "source": "shop", "external_id": external_id, "type": type, "occurred_at": at,
        "customer": {"email": "alice@mail.example"}, "amount": 10_000, "currency": "EUR",
        "sales_channel": "web", "payload": {"cart": "c1", "items": ITEMS} | payload,
    }  # fmt: skip
    (outcome,) = record_external_events([item], at=at)
    assert outcome.status == 201


def look(at):
    return tell_abandoned_carts(after=4 * HOUR, at=at)


def test_a_cart_left_for_four_hours_is_told_once_with_its_content(alice, settings):
    settings.EVENT_SUBSCRIBERS = {"cart.abandoned": ["operator.not_"]}
    cart()

    assert look(NOON + 3 * HOUR) == 0
    assert look(NOON + 4 * HOUR) == 1
    assert look(NOON + 4 * HOUR) == look(NOON + 24 * HOUR) == 0
    told = Event.objects.get(type="cart.abandoned")
    assert (told.customer, told.amount, told.currency, told.sales_channel.code) == (
        alice,
        10_000,
        "EUR",
        "web",
    )
    assert (told.occurred_at, told.payload) == (NOON + 4 * HOUR, {"cart": "c1", "items": ITEMS})
    assert PendingEvent.objects.get().event == told


def test_the_last_change_counts(alice):
    cart("1")
    cart("2", NOON + 2 * HOUR, items=[{"sku": "RIM"}])

    assert look(NOON + 5 * HOUR) == 0
    assert look(NOON + 6 * HOUR) == 1
    assert Event.objects.get(type="cart.abandoned").payload["items"] == [{"sku": "RIM"}]


def test_an_order_an_emptied_cart_and_one_told_by_the_shop_are_none(alice):
    cart("1")
    cart("2", cart="c2", items=[])
    cart("3", cart="c3")
    cart("4", NOON + HOUR, "cart.abandoned", cart="c3")
    order = {
        "source": "shop", "source_id": "1", "customer": {"email": "alice@mail.example"},
        "ordered_at": NOON + HOUR, "currency": "EUR", "lines": [{"sku": "A", "quantity": 1, "amount": 1}],
    }  # fmt: skip
    assert look(NOON + 30 * 24 * HOUR) == 0  # Too long ago to be worth a word.

    record_orders([order], at=NOON + HOUR)

    assert look(NOON + 5 * HOUR) == 0


def test_a_cancelled_order_does_not_count(alice):
    cart()
    (outcome,) = record_orders(
        [
            {
                "source": "shop",
                "source_id": "1",
                "customer": {"email": "alice@mail.example"},
                "ordered_at": NOON + HOUR,
                "currency": "EUR",
                "lines": [{"sku": "A", "quantity": 1, "amount": 1}],
            }
        ],
        at=NOON + HOUR,
    )
    outcome.row.status = "CANCELLED"
    outcome.row.save()

    assert look(NOON + 5 * HOUR) == 1


def test_a_cart_is_abandoned_once_even_when_it_is_touched_again(alice):
    cart("1")
    look(NOON + 4 * HOUR)
    cart("2", NOON + 5 * HOUR)

    assert look(NOON + 10 * HOUR) == 0


def test_a_cart_without_an_id_is_told_after_each_last_change(alice):
    for number, at in ((1, NOON), (2, NOON + 10 * HOUR)):
        item = {
            "source": "shop", "external_id": str(number), "type": "cart.updated", "occurred_at": at,
            "customer": {"email": "alice@mail.example"},
        }  # fmt: skip
        record_external_events([item], at=at)
        assert look(at + 4 * HOUR) == 1

    assert Event.objects.filter(type="cart.abandoned").count() == 2


def test_an_anonymous_cart_is_nobodys_until_somebody_is_behind_it():
    item = {"source": "shop", "external_id": "1", "type": "cart.updated", "occurred_at": NOON}
    record_external_events([item], at=NOON)

    assert look(NOON + 5 * HOUR) == 0
