"""Whose turn it is: reads the rows that a trigger's rule asks about. Writes nothing."""

from campaigns.occasions.calendar import Invited, people_of_holiday, people_of_local_event
from campaigns.occasions.dates import people_due
from campaigns.occasions.found import Found
from campaigns.occasions.happenings import (
    about_event,
    collection_to_complete,
    event_facts,
    event_number,
    needless,
    occurrence_of,
    segment_moves,
)
from campaigns.occasions.zones import Zones, zones_in_use

__all__ = [
    "Found",
    "Invited",
    "Zones",
    "about_event",
    "collection_to_complete",
    "event_facts",
    "event_number",
    "needless",
    "occurrence_of",
    "people_due",
    "people_of_holiday",
    "people_of_local_event",
    "segment_moves",
    "zones_in_use",
]
