from datetime import UTC, date, datetime, timedelta

import pytest

from loyalty.progress import Span, Step, Terms, next_period, period_of, progress
from tests.factories import NOON


def on(month, day, hour=12, value=1, item=""):
    return Step(datetime(2026, month, day, hour, tzinfo=UTC), value, item)


def test_laps_follow_each_other_and_what_is_over_counts_for_the_next():
    # Ten stamps a card: 9, then 3 coffees in one order, then 8: 20 stamps are two cards, none left over.
    steps = [on(1, 1, value=9), on(1, 2, value=3), on(1, 3, value=8)]
    terms = Terms(target=10, most_completions=None)

    after_two = progress(steps[:2], terms, at=NOON)
    after_three = progress(steps, terms, at=NOON)

    assert (after_two.reached, after_two.value, after_two.missing) == (("1",), 2, 8)
    assert (after_three.reached, after_three.value) == (("1", "2"), 0)


def test_who_is_done_stays_at_the_target():
    done = progress([on(1, 1, value=25)], Terms(target=10, most_completions=2), at=NOON)

    assert (done.reached, done.value, done.missing) == (("1", "2"), 10, 0)


def test_what_was_returned_after_the_reward_is_made_up_for_first():
    # One card was full and rewarded; then 4 of its 10 stamps went back.
    terms = Terms(target=10, most_completions=None)

    returned = progress([on(1, 1, value=6)], terms, at=NOON, laps=1)
    made_up = progress([on(1, 1, value=6), on(1, 2, value=7)], terms, at=NOON, laps=1)

    assert (returned.reached, returned.value) == (("1",), 0)
    assert (made_up.reached, made_up.value) == (("1",), 3)


def test_only_so_many_count_on_one_local_day():
    # 23:30 in Rome, then 00:30 of the next day: two days. Three in the afternoon count as one.
    steps = [on(1, 1, 22, value=2), on(1, 1, 23, value=2), on(1, 5, 12), on(1, 5, 13), on(1, 5, 14)]

    assert progress(steps, Terms(target=10, most_a_day=1), at=NOON).value == 3


def test_different_stores_count_once_each():
    steps = [on(1, 1, item="roma"), on(1, 2, item="milano"), on(1, 3, item="roma")]

    here = progress(steps, Terms(target=3, distinct=True), at=NOON)
    there = progress([*steps, on(1, 4, item="bari")], Terms(target=3, distinct=True), at=NOON)

    assert (here.value, here.found, here.reached) == (2, ("roma", "milano"), ())
    assert (there.value, there.reached) == (3, ("1",))


def test_a_set_is_full_when_each_of_its_items_was_bought():
    terms = Terms(target=3, distinct=True, items=("red", "green", "blue"), most_completions=None)
    steps = [on(1, 1, value=2, item="red"), on(1, 2, item="green")]

    two = progress(steps, terms, at=NOON)
    full = progress([*steps, on(1, 3, item="blue")], terms, at=NOON)

    assert (two.value, two.found, two.reached) == (2, ("red", "green"), ())
    # The second red one begins the next card.
    assert (full.value, full.found, full.reached) == (1, ("red",), ("1",))


def test_only_the_last_days_count_and_what_reached_the_target_is_used_up():
    terms = Terms(target=3, days=7, most_completions=None)
    spread = [on(1, 1), on(1, 5), on(1, 9), on(1, 10)]

    # 1 and 5 January are two; on the 9th the 1st has gone; on the 10th: 5, 9 and 10.
    assert progress(spread[:3], terms, at=spread[2].at).value == 2
    assert progress(spread, terms, at=spread[3].at).reached == ("1",)
    assert progress(spread, terms, at=spread[3].at).value == 0
    assert progress(spread[:3], terms, at=datetime(2026, 1, 20, tzinfo=UTC)).value == 0


def test_a_step_a_whole_window_ago_does_not_count_any_more():
    terms = Terms(target=2, days=7)
    first = on(1, 1)

    assert progress([first, Step(first.at + timedelta(days=7), 1)], terms, at=NOON).reached == ()
    assert progress([first, Step(first.at + timedelta(days=7, seconds=-1), 1)], terms, at=NOON).reached


def test_each_month_counts_by_itself_and_local():
    # 31 January 23:30 UTC is 1 February in Rome.
    steps = [on(1, 10), on(1, 20), Step(datetime(2026, 1, 31, 23, 30, tzinfo=UTC), 1), on(2, 3)]

    found = progress(
        steps, Terms(target=2, span=Span.MONTH, most_completions=None), at=datetime(2026, 2, 10, tzinfo=UTC)
    )

    assert found.reached == ("2026-01-01", "2026-02-01")
    assert (found.value, found.ends_on) == (2, date(2026, 3, 1))


def test_a_streak_is_of_weeks_without_a_gap_and_begins_anew_after_it_is_full():
    # Mondays of 2026: 5, 12, 19, 26 January, 2, 9, 16 February. The week of the 26th is missed.
    weeks = [on(1, 5), on(1, 13), on(1, 25), on(2, 2), on(2, 9), on(2, 17)]
    terms = Terms(target=1, span=Span.WEEK, streak=3, most_completions=None)

    found = progress(weeks, terms, at=datetime(2026, 2, 18, tzinfo=UTC))

    assert found.reached == ("2026-01-19", "2026-02-16")
    assert found.row == 3
    assert progress(weeks[:2], terms, at=datetime(2026, 1, 20, tzinfo=UTC)).row == 2
    assert progress(weeks[:2], terms, at=datetime(2026, 1, 27, tzinfo=UTC)).row == 0


def test_a_streak_of_days_lives_through_the_hour_that_is_missing():
    # Clocks go forward on 29 March 2026 in Rome, and the day has 23 hours.
    days = [on(3, 28, 12), on(3, 29, 12), on(3, 30, 12)]

    found = progress(days, Terms(target=1, span=Span.DAY, streak=3), at=days[-1].at)

    assert found.reached == ("2026-03-30",)


def test_a_return_breaks_a_streak_that_was_not_full():
    steps = [on(1, 5), on(1, 12, value=0), on(1, 19)]

    found = progress(steps, Terms(target=1, span=Span.WEEK, streak=3), at=datetime(2026, 1, 20, tzinfo=UTC))

    assert (found.reached, found.row) == ((), 1)


@pytest.mark.parametrize(
    ("day", "span", "first", "following"),
    [
        (date(2028, 2, 29), Span.DAY, date(2028, 2, 29), date(2028, 3, 1)),
        (date(2027, 1, 3), Span.WEEK, date(2026, 12, 28), date(2027, 1, 4)),
        (date(2028, 2, 29), Span.MONTH, date(2028, 2, 1), date(2028, 3, 1)),
        (date(2028, 2, 29), Span.QUARTER, date(2028, 1, 1), date(2028, 4, 1)),
        (date(2026, 12, 31), Span.QUARTER, date(2026, 10, 1), date(2027, 1, 1)),
        (date(2028, 12, 31), Span.YEAR, date(2028, 1, 1), date(2029, 1, 1)),
    ],
)
def test_periods_are_those_of_the_calendar(day, span, first, following):
    assert period_of(day, span) == first
    assert next_period(first, span) == following
