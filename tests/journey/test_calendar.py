from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pandas as pd
import pytest

from loyalty_site.demo.journey.calendar import Calendar

ROME = ZoneInfo("Europe/Rome")
LAST = datetime(2018, 1, 1, 4, 1, 20)  # A Monday.


@pytest.mark.parametrize(
    "now",
    [
        datetime(2026, 11, 21, 12, 0, tzinfo=ROME),
        datetime(2026, 11, 23, 4, 1, 19, tzinfo=ROME),
        datetime(2026, 11, 23, 4, 1, 20, tzinfo=ROME),
        datetime(2026, 3, 29, 1, 30, tzinfo=UTC),
    ],
)
def test_the_year_ends_within_the_last_seven_days(now):
    calendar = Calendar.ending_before(now, last=LAST)

    age = now - calendar.instant(LAST)
    assert timedelta(0) <= age < timedelta(days=7)


def test_weekdays_and_times_of_day_stay():
    calendar = Calendar.ending_before(datetime(2026, 11, 21, 12, 0, tzinfo=ROME), last=LAST)

    moved = calendar.instant(LAST)

    assert moved == datetime(2026, 11, 16, 4, 1, 20, tzinfo=ROME)
    assert moved.weekday() == LAST.weekday()
    assert calendar.day(date(2017, 5, 8)).weekday() == date(2017, 5, 8).weekday()


def test_as_it_was_nothing_moves():
    assert Calendar().instant(LAST) == datetime(2018, 1, 1, 4, 1, 20, tzinfo=ROME)


def test_times_are_local_to_the_programme():
    local = pd.Series([datetime(2017, 1, 1, 12), datetime(2017, 7, 1, 12)])

    instants = Calendar().instants(local)

    assert [str(instant) for instant in instants] == [
        "2017-01-01 11:00:00+00:00",
        "2017-07-01 10:00:00+00:00",
    ]


def test_an_hour_that_a_clock_change_skips_or_repeats_is_no_obstacle():
    local = pd.Series([datetime(2017, 3, 26, 2, 30), datetime(2017, 10, 29, 2, 30)])

    instants = Calendar().instants(local)

    assert [str(instant) for instant in instants] == [
        "2017-03-26 01:00:00+00:00",
        "2017-10-29 00:30:00+00:00",
    ]
