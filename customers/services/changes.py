"""Notes of whom something happened to, for the segments that follow it (services/live_segments.py)."""

from collections.abc import Iterable

from django.db import connection

# Part of other statements as well: of nobody it notes nothing.
NOTE = """
INSERT INTO customers_changedcustomers (customers, quiet, noted_at)
SELECT %(customers)s::bigint[], %(quiet)s::boolean, statement_timestamp()
WHERE %(customers)s::bigint[] <> '{}' AND EXISTS (
    SELECT FROM customers_segment
    WHERE kind = 'RULE' AND active AND (%(quiet)s::boolean OR refresh = 'LIVE'))
"""


def note_changes(customer_ids: Iterable[int | None], *, quiet: bool = False) -> None:
    """Note in the caller's transaction whom something happened to, if any segment follows it."""
    changed = sorted({pk for pk in customer_ids if pk is not None})
    if not changed:
        return
    with connection.cursor() as cursor:
        cursor.execute(NOTE, {"customers": changed, "quiet": quiet})
