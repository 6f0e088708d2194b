"""Days and local times as they are picked in the browser."""

from datetime import UTC, date, datetime

import pytest
from django.core.exceptions import ValidationError

from operations.date_fields import DayField, MinuteField


def test_a_day_and_a_time_are_read_as_the_browser_sends_them():
    assert DayField().clean("2026-11-23") == date(2026, 11, 23)
    assert MinuteField().clean("2026-11-23T01:00") == datetime(2026, 11, 23, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize("year", ["0001", "0026", "1899", "3000", "9999"])
def test_a_year_that_nobody_means_is_refused(year):
    for field, written in ((DayField(), f"{year}-12-31"), (MinuteField(), f"{year}-12-31T23:59")):
        with pytest.raises(ValidationError) as refused:
            field.clean(written)

        assert refused.value.messages == ["The year is from 1900 to 2999."]


def test_an_empty_field_has_no_year():
    assert DayField(required=False).clean("") is None
    assert MinuteField(required=False).clean("") is None
