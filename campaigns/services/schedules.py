"""What time asks of campaigns: every occurrence due since the last look, however long ago that was."""

from collections.abc import Iterable
from datetime import datetime, timedelta

import structlog
from django.db import transaction
from django.db.models import Exists, OuterRef

from campaigns.bells import ring_on_commit
from campaigns.errors import TooManyRecipients
from campaigns.models import Campaign, CampaignRun, CampaignVersion
from campaigns.occasions import Zones, people_due, people_of_holiday, people_of_local_event, zones_in_use
from campaigns.occasions.calendar import Invited, local_events_on
from campaigns.occasions.happenings import segment_moves
from campaigns.rules import CONFIRM_AFTER
from campaigns.services.approvals import check_size, hold_for_approval
from campaigns.services.campaigns import ONCE, pause_campaign, plan_occurrence
from campaigns.services.listening import forget_types
from campaigns.services.occasions import (
    good_for,
    leave_out_repeated,
    run_of_the_day,
    write_occasions,
)
from campaigns.services.snapshots import Planned
from campaigns.services.turns import begin
from campaigns.triggers import (
    BY_WATERMARK,
    CalendarRule,
    DateRule,
    Recurring,
    SegmentRule,
    Wave,
    parse_trigger,
)
from campaigns.triggers.calendars import HOLIDAYS
from customers.models import Segment
from customers.services import refresh_segment
from operations.errors import FidelioError
from operations.locks import only_one

log = structlog.get_logger(__name__)

ONE_OFF = CampaignVersion.Trigger.ONE_OFF
# A watermark is moved at least so often, so that the look back stays short.
LOOKED_AFTER = timedelta(hours=6)
SEGMENT_PACE = timedelta(seconds=15)


class SomebodyElseIsAtIt(Exception):
    """Another process looks at this campaign just now."""


def create_due_runs(*, at: datetime) -> list[CampaignRun]:
    """Let every campaign go whose time has come, and write down what is due in those that go on.

    A single broadcast that is more than two hours late waits for somebody's confirmation. Safe when called by
    many at once, late, twice or after a restart. Returns the runs of broadcasts.
    """
    scheduled = Campaign.objects.filter(status=Campaign.Status.SCHEDULED).order_by("pk")
    runs: list[CampaignRun | None] = []
    for campaign in scheduled:
        try:
            runs += [_let_go(campaign, at=at)] if _is_due(campaign, at) else []
        except FidelioError as error:  # Somebody moved it at this moment, say.
            log.error("campaign_not_let_go", campaign=campaign.pk, key=error.key, reason=str(error.message))
    zones = zones_in_use()
    for version in _newest_of_lasting(at):
        try:
            if _is_anything_due(version, zones, at=at):
                runs += advance_campaign(version.campaign, at=at)
        except TooManyRecipients as error:  # Its days are due again once somebody has agreed.
            hold_for_approval(version, size=error.size, at=at)
        except FidelioError as error:  # Its rule no longer fits, say: the others must not wait for it.
            campaign = version.campaign_id
            log.error("campaign_not_advanced", campaign=campaign, key=error.key, reason=str(error.message))
    return [run for run in runs if run is not None]


def _newest_of_lasting(at: datetime) -> list[CampaignVersion]:
    newer = CampaignVersion.objects.filter(campaign=OuterRef("campaign"), number__gt=OuterRef("number"))
    lasting = CampaignVersion.objects.filter(
        ~Exists(newer), campaign__status=Campaign.Status.RUNNING, campaign__watermark_at__lt=at
    )
    return list(lasting.select_related("campaign").order_by("campaign"))


def _is_anything_due(version: CampaignVersion, zones: Zones, *, at: datetime) -> bool:
    """Return whether a campaign is worth a transaction: on most ticks no clock strikes for it."""
    after = version.campaign.watermark_at or at
    if at - after > LOOKED_AFTER:
        return True
    match parse_trigger(version.trigger, version.trigger_rule):
        case Recurring() as rule:
            return bool(rule.due(after, at, zone=zones.home))
        case DateRule() | CalendarRule() as rule:
            return bool(rule.due(after, at, zones=zones.all))
        case SegmentRule():
            return at - after >= SEGMENT_PACE
    return False


def _is_due(campaign: Campaign, at: datetime) -> bool:
    starts_at = campaign.version.starts_at
    return starts_at is None or starts_at <= at


def _let_go(campaign: Campaign, *, at: datetime) -> CampaignRun | None:
    with transaction.atomic():
        campaign = Campaign.objects.select_for_update(no_key=True).get(pk=campaign.pk)
        if campaign.status != Campaign.Status.SCHEDULED or not _is_due(campaign, at):
            return None
        version = campaign.version
        promised_at = version.starts_at or at
        campaign.status = Campaign.Status.RUNNING
        if version.trigger in BY_WATERMARK:
            campaign.watermark_at = campaign.watermark_at or promised_at
        campaign.save(update_fields=["status", "watermark_at"])
        transaction.on_commit(forget_types)
        if version.trigger != ONE_OFF:
            return None
        run = plan_occurrence(campaign, occurrence=ONCE, not_before=promised_at)
        return _confirmed(campaign, run, promised_at, at=at)


def advance_campaign(campaign: Campaign, *, at: datetime) -> list[CampaignRun]:
    """Write down everything due in (watermark, `at`] and move the watermark; return the broadcasts' runs.

    One process at a time; whoever comes meanwhile leaves it to the next tick.
    """
    try:
        with transaction.atomic(), only_one(f"campaign:{campaign.pk}:advance", otherwise=SomebodyElseIsAtIt):
            campaign = Campaign.objects.get(pk=campaign.pk)
            after = campaign.watermark_at
            if campaign.status != Campaign.Status.RUNNING or after is None or after >= at:
                return []
            runs = _write_down(campaign, campaign.version, after=after, until=at)
            # Last, and only forward: a stop waits for this row as short as can be.
            Campaign.objects.filter(pk=campaign.pk, watermark_at__lt=at).update(watermark_at=at)
    except SomebodyElseIsAtIt:
        return []
    return runs


def _write_down(
    campaign: Campaign, version: CampaignVersion, *, after: datetime, until: datetime
) -> list[CampaignRun]:
    if version.ends_at is not None:
        until = min(until, version.ends_at)
    match parse_trigger(version.trigger, version.trigger_rule):
        case Recurring() as rule:
            return _write_broadcasts(campaign, rule, after=after, until=until)
        case DateRule() as rule:
            _write_dates(version, rule, after=after, until=until)
        case CalendarRule() as rule:
            _invite(campaign, version, rule, after=after, until=until)
        case SegmentRule() as rule:
            _write_moves(version, rule, after=after, until=until)
    return []


def _write_broadcasts(
    campaign: Campaign, rule: Recurring, *, after: datetime, until: datetime
) -> list[CampaignRun]:
    """The last one that is due goes out; those before it were missed."""
    waves = rule.due(after, until, zone=zones_in_use().home)
    _note_missed(campaign, waves[:-1], at=until)
    if not waves:
        return []
    run = plan_occurrence(campaign, occurrence=waves[-1].on.isoformat(), not_before=waves[-1].at)
    return [_confirmed(campaign, run, waves[-1].at, at=until)]


def _confirmed(campaign: Campaign, run: CampaignRun, promised_at: datetime, *, at: datetime) -> CampaignRun:
    """Leave a broadcast that is late to somebody's decision."""
    if at - promised_at > CONFIRM_AFTER:
        pause_campaign(campaign, at=at, reason=CampaignRun.PauseReason.LATE)
        run.refresh_from_db()
    return run


def _write_dates(version: CampaignVersion, rule: DateRule, *, after: datetime, until: datetime) -> None:
    zones = zones_in_use()
    waves = rule.due(after, until, zones=zones.all)
    for wave in _still_good(version, waves, at=until):
        write_occasions(version, [(found, wave.at) for found in people_due(rule, wave, zones)])


def _write_moves(version: CampaignVersion, rule: SegmentRule, *, after: datetime, until: datetime) -> None:
    since = version.campaign.started_at or after
    moves = segment_moves(rule, campaign=version.campaign, after=after, until=until, since=since)
    turns = [(found, moved_at + rule.delay) for found, moved_at in moves]
    write_occasions(version, leave_out_repeated(version, rule, turns))


def _invite(
    campaign: Campaign, version: CampaignVersion, rule: CalendarRule, *, after: datetime, until: datetime
) -> None:
    zones = zones_in_use()
    waves = rule.due(after, until, zones=zones.all)
    for wave in _still_good(version, waves, at=until):
        for invited in _invited(rule, wave, zones):
            if invited.customer_ids:
                _plan_invited(campaign, version, invited, wave, at=until)


def _invited(rule: CalendarRule, wave: Wave, zones: Zones) -> Iterable[Invited]:
    if rule.of == HOLIDAYS:
        return [people_of_holiday(rule, wave, zones)]
    events = local_events_on(rule, rule.celebrated_on(wave.on))
    return [people_of_local_event(event, wave, zones) for event in events]


def _plan_invited(
    campaign: Campaign, version: CampaignVersion, invited: Invited, wave: Wave, *, at: datetime
) -> None:
    freshen(version.segment, at=at)
    check_size(version, people=len(invited.customer_ids))
    lasting = good_for(version)
    expires_at = wave.at + lasting if lasting else None
    people = [
        Planned(customer_id, invited.occurrence, wave.at, expires_at) for customer_id in invited.customer_ids
    ]
    begin(run_of_the_day(campaign, at=at), people=people)
    ring_on_commit("pump_bulk")


def _still_good(version: CampaignVersion, waves: list[Wave], *, at: datetime) -> list[Wave]:
    """Leave out what is too late to be of use; it is written down as missed."""
    lasting = good_for(version)
    if lasting is None:
        return waves
    late = [wave for wave in waves if wave.at + lasting <= at]
    _note_missed(version.campaign, late, at=at)
    return waves[len(late) :]


def _note_missed(campaign: Campaign, waves: Iterable[Wave], *, at: datetime) -> None:
    version = campaign.version
    for day in sorted({wave.on for wave in waves}):
        CampaignRun.objects.get_or_create(
            campaign=campaign,
            occurrence=day.isoformat(),
            defaults={
                "version": version,
                "status": CampaignRun.Status.MISSED,
                "not_before": at,
                "ended_at": at,
            },
        )


def freshen(segment: Segment | None, *, at: datetime) -> None:
    """A rule is evaluated when it is used, not as last night found it."""
    if segment is not None and segment.kind == Segment.Kind.RULE and segment.active:
        refresh_segment(segment, at=at)
