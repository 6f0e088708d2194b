"""What the answers to a survey say, of a period and of a segment."""

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from django.db import connection
from django.db.models import Count, Q, QuerySet
from django.db.models.functions import TruncDay
from django.utils import timezone

from analytics.engine.postgres import first_instant
from analytics.models import Survey, SurveyQuestion, SurveyResponse
from analytics.nps import HIGHEST_DETRACTOR, LOWEST_PROMOTER, Nps
from analytics.periods import Grain, period_start
from customers.models import Segment, SegmentMembership

COUNTED = """
SELECT one.key, element.value #>> '{}', count(*)
FROM (%s) AS response, jsonb_each(response.answers) AS one,
     jsonb_array_elements(CASE jsonb_typeof(one.value) WHEN 'array' THEN one.value
                          ELSE jsonb_build_array(one.value) END) AS element
WHERE one.key = ANY(%%s) GROUP BY 1, 2
"""
ANSWERED = "SELECT one, count(*) FROM (%s) AS response, jsonb_object_keys(response.answers) AS one GROUP BY 1"
GROUPS = {
    "promoters": Q(score__gte=LOWEST_PROMOTER),
    "passives": Q(score__gt=HIGHEST_DETRACTOR, score__lt=LOWEST_PROMOTER),
    "detractors": Q(score__lte=HIGHEST_DETRACTOR),
}


@dataclass(frozen=True)
class Distribution:
    """How often each answer to a question was given; of a free text only how many wrote one.

    `counts` holds every answer that can be given, in the order shown; of a list where several may be chosen
    they sum to more than `answered`.
    """

    question: SurveyQuestion
    answered: int
    counts: dict[Any, int] = field(default_factory=dict)

    @property
    def mean(self) -> float | None:
        """Return the average of a scale."""
        steps = [(value, count) for value, count in self.counts.items() if isinstance(value, int)]
        total = sum(count for _value, count in steps)
        return sum(value * count for value, count in steps) / total if total else None


@dataclass(frozen=True)
class SurveyResults:
    """The answers of the days from `start` to `end`, both included; `nps` only where it was asked."""

    answers: int
    nps: Nps | None
    distributions: list[Distribution]
    comments: int


def responses_of(
    survey: Survey, *, start: date | None = None, end: date | None = None, segment: Segment | None = None
) -> QuerySet[SurveyResponse]:
    """Return the answers of the days from `start` to `end`, both included, by members of a segment."""
    since = first_instant(start) if start else None
    until = first_instant(end + timedelta(days=1)) if end else None
    rows = survey.responses.between(since, until)
    if segment is None:
        return rows
    members = SegmentMembership.objects.current().filter(segment=segment)
    return rows.filter(customer__in=members.values("customer"))


def results_of(
    survey: Survey, *, start: date | None = None, end: date | None = None, segment: Segment | None = None
) -> SurveyResults:
    """Return what the answers of a period say, by question."""
    rows = responses_of(survey, start=start, end=end, segment=segment)
    totals = rows.aggregate(
        answers=Count("pk"), comments=Count("pk", filter=~Q(comment="")), **_counted_groups()
    )
    questions = list(survey.questions.all())
    asked = any(question.kind == SurveyQuestion.Kind.RECOMMEND for question in questions)
    return SurveyResults(
        answers=totals["answers"],
        nps=Nps(*(totals[name] for name in GROUPS)) if asked else None,
        distributions=_distributions(questions, rows),
        comments=totals["comments"],
    )


def nps_series(
    survey: Survey, *, start: date, end: date, grain: Grain, segment: Segment | None = None
) -> dict[date, Nps]:
    """Return the score of each week, month ... in which somebody answered, by its first day."""
    rows = responses_of(survey, start=start, end=end, segment=segment).filter(score__isnull=False).order_by()
    zone = timezone.get_default_timezone()
    by_day = (
        rows.annotate(day=TruncDay("answered_at", tzinfo=zone)).values("day").annotate(**_counted_groups())
    )
    found: dict[date, list[int]] = {}
    for row in by_day:
        counts = found.setdefault(period_start(row["day"].date(), grain), [0, 0, 0])
        for place, name in enumerate(GROUPS):
            counts[place] += row[name]
    return {first: Nps(*counts) for first, counts in sorted(found.items())}


def answers_series(
    survey: Survey, *, start: date, end: date, grain: Grain, segment: Segment | None = None
) -> dict[date, int]:
    """Return how many answered in each week, month ... by its first day."""
    rows = responses_of(survey, start=start, end=end, segment=segment).order_by()
    zone = timezone.get_default_timezone()
    by_day = rows.annotate(day=TruncDay("answered_at", tzinfo=zone)).values("day").annotate(count=Count("pk"))
    found: dict[date, int] = {}
    for row in by_day:
        first = period_start(row["day"].date(), grain)
        found[first] = found.get(first, 0) + row["count"]
    return found


def _counted_groups() -> dict[str, Count]:
    return {name: Count("pk", filter=group) for name, group in GROUPS.items()}


def _distributions(questions: list[SurveyQuestion], rows: QuerySet[SurveyResponse]) -> list[Distribution]:
    sql, values = rows.order_by().values("answers").query.sql_with_params()
    counted = [question.code for question in questions if question.kind != SurveyQuestion.Kind.TEXT]
    with connection.cursor() as cursor:
        cursor.execute(ANSWERED % sql, values)
        answered = dict(cursor.fetchall())
        cursor.execute(COUNTED % sql, [*values, counted])
        counts = {(code, value): count for code, value, count in cursor.fetchall()}
    return [
        Distribution(
            question,
            answered.get(question.code, 0),
            {value: counts.get((question.code, str(value)), 0) for value in _possible(question)},
        )
        for question in questions
    ]


def _possible(question: SurveyQuestion) -> list[Any]:
    if question.kind == SurveyQuestion.Kind.TEXT:
        return []
    return question.option_codes if question.kind in SurveyQuestion.LISTS else list(question.steps)
