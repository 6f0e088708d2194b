"""What waits for a person: paused runs, budgets that run out, approvals, broken books, what failed."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from django.contrib.auth.models import AbstractBaseUser
from django.db.models import Count, F
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from analytics.models import CorrectiveAction, Objective, RfmModel, RfmRun, SurveyResponse
from campaigns.models import CampaignRun
from coupons.models import BudgetPeriod, Period, Promotion, PromotionAlert
from coupons.services.alerts import alert_in_words
from operations import formats
from operations.invariants import invariants
from operations.models import Approval, JobRun
from operations.services import broken_in_words, broken_invariants

SHARE_THAT_WARNS = 0.8
EACH_SHOWN = 5
FAILED_WITHIN = timedelta(days=1)
ALERTED_WITHIN = timedelta(days=7)
UNHAPPY_WITHIN = timedelta(days=14)


@dataclass(frozen=True)
class Decision:
    """One thing somebody should look at; tone is warn or bad."""

    title: str
    text: str
    icon: str
    url: str
    tone: str = "warn"


def open_decisions(user: AbstractBaseUser) -> list[Decision]:
    """Return what waits for this person, the gravest first."""
    found: list[Decision] = []
    if user.has_perm("campaigns.view_campaign"):
        found += _paused_runs()
    if user.has_perm("coupons.view_promotion"):
        found += _budgets()
        found += _unusual_speed()
    if user.has_perm("operations.change_approval"):
        found += _approvals(user)
    if user.has_perm("operations.check_invariants"):
        found += _broken_books()
    if user.has_perm("operations.view_jobrun"):
        found += _failed_jobs()
    if user.has_perm("analytics.view_rfmmodel"):
        found += _failed_models()
        found += _wrong_scores()
    if user.has_perm("analytics.change_survey"):
        found += _unhappy_customers()
    if user.has_perm("analytics.view_objective"):
        found += _objectives_behind()
    return sorted(found, key=lambda decision: decision.tone != "bad")


def _paused_runs() -> Iterator[Decision]:
    runs = CampaignRun.objects.filter(status=CampaignRun.Status.PAUSED).select_related("campaign")
    for run in runs[:EACH_SHOWN]:
        yield Decision(
            _("%(campaign)s is paused") % {"campaign": run.campaign.name},
            run.get_pause_reason_display(),
            "pause_circle",
            reverse("admin:campaigns_campaign_change", args=[run.campaign_id]),
        )


def _budgets() -> Iterator[Decision]:
    periods = (
        BudgetPeriod.objects.filter(
            used__gte=F("cap") * SHARE_THAT_WARNS,
            cap__gt=0,
            budget__promotion__status=Promotion.Status.ACTIVE,
        )
        .select_related("budget__promotion")
        .order_by("-pk")
    )
    today = timezone.localdate()
    for period in [one for one in periods[: 10 * EACH_SHOWN] if _is_current(one, today)][:EACH_SHOWN]:
        promotion, share = period.budget.promotion, period.used / period.cap
        yield Decision(
            _("%(promotion)s has used %(share)s of its budget")
            % {"promotion": promotion.name, "share": formats.percent(share, 0)},
            _("%(used)s of %(cap)s") % {"used": _written(period, "used"), "cap": _written(period, "cap")},
            "savings",
            reverse("admin:coupons_promotion_change", args=[promotion.pk]),
            tone="bad" if period.used >= period.cap else "warn",
        )


def _unusual_speed() -> Iterator[Decision]:
    """Codes that seem to have leaked, until somebody has looked."""
    alerts = PromotionAlert.objects.open().filter(
        kind__in=PromotionAlert.LEAKS, raised_at__gte=timezone.now() - ALERTED_WITHIN
    )
    for alert in alerts.select_related("promotion", "coupon")[:EACH_SHOWN]:
        yield Decision(
            alert_in_words(alert),
            _("If the code has leaked, stop the promotion on its page: one click."),
            "speed",
            reverse("admin:coupons_promotion_change", args=[alert.promotion_id]),
            tone="bad",
        )


def _is_current(period: BudgetPeriod, today) -> bool:
    """A day's, week's or month's budget that ended has nothing to decide any more."""
    first = {
        Period.DAY: today,
        Period.WEEK: today - timedelta(days=today.weekday()),
        Period.MONTH: today.replace(day=1),
    }.get(Period(period.budget.period))
    return first is None or period.starts_on >= first


def _written(period: BudgetPeriod, field: str) -> str:
    value = getattr(period, field)
    if period.budget.counts_money:
        return formats.money(value, period.budget.promotion.currency)
    return formats.number(value)


def _approvals(user: AbstractBaseUser) -> Iterator[Decision]:
    waiting = Approval.objects.waiting().exclude(requested_by=user).count()
    if waiting:
        yield Decision(
            ngettext(
                "%(count)d request waits for your approval",
                "%(count)d requests wait for your approval",
                waiting,
            )
            % {"count": waiting},
            _("Nothing is handed out before you decide."),
            "order_approve",
            reverse("admin:operations_approval_changelist"),
        )


def _broken_books() -> Iterator[Decision]:
    broken = broken_invariants()
    if broken:
        titles = {one.key: str(one.title) for one in invariants()}
        yield Decision(
            broken_in_words(len(broken)),
            " ".join(titles[result.key] for result in broken[:EACH_SHOWN]),
            "rule",
            reverse("admin:operations_invariantrun_change", args=[max(one.run_id for one in broken)]),
            tone="bad",
        )


def _failed_jobs() -> Iterator[Decision]:
    failed = JobRun.objects.filter(
        status=JobRun.Status.FAILED, finished_at__gte=timezone.now() - FAILED_WITHIN
    ).exclude(kind="rfm_run")
    for job in failed[:EACH_SHOWN]:
        yield Decision(
            _("The job “%(job)s” failed") % {"job": job.title},
            job.error[:160],
            "error",
            reverse("admin:operations_jobrun_change", args=[job.pk]),
            tone="bad",
        )


def _failed_models() -> Iterator[Decision]:
    for model in RfmModel.objects.all()[:EACH_SHOWN]:
        last = model.runs.exclude(status=RfmRun.Status.RUNNING).first()
        if last and last.status == RfmRun.Status.FAILED:
            yield Decision(
                _("The RFM model %(model)s could not be run") % {"model": model.name},
                last.error,
                "grid_off",
                reverse("admin:analytics_rfm_model_map", args=[model.pk]),
            )


def _unhappy_customers() -> Iterator[Decision]:
    """Detractors of the last days whom nobody has taken care of: a quick answer wins many of them back."""
    fresh = SurveyResponse.objects.waiting().filter(answered_at__gte=timezone.now() - UNHAPPY_WITHIN)
    by_survey = fresh.order_by().values("survey", "survey__name").annotate(count=Count("pk"))
    for row in by_survey.order_by("-count", "survey")[:EACH_SHOWN]:
        yield Decision(
            ngettext(
                "%(count)d unhappy customer waits for an answer",
                "%(count)d unhappy customers wait for an answer",
                row["count"],
            )
            % {"count": row["count"]},
            _("In the survey “%(survey)s”, within the last two weeks.") % {"survey": row["survey__name"]},
            "sentiment_dissatisfied",
            reverse("admin:analytics_survey_change", args=[row["survey"]]) + "?show=waiting#comments",
        )


def _objectives_behind() -> Iterator[Decision]:
    """Objectives with a corrective action that waits, and reviews that are overdue."""
    actions = CorrectiveAction.objects.open().filter(objective__closed_at=None)
    for action in actions.select_related("objective", "owner")[:EACH_SHOWN]:
        objective = action.objective
        yield Decision(
            _("%(objective)s: %(standing)s")
            % {"objective": objective.name, "standing": objective.get_standing_display()},
            _("%(owner)s has until %(day)s to correct it.")
            % {"owner": action.owner, "day": formats.day(action.due_on)},
            "flag",
            reverse("admin:analytics_objective_change", args=[objective.pk]),
            tone="bad",
        )
    overdue = Objective.objects.due_for_review(timezone.localdate() - timedelta(days=1))
    for objective in overdue[:EACH_SHOWN]:
        yield Decision(
            _("The review of %(objective)s is overdue") % {"objective": objective.name},
            _("It was due on %(day)s.") % {"day": formats.day(objective.next_review_on)},
            "rate_review",
            reverse("admin:analytics_objective_change", args=[objective.pk]),
        )


def _wrong_scores() -> Iterator[Decision]:
    """A check found scores that were not what the orders told: right by now, but somebody should know why."""
    wrong = RfmRun.objects.filter(differences__gt=0, started_at__gte=timezone.now() - ALERTED_WITHIN)
    for run in wrong.select_related("model").order_by("-pk")[:EACH_SHOWN]:
        yield Decision(
            ngettext(
                "%(count)s score of %(model)s was not what the orders tell",
                "%(count)s scores of %(model)s were not what the orders tell",
                run.differences,
            )
            % {"count": formats.number(run.differences), "model": run.model.name},
            _("They are right now. Something wrote past the product: look at what was loaded by hand."),
            "difference",
            reverse("admin:analytics_rfmrun_change", args=[run.pk]),
            tone="bad",
        )
