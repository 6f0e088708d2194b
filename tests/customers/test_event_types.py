"""Each kind of event that a source may send has a schema, which judges payloads and documents itself."""

import re

import pytest

from customers.event_types import TYPES, event_type, is_told_by_sources, payload_mistake
from customers.segments.told_events import NAMES
from customers.timeline import FAMILIES

CODES = [kind.code for kind in TYPES]


@pytest.mark.parametrize("kind", TYPES, ids=CODES)
def test_every_type_takes_its_own_example(kind):
    assert kind.mistake(kind.code, dict(kind.example)) is None


@pytest.mark.parametrize("kind", TYPES, ids=CODES)
def test_every_type_is_named_like_a_type_and_has_a_family_for_the_timeline(kind):
    assert re.fullmatch(r"[a-z]+\.([a-z_]+|\*)", kind.code)
    assert kind.code.partition(".")[0] in FAMILIES


def test_what_sources_tell_has_words_where_it_is_chosen():
    told = {kind.code for kind in TYPES if "*" not in kind.code}

    assert told - set(NAMES) == {"consent.changed"}  # Rules ask for the consent itself.


def test_no_type_is_there_twice():
    assert len(CODES) == len(set(CODES))


def test_an_unlisted_type_of_an_open_family_takes_its_schema():
    assert event_type("iot.door_opened").code == "iot.*"
    assert event_type("iot.measured").code == "iot.measured"
    assert event_type("product.licked") is event_type("iot.") is event_type("iot") is None


def test_what_only_we_tell_moves_nothing_when_a_source_reports_it():
    assert is_told_by_sources("product.tried")
    assert is_told_by_sources("iot.door_opened")
    assert not is_told_by_sources("order.recorded")
    assert not is_told_by_sources("customer.created")


@pytest.mark.parametrize(
    ("code", "payload", "pointer", "message"),
    [
        (
            "nps.answered",
            {},
            "/payload/score",
            "payload.score of nps.answered is a whole number from 0 to 10.",
        ),
        ("nps.answered", {"score": True}, "/payload/score", "is a whole number from 0 to 10."),
        ("nps.answered", {"score": 9.0}, "/payload/score", "is a whole number from 0 to 10."),
        ("review.written", {"rating": 6}, "/payload/rating", "is a whole number from 1 to 5."),
        ("product.tried", {"outcome": "maybe"}, "/payload/outcome", "is one of bought, undecided, rejected."),
        ("product.registered", {"sku": "X"}, "/payload/serial", "is a text."),
        ("product.registered", {"serial": ""}, "/payload/serial", "is a text that is not empty."),
        ("ticket.opened", {"subject": "x" * 301}, "/payload/subject", "is a text of at most 300 characters."),
        (
            "cart.updated",
            {"items": [{"sku": "A"}, {"sku": "B", "quantity": -1}]},
            "/payload/items/1/quantity",
            "payload.items.1.quantity of cart.updated is a number of at least 0.",
        ),
        ("cart.updated", {"items": [{"name": "A"}]}, "/payload/items/0/sku", "is a text."),
        ("cart.updated", {"items": "A"}, "/payload/items", "is a list."),
        ("iot.door_opened", {"serial": 5}, "/payload/serial", "payload.serial of iot.door_opened is a text."),
    ],
)
def test_a_mistake_says_where_and_what_is_wanted(code, payload, pointer, message):
    mistake = payload_mistake(code, payload)

    assert mistake.pointer == pointer
    assert mistake.message.endswith(message)


def test_a_payload_may_hold_more_than_its_schema_knows():
    assert payload_mistake("nps.answered", {"score": 0, "kiosk": {"floor": 2}}) is None
    assert payload_mistake("coupon.redeemed", {"whatever": 1}) is None


@pytest.mark.django_db
def test_the_api_documents_every_type(api):
    answer = api.get("/api/v1/event-types").json()

    assert [each["type"] for each in answer["data"]] == CODES
    nps = next(each for each in answer["data"] if each["type"] == "nps.answered")
    assert nps["schema"]["properties"]["score"] == {"type": "integer", "minimum": 0, "maximum": 10}
    assert (nps["schema"]["required"], nps["told_by_sources"]) == (["score"], True)
    assert nps["example"]["score"] == 9
