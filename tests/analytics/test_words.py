"""Thresholds and scores in sentences."""

import pytest

from analytics.models import RfmModel, RfmRun
from analytics.words import bands, score_words


def run(**settings) -> RfmRun:
    thresholds = {"r": [27, 11, 5, 2], "f": [1, 1, 2, 4], "m": [1536, 3135, 5992, 13395]}
    return RfmRun(model=RfmModel(**settings), thresholds=thresholds)


def test_each_score_says_what_it_takes():
    rows = {band.score: (band.recency, band.frequency, band.money) for band in bands(run())}

    assert rows == {
        5: ("up to 1 day ago", "5 orders or more", "€133.96 or more"),
        4: ("2 to 4 days ago", "3 orders to 4 orders", "€59.93 to €133.95"),
        3: ("5 to 10 days ago", "2 orders", "€31.36 to €59.92"),
        2: ("11 to 26 days ago", "nobody", "€15.37 to €31.35"),
        1: ("27 days ago or more", "up to 1 order", "up to €15.36"),
    }


def test_own_thresholds_are_inclusive():
    rows = {band.score: (band.recency, band.frequency) for band in bands(run(binning="FIXED"))}

    assert rows[5] == ("up to 2 days ago", "4 orders or more")
    assert rows[1] == ("28 days ago or more", "up to 0 orders")


def test_inverted_recency_turns_the_days_around():
    rows = {band.score: band.recency for band in bands(run(recency="INVERTED"))}

    assert rows[5] == "27 days ago or more"
    assert rows[1] == "up to 1 day ago"


@pytest.mark.parametrize(
    ("letter", "score", "words"),
    [
        ("f", 4, "buys more often than at least 60% of customers"),
        ("r", 5, "bought more recently than at least 80% of customers"),
        ("m", 1, "among those who spend least"),
    ],
)
def test_a_score_compares_its_customer_with_the_others(letter, score, words):
    assert score_words(RfmModel(), letter, score) == words
