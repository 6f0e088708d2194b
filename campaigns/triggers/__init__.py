"""When a campaign is due: one kind of trigger per module, pure. A version keeps its rule as JSON."""

from typing import Any

from campaigns.triggers.calendars import CalendarRule
from campaigns.triggers.dates import DateRule
from campaigns.triggers.events import EventRule, SegmentRule
from campaigns.triggers.local_time import Wave
from campaigns.triggers.reading import RuleReader
from campaigns.triggers.recurring import Recurring

Trigger = Recurring | DateRule | CalendarRule | EventRule | SegmentRule
KINDS: dict[str, type] = {
    "RECURRING": Recurring,
    "DATE": DateRule,
    "CALENDAR": CalendarRule,
    "EVENT": EventRule,
    "SEGMENT": SegmentRule,
}
# One run with the whole audience at a time.
BROADCASTS = {"ONE_OFF", "RECURRING"}
# What the clock brings about: looked after by a watermark.
BY_WATERMARK = {"RECURRING", "DATE", "CALENDAR", "SEGMENT"}
# Until when a message makes sense where the version does not say, in hours.
GOOD_FOR_HOURS = {"DATE": 24, "CALENDAR": 24}


def parse_trigger(kind: str, rule: Any) -> Trigger | None:
    """Return the checked rule of a kind; None for ONE_OFF and MANUAL, whose rule is empty.

    Raises InvalidInput with a pointer under /trigger_rule for each mistake.
    """
    if kind in KINDS:
        return KINDS[kind].parse(rule)
    RuleReader(rule or {}).done()
    return None


__all__ = [
    "BROADCASTS",
    "BY_WATERMARK",
    "GOOD_FOR_HOURS",
    "KINDS",
    "CalendarRule",
    "DateRule",
    "EventRule",
    "Recurring",
    "SegmentRule",
    "Trigger",
    "Wave",
    "parse_trigger",
]
