"""Buckets and quiet hours, by the clock alone."""

from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.pace import Pace, Quiet, domain_of

NIGHT, SIESTA = Quiet(time(21), time(8)), Quiet(time(13), time(15))
ROME, NEW_YORK = ZoneInfo("Europe/Rome"), ZoneInfo("America/New_York")


@given(
    per_minute=st.integers(1, 5_000),
    asks=st.lists(st.tuples(st.floats(0, 20), st.integers(1, 300)), min_size=1, max_size=40),
)
def test_no_minute_holds_more_than_the_limit(per_minute, asks):
    pace, tokens, now, sent = Pace(per_minute), Pace(per_minute).capacity, 0.0, []

    for pause, asked in asks:
        now += pause
        tokens = min(pace.capacity, tokens + pause * pace.per_second)
        granted = min(int(tokens), asked)
        tokens -= granted
        sent.append((now, granted))

    for start, _count in sent:
        assert sum(count for at, count in sent if start <= at < start + 60 - 1e-6) <= per_minute


@pytest.mark.parametrize(
    ("quiet", "local", "until"),
    [
        (NIGHT, datetime(2026, 11, 22, 20, 59, tzinfo=ROME), None),
        (NIGHT, datetime(2026, 11, 22, 21, 0, tzinfo=ROME), datetime(2026, 11, 23, 8, 0, tzinfo=ROME)),
        (NIGHT, datetime(2026, 11, 23, 7, 59, tzinfo=ROME), datetime(2026, 11, 23, 8, 0, tzinfo=ROME)),
        (NIGHT, datetime(2026, 11, 23, 8, 0, tzinfo=ROME), None),
        (NIGHT, datetime(2026, 11, 22, 23, tzinfo=NEW_YORK), datetime(2026, 11, 23, 8, tzinfo=NEW_YORK)),
        # The night on which the clocks go back is an hour longer.
        (NIGHT, datetime(2026, 10, 24, 22, 0, tzinfo=ROME), datetime(2026, 10, 25, 8, 0, tzinfo=ROME)),
        (SIESTA, datetime(2026, 11, 22, 14, tzinfo=ROME), datetime(2026, 11, 22, 15, tzinfo=ROME)),
    ],
)  # fmt: skip
def test_quiet_hours_end_by_the_recipients_clock(quiet, local, until):
    assert quiet.until(local.astimezone(UTC), local.tzinfo) == until


def test_an_hour_that_comes_twice_ends_once():
    quiet = Quiet(time(23), time(2, 30))
    second_time = datetime(2026, 10, 25, 2, 10, tzinfo=ROME, fold=1)

    assert quiet.until(second_time.astimezone(UTC), ROME) == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)


def test_a_domain_is_of_a_mail_address_only():
    assert (domain_of("Anna@Mail.Example"), domain_of("+393331234567")) == ("mail.example", "")
