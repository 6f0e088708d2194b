"""Engagement: how much interest each person showed of late, beside what they buy."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.utils import timezone

from analytics.engagement import decay, horizon_days
from analytics.engine.postgres import first_instant
from analytics.models import EngagementRule, RfmModel
from analytics.services.run_locks import lock_scores
from customers.models import Purpose, Source
from customers.services.profiling import sweep_profiles
from customers.services.traits import write_traits
from operations.errors import InvalidInput, Mistake

TRAIT = "engagement"

# One row per person with any sign: age is counted in calendar days of the programme, and what a day and a
# type are worth comes in as a small table, so that sums are exact and the same in every run.
_MEASURED = """
WITH worth (type, age, worth) AS (
    SELECT * FROM unnest(%(types)s::text[], %(ages)s::int[], %(worth)s::numeric[])
)
SELECT shown.customer_id, round(sum(shown.signs * worth.worth), 2)
FROM (
    SELECT customer_id, type, %(as_of)s::date - (occurred_at AT TIME ZONE %(zone)s)::date AS age,
           count(*) AS signs
    FROM customers_event
    WHERE type = ANY(%(types_seen)s) AND occurred_at >= %(from)s AND occurred_at < %(before)s
      AND customer_id IS NOT NULL AND NOT (source_id = ANY(%(barred)s))
    GROUP BY 1, 2, 3
) shown
JOIN worth USING (type, age)
JOIN customers_customer customer ON customer.id = shown.customer_id
WHERE customer.restricted_at IS NULL AND customer.profiling = 'ALLOWED'
GROUP BY shown.customer_id
HAVING round(sum(shown.signs * worth.worth), 2) > 0
ORDER BY shown.customer_id
"""
# E among those of the model's customers who showed any interest; whoever showed none has an empty one.
_SCORED = """
WITH shown AS MATERIALIZED (
    SELECT score.id, (trait.value #>> '{}')::numeric AS value
    FROM analytics_rfmscore score
    JOIN customers_trait trait ON trait.customer_id = score.customer_id AND trait.code = %(trait)s
    WHERE score.model_id = %(model)s
), cut AS (
    SELECT percentile_disc(ARRAY[.2, .4, .6, .8]) WITHIN GROUP (ORDER BY value) AS at FROM shown
), fresh AS (
    SELECT score.id, (1 + (cut.at[1] < shown.value)::int + (cut.at[2] < shown.value)::int
        + (cut.at[3] < shown.value)::int + (cut.at[4] < shown.value)::int) AS e
    FROM analytics_rfmscore score LEFT JOIN shown USING (id) CROSS JOIN cut
    WHERE score.model_id = %(model)s
)
UPDATE analytics_rfmscore score SET e = fresh.e FROM fresh
WHERE score.id = fresh.id AND score.e IS DISTINCT FROM fresh.e
"""


@dataclass(frozen=True)
class Measured:
    """What a measurement came to: people with any sign of interest, and how many values changed."""

    people: int
    changed: int


def edit_engagement_rule(*, weights: dict[str, Any], half_life_days: int) -> EngagementRule:
    """Say anew what signs of interest weigh; people are measured by it at the next measurement.

    Raises InvalidInput.
    """
    with transaction.atomic():
        EngagementRule.objects.get_or_create(pk=EngagementRule.THE_ONE)
        rule = EngagementRule.objects.select_for_update().get(pk=EngagementRule.THE_ONE)
        rule.weights, rule.half_life_days = weights, half_life_days
        try:
            rule.full_clean()
        except ValidationError as error:
            raise InvalidInput(
                details=[
                    Mistake(f"/{field}", message)
                    for field, messages in error.message_dict.items()
                    for message in messages
                ]
            ) from error
        rule.save()
    return rule


def measure_engagement(*, as_of: date, at: datetime | None = None) -> Measured:
    """Work out everybody's engagement as of a day, write the trait `engagement`, and score E in every model.

    Events before that day's first instant count. A second measurement on the same data changes nothing.
    """
    at = at or timezone.now()
    with transaction.atomic():
        EngagementRule.objects.get_or_create(pk=EngagementRule.THE_ONE)
        # Two at once would both write: the second waits, and finds nothing left to change.
        rule = EngagementRule.objects.select_for_update().get(pk=EngagementRule.THE_ONE)
        rows = list(_measured(rule, as_of=as_of))
        changed = write_traits(
            ((customer, TRAIT, float(value)) for customer, value in rows),
            codes=[TRAIT],
            at=at,
            model_version=_version(rule),
        )
        rule.measured_on, rule.people = as_of, len(rows)
        rule.save(update_fields=["measured_on", "people"])
    for model in RfmModel.objects.all():
        score_engagement(model)
    sweep_profiles(at=at)
    return Measured(len(rows), changed)


def score_engagement(model: RfmModel) -> int:
    """Bring E of a model's scores in line with the measured engagement; return how many rows changed."""
    with transaction.atomic(), connection.cursor() as cursor:
        lock_scores(model)
        cursor.execute(_SCORED, {"model": model.pk, "trait": TRAIT})
        return cursor.rowcount


def _measured(rule: EngagementRule, *, as_of: date) -> Iterator[tuple[int, Decimal]]:
    horizon = horizon_days(rule.half_life_days)
    weights = {kind: Decimal(str(weight)) for kind, weight in rule.weights.items() if weight > 0}
    worth = [
        (kind, age, weight * decay(age, half_life_days=rule.half_life_days))
        for kind, weight in weights.items()
        for age in range(1, horizon + 1)
    ]
    types, ages, values = (list(column) for column in zip(*worth, strict=True))
    with connection.cursor() as cursor:
        cursor.execute(
            _MEASURED,
            {
                "types": types,
                "ages": ages,
                "worth": values,
                "types_seen": list(weights),
                "as_of": as_of,
                "zone": settings.PROGRAMME_TIME_ZONE,
                "from": first_instant(as_of - timedelta(days=horizon)),
                "before": first_instant(as_of),
                "barred": list(Source.objects.without(Purpose.PROFILING).values_list("pk", flat=True)),
            },
        )
        yield from cursor.fetchall()


def _version(rule: EngagementRule) -> str:
    return f"half-life {rule.half_life_days} d"
