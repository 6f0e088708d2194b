import hashlib
import hmac
from collections import Counter
from decimal import Decimal

import pytest

from loyalty.drawing import (
    Line,
    commitment_of,
    digest_of,
    draw_lines,
    new_receipt,
    new_seed,
    outcome_of,
    sums_to_one,
)

SEED = "00" * 32
LIST = [Line("CCCC", 3), Line("AAAA", 1), Line("BBBB", 6)]


def test_the_commitment_is_the_sha_256_of_the_seeds_bytes():
    # printf '\0%.0s' {1..32} | sha256sum
    assert commitment_of(SEED) == "66687aadf862bd776c8fc18b8e9f8e20089714856ee233b3902a591d0d5f2925"


def test_the_digest_is_of_the_lines_by_receipt_however_they_come():
    text = b"AAAA;1\nBBBB;6\nCCCC;3\n"

    assert digest_of(LIST) == digest_of(reversed(LIST)) == hashlib.sha256(text).hexdigest()


def test_a_draw_can_be_worked_out_by_hand():
    def number(index):
        message = f"{digest_of(LIST)}\nLOTTO 7 21 33\n{index}".encode()
        return int.from_bytes(hmac.digest(bytes(32), message, "sha256"))

    # Ten tickets: 0 is Anna's, 1 to 6 are Bea's, 7 to 9 Carla's; who is drawn is struck out.
    first = number(0) % 10
    winner = LIST[1] if first == 0 else LIST[2] if first < 7 else LIST[0]

    drawn = draw_lines(LIST, seed=SEED, beacon="LOTTO 7 21 33", picks=1)

    assert drawn == [winner]


def test_the_same_seed_and_list_draw_the_same_and_another_public_number_another():
    lines = [Line(f"R{index:04}", 1) for index in range(1000)]

    first = draw_lines(lines, seed=SEED, picks=5)

    assert draw_lines(reversed(lines), seed=SEED, picks=5) == first
    assert draw_lines(lines, seed=SEED, beacon="1", picks=5) != first
    assert draw_lines(lines, seed="01" * 32, picks=5) != first


def test_one_more_entry_changes_what_is_drawn():
    lines = [Line(f"R{index:04}", 1) for index in range(1000)]

    assert draw_lines(lines, seed=SEED, picks=5) != draw_lines([*lines, Line("R1000", 1)], seed=SEED, picks=5)


def test_nobody_is_drawn_twice_and_all_are_drawn_when_there_are_few():
    drawn = draw_lines([*LIST, Line("NONE", 0)], seed=SEED, picks=10)

    assert sorted(line.receipt for line in drawn) == ["AAAA", "BBBB", "CCCC"]
    assert draw_lines([], seed=SEED, picks=3) == []


def test_lines_are_drawn_as_if_the_list_were_numbered_anew_after_each():
    left = sorted((Line(new_receipt(), entries) for entries in range(1, 41)), key=lambda line: line.receipt)
    digest, expected = digest_of(left), []
    drawn = draw_lines(left, seed=SEED, picks=50)

    for index in range(40):
        told = f"{digest}\n\n{index}".encode()
        number = int.from_bytes(hmac.digest(bytes.fromhex(SEED), told, "sha256"))
        tickets = [line for line in left for _ticket in range(line.entries)]
        expected.append(tickets[number % len(tickets)])
        left.remove(expected[-1])

    assert drawn == expected


def test_probabilities_have_to_sum_to_one_exactly():
    assert sums_to_one([Decimal("0.1")] * 10)
    assert not sums_to_one([Decimal("0.33333333")] * 3)
    assert not sums_to_one([Decimal("1.5"), Decimal("-0.5")])


def test_what_is_certain_always_happens_and_what_is_impossible_never():
    plays = [(f"R{n}", n) for n in range(200)]

    outcomes = {
        outcome_of([Decimal(0), Decimal(1), Decimal(0)], seed=SEED, receipt=receipt, number=number)
        for receipt, number in plays
    }

    assert outcomes == {1}


def chi_square(counts: Counter, expected: dict) -> float:
    return sum((counts[key] - value) ** 2 / value for key, value in expected.items())


def test_a_hundred_thousand_plays_fall_as_their_probabilities_say():
    probabilities = [Decimal("0.001"), Decimal("0.049"), Decimal("0.15"), Decimal("0.8")]

    counts = Counter(outcome_of(probabilities, seed=SEED, receipt="PLAYER", number=n) for n in range(100_000))

    # 99.9 % of fair samples lie below 16.27 (three degrees of freedom); the seed is fixed, so this holds.
    expected = {index: 100_000 * float(each) for index, each in enumerate(probabilities)}
    assert chi_square(counts, expected) < 16.27


@pytest.mark.slow
def test_a_hundred_thousand_draws_are_fair_for_first_and_second_prize():
    first, second = Counter(), Counter()

    for n in range(100_000):
        one, other = draw_lines(LIST, seed=f"{n:064x}", picks=2)
        first[one.receipt] += 1
        second[one.receipt + other.receipt] += 1

    # Two degrees of freedom: 13.82; five for the six orders: 20.52.
    assert chi_square(first, {"AAAA": 10_000, "BBBB": 60_000, "CCCC": 30_000}) < 13.82
    # P(A then B) = 1/10 * 6/9, and so on.
    orders = {
        "AAAABBBB": 1 / 10 * 6 / 9,
        "AAAACCCC": 1 / 10 * 3 / 9,
        "BBBBAAAA": 6 / 10 * 1 / 4,
        "BBBBCCCC": 6 / 10 * 3 / 4,
        "CCCCAAAA": 3 / 10 * 1 / 7,
        "CCCCBBBB": 3 / 10 * 6 / 7,
    }
    assert chi_square(second, {key: 100_000 * share for key, share in orders.items()}) < 20.52


def test_seeds_and_receipts_are_new_each_time():
    assert len({new_seed() for _ in range(50)}) == len({new_receipt() for _ in range(50)}) == 50
    assert len(bytes.fromhex(new_seed())) == 32
