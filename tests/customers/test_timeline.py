import ast
import re
from pathlib import Path

import pytest
from django.utils import translation

from customers.models import Event
from customers.services.events import own_source
from customers.timeline import FAMILIES, WORDINGS, describe
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


TELLERS = {"record_event", "new_event", "tell", "told", "note", "tell_of_grant"}
IN_OTHER_WORDS = {"consent.changed", "points.changed"}  # `describe` tells them by themselves.
OF_NOBODY = re.compile(
    r"(budget|campaign|channel|sending_limits)\..*|draw\.(cancelled|closed|committed|drawn)"
    r"|promotion\.(leak_suspected|resumed|stopped|unusual_speed)"
)


def told_in(source):
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "id", getattr(node.func, "attr", ""))
        if name.lstrip("_") in TELLERS:
            yield from (one.value for each in node.args for one in ast.walk(each) if is_a_type(one))


def is_a_type(node):
    return isinstance(node, ast.Constant) and re.fullmatch(r"[a-z_]+\.[a-z_]+", str(node.value)) is not None


def test_every_event_we_tell_of_a_customer_has_its_words_and_its_family():
    root = Path(__file__).parents[2]
    told = {type for path in root.glob("*/services/*.py") for type in told_in(path.read_text())}

    of_customers = {type for type in told if not OF_NOBODY.fullmatch(type)}

    assert len(of_customers) > 40
    assert of_customers - set(WORDINGS) == IN_OTHER_WORDS
    assert {type.partition(".")[0] for type in WORDINGS} <= set(FAMILIES)


@pytest.mark.parametrize(
    ("points", "title"),
    [(1, "Earned 1 point"), (2, "Earned 2 points"), (-1, "1 point taken"), (-30, "30 points taken")],
)
def test_one_point_is_not_one_points(points, title):
    assert describe(event("points.changed", payload={"points": points})).title == title
