"""How far customers have come: known, bought, bought again, regular, still there."""

from datetime import date, timedelta

from django.db import connection
from django.utils import timezone

from analytics.engine.postgres import first_instant
from analytics.services.kpis.statements import MEMBER
from customers.models import Segment

ACTIVE_DAYS = 90
STEPS = """
SELECT (SELECT count(*) FROM customers_customer
        WHERE status = 'ACTIVE' {known}),
       count(*), count(*) FILTER (WHERE orders > 1), count(*) FILTER (WHERE orders > 3),
       count(*) FILTER (WHERE orders > 3 AND last_order_at >= %(since)s)
FROM customers_rollup WHERE scope = 'ALL' AND scope_value = '' {bought}
"""


def lifecycle_steps(*, segment: Segment | None = None, until: date | None = None) -> list[int]:
    """Return how many customers are known, have bought, at least twice, at least four times, and of the last
    those who did so within 90 days of `until` (today).
    """
    since = (until or timezone.localdate()) - timedelta(days=ACTIVE_DAYS - 1)
    narrowed = {
        "known": MEMBER.format(customer="id") if segment else "",
        "bought": MEMBER.format(customer="customer_id") if segment else "",
    }
    with connection.cursor() as cursor:
        cursor.execute(
            STEPS.format(**narrowed),
            {"since": first_instant(since), "segment": segment.pk if segment else None},
        )
        return list(cursor.fetchone())
