"""Occasions: written when it is somebody's turn, and turned into messages when they are due."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import structlog
from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from campaigns.bells import ring_on_commit
from campaigns.errors import MoveNotPossible
from campaigns.models import (
    Campaign,
    CampaignRun,
    CampaignVersion,
    Lane,
    Message,
    Occasion,
    OccasionState,
)
from campaigns.occasions import (
    Found,
    about_event,
    collection_to_complete,
    event_facts,
    event_number,
    needless,
    occurrence_of,
)
from campaigns.services.listening import versions_waiting_for
from campaigns.services.snapshots import Planned
from campaigns.services.turns import begin
from campaigns.triggers import GOOD_FOR_HOURS, EventRule, SegmentRule, parse_trigger
from customers.models import Customer, Event, Segment
from customers.services import refresh_members
from customers.services.locks import hold_customer
from operations.errors import FidelioError
from operations.locks import lock_keys
from operations.models import User

log = structlog.get_logger(__name__)

AT_ONCE = 2_000
# What happened longer ago than this when we hear of it is history.
LATEST_NEWS = timedelta(days=3)


def hear_event(event: Event, *, at: datetime) -> list[Occasion]:
    """Write down whose turn an event makes it, in every running campaign that waits for its type.

    Called again with the same event it changes nothing.
    """
    customer = event.customer
    if customer is None or customer.status not in (Customer.Status.ACTIVE, Customer.Status.PROSPECT):
        return []
    found = [_enrol(version, event, at=at) for version in versions_waiting_for(event.type)]
    return [occasion for occasion in found if occasion is not None]


def _enrol(version: CampaignVersion, event: Event, *, at: datetime) -> Occasion | None:
    rule = parse_trigger(version.trigger, version.trigger_rule)
    if not isinstance(rule, EventRule):
        return None
    due_at = event.occurred_at + rule.delay
    if due_at + max(LATEST_NEWS, good_for(version) or LATEST_NEWS) < at or not rule.fits(event_facts(event)):
        return None
    if rule.counts and not rule.is_the_one(event_number(event)):
        return None
    about = about_event(event)
    if rule.collection_missing:
        about["collection"] = collection_to_complete(
            event.customer_id, about.get("products", []), most_missing=rule.collection_missing
        )
        if not about["collection"]:
            return None
    # Two events of one person at once: the second sees what the first wrote.
    lock_keys("occasion", [f"{version.campaign_id}:{event.customer_id}"])
    if _had_one_lately(version, event.customer_id, rule, due_at):
        return None
    found = Found(event.customer_id, occurrence_of(rule, event.pk), about)
    written = write_occasions(version, [(found, due_at)])
    if written and due_at <= at:
        ring_on_commit("plan_occasions")
    return written[0] if written else None


def _had_one_lately(
    version: CampaignVersion, customer_id: int, rule: EventRule | SegmentRule, due_at: datetime
) -> bool:
    if not rule.again_after_days:
        return False
    had = Occasion.objects.filter(campaign=version.campaign_id, customer=customer_id)
    since = due_at - timedelta(days=rule.again_after_days)
    return had.exclude(state=OccasionState.NOT_NEEDED).filter(due_at__gt=since).exists()


def leave_out_repeated(
    version: CampaignVersion, rule: SegmentRule, turns: Sequence[tuple[Found, datetime]]
) -> list[tuple[Found, datetime]]:
    """Leave out who had this campaign too short a time ago, and all but the first of several at once."""
    if not rule.again_after_days:
        return list(turns)
    had = Occasion.objects.filter(
        campaign=version.campaign_id, customer__in={found.customer_id for found, _due in turns}
    ).exclude(state=OccasionState.NOT_NEEDED)
    last: dict[int, datetime] = {}
    known: set[tuple[int, str]] = set()
    for customer, occurrence, due_at in had.values_list("customer", "occurrence", "due_at"):
        last[customer] = max(due_at, last.get(customer, due_at))
        known.add((customer, occurrence))
    pause, kept = timedelta(days=rule.again_after_days), []
    for found, due_at in turns:
        before = last.get(found.customer_id)
        if (found.customer_id, found.occurrence) not in known and (
            before is None or due_at - before >= pause
        ):
            kept.append((found, due_at))
            last[found.customer_id] = due_at
    return kept


def write_occasions(version: CampaignVersion, turns: Sequence[tuple[Found, datetime]]) -> list[Occasion]:
    """Write down whose turn it is and from when on; skip what is known already. Returns the new ones."""
    lasting = good_for(version)
    known = set(
        Occasion.objects.filter(
            campaign=version.campaign_id, customer__in={found.customer_id for found, _due in turns}
        ).values_list("customer", "occurrence")
    )
    rows = [
        Occasion(
            campaign_id=version.campaign_id,
            customer_id=found.customer_id,
            occurrence=found.occurrence,
            due_at=due_at,
            expires_at=due_at + lasting if lasting else None,
            about=dict(found.about),
        )
        for found, due_at in turns
        if (found.customer_id, found.occurrence) not in known
    ]
    return Occasion.objects.bulk_create(rows, ignore_conflicts=True, batch_size=AT_ONCE)


def good_for(version: CampaignVersion) -> timedelta | None:
    """Return how long a message of a version makes sense; None where it always does."""
    hours = version.good_for_hours
    if hours is None:
        hours = GOOD_FOR_HOURS.get(version.trigger)
    return None if hours is None else timedelta(hours=hours)


def plan_due_occasions(*, at: datetime) -> int:
    """Turn what is due into messages, campaign by campaign; return how many occasions were dealt with."""
    waiting = Occasion.objects.waiting().filter(due_at__lte=at, campaign__status=Campaign.Status.RUNNING)
    dealt_with = 0
    for campaign_id in waiting.order_by("campaign").values_list("campaign", flat=True).distinct():
        try:
            while portion := _plan_portion(campaign_id, at=at):
                dealt_with += portion
        except FidelioError as error:  # Its rule no longer fits, say: the others must not wait for it.
            reason = str(error.message)
            log.error("occasions_not_planned", campaign=campaign_id, key=error.key, reason=reason)
    return dealt_with


def _plan_portion(campaign_id: int, *, at: datetime) -> int:
    """Deal with some of a campaign's due occasions; of several planners at once each takes others."""
    with transaction.atomic():
        campaign = Campaign.objects.get(pk=campaign_id)
        if campaign.status != Campaign.Status.RUNNING:
            return 0
        due = Occasion.objects.waiting().filter(campaign=campaign, due_at__lte=at).order_by("due_at", "pk")
        occasions = list(due.select_for_update(skip_locked=True)[:AT_ONCE])
        if not occasions:
            return 0
        run = run_of_the_day(campaign, at=at)
        _write_messages(run, occasions, at=at)
    return len(occasions)


def _write_messages(run: CampaignRun, occasions: list[Occasion], *, at: datetime) -> int:
    version = run.version
    rule = parse_trigger(version.trigger, version.trigger_rule)
    dropped = needless(rule, occasions) if isinstance(rule, EventRule) else set()
    kept = [occasion for occasion in occasions if occasion.pk not in dropped]
    _bring_up_to_date(version.segment, [occasion.customer_id for occasion in kept], at=at)
    people = [
        Planned(one.customer_id, one.occurrence, one.due_at, one.expires_at, _since(one)) for one in kept
    ]
    written = begin(run, people=people)
    Occasion.objects.filter(pk__in=dropped).update(state=OccasionState.NOT_NEEDED)
    Occasion.objects.filter(pk__in=[one.pk for one in kept]).update(state=OccasionState.PLANNED)
    ring_on_commit("pump_fast" if version.lane == Lane.FAST else "pump_bulk")
    return written


def _since(occasion: Occasion) -> datetime | None:
    since = occasion.about.get("since")
    return datetime.fromisoformat(since) if since else None


def _bring_up_to_date(segment: Segment | None, customer_ids: Iterable[int], *, at: datetime) -> None:
    """A rule is asked about these people now: who signed up a second ago is new already."""
    if segment is not None and segment.kind == Segment.Kind.RULE and segment.active:
        refresh_members(segment, customer_ids, at=at)


def run_of_the_day(campaign: Campaign, *, at: datetime) -> CampaignRun:
    """Return the run to which a campaign's single messages of today belong, locked; made when there is none.

    An edit counts at once: a new version has a run of its own.
    """
    lock_keys("campaign-day", [str(campaign.pk)])
    version = campaign.version
    day = local_day(at)
    todays = campaign.runs.filter(occurrence__startswith=day, version=version)
    run = todays.filter(status=CampaignRun.Status.RUNNING).select_for_update(of=["self"]).first()
    if run is None:
        taken = set(campaign.runs.filter(occurrence__startswith=day).values_list("occurrence", flat=True))
        names = [day, *(f"{day}.{number}" for number in range(2, len(taken) + 3))]
        run = CampaignRun.objects.create(
            campaign=campaign,
            version=version,
            occurrence=next(name for name in names if name not in taken),
            status=CampaignRun.Status.RUNNING,
            not_before=at,
            planned_at=at,
        )
    run.version = version
    return run


def local_day(at: datetime) -> str:
    """Return the programme's local day of an instant, as runs are named by it."""
    return at.astimezone(ZoneInfo(settings.PROGRAMME_TIME_ZONE)).date().isoformat()


def send_to_customer(
    campaign: Campaign, customer: Customer, *, at: datetime, by: User | None = None
) -> Message | None:
    """Send a campaign that is started by hand to one person, now; once a day, however often it is clicked.

    The message says by its state and reason when the person cannot be written to; None where they have
    entered a journey instead. Raises MoveNotPossible for a campaign that is not running or has another
    trigger, and where the person is not in its audience or on the way of it already.
    """
    with transaction.atomic():
        customer = hold_customer(customer)
        campaign = Campaign.objects.get(pk=campaign.pk)
        version = campaign.version
        if version.trigger != CampaignVersion.Trigger.MANUAL:
            raise MoveNotPossible(_("This campaign is not sent by hand."))
        if campaign.status != Campaign.Status.RUNNING:
            raise MoveNotPossible(_("The campaign is not running."))
        occurrence = f"by-hand:{local_day(at)}"
        lock_keys("occasion", [f"{campaign.pk}:{customer.pk}"])
        about = {"by": by.get_username()} if by else {}
        written = write_occasions(version, [(Found(customer.pk, occurrence, about), at)])
        if written:
            own = list(Occasion.objects.filter(campaign=campaign, customer=customer, occurrence=occurrence))
            run = run_of_the_day(campaign, at=at)
            _write_messages(run, own, at=at)
        message = campaign.messages.filter(customer=customer, occurrence=occurrence).order_by("pk").first()
        way = campaign.positions.filter(customer=customer, occurrence=occurrence)
        if message is None and not way.exists():
            if campaign.positions.on_the_way().filter(customer=customer).exists():
                raise MoveNotPossible(_("This person is on the way of this journey already."))
            raise MoveNotPossible(_("This person is not in the campaign's audience."))
    return message


def close_occasions() -> int:
    """Close what still waits in campaigns that have ended; return how many that were."""
    ended = [Campaign.Status.STOPPED, Campaign.Status.FINISHED]
    return Occasion.objects.waiting().filter(campaign__status__in=ended).update(state=OccasionState.CLOSED)
