"""Which orders count, and who is promised what; without a database."""

from collections import Counter

import pytest

from referrals.conversion import Article, Bought, Condition, converts, variant_for

SHOES = Article("SKU-1", "Shoes", "Montana")
SOCKS = Article("SKU-2", "Socks", "")


@pytest.mark.parametrize(
    ("bought", "items", "counts"),
    [
        (Bought(2000, "EUR", (SOCKS,)), {}, True),
        (Bought(1999, "EUR", (SOCKS,)), {}, False),
        (Bought(2000, "USD", (SOCKS,)), {}, False),
        (Bought(9000, "EUR", (SOCKS,)), {"categories": ["shoes"]}, False),
        (Bought(2000, "EUR", (SOCKS, SHOES)), {"categories": ["shoes"]}, True),
        (Bought(2000, "EUR", (SHOES,)), {"brands": ["MONTANA"]}, True),
        (Bought(2000, "EUR", (SOCKS,)), {"skus": ["sku-2"], "brands": ["Montana"]}, True),
        # An article without a brand is not of the brand without a name.
        (Bought(2000, "EUR", (SOCKS,)), {"skus": [], "categories": [], "brands": ["Other"]}, False),
    ],
)
def test_an_order_counts_when_it_is_large_enough_and_holds_what_is_asked_for(bought, items, counts):
    assert converts(bought, Condition(2000, "EUR", items)) is counts


def test_nothing_is_no_purchase_even_without_a_smallest_order():
    assert not converts(Bought(0, "EUR", (SHOES,)), Condition(0, "EUR"))


def test_variants_are_dealt_by_their_shares_and_always_the_same():
    dealt = [variant_for(f"person-{n}", programme="friends", shares=[30, 20]) for n in range(10_000)]

    counts = Counter(dealt)
    # Three standard deviations of a share of 30 % in 10,000 are 137, of 20 % 120.
    assert abs(counts[0] - 3000) < 137
    assert abs(counts[1] - 2000) < 120
    assert dealt == [variant_for(f"person-{n}", programme="friends", shares=[30, 20]) for n in range(10_000)]


def test_another_programme_deals_anew_and_shares_decide_at_their_ends():
    people = [f"person-{n}" for n in range(1000)]
    here = [variant_for(one, programme="a", shares=[50]) for one in people]
    there = [variant_for(one, programme="b", shares=[50]) for one in people]

    assert 400 < sum(one == other for one, other in zip(here, there, strict=True)) < 600
    assert {variant_for(one, programme="a", shares=[100]) for one in people} == {0}
    assert {variant_for(one, programme="a", shares=[0, 0]) for one in people} == {None}
