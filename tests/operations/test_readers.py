"""A reader says what the serializer says, or leaves it to the serializer."""

import copy
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.validators import MaxLengthValidator
from rest_framework import serializers

from customers.api.consents import ConsentIn
from customers.api.customers import CustomerIn
from customers.api.events import EventIn
from customers.api.orders import OrderIn
from operations.api.readers import NotPlain, reader_of
from operations.api.serializers import StrictSerializer

ORDER = {
    "source": "pos", "source_id": "1", "customer": {"source": "pos", "source_id": "7"},
    "ordered_at": "2026-11-20T10:00:00+01:00", "currency": "EUR", "sales_channel": "store", "store": "s 1",
    "shipping_amount": 490, "status": "PAID",
    "lines": [{"sku": "MILK", "quantity": 2, "unit_price": 199, "tax_rate": "10"},
              {"line_id": "b", "sku": "HAM", "quantity": 0.25, "amount": 500, "discount_amount": 20}],
}  # fmt: skip
EVENT = {
    "source": "web", "external_id": "e1", "type": "product.viewed", "occurred_at": "2026-11-20T10:00:00Z",
    "identity": {"namespace": "email", "value": "a@mail.example"}, "sku": "MILK", "amount": -5,
    "currency": "EUR", "payload": {"seconds": 4, "deep": {"a": [1, None]}},
}  # fmt: skip
CUSTOMER = {
    "source": "pos", "source_id": "7", "email": " Anna@Mail.example ", "phone": "347 123 4567",
    "first_name": "Anna", "last_name": "", "birth_date": "1980-02-29", "language": "it", "country": "it",
    "timezone": "Europe/Rome", "city": None, "attributes": {"shoe": 38},
    "consents": [{"channel": "email", "purpose": "MARKETING", "state": "GRANTED", "proof": {"form": 1}}],
}  # fmt: skip
CONSENT = {
    "customer": {"email": "a@mail.example"}, "channel": "email", "purpose": "MARKETING", "state": "DENIED",
    "occurred_at": "2026-11-20 10:00:00.5+00:00", "source": "pos",
}  # fmt: skip
EXAMPLES = [(OrderIn, ORDER), (EventIn, EVENT), (CustomerIn, CUSTOMER), (ConsentIn, CONSENT)]
NASTY = [
    None, "", " ", "x", "fidelio", "EUR\n", "a\tb", "a\0b", "\ud800", "\x85", "é" * 300, "2026-11-20",
    "2026-11-20T10:00:00", "20261120T100000+0100", "0001-01-01T00:00:00Z", "2026-11-20T10:00:00 ",
    0, -1, 1, 10**12, 10**12 + 1, 10**30, 1.0, 1.5, 1e309, True, "1", "1.5", "1e3", "NaN",
    [], [1], {}, {"id": "x"}, {"source": "pos"}, {"email": "a@b.example", "id": "1"}, {"namespace": "phone"},
]  # fmt: skip


def places(example: Any, path: tuple = ()) -> Iterator[tuple[tuple, Any]]:
    """Yield the path to every value in the example, and the value."""
    if path:
        yield path, example
    parts = dict(enumerate(example)) if isinstance(example, list) else example
    for name, part in parts.items() if isinstance(parts, dict) else ():
        yield from places(part, (*path, name))


def with_value(example: Any, path: tuple, value: Any) -> Any:
    example = copy.deepcopy(example)
    parent = example
    for name in path[:-1]:
        parent = parent[name]
    parent[path[-1]] = value
    return example


def without(example: Any, path: tuple) -> Any:
    example = copy.deepcopy(example)
    parent = example
    for name in path[:-1]:
        parent = parent[name]
    del parent[path[-1]]
    return example


def variants(example: dict) -> Iterator[Any]:
    for path, value in places(example):
        yield without(example, path)
        if isinstance(value, dict):
            yield with_value(example, path, value | {"surprise": 1})
        for nasty in NASTY:
            yield with_value(example, path, nasty)
    yield from (None, [], "x", {}, example | {"surprise": 1})


@pytest.mark.parametrize(("serializer", "example"), EXAMPLES)
def test_a_plain_item_is_read_as_the_serializer_reads_it(serializer, example):
    slow = serializer(data=example)

    assert slow.is_valid(), slow.errors
    assert reader_of(serializer)(example) == slow.validated_data


@pytest.mark.parametrize(("serializer", "example"), EXAMPLES)
def test_whatever_is_sent_a_reader_never_says_more_than_the_serializer(serializer, example):
    read, taken = reader_of(serializer), 0

    for item in variants(example):
        try:
            fast = read(item)
        except NotPlain:
            continue
        taken += 1
        slow = serializer(data=item)
        assert slow.is_valid(), (item, slow.errors)
        assert repr(sorted(fast.items())) == repr(sorted(slow.validated_data.items())), item

    assert taken > 20


class Booking(StrictSerializer):
    seats = serializers.IntegerField(default=2, max_value=4)
    row = serializers.CharField(source="place", validators=[MaxLengthValidator(3)], required=False)
    code = serializers.CharField(required=False, allow_null=True)

    def validate_code(self, code: str | None) -> str:
        if code is None or code == "13":
            raise serializers.ValidationError("Unlucky.")
        return f"#{code}"


def test_defaults_other_names_and_checks_of_a_field_are_honoured():
    read = reader_of(Booking)

    assert read({}) == {"seats": 2}
    assert read({"row": "A", "code": "1"}) == {"place": "A", "code": "#1", "seats": 2}
    for unlucky in ({"code": "13"}, {"code": None}, {"seats": 5}, {"row": "ABCD"}):
        with pytest.raises(NotPlain):
            read(unlucky)
