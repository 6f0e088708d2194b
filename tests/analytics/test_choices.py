"""What the period picker understands."""

from datetime import date

import pytest
from django.http import QueryDict

from analytics.choices import ChosenPeriod, Compare, Preset
from analytics.periods import Grain

TODAY = date(2026, 11, 21)


def chosen(query: str = "") -> ChosenPeriod:
    return ChosenPeriod.from_query(QueryDict(query), until=TODAY)


def test_without_words_it_is_the_last_thirty_days_by_day_against_as_many_before():
    period = chosen()

    assert (period.start, period.end, period.grain) == (date(2026, 10, 23), TODAY, Grain.DAY)
    assert period.compared == (date(2026, 9, 23), date(2026, 10, 22))
    assert len(period.labels) == 30


@pytest.mark.parametrize(
    ("query", "start", "compared"),
    [
        ("period=month", date(2026, 11, 1), (date(2026, 10, 1), date(2026, 10, 21))),
        ("period=quarter", date(2026, 10, 1), (date(2026, 7, 1), date(2026, 8, 21))),
        ("period=year", date(2026, 1, 1), (date(2025, 1, 1), date(2025, 11, 21))),
        ("period=365", date(2025, 11, 22), (date(2024, 11, 22), date(2025, 11, 21))),
        ("period=7&compare=year", date(2026, 11, 15), (date(2025, 11, 15), date(2025, 11, 21))),
        ("period=7&compare=nothing", date(2026, 11, 15), None),
    ],
)
def test_presets_end_today_and_compare_like_with_like(query, start, compared):
    period = chosen(query)

    assert (period.start, period.end, period.compared) == (start, TODAY, compared)


def test_the_last_thirty_days_are_compared_with_thirty_where_they_are_a_month_too():
    period = ChosenPeriod.from_query(QueryDict("period=30"), until=date(2026, 6, 30))

    assert period.compared == (date(2026, 5, 2), date(2026, 5, 31))
    assert period.before(period.window).days == 30


def test_a_part_of_a_month_is_never_compared_with_itself():
    period = ChosenPeriod.from_query(QueryDict("period=month"), until=date(2026, 3, 31))

    assert period.compared == (date(2026, 2, 1), date(2026, 2, 28))


def test_whole_months_are_compared_with_as_many_months():
    period = chosen("period=own&from=2017-02-01&to=2017-03-31&grain=month")

    assert period.compared == (date(2016, 12, 1), date(2017, 1, 31))
    assert period.starts == [date(2017, 2, 1), date(2017, 3, 1)]


def test_the_leap_day_has_a_day_a_year_before():
    period = chosen("period=own&from=2024-02-29&to=2024-02-29&compare=year")

    assert period.compared == (date(2023, 2, 28), date(2023, 2, 28))


@pytest.mark.parametrize(
    "query",
    ["period=never&grain=century&compare=all", "period=own&from=soon&to=2026-13-45", "grain=year"],
)
def test_nonsense_is_read_as_the_usual(query):
    period = chosen(query)

    assert (period.start, period.end, period.grain) == (date(2026, 10, 23), TODAY, Grain.DAY)
    assert period.compare == Compare.PREVIOUS


def test_days_the_wrong_way_round_and_at_the_end_of_the_calendar_are_taken():
    turned, endless = chosen("period=own&from=2026-03-01&to=2026-02-01"), chosen("period=own&from=0001-01-01")

    assert (turned.start, turned.end) == (date(2026, 2, 1), date(2026, 3, 1))
    assert turned.mistake == "The first day came after the last: they are shown the other way round."
    assert endless.grain == Grain.YEAR
    assert endless.compared is not None


@pytest.mark.parametrize(
    ("query", "begins"),
    [
        ("period=own&from=2026-02-30&to=2026-03-01", "That is not a day"),
        ("period=own&from=2026-02-01&to=soon", "That is not a day"),
        ("period=own&from=2026-02-01&to=2026-02-01", ""),
        ("period=own&from=&to=", ""),
        ("period=7&from=2026-03-01&to=2026-02-01", ""),
    ],
)
def test_days_that_are_none_are_told(query, begins):
    mistake = chosen(query).mistake

    assert mistake.startswith(begins)
    assert bool(mistake) == bool(begins)


def test_addresses_keep_what_else_was_asked():
    period = chosen("metric=orders&period=own&from=2026-01-01&to=2026-03-31&csv=orders")

    assert period.kept == (("metric", "orders"),)
    assert period.url(period="30") == "?metric=orders&period=30&compare=previous"
    assert period.url(metric="buyers") == (
        "?metric=buyers&period=own&from=2026-01-01&to=2026-03-31&compare=previous&grain=day"
    )
    assert next(url for preset, url, _ in period.presets if preset == Preset.YEAR).count("period=") == 1
