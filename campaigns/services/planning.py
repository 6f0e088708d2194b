"""From a campaign that is due to a row per recipient; and the end of runs."""

from datetime import datetime

import structlog
from django.db import transaction
from django.db.models import Exists, OuterRef

from campaigns.bells import ring_on_commit
from campaigns.models import OPEN, WAITING, Campaign, CampaignRun, Message, MessageReason, MessageState
from campaigns.rules import CONFIRM_AFTER
from campaigns.services.campaigns import ONCE, pause_campaign, plan_occurrence
from campaigns.services.outbox import give_back_coupons
from campaigns.services.snapshots import plan_messages
from customers.models import Segment
from customers.services import record_event, refresh_segment
from operations.errors import FidelioError

log = structlog.get_logger(__name__)


def tend_runs(*, at: datetime) -> None:
    """Do all that time asks for: create runs that are due, plan them, end those with nothing left to do."""
    create_due_runs(at=at)
    for run in CampaignRun.objects.filter(
        status=CampaignRun.Status.PLANNED, campaign__status=Campaign.Status.RUNNING, not_before__lte=at
    ):
        try:
            plan_run(run, at=at)
        except FidelioError as error:  # Its rule no longer fits, say: the others must not wait for it.
            log.error("run_not_planned", run=run.pk, key=error.key, reason=str(error.message))
    close_stopped_runs(at=at)
    finish_runs(at=at)


def create_due_runs(*, at: datetime) -> list[CampaignRun]:
    """Create the run of every scheduled campaign whose time has come.

    One that is more than two hours late waits for somebody's confirmation. Safe when called by many at once.
    """
    due = Campaign.objects.filter(status=Campaign.Status.SCHEDULED).order_by("pk")
    runs = [_create_due_run(campaign, at=at) for campaign in due if _is_due(campaign, at)]
    return [run for run in runs if run is not None]


def _is_due(campaign: Campaign, at: datetime) -> bool:
    starts_at = campaign.version.starts_at
    return starts_at is None or starts_at <= at


def _create_due_run(campaign: Campaign, *, at: datetime) -> CampaignRun | None:
    with transaction.atomic():
        campaign = Campaign.objects.select_for_update().get(pk=campaign.pk)
        if campaign.status != Campaign.Status.SCHEDULED or not _is_due(campaign, at):
            return None
        promised_at = campaign.version.starts_at or at
        run = plan_occurrence(campaign, occurrence=ONCE, not_before=promised_at)
        campaign.status = Campaign.Status.RUNNING
        campaign.save(update_fields=["status"])
        if at - promised_at > CONFIRM_AFTER:
            pause_campaign(campaign, at=at, reason=CampaignRun.PauseReason.LATE)
            run.refresh_from_db()
    return run


def plan_run(run: CampaignRun, *, at: datetime) -> CampaignRun:
    """Take the audience as it is now: one row per member of the segment, those left out with the reason.

    Planned again, or by several at once, it does nothing: the first one wins, the others find it planned.
    """
    with transaction.atomic():
        campaign = Campaign.objects.select_for_update().get(pk=run.campaign_id)
        run = (
            CampaignRun.objects.select_for_update(of=["self"])
            .select_related("version__promotion", "version__segment")
            .prefetch_related("version__contents")
            .get(pk=run.pk)
        )
        if run.status != CampaignRun.Status.PLANNED or campaign.status != Campaign.Status.RUNNING:
            return run
        if run.version.segment:
            _freshen(run.version.segment, at=at)
        targeted = plan_messages(run)
        run.status, run.planned_at = CampaignRun.Status.RUNNING, at
        run.save(update_fields=["status", "planned_at"])
        record_event(
            "campaign.planned",
            external_id=f"run:{run.pk}:planned",
            occurred_at=at,
            payload={"campaign": campaign.code, "run": run.pk, "targeted": targeted},
        )
        ring_on_commit("pump_bulk")
    return run


def _freshen(segment: Segment, *, at: datetime) -> None:
    """A rule is evaluated when it is used, not as last night found it."""
    if segment.kind == Segment.Kind.RULE and segment.active:
        refresh_segment(segment, at=at)


def close_stopped_runs(*, at: datetime) -> int:
    """Mark what a stop left waiting; end the runs with nothing in the air and return how many."""
    runs = CampaignRun.objects.filter(campaign__status=Campaign.Status.STOPPED).exclude(
        status__in=[CampaignRun.Status.DONE, CampaignRun.Status.STOPPED, CampaignRun.Status.MISSED]
    )
    for run in runs:
        waiting = run.messages.filter(state__in=WAITING)
        with transaction.atomic():
            # A send locks its message, then the coupon; the other way round the two would deadlock.
            list(waiting.select_for_update().order_by("pk").values_list("pk", flat=True))
            give_back_coupons(waiting.filter(publication__isnull=False), at=at)
            waiting.update(
                state=MessageState.CANCELLED, reason=MessageReason.STOPPED, owner="", lease_until=None
            )
    return _without_open_messages(runs).update(
        status=CampaignRun.Status.STOPPED, pause_reason="", ended_at=at
    )


def finish_runs(*, at: datetime) -> int:
    """End the runs whose every message has come to its end, and their campaigns; return how many ended."""
    sending = CampaignRun.objects.filter(
        status=CampaignRun.Status.RUNNING,
        campaign__status=Campaign.Status.RUNNING,
        planned_at__isnull=False,
    )
    ended = 0
    for run in _without_open_messages(sending):
        ended += _finish(run, at=at)
    return ended


def _finish(run: CampaignRun, *, at: datetime) -> int:
    with transaction.atomic():
        campaign = Campaign.objects.select_for_update().get(pk=run.campaign_id)
        if campaign.status != Campaign.Status.RUNNING:
            return 0
        done = CampaignRun.objects.filter(pk=run.pk, status=CampaignRun.Status.RUNNING).update(
            status=CampaignRun.Status.DONE, ended_at=at
        )
        if done:
            campaign.status, campaign.ended_at = Campaign.Status.FINISHED, at
            campaign.save(update_fields=["status", "ended_at"])
            record_event(
                "campaign.finished",
                external_id=f"run:{run.pk}:finished",
                occurred_at=at,
                payload={"campaign": campaign.code, "run": run.pk},
            )
    return done


def _without_open_messages(runs):
    return runs.filter(~Exists(Message.objects.filter(run=OuterRef("pk"), state__in=OPEN)))
