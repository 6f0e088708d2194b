"""From a campaign that is due to a row per recipient; and the end of runs."""

from datetime import datetime

import structlog
from django.conf import settings
from django.db import connection, transaction
from django.db.models import Exists, OuterRef

from campaigns.bells import ring_on_commit
from campaigns.models import OPEN, WAITING, Campaign, CampaignRun, Message, MessageReason, MessageState
from campaigns.rules import CONFIRM_AFTER
from campaigns.services.campaigns import ONCE, pause_campaign, plan_occurrence
from campaigns.services.outbox import give_back_coupons
from coupons.services.personal_offers import is_personal
from customers.models import Purpose, Segment
from customers.services import record_event, refresh_segment
from operations.errors import FidelioError

log = structlog.get_logger(__name__)

# One statement: everybody in the segment gets a row, those left out with the reason. Whoever shares a mailbox
# with an earlier row gets none, nor does a household that heard from us lately; the holdout is a fixed
# function of campaign and customer.
SNAPSHOT = """
WITH audience AS (
    SELECT customer.id, customer.public_id, customer.household_id, point.value AS address, point.granted,
           encode(sha256(convert_to(point.value, 'UTF8')), 'hex') AS address_hash
    FROM customers_segmentmembership AS membership
    JOIN customers_customer AS customer ON customer.id = membership.customer_id
    LEFT JOIN LATERAL (
        SELECT identity.value, (consent.state = 'GRANTED') IS TRUE AS granted
        FROM customers_identity AS identity
        LEFT JOIN customers_consent AS consent
            ON consent.customer_id = customer.id AND consent.address = identity.value
            AND consent.channel = %(channel)s AND consent.purpose = %(purpose)s
        WHERE identity.customer_id = customer.id AND identity.namespace = %(namespace)s
        ORDER BY granted DESC, identity.id DESC
        LIMIT 1
    ) AS point ON true
    WHERE membership.segment_id = %(segment)s AND membership.left_at IS NULL
      AND customer.status IN ('ACTIVE', 'PROSPECT') AND customer.restricted_at IS NULL
), judged AS (
    SELECT audience.*,
           CASE WHEN address IS NULL THEN 'NO_ADDRESS'
                WHEN NOT granted AND %(purpose)s <> 'SERVICE' THEN 'NO_CONSENT'
                WHEN EXISTS (
                    SELECT FROM customers_suppression AS suppression
                    WHERE suppression.channel = %(channel)s
                      AND suppression.address_hash = audience.address_hash
                      AND (suppression.reason <> 'UNSUBSCRIBED' OR %(purpose)s <> 'SERVICE')
                ) THEN 'ON_SUPPRESSION_LIST'
                WHEN %(household_days)s > 0 AND household_id IS NOT NULL AND EXISTS (
                    SELECT FROM customers_customer AS other
                    JOIN campaigns_message AS sent ON sent.customer_id = other.id
                    WHERE other.household_id = audience.household_id AND other.id <> audience.id
                      AND sent.purpose = 'MARKETING' AND sent.state IN ('SENT', 'UNKNOWN')
                      AND sent.created_at > statement_timestamp() - make_interval(days => %(household_days)s)
                ) THEN 'HOUSEHOLD'
                WHEN %(own_offers_of)s::bigint IS NOT NULL AND NOT EXISTS (
                    SELECT FROM coupons_personaloffer AS offer
                    WHERE offer.promotion_id = %(own_offers_of)s AND offer.customer_id = audience.id
                      AND offer.status = 'CONFIRMED' AND offer.valid_until > statement_timestamp()
                ) THEN 'NO_OFFER'
           END AS reason,
           ('x' || left(md5(%(salt)s || public_id::text), 8))::bit(32)::bigint %% 10000 AS draw
    FROM audience
), numbered AS (
    SELECT judged.*,
           row_number() OVER (PARTITION BY address_hash, reason IS NULL ORDER BY id) AS place,
           CASE WHEN %(household_days)s > 0 AND household_id IS NOT NULL THEN
               row_number() OVER (PARTITION BY household_id, reason IS NULL ORDER BY id)
           ELSE 1 END AS member
    FROM judged
), decided AS (
    SELECT numbered.*,
           CASE WHEN reason IS NOT NULL THEN 'SUPPRESSED'
                WHEN place > 1 OR member > 1 THEN 'SUPPRESSED'
                WHEN draw < %(holdout)s THEN 'HOLDOUT'
                ELSE 'PENDING' END AS state,
           COALESCE(reason, CASE WHEN place > 1 THEN 'DUPLICATE_ADDRESS'
                                WHEN member > 1 THEN 'HOUSEHOLD' ELSE '' END) AS told
    FROM numbered
)
INSERT INTO campaigns_message (
    run_id, campaign_id, version_id, step, customer_id, channel, occurrence, purpose, lane, address,
    address_hash, token, state, drawn, reason, detail, attempts, not_before, owner, created_at
)
SELECT %(run)s, %(campaign)s, %(version)s, 'main', id, %(channel)s, %(occurrence)s, %(purpose)s, 'BULK',
       COALESCE(address, ''), COALESCE(address_hash, ''), gen_random_uuid(), state, state <> 'SUPPRESSED',
       told, '', 0,
       statement_timestamp(), '', statement_timestamp()
FROM decided
ORDER BY id
ON CONFLICT DO NOTHING
"""
NAMESPACES = {"email": "email", "sms": "phone"}


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
            .select_related("version__promotion")
            .get(pk=run.pk)
        )
        if run.status != CampaignRun.Status.PLANNED or campaign.status != Campaign.Status.RUNNING:
            return run
        _freshen(run.version.segment, at=at)
        targeted = _take_snapshot(run)
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


def _take_snapshot(run: CampaignRun) -> int:
    version = run.version
    promotion = version.promotion
    values = {
        "run": run.pk,
        "campaign": run.campaign_id,
        "version": version.pk,
        "segment": version.segment_id,
        "channel": version.channel,
        "namespace": NAMESPACES[version.channel],
        "purpose": version.purpose,
        "occurrence": run.occurrence,
        "salt": f"campaign:{run.campaign_id}:",
        "holdout": version.holdout_percent * 100,
        "own_offers_of": promotion.pk if promotion and is_personal(promotion) else None,
        "household_days": settings.HOUSEHOLD_CAP_DAYS if version.purpose == Purpose.MARKETING else 0,
    }
    with connection.cursor() as cursor:
        cursor.execute(SNAPSHOT, values)
        return cursor.rowcount


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
