"""Objectives: written down, checked every day, reviewed by people, corrected when they fall behind."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import accumulate
from typing import Any

import structlog
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from analytics.choices import years_earlier
from analytics.errors import ObjectiveCodeTaken, ObjectiveIsClosed
from analytics.metrics import Better, Metric, metric_named, metric_series, metric_value
from analytics.models import CorrectiveAction, Objective, ObjectiveCheck, ObjectiveReview
from analytics.pace import BREACHED, Pace, Standing, pace_of, share_of_days, share_of_shape
from analytics.periods import Grain
from analytics.suggestions import suggestions_for
from analytics.windows import Scope
from operations.errors import FidelioError, InvalidInput, Mistake
from operations.models import User

log = structlog.get_logger(__name__)

# How long the owner of a corrective action has, by how often the objective is reviewed.
DAYS_TO_ACT = {
    Objective.Cadence.DAILY: 2,
    Objective.Cadence.WEEKLY: 7,
    Objective.Cadence.MONTHLY: 14,
    Objective.Cadence.QUARTERLY: 21,
}
# Figures of the last days of a period still change: late orders, returns.
SETTLES_WITHIN = timedelta(days=30)
# A key figure whose days add up is read once for all of them, another one day by day.
MOST_PAST_CHECKS, FEW_PAST_CHECKS = 40, 12
OPEN_BEFORE = timedelta(days=28)
# As many days as a key figure is told for at once.
LONGEST_DAYS = 1_000


def create_objective(code: str, *, name: str, owner: User, at: datetime, **fields: Any) -> Objective:
    """Write an objective down and check the days that have passed of it; `fields` are those of Objective.

    Raises InvalidInput with a pointer per mistake, ObjectiveCodeTaken.
    """
    if Objective.objects.filter(code=code).exists():
        raise ObjectiveCodeTaken
    objective = Objective(code=code, name=name, owner=owner, **fields)
    if objective.next_review_on is None:
        objective.next_review_on = objective.review_after(max(objective.starts_on, timezone.localdate(at)))
    _validate(objective)
    with transaction.atomic():
        objective.save()
        _check_past(objective, at=at)
    return objective


def edit_objective(objective: Objective, *, at: datetime, **changes: Any) -> Objective:
    """Change these fields of an objective and return it; its past days are judged anew.

    What is not among them stays as somebody else may have left it meanwhile, as the next review.
    Raises InvalidInput, ObjectiveIsClosed.
    """
    with transaction.atomic():
        objective = _lock(objective)
        for name, value in changes.items():
            setattr(objective, name, value)
        _validate(objective)
        objective.standing, objective.value, objective.checked_on = Standing.NOT_BEGUN, None, None
        objective.save()
        objective.checks.all().delete()
        _check_past(objective, at=at)
    return objective


def close_objective(objective: Objective, *, at: datetime) -> Objective:
    """Stop following an objective; its open corrective action ends with it."""
    with transaction.atomic():
        objective = _lock(objective)
        objective.closed_at = at
        objective.save(update_fields=["closed_at"])
        objective.actions.open().update(status=CorrectiveAction.Status.DROPPED, closed_at=at)
    return objective


def check_objectives(*, at: datetime) -> dict[str, ObjectiveCheck]:
    """Check every objective under way as of yesterday, each in a transaction of its own.

    One that cannot be checked leaves the others alone. Returns the checks by code.
    """
    yesterday = timezone.localdate(at) - timedelta(days=1)
    checks = {}
    for objective in Objective.objects.under_way(yesterday).filter(ends_on__gte=yesterday - SETTLES_WITHIN):
        try:
            checks[objective.code] = check_objective(objective, day=yesterday, at=at)
        except FidelioError as error:
            log.error("objective_not_checked", objective=objective.code, problem=error.message)
    return checks


def check_objective(objective: Objective, *, day: date, at: datetime) -> ObjectiveCheck:
    """Write down how an objective stands at the end of a day; a breach opens a corrective action.

    After its last day an objective is judged as of that day, again while figures may still come in late.
    Called again for the same day, it writes the same row anew. Raises ObjectiveIsClosed.
    """
    with transaction.atomic():
        objective = _lock(objective)
        (check,) = _write_checks(objective, [min(day, objective.ends_on)])
        objective.checked_on = day
        objective.save(update_fields=["standing", "value", "checked_on"])
        if check.standing in BREACHED:
            _open_action(objective, check, at=at)
    return check


def review_objective(
    objective: Objective, *, decision: str, by: User, at: datetime, next_review_on: date | None = None
) -> ObjectiveReview:
    """Record what was decided today, and when the next review is: by the cadence unless a day is given.

    Raises ObjectiveIsClosed, and InvalidInput for an empty decision or a review in the past.
    """
    today = timezone.localdate(at)
    if not decision.strip():
        raise InvalidInput.at("/decision", _("Say what was decided, if only that nothing changes."))
    if next_review_on is not None and next_review_on <= today:
        raise InvalidInput.at("/next_review_on", _("The next review has to be after today."))
    with transaction.atomic():
        objective = _lock(objective)
        review = ObjectiveReview.objects.create(
            objective=objective,
            day=today,
            reviewed_at=at,
            by=by,
            standing=objective.standing,
            value=objective.value,
            decision=decision.strip(),
        )
        objective.next_review_on = next_review_on or objective.review_after(today)
        objective.save(update_fields=["next_review_on"])
    return review


def close_action(
    action: CorrectiveAction, *, outcome: str, by: User, at: datetime, dropped: bool = False
) -> CorrectiveAction:
    """Say what was done about a breach, or why nothing is. Called again, it changes nothing.

    Raises InvalidInput without words.
    """
    if not outcome.strip():
        raise InvalidInput.at("/outcome", _("Say what was done, or why nothing is."))
    with transaction.atomic():
        action = CorrectiveAction.objects.select_for_update().get(pk=action.pk)
        if action.status != CorrectiveAction.Status.OPEN:
            return action
        action.status = CorrectiveAction.Status.DROPPED if dropped else CorrectiveAction.Status.DONE
        action.outcome, action.closed_by, action.closed_at = outcome.strip(), by, at
        action.save()
    return action


def _lock(objective: Objective) -> Objective:
    locked = Objective.objects.select_for_update().get(pk=objective.pk)
    if locked.closed_at is not None:
        raise ObjectiveIsClosed
    return locked


def _validate(objective: Objective) -> None:
    metric = metric_named(objective.metric)
    mistakes = []
    try:
        objective.full_clean()
    except ValidationError as error:
        mistakes = [
            Mistake(f"/{field}", message)
            for field, messages in error.message_dict.items()
            for message in messages
        ]
    if not metric.can_be_narrowed(scope_of(objective), objective.segment):
        mistakes.append(
            Mistake("/scope", _("“%(metric)s” is not known for this part.") % {"metric": metric.label})
        )
    if bool(scope_of(objective)) != bool(objective.scope_value):
        mistakes.append(Mistake("/scope_value", _("Say which, or take all orders.")))
    if objective.days > LONGEST_DAYS:
        mistakes.append(
            Mistake("/ends_on", _("An objective lasts at most %(days)s days.") % {"days": LONGEST_DAYS})
        )
    if metric.accumulates and objective.target <= 0:
        mistakes.append(Mistake("/target", _("A target above zero.")))
    if mistakes:
        raise InvalidInput(details=mistakes)


def scope_of(objective: Objective) -> Scope:
    """Return the part of the business that an objective is about."""
    return Scope(objective.scope, objective.scope_value)


def paces(objective: Objective, days: Sequence[date]) -> dict[date, tuple[float | None, Pace]]:
    """Return for each day the key figure's value as it counts then, and how the objective stands.

    What accumulates counts from the first day on; a rate or an average over as many days as the objective
    lasts, up to the day, so that its value means the same on every day.
    """
    metric = metric_named(objective.metric)
    values, shares = _values(objective, metric, days), _shares(objective, metric, days)
    return {
        day: (
            values[day],
            pace_of(
                values[day],
                target=float(objective.target),
                share=shares[day],
                tolerance=objective.tolerance,
                additive=metric.accumulates,
                ended=day >= objective.ends_on,
                higher_is_better=metric.better != Better.DOWN,
                baseline=_number(objective.baseline),
            ),
        )
        for day in days
    }


def _values(objective: Objective, metric: Metric, days: Sequence[date]) -> dict[date, float | None]:
    if metric.accumulates:
        return _counted_from(objective, metric, objective.starts_on, days)
    length = timedelta(days=objective.days - 1)
    return {day: _number(_value(objective, day - length, day)) for day in days}


def _counted_from(
    objective: Objective, metric: Metric, start: date, days: Sequence[date]
) -> dict[date, float | None]:
    """Return what came together from `start` to the end of each day."""
    if not metric.adds_up or len(days) < 2:
        return {day: _number(_value(objective, start, day)) for day in days}
    series = metric_series(
        metric.code,
        start=start,
        end=max(days),
        grain=Grain.DAY,
        scope=scope_of(objective),
        segment=objective.segment,
    )
    sums = accumulate(float(value or 0) for _day, value in series)
    by_day = dict(zip((day for day, _value in series), sums, strict=True))
    return {day: by_day[day] for day in days}


def _shares(objective: Objective, metric: Metric, days: Sequence[date]) -> dict[date, float]:
    """Last year's share of the same days, for what accumulates; else the share of the days."""
    even = {day: share_of_days((day - objective.starts_on).days + 1, objective.days) for day in days}
    first, last = years_earlier(objective.starts_on), years_earlier(objective.ends_on)
    if not metric.accumulates or last >= objective.starts_on or not _was_open_before(objective, first):
        return even  # What lasts longer than a year has no year before it either.
    earlier = {day: years_earlier(day) for day in days if day < objective.ends_on}
    sums = _counted_from(objective, metric, first, sorted({*earlier.values(), last}))
    shaped = {day: share_of_shape(sums[then], sums[last]) for day, then in earlier.items()}
    return even | {day: share for day, share in shaped.items() if share is not None}


def _was_open_before(objective: Objective, first: date) -> bool:
    """A year that the shop's history only begins in has no shape."""
    return bool(_value(objective, first - OPEN_BEFORE, first - timedelta(days=1)))


def _value(objective: Objective, start: date, end: date) -> Any:
    return metric_value(
        objective.metric, start=start, end=end, scope=scope_of(objective), segment=objective.segment
    )


def _number(value: Decimal | float | int | None) -> float | None:
    return None if value is None else float(value)


def _write_checks(objective: Objective, days: Sequence[date]) -> list[ObjectiveCheck]:
    """Write a row per day, anew where there is one, and note on the objective how it stands on the last."""
    checks = [
        ObjectiveCheck(
            objective=objective,
            day=day,
            value=value,
            expected=pace.expected,
            forecast=pace.forecast,
            gap=pace.gap,
            standing=pace.standing,
        )
        for day, (value, pace) in paces(objective, days).items()
    ]
    ObjectiveCheck.objects.bulk_create(
        checks,
        update_conflicts=True,
        unique_fields=["objective", "day"],
        update_fields=["value", "expected", "forecast", "gap", "standing"],
    )
    if checks:
        objective.standing, objective.value = checks[-1].standing, checks[-1].value
    return checks


def _check_past(objective: Objective, *, at: datetime) -> None:
    """So that a new objective's chart shows how it came to where it stands."""
    yesterday = timezone.localdate(at) - timedelta(days=1)
    most = MOST_PAST_CHECKS if metric_named(objective.metric).adds_up else FEW_PAST_CHECKS
    if _write_checks(objective, _some_days(objective.starts_on, min(objective.ends_on, yesterday), most)):
        objective.checked_on = yesterday
        objective.save(update_fields=["standing", "value", "checked_on"])


def _some_days(first: date, last: date, most: int) -> list[date]:
    """Return days from first to last, the last one always, at most so many and evenly apart."""
    days = (last - first).days + 1
    apart = max(1, -(-days // most))
    return [last - timedelta(days=behind) for behind in range(0, days, apart)][::-1]


def _open_action(objective: Objective, check: ObjectiveCheck, *, at: datetime) -> None:
    """One at a time; its suggestions follow the data while it is open."""
    today = timezone.localdate(at)
    suggestions = suggestions_for(objective, day=check.day)
    waiting = objective.actions.open().update(suggestions=suggestions, gap=check.gap)
    if not waiting and not _dealt_with(objective, today):
        CorrectiveAction.objects.create(
            objective=objective,
            opened_on=today,
            gap=check.gap,
            owner=objective.owner,
            due_on=today + timedelta(days=DAYS_TO_ACT[Objective.Cadence(objective.cadence)]),
            suggestions=suggestions,
        )
        log.warning("objective_off_track", objective=objective.code, gap=check.gap)


def _dealt_with(objective: Objective, today: date) -> bool:
    """What was closed has time to work until the next review: no new action the morning after."""
    last = objective.actions.exclude(status=CorrectiveAction.Status.OPEN).first()
    if last is None:
        return False
    return today < objective.review_after(timezone.localdate(last.closed_at))
