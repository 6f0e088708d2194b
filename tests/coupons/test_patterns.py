"""Patterns of codes: what each sign draws, how much chance is enough, and the check character."""

import pytest

from coupons.patterns import (
    ALPHABET,
    DIGITS,
    LETTERS,
    check_character,
    generate_codes,
    is_mistyped,
    pattern_mistake,
    random_bits,
)


@pytest.mark.parametrize(
    ("pattern", "alphabet", "prefix"),
    [("##########", ALPHABET, ""), ("IO-@@@@@@@@@@@@", LETTERS, "IO-"), ("9" + "%" * 16, DIGITS, "9")],
)
def test_each_sign_draws_from_its_own_alphabet(pattern, alphabet, prefix):
    codes = generate_codes(pattern, count=2_000)

    assert len(set(codes)) == 2_000
    assert {len(code) for code in codes} == {len(pattern)}
    assert all(code.startswith(prefix) for code in codes)
    assert set("".join(code[len(prefix) :] for code in codes)) == set(alphabet)


def test_signs_may_be_mixed_and_no_pattern_is_ten_letters_and_digits():
    (code,) = generate_codes("X%-####@#####-Y", count=1)

    assert (code[0], code[2], code[-2:]) == ("X", "-", "-Y")
    assert code[1] in DIGITS
    assert code[7] in LETTERS
    assert len(generate_codes("", count=1)[0]) == 10


def test_every_character_is_as_likely_as_the_others():
    drawn = "".join(generate_codes("%" * 16, count=5_000))

    counts = [drawn.count(digit) for digit in DIGITS]
    assert sum(counts) == 80_000
    assert all(7_500 < count < 8_500 for count in counts)  # Over five standard deviations to either side.


@pytest.mark.parametrize(
    "pattern",
    ["WIN-#########", "%" * 15, "@" * 10, "##########*#", "#" * 41, "#########\x07#", "€##########"],
)
def test_a_pattern_whose_codes_could_be_guessed_or_not_be_printed_is_refused(pattern):
    assert pattern_mistake(pattern)


@pytest.mark.parametrize("pattern", ["##########", "%" * 16, "@" * 11, "SALE-#####%%%%%%%%", "##########*"])
def test_fifty_random_bits_are_enough(pattern):
    assert pattern_mistake(pattern) == ""
    assert random_bits(pattern) >= 50


def test_the_check_character_of_digits_is_luhns():
    assert check_character("7992739871", "%" * 16 + "*") == "3"


@pytest.mark.parametrize("pattern", ["WIN-##########*", "%" * 16 + "*", "@@@@@@@@@@@*"])
def test_one_wrong_character_is_noticed(pattern):
    for code in generate_codes(pattern, count=50):
        assert not is_mistyped(code, pattern)
        place = len(code) - 2
        alphabet = {"#": ALPHABET, "%": DIGITS, "@": LETTERS}[pattern[place]]
        other = alphabet[(alphabet.index(code[place]) + 1) % len(alphabet)]
        assert is_mistyped(code[:place] + other + code[-1], pattern)


def test_a_code_of_another_shape_is_not_called_mistyped():
    assert not is_mistyped("SUMMER10", "WIN-##########*")
    assert not is_mistyped("WIN-2345678", "WIN-##########")
