"""Notes of whom something happened to, for the segments that follow it (services/live_segments.py)."""

from collections.abc import Iterable

from django.db import connection

_NOTE = """
INSERT INTO customers_changedcustomers (customers, quiet, noted_at)
SELECT %(customers)s, %(quiet)s, statement_timestamp() WHERE EXISTS (
    SELECT FROM customers_segment WHERE kind = 'RULE' AND active AND (%(quiet)s OR refresh = 'LIVE'))
"""


def note_changes(customer_ids: Iterable[int | None], *, quiet: bool = False) -> None:
    """Note in the caller's transaction whom something happened to, if any segment follows it."""
    changed = sorted({pk for pk in customer_ids if pk is not None})
    if not changed:
        return
    with connection.cursor() as cursor:
        cursor.execute(_NOTE, {"customers": changed, "quiet": quiet})
