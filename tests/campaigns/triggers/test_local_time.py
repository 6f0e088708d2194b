from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise

import pytest

from campaigns.triggers.local_time import (
    add_months,
    born_on,
    daily_waves,
    days_reaching,
    known_zone,
    local_instant,
)


def test_nine_in_new_york_is_two_in_the_afternoon_of_greenwich_in_winter():
    assert local_instant(date(2027, 2, 28), time(9), "America/New_York") == datetime(
        2027, 2, 28, 14, tzinfo=UTC
    )


def test_a_time_that_the_clocks_skip_comes_an_hour_later():
    assert local_instant(date(2026, 3, 29), time(2, 30), "Europe/Rome") == datetime(
        2026, 3, 29, 1, 30, tzinfo=UTC
    )


def test_a_time_that_comes_twice_is_the_first():
    assert local_instant(date(2026, 10, 25), time(2, 30), "Europe/Rome") == datetime(
        2026, 10, 25, 0, 30, tzinfo=UTC
    )


def test_a_day_has_one_wave_per_zone_whatever_the_clocks_do():
    zones = ["Europe/Rome", "America/New_York", "Pacific/Kiritimati"]
    after = datetime(2026, 10, 20, tzinfo=UTC)

    waves = daily_waves(time(2, 30), after=after, until=after + timedelta(days=10), zones=zones)

    assert len(waves) == 30
    assert len({(wave.zone, wave.on) for wave in waves}) == 30


def test_ticks_one_after_the_other_find_each_wave_once():
    start = datetime(2026, 3, 28, tzinfo=UTC)
    ticks = [start + timedelta(minutes=7 * n) for n in range(500)]

    found = [
        wave
        for after, until in pairwise(ticks)
        for wave in daily_waves(time(2, 30), after=after, until=until, zones=["Europe/Rome"])
    ]

    assert [wave.on for wave in found] == [date(2026, 3, 28), date(2026, 3, 29), date(2026, 3, 30)]


def test_who_was_away_for_a_year_hears_of_the_last_weeks_only():
    until = datetime(2026, 11, 22, 12, tzinfo=UTC)

    waves = daily_waves(time(9), after=until - timedelta(days=400), until=until, zones=["Europe/Rome"])

    assert len(waves) == 35


@pytest.mark.parametrize(
    ("day", "months", "then"),
    [
        (date(2026, 8, 31), 6, date(2027, 2, 28)),
        (date(2023, 8, 31), 6, date(2024, 2, 29)),
        (date(2024, 2, 29), 12, date(2025, 2, 28)),
        (date(2026, 12, 15), 1, date(2027, 1, 15)),
        (date(2026, 3, 31), -1, date(2026, 2, 28)),
    ],
)
def test_a_month_too_short_ends_on_its_last_day(day, months, then):
    assert add_months(day, months) == then


def test_several_days_may_reach_the_end_of_a_short_month():
    assert days_reaching(date(2027, 2, 28), 6) == [date(2026, 8, day) for day in (28, 29, 30, 31)]
    assert days_reaching(date(2028, 2, 28), 6) == [date(2027, 8, 28)]
    assert days_reaching(date(2028, 2, 29), 6) == [date(2027, 8, day) for day in (29, 30, 31)]
    assert days_reaching(date(2026, 5, 31), 1) == []


def test_every_day_is_reached_from_each_start_exactly_once():
    starts = [date(2023, 1, 1) + timedelta(days=n) for n in range(800)]
    for months in (1, 6, 12):
        reached = {}
        for n in range(-40, 1300):
            day = date(2023, 1, 1) + timedelta(days=n)
            for start in days_reaching(day, months):
                assert start not in reached
                reached[start] = day
        assert all(reached[start] == add_months(start, months) for start in starts)


def test_a_leap_days_birthday_is_celebrated_on_the_28th_elsewhen():
    assert born_on(date(2027, 2, 28)) == [(2, 28), (2, 29)]
    assert born_on(date(2028, 2, 28)) == [(2, 28)]
    assert born_on(date(2028, 2, 29)) == [(2, 29)]


@pytest.mark.parametrize("zone", ["", "Mars/Phobos", "../etc/passwd", "a\x00b"])
def test_a_zone_that_is_none_is_the_programmes(zone):
    assert known_zone(zone, "Europe/Rome") == "Europe/Rome"
    assert known_zone("Asia/Tokyo", "Europe/Rome") == "Asia/Tokyo"
