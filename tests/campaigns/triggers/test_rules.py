from datetime import UTC, date, datetime, time, timedelta

import pytest

from campaigns.triggers import CalendarRule, DateRule, EventRule, Recurring, SegmentRule, parse_trigger
from campaigns.triggers.calendars import holidays_of, region_names
from operations.errors import InvalidInput

MIDNIGHT = datetime(2026, 11, 1, tzinfo=UTC)


def mistakes(kind, rule) -> list[str]:
    with pytest.raises(InvalidInput) as raised:
        parse_trigger(kind, rule)
    return [mistake.pointer for mistake in raised.value.details]


@pytest.mark.parametrize(
    ("rule", "days"),
    [
        ({"every": "day", "at": "08:00"}, 30),
        ({"every": "week", "at": "08:00", "weekdays": ["MON", "THU"]}, 9),
        ({"every": "month", "at": "08:00", "day": 15}, 1),
        ({"every": "month", "at": "08:00", "day": 31}, 1),
    ],
)
def test_a_recurring_campaign_is_due_on_its_days(rule, days):
    waves = Recurring.parse(rule).due(MIDNIGHT, MIDNIGHT + timedelta(days=30), zone="Europe/Rome")

    assert len(waves) == days


def test_the_31st_of_a_shorter_month_is_its_last_day():
    rule = Recurring.parse({"every": "month", "at": "08:00", "day": 31})

    assert rule.next_days(date(2027, 2, 1), 3) == [date(2027, 2, 28), date(2027, 3, 31), date(2027, 4, 30)]


def test_a_birthday_three_days_ahead_means_those_who_celebrate_then():
    rule = DateRule.parse({"of": "birthday", "at": "09:00", "days_before": 3})

    assert rule.birthdays_meant(date(2027, 2, 25)) == [(2, 28), (2, 29)]


def test_an_anniversary_means_one_year_or_each():
    first = DateRule.parse({"of": "signup", "years": 1})
    every = DateRule.parse({"of": "signup", "years": 1, "every_year": True})

    assert first.days_meant(date(2026, 11, 22)) == [date(2025, 11, 22)]
    assert every.days_meant(date(2026, 11, 22), earliest=2022) == [
        date(2025, 11, 22), date(2024, 11, 22), date(2023, 11, 22),
    ]  # fmt: skip


def test_six_months_after_31_august_is_28_february():
    rule = DateRule.parse({"of": "purchase", "months": 6, "category": "shoes"})

    assert date(2026, 8, 31) in rule.days_meant(date(2027, 2, 28))
    assert rule.article == ("category", "shoes")


def test_holidays_are_those_of_country_and_region():
    assert holidays_of("IT", "", 2026)[date(2026, 12, 26)] == "Saint Stephen's Day"
    assert date(2026, 12, 7) in holidays_of("IT", "MI", 2026)
    assert date(2026, 12, 7) not in holidays_of("IT", "", 2026)
    assert {"milano", "mi", "it-mi"} <= region_names("IT", "MI")


def test_a_holiday_campaign_leaves_some_days_before():
    rule = CalendarRule.parse(
        {"of": "holidays", "country": "IT", "names": ["Christmas Day"], "days_before": 7, "at": "10:00"}
    )

    waves = rule.due(
        datetime(2026, 12, 1, tzinfo=UTC), datetime(2026, 12, 31, tzinfo=UTC), zones=["Europe/Rome"]
    )

    assert [(wave.on, wave.at) for wave in waves] == [
        (date(2026, 12, 18), datetime(2026, 12, 18, 9, tzinfo=UTC))
    ]
    assert rule.holiday_of(date(2026, 12, 18)) == "Christmas Day"


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ({"field": "payload.score", "operator": "<=", "value": 6}, True),
        ({"field": "payload.score", "operator": ">", "value": 6}, False),
        ({"field": "payload.missing", "operator": "!=", "value": 1}, True),
        ({"field": "payload.missing", "operator": ">", "value": 1}, False),
        ({"field": "payload.missing", "operator": "null"}, True),
        ({"field": "sku", "operator": "in", "value": ["A", "B"]}, True),
        ({"field": "sku", "operator": "notIn", "value": ["A", "B"]}, False),
        ({"field": "payload.comment", "operator": "contains", "value": "SLOW"}, True),
        ({"field": "payload.tags", "operator": "contains", "value": "vip"}, True),
        ({"field": "payload.comment", "operator": "<", "value": 3}, False),
        ({"field": "payload.checked", "operator": "=", "value": 1}, False),
    ],
)
def test_conditions_read_an_event_as_it_is(condition, holds):
    rule = EventRule.parse({"type": "nps.answered", "where": [condition]})
    facts = {
        "sku": "A", "payload.score": 4, "payload.comment": "Too slow", "payload.tags": ["vip"],
        "payload.checked": True,
    }  # fmt: skip

    assert rule.fits(facts) is holds


def test_the_tenth_time_is_the_tenth_or_every_tenth():
    tenth, every = (EventRule.parse({"type": "order.recorded", name: 10}) for name in ("nth", "every_nth"))

    assert [number for number in range(1, 31) if tenth.is_the_one(number)] == [10]
    assert [number for number in range(1, 31) if every.is_the_one(number)] == [10, 20, 30]
    assert EventRule.parse({"type": "order.recorded"}).is_the_one(7)


@pytest.mark.parametrize(
    ("kind", "rule", "pointers"),
    [
        ("ONE_OFF", {"at": "09:00"}, ["/trigger_rule/at"]),
        ("RECURRING", {}, ["/trigger_rule/every", "/trigger_rule/at"]),
        ("RECURRING", {"every": "week", "at": "09:00"}, ["/trigger_rule/weekdays"]),
        ("RECURRING", {"every": "day", "at": "24:00"}, ["/trigger_rule/at"]),
        ("DATE", {"of": "birthday", "years": 1}, ["/trigger_rule/years"]),
        ("DATE", {"of": "signup"}, ["/trigger_rule/months"]),
        ("DATE", {"of": "purchase", "months": 1, "sku": "A", "brand": "B"}, ["/trigger_rule/brand"]),
        ("CALENDAR", {"of": "holidays", "country": "XX"}, ["/trigger_rule/country"]),
        ("CALENDAR", {"of": "holidays", "country": "IT", "names": ["Fun"]}, ["/trigger_rule/names"]),
        ("CALENDAR", {"of": "holidays", "country": "IT", "subdivision": "ZZ"}, ["/trigger_rule/subdivision"]),
        ("EVENT", {"type": "orders"}, ["/trigger_rule/type"]),
        ("EVENT", {"type": "a.b", "where": [{"field": "x"}]}, ["/trigger_rule/where/0"]),
        ("EVENT", {"type": "a.b", "delay_minutes": -1}, ["/trigger_rule/delay_minutes"]),
        ("EVENT", {"type": "a.b", "delay_minutes": True}, ["/trigger_rule/delay_minutes"]),
        ("SEGMENT", [], ["/trigger_rule", "/trigger_rule/segment"]),
        ("MANUAL", {"type": "a.b"}, ["/trigger_rule/type"]),
    ],
)
def test_a_rule_that_is_not_valid_says_where(kind, rule, pointers):
    assert mistakes(kind, rule) == pointers


def test_a_segment_rule_names_the_event_it_waits_for():
    rule = SegmentRule.parse({"segment": "vip", "moves": "left", "delay_minutes": 60})

    assert (rule.event_type, rule.delay) == ("segment.left", timedelta(hours=1))


def test_one_off_and_manual_have_no_rule():
    assert parse_trigger("ONE_OFF", {}) is None
    assert parse_trigger("MANUAL", None) is None


def test_a_clock_is_read_as_written():
    assert DateRule.parse({"of": "birthday", "at": "07:05"}).at == time(7, 5)
