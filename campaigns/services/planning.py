"""From a campaign that is due to a row per recipient; and the end of runs."""

from datetime import datetime

import structlog
from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Q

from campaigns.bells import ring_on_commit
from campaigns.errors import TooManyRecipients
from campaigns.models import (
    OPEN,
    Campaign,
    CampaignRun,
    CampaignVersion,
    JourneyPosition,
    Message,
    MessageReason,
    Occasion,
)
from campaigns.services.approvals import check_size, hold_for_approval
from campaigns.services.journeys import close_journeys, drop_retries
from campaigns.services.occasions import close_occasions, local_day, plan_due_occasions
from campaigns.services.reservations import cancel_waiting
from campaigns.services.schedules import create_due_runs, freshen
from campaigns.services.telling import tell_untold
from campaigns.services.turns import begin
from campaigns.triggers import BROADCASTS
from customers.services import record_event
from operations.errors import FidelioError

log = structlog.get_logger(__name__)
MANY = 5_000


def tend_runs(*, at: datetime) -> None:
    """Do all that time asks for: write down what is due, plan it, end what has nothing left to do."""
    create_due_runs(at=at)
    plan_due_occasions(at=at)
    for run in CampaignRun.objects.filter(
        status=CampaignRun.Status.PLANNED, campaign__status=Campaign.Status.RUNNING, not_before__lte=at
    ):
        try:
            plan_run(run, at=at)
        except FidelioError as error:  # Its rule no longer fits, say: the others must not wait for it.
            log.error("run_not_planned", run=run.pk, key=error.key, reason=str(error.message))
    drop_retries(at=at)
    close_journeys(at=at)
    close_stopped_runs(at=at)
    close_occasions()
    finish_runs(at=at)


def plan_run(run: CampaignRun, *, at: datetime) -> CampaignRun:
    """Take the audience as it is now: one row per member of the segment, those left out with the reason.

    Planned again, or by several at once, it does nothing: the first one wins, the others find it planned.
    One that has outgrown what was agreed to is planned only when another person agrees. Locks the run alone:
    a stop, one UPDATE of the campaign, need not wait for a large audience.
    """
    try:
        return _plan(run, at=at)
    except TooManyRecipients as error:
        hold_for_approval(run.version, size=error.size, at=at)
        run.refresh_from_db()
        return run


def _plan(run: CampaignRun, *, at: datetime) -> CampaignRun:
    with transaction.atomic():
        run = (
            CampaignRun.objects.select_for_update(of=["self"])
            .select_related("version__promotion", "version__segment", "campaign")
            .prefetch_related("version__contents")
            .get(pk=run.pk)
        )
        if run.status != CampaignRun.Status.PLANNED or run.campaign.status != Campaign.Status.RUNNING:
            return run
        freshen(run.version.segment, at=at)
        check_size(run.version)
        targeted = begin(run)
        if targeted >= MANY:
            _count_anew()
        run.status, run.planned_at = CampaignRun.Status.RUNNING, at
        run.save(update_fields=["status", "planned_at"])
        record_event(
            "campaign.planned",
            external_id=f"run:{run.pk}:planned",
            occurred_at=at,
            payload={"campaign": run.campaign.code, "run": run.pk, "targeted": targeted},
        )
        ring_on_commit("pump_bulk")
    return run


def _count_anew() -> None:
    """Tell PostgreSQL of many new rows: until it knows of them, each claim reads all of the run's."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE campaigns_message, campaigns_journeyposition")


def close_stopped_runs(*, at: datetime) -> int:
    """Mark what a stop left waiting; end the runs with nothing in the air and return how many."""
    runs = CampaignRun.objects.filter(campaign__status=Campaign.Status.STOPPED).exclude(
        status__in=[CampaignRun.Status.DONE, CampaignRun.Status.STOPPED, CampaignRun.Status.MISSED]
    )
    for run in runs:
        cancel_waiting(run.messages.all(), reason=MessageReason.STOPPED, at=at)
    for run in _with_nothing_open(runs):
        tell_untold(run, at=at)
    return _with_nothing_open(runs).update(status=CampaignRun.Status.STOPPED, pause_reason="", ended_at=at)


def finish_runs(*, at: datetime) -> int:
    """End the runs whose every message has come to its end, and their campaigns; return how many ended.

    What goes to single people ends with its local day. A campaign that goes on ends after its last day.
    """
    sending = CampaignRun.objects.filter(
        status=CampaignRun.Status.RUNNING,
        campaign__status=Campaign.Status.RUNNING,
        planned_at__isnull=False,
    ).exclude(Q(occurrence__gte=local_day(at)) & ~Q(version__trigger__in=BROADCASTS))
    ended = 0
    for run in _with_nothing_open(sending):
        ended += _finish(run, at=at)
    for campaign in _over(at):
        _end(campaign, external_id=f"campaign:{campaign.pk}:finished", at=at)
    return ended


def _finish(run: CampaignRun, *, at: datetime) -> int:
    with transaction.atomic():
        campaign = Campaign.objects.select_for_update(no_key=True).get(pk=run.campaign_id)
        if campaign.status != Campaign.Status.RUNNING:
            return 0
        CampaignRun.objects.select_for_update(no_key=True).get(pk=run.pk)
        tell_untold(run, at=at)
        mine = CampaignRun.objects.filter(pk=run.pk, status=CampaignRun.Status.RUNNING)
        done = _with_nothing_open(mine).update(status=CampaignRun.Status.DONE, ended_at=at)
        if done and run.version.trigger == CampaignVersion.Trigger.ONE_OFF:
            _end(campaign, external_id=f"run:{run.pk}:finished", at=at, run=run)
    return done


def _over(at: datetime):
    """Return the campaigns whose last day is over and that have nothing left to do."""
    newer = CampaignVersion.objects.filter(campaign=OuterRef("campaign"), number__gt=OuterRef("number"))
    ended = CampaignVersion.objects.filter(~Exists(newer), ends_at__lte=at).values("campaign")
    open_runs = CampaignRun.objects.filter(
        campaign=OuterRef("pk"), status__in=[CampaignRun.Status.PLANNED, CampaignRun.Status.RUNNING]
    )
    waiting = Occasion.objects.waiting().filter(campaign=OuterRef("pk"))
    running = Campaign.objects.filter(pk__in=ended, status=Campaign.Status.RUNNING)
    return running.filter(~Exists(open_runs), ~Exists(waiting)).order_by("pk")


def _end(campaign: Campaign, *, external_id: str, at: datetime, run: CampaignRun | None = None) -> None:
    with transaction.atomic():
        ended = Campaign.objects.filter(pk=campaign.pk, status=Campaign.Status.RUNNING).update(
            status=Campaign.Status.FINISHED, ended_at=at
        )
        if ended:
            record_event(
                "campaign.finished",
                external_id=external_id,
                occurred_at=at,
                payload={"campaign": campaign.code, "run": run.pk if run else None},
            )


def _with_nothing_open(runs):
    return runs.filter(
        ~Exists(Message.objects.filter(run=OuterRef("pk"), state__in=OPEN)),
        ~Exists(JourneyPosition.objects.on_the_way().filter(run=OuterRef("pk"))),
    )
