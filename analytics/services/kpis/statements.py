"""SQL by spans of time: one pass over all spans, each row put into its span by its instant."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.db import connection

from analytics.engine.postgres import first_instant
from analytics.windows import Window
from customers.models import Segment

MEMBER = """
AND {customer} IN (SELECT customer_id FROM customers_segmentmembership
                   WHERE segment_id = %(segment)s AND left_at IS NULL)
"""


def by_window(
    statement: str,
    windows: Sequence[Window],
    *,
    segment: Segment | None = None,
    customer: str = "",
    first: int = 1,
    **values: Any,
) -> list[tuple | None]:
    """Return what a statement answers for each span, None where it has no row.

    It selects first `width_bucket(instant, %(bounds)s)`, and has `{{member}}` where a segment narrows it to
    `customer`. %(start_at)s and %(end_at)s are the ends of all spans. With `first` 0, what lies before the
    first span stands in front.
    """
    bounds = [first_instant(window.start) for window in windows]
    parameters = {
        "bounds": bounds,
        "start_at": bounds[0],
        "end_at": first_instant(windows[-1].end),
        "zone": settings.PROGRAMME_TIME_ZONE,
        "currency": settings.PROGRAMME_CURRENCY,
        "segment": segment.pk if segment else None,
        **values,
    }
    narrowed = statement.format(member=MEMBER.format(customer=customer) if segment else "")
    with connection.cursor() as cursor:
        cursor.execute(narrowed, parameters)
        found = {row[0]: tuple(row[1:]) for row in cursor.fetchall()}
    return [found.get(number) for number in range(first, len(windows) + 1)]
