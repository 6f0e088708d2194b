"""What customers say, by topic of the notes that staff wrote down: reads only."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Count, Q
from django.db.models.functions import TruncMonth
from django.utils import timezone

from customers.models import CustomerNote, NoteTopic
from operations.formats import number

MONTHS = 6
LATELY = timedelta(days=30)


@dataclass(frozen=True)
class TopicCount:
    """How often a topic came up in the last 30 days, and in the 30 before."""

    topic: NoteTopic
    lately: int
    before: int


def topic_counts(*, at: datetime) -> list[TopicCount]:
    """Return the topics that came up in the last 60 days, the most frequent first."""
    since = at - LATELY
    lately = Count("notes", filter=Q(notes__written_at__gt=since, notes__written_at__lte=at))
    before = Count("notes", filter=Q(notes__written_at__gt=since - LATELY, notes__written_at__lte=since))
    found = NoteTopic.objects.annotate(lately=lately, before=before).filter(Q(lately__gt=0) | Q(before__gt=0))
    return [
        TopicCount(topic, topic.lately, topic.before)
        for topic in found.order_by("-lately", "-before", "name")
    ]


def topics_by_month(*, at: datetime) -> tuple[list[date], list[tuple[NoteTopic, list[int]]]]:
    """Return the last six months and, for each topic, how often it came up in each of them."""
    months = [timezone.localtime(at).date().replace(day=1)]
    while len(months) < MONTHS:
        months.append((months[-1] - timedelta(days=1)).replace(day=1))
    months.reverse()
    start = timezone.make_aware(datetime.combine(months[0], datetime.min.time()))
    rows = CustomerNote.objects.filter(topic__isnull=False, written_at__gte=start, written_at__lte=at)
    counted = rows.order_by().annotate(month=TruncMonth("written_at")).values_list("topic", "month")
    counts = {
        (topic, timezone.localtime(month).date()): notes
        for topic, month, notes in counted.annotate(notes=Count("pk"))
    }
    topics = NoteTopic.objects.filter(pk__in={topic for topic, _month in counts})
    return months, [(topic, [counts.get((topic.pk, month), 0) for month in months]) for topic in topics]


def topic_bars(counts: list[TopicCount]) -> list[dict[str, Any]]:
    """Return the topics of the last 30 days as bars, with the change against the 30 before."""
    longest = max((count.lately for count in counts), default=0)
    return [
        {
            "label": str(count.topic),
            "value": count.lately,
            "share": count.lately / longest if longest else 0,
            "text": number(count.lately) + _change(count.lately - count.before),
        }
        for count in counts
    ]


def _change(difference: int) -> str:
    return f" ({difference:+d})" if difference else ""
