"""Moving people through journeys: whoever is due goes on from step to step until a wait or the end.

Any number of processes may do it at once, be killed or come twice: a portion of people is locked, moved and
written in one transaction, and whoever is held by somebody else is passed over.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef

from campaigns.bells import ring_on_commit
from campaigns.journeys import (
    END,
    MOST_LAPS,
    NEXT,
    OTHERWISE,
    THEN,
    BranchStep,
    GiveStep,
    Journey,
    MessageStep,
    Step,
    TagStep,
    WaitStep,
    drawn_share,
    parse_journey,
    wait_until,
)
from campaigns.models import (
    Campaign,
    CampaignRun,
    JourneyPassage,
    JourneyPosition,
    Lane,
    MessageReason,
    PositionState,
)
from campaigns.services.campaigns import pause_campaign
from campaigns.services.journey_facts import (
    since_days,
    who_had,
    who_is_in,
    who_reached_the_goal,
    whom_rules_fit,
)
from campaigns.services.journey_gifts import NothingLeft, change_lists, give_coupons, give_points
from campaigns.services.journey_rows import (
    LAP_STEM,
    claim_positions,
    count_passages,
    drop_waiting_messages,
    is_still_running,
    retries_after_goal,
    save_positions,
)
from campaigns.services.occasions import good_for
from campaigns.services.pump import pause_reason
from campaigns.services.reservations import cancel_waiting
from campaigns.services.snapshots import Planned, plan_messages
from campaigns.triggers.local_time import known_zone
from customers.models import Customer
from operations.errors import FidelioError

log = structlog.get_logger(__name__)

LIVE = (Customer.Status.ACTIVE, Customer.Status.PROSPECT)
AT_ONCE = 5_000
# All that a step asks of a person: reading the rest of their rows takes as long again.
ASKED_OF_EACH = [
    *("run", "occurrence", "step", "state", "since_at", "due_at", "waits_since", "ended_at", "laps"),
    *("held_out", "publication"),
    *("customer__public_id", "customer__status", "customer__restricted_at", "customer__time_zone"),
]
# Who leaves a step, and by which of its ways.
Ways = list[tuple[JourneyPosition, str]]


class HeldMeanwhile(Exception):
    """The campaign was paused or stopped while a portion was on its way: none of it happened."""


def move_journeys(*, at: datetime) -> int:
    """Move everybody who is due, of all running journeys; return how many were dealt with."""
    due = JourneyPosition.objects.on_the_way().filter(run=OuterRef("pk"), due_at__lte=at)
    runs = CampaignRun.objects.sending().filter(Exists(due)).order_by("-campaign__priority", "pk")
    moved = 0
    for run_id in list(runs.values_list("pk", flat=True)):
        try:
            while portion := move_portion(run_id, at=at):
                moved += portion
        except FidelioError as error:  # Something it needs is gone, say: the others must not wait for it.
            log.error("journey_not_moved", run=run_id, key=error.key, reason=str(error.message))
        drop_retries(at=at, run_id=run_id)
    return moved


def move_portion(run_id: int, *, at: datetime, limit: int = AT_ONCE) -> int:
    """Move some of a run's people who are due and whom nobody else holds; return how many."""
    try:
        with transaction.atomic():
            run = _running(run_id)
            ids = claim_positions(run_id, at=at, limit=limit) if run else []
            if run is None or not ids:
                return 0
            rows = (
                JourneyPosition.objects.filter(pk__any_of=ids).select_related("customer").only(*ASKED_OF_EACH)
            )
            walk = Walk(run, parse_journey(run.version.steps, run.version.goal), at)
            walk.take(list(rows.order_by("pk")))
            save_positions(walk.positions)
            count_passages(run.campaign_id, walk.passages)
            if walk.refused is not None:
                pause_campaign(run.campaign, at=at, reason=pause_reason(walk.refused))
            elif not is_still_running(run.campaign_id):
                raise HeldMeanwhile
    except HeldMeanwhile:
        return 0
    return len(ids)


def drop_retries(*, at: datetime, run_id: int | None = None) -> int:
    """Take back what waits to be tried again, with its code, for people who have reached the goal.

    Apart from the portion that ended their way, because a code is given back under a lock of its own; a
    process that dies between the two leaves it to the next tick. Returns how many messages there were.
    """
    runs = CampaignRun.objects.sending().exclude(version__steps=[])
    dropped = 0
    for run in runs.filter(pk=run_id) if run_id else runs.order_by("pk"):
        dropped += cancel_waiting(retries_after_goal(run), reason=MessageReason.GOAL_REACHED, at=at)
    return dropped


def close_journeys(*, at: datetime) -> int:
    """Close the ways of who is still on one in campaigns that have ended; return how many that were."""
    ended = [Campaign.Status.STOPPED, Campaign.Status.FINISHED]
    waiting = JourneyPosition.objects.on_the_way().filter(campaign__status__in=ended)
    return waiting.update(state=PositionState.CLOSED, ended_at=at)


def _running(run_id: int) -> CampaignRun | None:
    runs = CampaignRun.objects.sending().select_related("campaign", "version__promotion")
    return runs.prefetch_related("version__contents", "version__variants").filter(pk=run_id).first()


@dataclass
class Walk:
    """One portion of people on their way through a journey, within one transaction."""

    run: CampaignRun
    journey: Journey
    at: datetime
    positions: list[JourneyPosition] = field(default_factory=list)
    passages: Counter[tuple[str, str]] = field(default_factory=Counter)
    refused: FidelioError | None = None

    def take(self, positions: Sequence[JourneyPosition]) -> None:
        """Move these people as far as they come now."""
        self.positions = list(positions)
        gone = [one for one in positions if one.customer.status not in LIVE or one.customer.restricted_at]
        for position in gone:
            self._end(position, PositionState.CLOSED)
        left = [one for one in positions if one.ended_at is None]
        reached = who_reached_the_goal(self.journey, left, at=self.at)
        for position in reached:
            self.passages[position.step, JourneyPassage.GOAL] += 1
            self._end(position, PositionState.REACHED)
        drop_waiting_messages(reached)
        going = [one for one in left if one not in reached] if reached else left
        while going:
            going = self._go_on(going)

    def _go_on(self, going: Collection[JourneyPosition]) -> list[JourneyPosition]:
        """Deal with the step at which each is; return who has come to another one."""
        by_step: dict[str, list[JourneyPosition]] = defaultdict(list)
        for position in going:
            by_step[position.step].append(position)
        moved = []
        for name in sorted(by_step, key=self.journey.places.__getitem__):
            step = self.journey.by_id[name]
            by_way: dict[str, list[JourneyPosition]] = defaultdict(list)
            for position, way in self._ways(step, by_step[name]):
                by_way[way].append(position)
            for way, people in by_way.items():
                self.passages[step.id, way] += len(people)
                target = self.journey.target(step, way)
                moved += [one for one in people if self._arrives(one, step, target)]
        return moved

    def _arrives(self, position: JourneyPosition, step: Step, target: str) -> bool:
        """Put a person at the step to which their way led; return whether there is anything to do."""
        position.waits_since = None
        if target != END and self.journey.goes_back(step.id, target):
            position.laps += 1
        if target == END or position.laps > MOST_LAPS:
            self._end(position, PositionState.FINISHED)
            return False
        position.step, position.due_at = target, self.at
        return True

    def _ways(self, step: Step, people: list[JourneyPosition]) -> Ways:
        """Do what a step does; return who leaves it, and by which way. The others wait."""
        match step:
            case WaitStep():
                return self._wait(step, people)
            case BranchStep():
                return self._fork(step, people)
            case MessageStep():
                self._write(step, people)
            case GiveStep():
                return self._give(step, people)
            case TagStep():
                change_lists(step, _served(people), name=self.run.campaign.name, at=self.at)
            case _end:
                for position in people:
                    self._end(position, PositionState.FINISHED)
                    self.passages[step.id, NEXT] += 1
                return []
        return [(one, NEXT) for one in people]

    def _wait(self, step: WaitStep, people: list[JourneyPosition]) -> Ways:
        waited = {one: one.waits_since for one in people if one.waits_since is not None}
        came = who_had(step.event, waited) if step.event else set()
        ways: Ways = []
        for position in people:
            position.waits_since = position.waits_since or self.at
            zone = known_zone(position.customer.zone, settings.PROGRAMME_TIME_ZONE)
            position.due_at = wait_until(step, since=position.waits_since, zone=zone)
            if position in came:
                ways.append((position, NEXT))
            elif position.due_at <= self.at:
                ways.append((position, OTHERWISE if step.event else NEXT))
        return ways

    def _fork(self, step: BranchStep, people: list[JourneyPosition]) -> Ways:
        if step.shares:
            lots = [f"journey:{step.id}:{one.laps}:{one.customer.public_id}" for one in people]
            return [(one, str(drawn_share(lot, step.shares))) for one, lot in zip(people, lots, strict=True)]
        if step.event is not None:
            chosen = who_had(step.event, since_days(people, step.within_days, at=self.at))
        elif step.rules is not None:
            chosen = whom_rules_fit(step.rules, people, at=self.at)
        else:
            chosen = who_is_in(step.segment, people, at=self.at)
        return [(one, THEN if one in chosen else OTHERWISE) for one in people]

    def _write(self, step: MessageStep, people: list[JourneyPosition]) -> None:
        lasting = good_for(self.run.version)
        expires_at = self.at + lasting if lasting else None
        planned = [Planned(one.customer_id, occurrence_of(one), self.at, expires_at) for one in people]
        plan_messages(self.run, step=step.id, people=planned)
        ring_on_commit("pump_fast" if self.run.version.lane == Lane.FAST else "pump_bulk")

    def _give(self, step: GiveStep, people: list[JourneyPosition]) -> Ways:
        """Whoever is held out gets nothing; who has to wait for an empty promotion stays."""
        served = _served(people)
        if step.points:
            give_points(step, served, name=self.run.campaign.name, at=self.at)
            return [(one, NEXT) for one in people]
        try:
            give_coupons(step, served, at=self.at)
        except NothingLeft as error:
            self.refused = error.refusal
            waiting = set(served) - set(error.served)
            return [(one, NEXT) for one in people if one not in waiting]
        return [(one, NEXT) for one in people]

    def _end(self, position: JourneyPosition, state: str) -> None:
        position.state, position.ended_at, position.waits_since = state, self.at, None


def occurrence_of(position: JourneyPosition) -> str:
    """Return the occurrence of the messages of somebody on the way: another one in each lap."""
    return f"{position.occurrence[:LAP_STEM]}+{position.laps}" if position.laps else position.occurrence


def _served(people: Collection[JourneyPosition]) -> list[JourneyPosition]:
    return [one for one in people if not one.held_out]
