import pytest
from django.utils import translation

from customers.models import Event
from customers.services.events import own_source
from customers.timeline import WORDINGS, describe
from tests.factories import NOON, ProductFactory, SourceFactory, StoreFactory

pytestmark = pytest.mark.django_db


GRANTED = {"channel": "email", "purpose": "MARKETING", "state": "GRANTED"}


def event(type, source=None, **fields):
    return Event(type=type, source=source or own_source(), occurred_at=NOON, **fields)


def test_a_purchase_is_told_with_its_amount_place_and_link():
    told = describe(
        event(
            "order.recorded",
            amount=128450,
            currency="EUR",
            store=StoreFactory(name="Duomo"),
            payload={"order": 7},
        )
    )

    assert (told.title, told.detail, told.icon, told.tone) == (
        "Bought for €1,284.50",
        "Duomo",
        "shopping_bag",
        "good",
    )
    assert told.url.endswith("/customers/order/7/change/")


def test_a_partners_order_has_no_link_into_ours():
    assert describe(event("order.recorded", SourceFactory(), payload={"order": 7})).url == ""


@pytest.mark.parametrize("what", ["redeemed", "rolled_back"])
@pytest.mark.parametrize("about", ["coupon", "promotion", "gift_card", "points"])
def test_whatever_is_redeemed_or_rolled_back_has_its_words(about, what):
    assert f"{about}.{what}" in WORDINGS


@pytest.mark.parametrize(
    ("type", "payload", "title", "detail"),
    [
        ("points.changed", {"points": 12, "balance": 1340}, "Earned 12 points", "balance 1,340"),
        ("points.changed", {"points": -50}, "50 points taken", ""),
        ("consent.changed", GRANTED, "Marketing by E-mail: granted", ""),
        ("coupon.published", {"code": "ABC", "promotion": "SPRING"}, "Received the coupon ABC", "SPRING"),
        ("message.sent", {"channel": "email", "campaign": "SPRING"}, "We wrote by E-mail", "SPRING"),
        ("nps.answered", {"score": 9}, "Would recommend us: 9 of 10", ""),
        ("iot.filter_clogged", {}, "Connected products: filter clogged", ""),
        ("promotion.stopped", {}, "Promotions: stopped", ""),
        ("thing.happened", {}, "thing: happened", ""),
        ("points.changed", {"points": "many"}, "Points: changed", ""),
        ("coupon.published", {"code": {"nested": 1}, "promotion": None}, "Received the coupon", ""),
        ("badge.earned", {"name": "Tester", "reason": "Bread"}, "Badge earned", "Tester Bread"),
        ("prize.won", {"name": "Cinema ticket"}, "Won", "Cinema ticket"),
        ("draw.entered", {"reason": "Defect told"}, "Contest entered", "Defect told"),
    ],
)  # fmt: skip
def test_each_kind_has_its_sentence(type, payload, title, detail):
    told = describe(event(type, payload=payload))

    assert (told.title, told.detail) == (title, detail)


@pytest.mark.parametrize("type", sorted(WORDINGS))
def test_no_sentence_breaks_on_an_empty_payload_in_any_language(type):
    for language in ("en", "it"):
        with translation.override(language):
            assert describe(event(type, product=ProductFactory())).title
