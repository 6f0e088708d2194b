"""What became of mails after they left, by day: the figures of the page about deliverability."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import connection
from django.db.models import Count
from django.utils import timezone

from campaigns.models import ProviderEvent
from customers.models import Suppression

DAYS = 30
# Days of the programme's zone. A bounce counts for the day on which it came.
BY_DAY = """
WITH days AS (
    SELECT day::date FROM generate_series(%(first)s::date, %(last)s::date, interval '1 day') AS day
), sent AS (
    SELECT (sent_at AT TIME ZONE %(zone)s)::date AS day, count(*) AS messages
    FROM campaigns_message
    WHERE channel = 'email' AND state = 'SENT' AND sent_at >= %(since)s
    GROUP BY 1
), harm AS (
    SELECT (occurred_at AT TIME ZONE %(zone)s)::date AS day,
           count(*) FILTER (WHERE type = 'message.bounced') AS bounced,
           count(*) FILTER (WHERE type = 'message.complained') AS complained
    FROM customers_event
    WHERE type IN ('message.bounced', 'message.complained') AND occurred_at >= %(since)s
      AND payload->>'channel' = 'email'
    GROUP BY 1
)
SELECT days.day, COALESCE(sent.messages, 0), COALESCE(harm.bounced, 0), COALESCE(harm.complained, 0)
FROM days LEFT JOIN sent USING (day) LEFT JOIN harm USING (day)
ORDER BY days.day
"""


@dataclass(frozen=True)
class MailDay:
    """One day: how many mails left, and how many mailboxes did not exist or complained."""

    day: date
    sent: int
    bounced: int
    complained: int

    @property
    def bounce_rate(self) -> float | None:
        """Return bounces per mail tried; None where nothing was."""
        tried = self.sent + self.bounced
        return min(1.0, self.bounced / tried) if tried else None

    @property
    def complaint_rate(self) -> float | None:
        return min(1.0, self.complained / self.sent) if self.sent else None


def mail_days(*, at: datetime, days: int = DAYS) -> list[MailDay]:
    """Return the last days up to today, oldest first, those without mails too."""
    today = timezone.localtime(at).date()
    first = today - timedelta(days=days - 1)
    since = timezone.make_aware(datetime.combine(first, datetime.min.time()))
    zone = timezone.get_current_timezone_name()
    with connection.cursor() as cursor:
        cursor.execute(BY_DAY, {"first": first, "last": today, "since": since, "zone": zone})
        return [MailDay(*row) for row in cursor.fetchall()]


def suppressions_by_reason() -> list[tuple[str, str, int]]:
    """Return how many contact points of each channel are never written to, by reason."""
    counted = Suppression.objects.order_by().values("channel", "reason").annotate(addresses=Count("pk"))
    return [
        (row["channel"], row["reason"], row["addresses"])
        for row in counted.order_by("channel", "-addresses", "reason")
    ]


def reports_by_kind(*, since: datetime) -> list[tuple[str, str, int]]:
    """Return how many reports of each kind every provider sent."""
    counted = ProviderEvent.objects.filter(received_at__gte=since).order_by().values("provider", "kind")
    rows = counted.annotate(reports=Count("pk")).order_by("provider", "-reports")
    return [(row["provider"], row["kind"], row["reports"]) for row in rows]
