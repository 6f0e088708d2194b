"""The arithmetic of tiers, worked out by hand."""

from datetime import date

import pytest

from loyalty.tiers import Ladder, Metric, Step, Window, add_months, full_years

STEPS = (Step(1, 0), Step(2, 500), Step(3, 1000, years=10))


def ladder(**rules):
    usual = {"metric": Metric.POINTS, "window": Window.ROLLING, "steps": STEPS}
    return Ladder(**usual | rules)


@pytest.mark.parametrize(
    ("value", "years", "rank"), [(0, 0, 0), (499, 9, 0), (500, 0, 1), (999, 9, 1), (1000, 0, 2), (0, 10, 2)]
)
def test_a_step_is_reached_by_its_threshold_or_its_years(value, years, rank):
    assert ladder().rank_for(value, years) == rank


def test_a_threshold_of_zero_is_for_customers_and_not_for_newcomers():
    assert ladder().rank_for(0, 0, newcomer=True) == -1
    assert ladder().rank_for(600, 0, newcomer=True) == 1


def test_a_rolling_window_holds_as_many_months_to_the_day():
    assert ladder().window_on(date(2026, 11, 21)) == (date(2025, 11, 22), date(2026, 11, 21))
    # 28 February less twelve months is 28 February: the 29th of 2024 was not within a year of it.
    assert ladder().window_on(date(2025, 2, 28)) == (date(2024, 2, 29), date(2025, 2, 28))
    # 29 February less twelve months is 28 February, so the window begins on 1 March.
    assert ladder().window_on(date(2024, 2, 29)) == (date(2023, 3, 1), date(2024, 2, 29))


def test_a_calendar_window_begins_with_the_period():
    year = ladder(window=Window.CALENDAR)
    quarter = ladder(window=Window.CALENDAR, months=3)
    season = ladder(window=Window.CALENDAR, months=6, first_month=9)

    assert year.period_of(date(2026, 11, 21)) == (date(2026, 1, 1), date(2026, 12, 31))
    assert quarter.period_of(date(2026, 11, 21)) == (date(2026, 10, 1), date(2026, 12, 31))
    assert season.period_of(date(2026, 11, 21)) == (date(2026, 9, 1), date(2027, 2, 28))
    assert season.period_of(date(2028, 2, 29)) == (date(2027, 9, 1), date(2028, 2, 29))
    assert season.period_of(date(2026, 8, 31)) == (date(2026, 3, 1), date(2026, 8, 31))


def test_a_tier_is_promised_to_the_end_of_its_period():
    assert ladder().kept_until(date(2026, 3, 10)) == date(2027, 3, 9)
    assert ladder(window=Window.CALENDAR).kept_until(date(2026, 3, 10)) == date(2026, 12, 31)
    assert ladder(window=Window.LIFETIME).kept_until(date(2026, 3, 10)) is None
    assert ladder(metric=Metric.YEARS).kept_until(date(2026, 3, 10)) is None


def test_a_renewal_goes_on_from_the_old_end_and_not_from_the_day_it_was_seen():
    assert ladder().renewed_until(date(2027, 3, 9), date(2027, 3, 15)) == date(2028, 3, 9)
    # Nobody looked for two years: then from the day on which somebody does.
    assert ladder().renewed_until(date(2027, 3, 9), date(2029, 5, 1)) == date(2030, 4, 30)
    calendar = ladder(window=Window.CALENDAR)
    assert calendar.renewed_until(date(2026, 12, 31), date(2027, 1, 15)) == date(2027, 12, 31)


def test_the_grace_belongs_to_the_period_that_is_looked_at():
    patient = ladder(grace_days=30)

    assert patient.reviewed_window(date(2027, 3, 9)) == (date(2026, 3, 10), date(2027, 4, 8))
    assert not patient.is_due(date(2027, 3, 9), date(2027, 4, 8))
    assert patient.is_due(date(2027, 3, 9), date(2027, 4, 9))
    assert patient.is_due(date(2027, 3, 9), date(2027, 3, 10), by_hand=True)
    assert not patient.is_due(None, date(2099, 1, 1))


def test_months_clamp_and_years_are_full():
    assert add_months(date(2026, 1, 31), 1) == date(2026, 2, 28)
    assert add_months(date(2024, 2, 29), 12) == date(2025, 2, 28)
    assert full_years(date(2024, 2, 29), date(2025, 2, 27)) == 0
    assert full_years(date(2024, 2, 29), date(2025, 2, 28)) == 1
    assert full_years(date(2024, 2, 29), date(2028, 2, 28)) == 3
    assert full_years(date(2024, 2, 29), date(2028, 2, 29)) == 4
    assert full_years(date(2026, 5, 1), date(2026, 4, 1)) == 0
