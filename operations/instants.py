"""Instants as others write them."""

from datetime import datetime, timedelta

from django.utils.dateparse import parse_datetime

FURTHEST_OFFSET = timedelta(hours=14)  # What is in use anywhere; the database refuses what is far beyond.
YEARS = range(1900, 3000)


def parse_instant(text: str) -> datetime:
    """Return an instant of ISO 8601 with its offset, between the years 1900 and 2999. Raises ValueError."""
    instant = parse_datetime(text)
    if instant is None or instant.tzinfo is None or instant.year not in YEARS:
        raise ValueError(text)
    if abs(instant.utcoffset()) > FURTHEST_OFFSET:
        raise ValueError(text)
    return instant
