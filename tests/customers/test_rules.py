from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customers.rules import (
    address_hash,
    goods_total,
    is_blocked_email,
    is_blocked_key,
    is_blocked_phone,
    line_amount,
    month_of,
    net_of_tax,
    normalise_email,
    normalise_key,
    normalise_phone,
    refund_for,
    round_half_up,
)

local_parts = st.from_regex(r"\A[A-Za-z0-9]+(\.[A-Za-z0-9]+)*\Z").filter(lambda text: len(text) <= 64)


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        (" Mario.Rossi@GMAIL.com ", "mario.rossi@gmail.com"),
        ("mario.rossi@gmail.com", "mario.rossi@gmail.com"),
        ("JÜRGEN@BÜCHER.de", "jürgen@bücher.de"),
        ("famiglia12@demo.invalid", "famiglia12@demo.invalid"),
    ],
)
def test_an_address_has_one_normal_form(typed, stored):
    assert normalise_email(typed) == stored


@pytest.mark.parametrize(
    "typed", ["", "mario", "mario@", "@gmail.com", "a b@c.it", "a@b", "x@" + "a" * 300 + ".it"]
)
def test_what_is_no_address_is_refused(typed):
    with pytest.raises(ValueError, match=r"\w"):
        normalise_email(typed)


@given(local_parts)
def test_normalising_an_address_twice_changes_nothing(local):
    once = normalise_email(f"{local}@Example.COM")

    assert normalise_email(once) == once == once.lower()


@pytest.mark.parametrize("typed", ["347 123 4567", "+393471234567", "0039 347-1234567", "(347) 1234567"])
def test_a_number_has_one_normal_form(typed):
    assert normalise_phone(typed, "IT") == "+393471234567"


@pytest.mark.parametrize("typed", ["", "abc", "12", "1" * 40])
def test_what_is_no_number_is_refused(typed):
    with pytest.raises(ValueError, match=r"\w"):
        normalise_phone(typed, "IT")


def test_a_number_without_country_needs_its_prefix():
    assert normalise_phone("+393471234567", "") == "+393471234567"
    with pytest.raises(ValueError, match="not a telephone number"):
        normalise_phone("347 123 4567", "")


def test_fillers_are_recognised():
    assert (
        is_blocked_phone("0000000000")
        and is_blocked_phone("+39 000 0000000")
        and is_blocked_phone("1234567890")
    )
    assert is_blocked_email(" NoEmail@shop.it") and is_blocked_email("none@x.it")
    assert is_blocked_key("0000") and is_blocked_key("")
    assert not is_blocked_phone("3471234567")
    assert not is_blocked_email("mario@shop.it")
    assert not is_blocked_key("RSSMRA80A01F205X")


def test_card_numbers_and_tax_codes_lose_spaces_and_dashes():
    assert normalise_key(" rssmra80a01 f205x ") == "RSSMRA80A01F205X"
    assert normalise_key("1234-5678") == "12345678"


def test_the_hash_of_an_address_is_its_sha256():
    assert address_hash("a@b.it") == ("b9add3ad1bdce957b0161161b8e069b4b62173712e1a2b39f6d0f2d560c759ab")


@pytest.mark.parametrize(
    ("instant", "month"),
    [
        (datetime(2026, 3, 31, 21, 59, 59, tzinfo=UTC), date(2026, 3, 1)),
        (datetime(2026, 3, 31, 22, 0, tzinfo=UTC), date(2026, 4, 1)),
        (datetime(2026, 12, 31, 22, 59, tzinfo=UTC), date(2026, 12, 1)),
        (datetime(2026, 12, 31, 23, 0, tzinfo=UTC), date(2027, 1, 1)),
    ],
)
def test_a_month_begins_at_midnight_in_the_programmes_zone(instant, month):
    assert month_of(instant, "Europe/Rome") == month


def test_halves_are_rounded_up():
    assert [round_half_up(Decimal(value)) for value in ("0.5", "1.5", "2.4", "2.5")] == [1, 2, 2, 3]


def test_a_weighed_line_costs_quantity_times_price():
    assert line_amount(Decimal("0.333"), 1000) == 333
    assert line_amount(Decimal("1.250"), 1998) == 2498


def test_goods_are_summed_after_discounts():
    assert goods_total([(3000, 300), (4000, 400), (1, 0)]) == 6301


def test_the_net_is_half_up_and_the_tax_is_the_rest():
    assert net_of_tax(10980, Decimal(22)) == 9000
    assert net_of_tax(1, Decimal(22)) == 1
    assert net_of_tax(500, Decimal(0)) == 500


def test_returns_in_parts_refund_what_was_paid():
    first = refund_for(5400, Decimal(2), returned=Decimal(0), more=Decimal(1))
    second = refund_for(5400, Decimal(2), returned=Decimal(1), more=Decimal(1))

    assert (first, second) == (2700, 2700)


@given(
    total=st.integers(0, 10**9),
    parts=st.lists(st.decimals("0.001", "1000", places=3), min_size=1, max_size=8),
)
def test_all_parts_together_refund_exactly_the_total(total, parts):
    quantity = sum(parts)
    returned, refunds = Decimal(0), []

    for part in parts:
        refunds.append(refund_for(total, quantity, returned=returned, more=part))
        returned += part

    assert sum(refunds) == total
    assert min(refunds) >= 0
