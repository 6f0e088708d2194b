import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loyalty.card_numbers import check_digit, is_number, new_number, written


def test_an_ean_13_has_the_check_digit_of_the_standard():
    # 4006381333931: (4+0+3+1+3+9) + 3*(0+6+8+3+3+3) = 20 + 69 = 89, and 1 is missing to 90.
    assert check_digit("400638133393") == "1"


def test_a_longer_number_has_the_digit_of_luhn():
    # The example of the standard: 7992739871 is followed by 3.
    assert check_digit("7992739871") == "3"
    assert check_digit("453201511283036") == "6"


def test_a_number_begins_as_asked_and_has_as_many_digits():
    assert new_number("29", 16, below=lambda n: 42) == "290000000000042" + check_digit("290000000000042")
    assert len(new_number("29", 13, below=lambda n: n - 1)) == 13
    assert is_number(new_number("29", 13, below=lambda n: 7))


@pytest.mark.parametrize("prefix, digits", [("29", 11), ("2900000", 16), ("2x", 16), ("29", 20)])
def test_a_number_that_could_be_guessed_is_not_made(prefix, digits):
    with pytest.raises(ValueError):
        new_number(prefix, digits, below=lambda n: 0)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**13 - 1), st.integers(0, 15), st.integers(1, 9))
def test_one_mistyped_digit_is_always_noticed(body, place, more):
    number = new_number("29", 16, below=lambda n: body)
    mistyped = number[:place] + str((int(number[place]) + more) % 10) + number[place + 1 :]

    assert is_number(number) and not is_number(mistyped)


def test_a_number_is_read_in_fours():
    assert written("2900000000000428") == "2900 0000 0000 0428"
    assert written("FID-77A") == "FID-77A"
