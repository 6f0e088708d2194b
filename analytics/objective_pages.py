"""What the pages of objectives show: where each stands, its way so far, and what is due when."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from babel import dates
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from analytics.figures import written as figures_written
from analytics.metrics import METRICS, Metric, Unit
from analytics.models import CorrectiveAction, Objective, ObjectiveCheck, ObjectiveReview
from analytics.pace import Standing
from analytics.services.objectives import scope_of
from operations import formats
from operations.figures import Chart, Delta, Series

TONES = {
    Standing.ON_TRACK: "good",
    Standing.REACHED: "good",
    Standing.AT_RISK: "warn",
    Standing.OFF_TRACK: "bad",
    Standing.MISSED: "bad",
}
CALENDAR_DAYS = 35


def written(metric: Metric, value: float | None) -> str:
    """Return a value of a metric as people read it, sums of money without their cents."""
    if metric.accumulates and metric.unit == Unit.MONEY and value is not None:
        return formats.whole_money(round(value))
    return figures_written(metric, value)


@dataclass(frozen=True)
class Card:
    """An objective on the overview: how far it is, against what it should be by now."""

    objective: Objective
    metric: str
    part: str
    tone: str
    value: str
    target: str
    expected: str
    forecast: str
    percent: int | None
    done: str
    expected_percent: int | None
    gap: float | None
    days_left: int
    open_actions: int
    review_due: bool

    @property
    def url(self) -> str:
        return reverse("admin:analytics_objective_change", args=[self.objective.pk])


def cards(objectives: Iterable[Objective], *, today: date) -> list[Card]:
    """Return a card for each objective, those that need somebody first."""
    objectives = list(objectives)
    last_checks = ObjectiveCheck.objects.filter(objective__in=objectives).order_by("objective_id", "-day")
    latest = {check.objective_id: check for check in last_checks.distinct("objective_id")}
    waiting = set(
        CorrectiveAction.objects.open().filter(objective__in=objectives).values_list("objective", flat=True)
    )
    found = [_card(one, latest.get(one.pk), one.pk in waiting, today) for one in objectives]
    order = {"bad": 0, "warn": 1}
    return sorted(found, key=lambda card: (order.get(card.tone, 2), card.objective.ends_on))


def _card(objective: Objective, check: ObjectiveCheck | None, waiting: bool, today: date) -> Card:
    metric = METRICS[objective.metric]
    target = float(objective.target)
    expected = check.expected if check else None
    return Card(
        objective=objective,
        metric=str(metric.label),
        part=part_in_words(objective),
        tone=TONES.get(Standing(objective.standing), "neutral"),
        value=written(metric, objective.value),
        target=written(metric, target),
        expected=written(metric, expected),
        forecast=written(metric, check.forecast) if check and metric.accumulates else "",
        percent=_percent(objective.value, target) if metric.accumulates else None,
        done=formats.percent((objective.value or 0) / target, 0) if metric.accumulates else "",
        expected_percent=_percent(expected, target) if metric.accumulates else None,
        gap=check.gap if check else None,
        days_left=max(0, (objective.ends_on - today).days),
        open_actions=int(waiting),
        review_due=objective.next_review_on <= today,
    )


def _percent(value: float | None, target: float) -> int | None:
    if value is None or not target:
        return None
    return round(min(max(value / target, 0), 1) * 100)


def part_in_words(objective: Objective) -> str:
    """Return what an objective is narrowed to; empty for the whole business."""
    parts = [str(scope_of(objective))] if scope_of(objective) else []
    if objective.segment:
        parts.append(objective.segment.name)
    return " · ".join(parts)


def figures(objective: Objective, *, today: date) -> list[Delta]:
    """Return the strip of an objective's page."""
    (card,) = cards([objective], today=today)
    strip = [
        Delta(_("Now"), card.value, card.gap, against=_("against its pace"), icon="flag"),
        Delta(_("Expected by now"), card.expected, icon="schedule"),
        Delta(_("Target"), card.target, icon="sports_score", hint=_days_left(card.days_left)),
    ]
    if card.forecast:
        strip.insert(
            2, Delta(_("At this pace"), card.forecast, icon="trending_up", hint=_("on the last day"))
        )
    return strip


def _days_left(days: int) -> str:
    return ngettext("%(days)d day left", "%(days)d days left", days) % {"days": days}


def way_so_far(objective: Objective) -> Chart | None:
    """Return what was reached day by day beside what was expected, or None before the first check."""
    checks = list(objective.checks.all())
    if not checks:
        return None
    metric = METRICS[objective.metric]
    return Chart(
        title=str(metric.label),
        labels=[dates.format_date(check.day, "d MMM", locale=formats.locale()) for check in checks],
        series=[
            Series(_("Reached"), [check.value for check in checks]),
            Series(_("Expected"), [check.expected for check in checks], colour=8, dashed=True),
        ],
        unit=metric.unit,
        axis=_("Day"),
        key="way",
        target=float(objective.target),
        target_label=_("Target"),
    )


@dataclass(frozen=True)
class Due:
    """Something that falls on a day of the calendar."""

    day: date
    objective: Objective
    what: str
    icon: str
    overdue: bool

    @property
    def url(self) -> str:
        return reverse("admin:analytics_objective_change", args=[self.objective.pk])


def calendar(objectives: Iterable[Objective], *, today: date) -> list[Due]:
    """Return what is overdue and what falls due within five weeks: reviews, actions, last days."""
    until = today + timedelta(days=CALENDAR_DAYS)
    objectives = list(objectives)
    found = [
        Due(one.next_review_on, one, _("Review"), "rate_review", one.next_review_on < today)
        for one in objectives
        if one.next_review_on <= until
    ]
    found += [
        Due(one.ends_on, one, _("Last day"), "sports_score", False)
        for one in objectives
        if today <= one.ends_on <= until
    ]
    actions = CorrectiveAction.objects.open().filter(objective__in=objectives, due_on__lte=until)
    found += [
        Due(
            action.due_on,
            action.objective,
            _("Corrective action of %(owner)s") % {"owner": action.owner},
            "build",
            action.due_on < today,
        )
        for action in actions.select_related("objective", "owner")
    ]
    return sorted(found, key=lambda due: (due.day, due.objective.name))


@dataclass(frozen=True)
class Reviewed:
    """A review in words."""

    review: ObjectiveReview
    tone: str
    value: str


def reviews(objective: Objective) -> list[Reviewed]:
    """Return the reviews of an objective, the latest first."""
    metric = METRICS[objective.metric]
    return [
        Reviewed(review, TONES.get(Standing(review.standing), "neutral"), written(metric, review.value))
        for review in objective.reviews.select_related("by")
    ]
