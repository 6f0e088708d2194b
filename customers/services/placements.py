"""Segments that exclude one another, such as those of an RFM model: whoever enters one leaves the others."""

from collections.abc import Iterable
from datetime import datetime

from django.db import connection, transaction
from django.db.models import F
from psycopg import sql

from customers.models import Because, Segment

_PLACE = sql.SQL(
    """
    WITH placed AS MATERIALIZED ({placed}),
    decided AS (
        SELECT segment_id, customer_id, kind FROM customers_segmentoverride
        WHERE segment_id = ANY ({segments})
    ),
    leaving AS (
        UPDATE customers_segmentmembership member
        SET left_at = GREATEST(member.entered_at, {at}), left_because = {cause}
        FROM placed
        WHERE member.left_at IS NULL AND member.segment_id = ANY ({segments})
          AND member.customer_id = placed.customer_id AND member.segment_id IS DISTINCT FROM placed.segment_id
          AND NOT EXISTS (
              SELECT FROM decided WHERE kind = 'INCLUDE'
              AND decided.segment_id = member.segment_id AND decided.customer_id = member.customer_id)
        RETURNING member.segment_id
    ),
    entering AS (
        INSERT INTO customers_segmentmembership
            (entered_at, segment_id, definition_version, customer_id, entered_because, left_because)
        SELECT {at}, placed.segment_id, segment.version, placed.customer_id, {cause}, ''
        FROM placed JOIN customers_segment segment ON segment.id = placed.segment_id
        WHERE NOT EXISTS (
              SELECT FROM customers_segmentmembership member
              WHERE member.left_at IS NULL AND member.segment_id = placed.segment_id
              AND member.customer_id = placed.customer_id)
          AND NOT EXISTS (
              SELECT FROM decided WHERE kind = 'EXCLUDE'
              AND decided.segment_id = placed.segment_id AND decided.customer_id = placed.customer_id)
        ON CONFLICT (segment_id, customer_id) WHERE left_at IS NULL DO NOTHING
        RETURNING segment_id
    )
    SELECT segment_id, sum(change)::bigint FROM (
        SELECT segment_id, 1 AS change FROM entering UNION ALL SELECT segment_id, -1 FROM leaving
    ) AS changed GROUP BY segment_id
    """
)


def place_members(segments: Iterable[Segment], placed: sql.Composable, *, at: datetime) -> int:
    """Put customers into one of the segments each and out of the others; return how many rows were written.

    `placed` is a query of (customer_id, segment_id), each customer once, without a segment for none of them;
    of customers it does not name nothing changes. What was decided by hand stays. Locks the segments.
    """
    ids = sorted(segment.pk for segment in segments)
    with transaction.atomic(), connection.cursor() as cursor:
        list(Segment.objects.filter(pk__in=ids).order_by("pk").select_for_update(no_key=True).values("pk"))
        cursor.execute(_PLACE.format(placed=placed, segments=ids, at=at, cause=Because.RULE.value))
        changes = cursor.fetchall()
        for segment, change in sorted(changes):
            if change:
                Segment.objects.filter(pk=segment).update(size=F("size") + change)
        Segment.objects.filter(pk__in=ids).update(refreshed_at=at, problem="")
    return len(changes)
