"""The fields of each kind of trigger, and the rule they make (campaigns.triggers reads and checks it)."""

from campaigns.admin.wizard.trigger_days import CalendarPart, DatePart, RecurringPart
from campaigns.admin.wizard.trigger_happenings import EventPart, SegmentPart
from campaigns.admin.wizard.trigger_part import TriggerPart

PARTS: dict[str, type[TriggerPart]] = {
    part.kind: part for part in (RecurringPart, DatePart, CalendarPart, EventPart, SegmentPart)
}
