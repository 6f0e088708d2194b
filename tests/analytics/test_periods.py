"""Periods of the calendar."""

from datetime import date

import pytest

from analytics.periods import Grain, period_name, period_start, periods_between, shift


@pytest.mark.parametrize(
    ("grain", "start", "name", "following"),
    [
        ("day", date(2026, 11, 21), "2026-11-21", date(2026, 11, 22)),
        ("week", date(2026, 11, 16), "2026-W47", date(2026, 11, 23)),
        ("month", date(2026, 11, 1), "2026-11", date(2026, 12, 1)),
        ("quarter", date(2026, 10, 1), "2026-Q4", date(2027, 1, 1)),
        ("year", date(2026, 1, 1), "2026", date(2027, 1, 1)),
    ],
)
def test_a_day_lies_in_one_period_of_each_grain(grain, start, name, following):
    grain = Grain(grain)

    assert period_start(date(2026, 11, 21), grain) == start
    assert period_name(start, grain) == name
    assert shift(start, grain, 1) == following
    assert shift(following, grain, -1) == start


def test_a_week_at_the_turn_of_the_year_has_the_name_of_its_thursday():
    assert period_name(period_start(date(2021, 1, 3), Grain.WEEK), Grain.WEEK) == "2020-W53"


def test_periods_hold_both_ends():
    quarters = list(periods_between(date(2017, 3, 31), date(2018, 1, 1), Grain.QUARTER))

    assert quarters == [
        date(2017, 1, 1),
        date(2017, 4, 1),
        date(2017, 7, 1),
        date(2017, 10, 1),
        date(2018, 1, 1),
    ]
