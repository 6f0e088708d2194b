"""Milestones: written down, reached once for each time, and rewarded: at once, or as the person chooses.

Locks: the customer (shared), the row of the reach, then what giving a reward locks.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from django.db import IntegrityError, connection, transaction
from django.db.models import Count
from django.utils.translation import gettext as _

from customers.models import Customer
from customers.services import record_event
from customers.services.locks import hold_customer
from loyalty.errors import MilestoneTaken, RewardNotAvailable
from loyalty.milestones import Progress, progress_to, times_reached
from loyalty.models import Milestone, MilestoneReach, Reward, RewardGrant
from loyalty.services.milestone_values import milestone_values, value_parameters, value_query
from loyalty.services.rewards import grant_reward
from loyalty.translations import check_translations
from operations.errors import FidelioError, InvalidInput
from operations.inserts import insert_missing

log = structlog.get_logger(__name__)
Metric = Milestone.Metric
Status = MilestoneReach.Status
COUNTED = (Customer.Status.ACTIVE, Customer.Status.PROSPECT)
MOST_TIMES = 100  # At once: a threshold somebody mistyped does not empty the shelves.
MOST_REWARDS = 10
PORTION = 1_000


@dataclass(frozen=True)
class MilestoneStanding:
    """One milestone as a person sees it: how far they are, and the times that wait for their choice."""

    milestone: Milestone
    value: int
    reached: int
    progress: Progress
    open: tuple[MilestoneReach, ...] = ()


def create_milestone(*, rewards: Sequence[Reward], **fields: Any) -> Milestone:
    """Write down a milestone; fields are those of the model. Who is past it already gets it by and by.

    Raises MilestoneTaken for a code in use, InvalidInput.
    """
    milestone = Milestone(**fields)
    _check(milestone, rewards)
    try:
        with transaction.atomic():
            milestone.save(force_insert=True)
            milestone.rewards.set(rewards)
    except IntegrityError as error:
        if "code" not in str(error):
            raise
        raise MilestoneTaken from error
    return milestone


def edit_milestone(milestone: Milestone, *, rewards: Sequence[Reward], **fields: Any) -> Milestone:
    """Change a milestone; what was reached stays reached, and what was given stays given.

    Raises InvalidInput, also for another metric once somebody reached it.
    """
    with transaction.atomic():
        locked = Milestone.objects.select_for_update(no_key=True).get(pk=milestone.pk)
        counted = (locked.metric, locked.threshold, locked.repeats, locked.counts_from)
        for name, value in fields.items():
            setattr(locked, name, value)
        now = (locked.metric, locked.threshold, locked.repeats, locked.counts_from)
        if now != counted and locked.reaches.exists():
            raise InvalidInput.at(
                "/threshold", _("Somebody reached it already: make another milestone instead.")
            )
        _check(locked, rewards)
        locked.save()
        locked.rewards.set(rewards)
    return locked


def follow_milestones(customer: Customer, metrics: Iterable[str], *, at: datetime) -> list[MilestoneReach]:
    """Note which milestones of these metrics a customer has reached by now; return the new times.

    One reward is given at once; of several the person chooses later. Called again, nothing is reached twice.
    """
    milestones = list(Milestone.objects.running().filter(metric__in=list(metrics)))
    if not milestones:
        return []
    reached = []
    with transaction.atomic():
        customer = hold_customer(customer)
        if customer.status not in COUNTED:
            return []
        for milestone in milestones:
            value = milestone_values(milestone, [customer.pk], at=at)[customer.pk]
            reached += _reach(milestone, customer, value, at=at)
    return reached


def sweep_milestones(*, at: datetime) -> int:
    """Note every milestone that somebody has reached unheard, and try what is owed again.

    Returns how many times were new. Years pass without an event; points, too, come in many ways.
    """
    new = 0
    for milestone in Milestone.objects.running():
        last = 0
        while people := _past(milestone, after=last, at=at):
            new += sum(_hold_and_reach(milestone, pk, at=at) for pk in people)
            last = people[-1]
    for reach in MilestoneReach.objects.filter(status=Status.OWED).order_by("pk").iterator(PORTION):
        settle_reach(reach, at=at)
    return new


def settle_reach(reach: MilestoneReach, *, at: datetime) -> MilestoneReach:
    """Try once more to give what is owed; it stays owed while that cannot be given."""
    with transaction.atomic():
        locked = _locked(reach)
        if locked and locked.status == Status.OWED:
            _give_at_once(locked, list(locked.milestone.rewards.order_by("pk")), at=at)
    return locked or reach


def choose_reward(reach: MilestoneReach, reward: Reward, *, at: datetime) -> RewardGrant:
    """Give a person the reward they chose for a milestone; chosen already, what they chose then.

    Raises RewardNotAvailable for one that is not among those of the milestone, and what `grant_reward` does.
    """
    with transaction.atomic():
        reach = _locked(reach)
        if reach is None:
            raise RewardNotAvailable
        if reach.grant:
            return reach.grant
        if not reach.milestone.rewards.filter(pk=reward.pk).exists():
            raise RewardNotAvailable(_("This reward is not among those of the milestone."))
        return _give(reach, reward, at=at)


def standings_of(customer: Customer, *, at: datetime) -> list[MilestoneStanding]:
    """Return the running milestones as a customer sees them; what is over for them stands last."""
    milestones = list(Milestone.objects.running())
    reaches: dict[int, list[MilestoneReach]] = {}
    for reach in MilestoneReach.objects.filter(customer=customer).order_by("number"):
        reaches.setdefault(reach.milestone_id, []).append(reach)
    found = []
    for milestone in milestones:
        value = milestone_values(milestone, [customer.pk], at=at)[customer.pk]
        own = reaches.get(milestone.pk, [])
        last = own[-1].number if own else 0
        progress = progress_to(value, threshold=milestone.threshold, repeats=milestone.repeats, reached=last)
        still_open = tuple(reach for reach in own if reach.status == Status.OPEN)
        found.append(MilestoneStanding(milestone, value, last, progress, still_open))
    return sorted(found, key=lambda one: (not one.open, one.progress.wanted == 0, -one.progress.percent))


def _check(milestone: Milestone, rewards: Sequence[Reward]) -> None:
    if not 1 <= len(set(rewards)) <= MOST_REWARDS:
        message = _("Name one reward, or up to %(most)s to choose from.") % {"most": MOST_REWARDS}
        raise InvalidInput.at("/rewards", message)
    if milestone.threshold is None or milestone.threshold < 1:
        raise InvalidInput.at("/threshold", _("At least one."))
    milestone.translations = check_translations(milestone.translations, Milestone.TRANSLATED)


def _reach(milestone: Milestone, customer: Customer, value: int, *, at: datetime) -> list[MilestoneReach]:
    times = times_reached(value, threshold=milestone.threshold, repeats=milestone.repeats)
    if not times:
        return []
    known = MilestoneReach.objects.filter(milestone=milestone, customer=customer)
    last = known.order_by("-number").values_list("number", flat=True).first() or 0
    numbers = range(last + 1, min(times, last + MOST_TIMES) + 1)
    rows = [
        MilestoneReach(milestone=milestone, customer=customer, number=number, reached_at=at)
        for number in numbers
    ]
    new = insert_missing(rows, unique=["milestone", "customer", "number"])
    rewards = sorted(milestone.rewards.all(), key=lambda reward: reward.pk)
    for reach in new:
        _tell(reach, at=at)
        if len(rewards) == 1:
            _give_at_once(reach, rewards, at=at)
    return new


def _hold_and_reach(milestone: Milestone, pk: int, *, at: datetime) -> int:
    """Note what somebody has reached; who became somebody else meanwhile counts with all that is theirs."""
    with transaction.atomic():
        customer = hold_customer(Customer(pk=pk))
        if customer.status not in COUNTED:
            return 0
        value = milestone_values(milestone, [customer.pk], at=at)[customer.pk]
        return len(_reach(milestone, customer, value, at=at))


def _give_at_once(reach: MilestoneReach, rewards: list[Reward], *, at: datetime) -> None:
    if len(rewards) != 1:  # There is a choice by now.
        reach.status, reach.reason = Status.OPEN, ""
        reach.save(update_fields=["status", "reason"])
        return
    try:
        with transaction.atomic():
            _give(reach, rewards[0], at=at)
    except FidelioError as refusal:
        log.warning("milestone_reward_refused", reach=reach.pk, key=refusal.key)
        reach.status, reach.reason, reach.grant = Status.OWED, refusal.key, None
        reach.save(update_fields=["status", "reason", "grant"])


def _give(reach: MilestoneReach, reward: Reward, *, at: datetime) -> RewardGrant:
    grant = grant_reward(reach.customer, reward, source_key=f"milestone:{reach.pk}", at=at)
    reach.status, reach.reason, reach.grant = Status.GIVEN, "", grant
    reach.save(update_fields=["status", "reason", "grant"])
    return grant


def _locked(reach: MilestoneReach) -> MilestoneReach | None:
    """Lock a reach; None where a merge found that the survivor has it already."""
    hold_customer(Customer(pk=reach.customer_id))
    own = MilestoneReach.objects.filter(pk=reach.pk)
    if not list(own.select_for_update(no_key=True).values_list("pk", flat=True)):
        return None
    # A statement that waits for a lock joins what stood before it: the grant of who was first is read after.
    return own.select_related("milestone", "customer", "grant").get()


def _past(milestone: Milestone, *, after: int, at: datetime) -> list[int]:
    """Return the next customers who have reached a milestone more often than was noted."""
    times = "v.value / %(threshold)s" if milestone.repeats else "least(v.value / %(threshold)s, 1)"
    query = f"""
        SELECT v.customer_id FROM ({value_query(milestone, everybody=True)}) v
        JOIN customers_customer c ON c.id = v.customer_id AND c.status IN ('ACTIVE', 'PROSPECT')
        WHERE v.customer_id > %(after)s AND v.value >= %(threshold)s AND {times} > coalesce((
            SELECT max(r.number) FROM loyalty_milestonereach r
            WHERE r.milestone_id = %(milestone)s AND r.customer_id = v.customer_id), 0)
        ORDER BY 1 LIMIT {PORTION}
    """
    given = {"after": after, "threshold": milestone.threshold, "milestone": milestone.pk}
    with connection.cursor() as cursor:
        cursor.execute(query, value_parameters(milestone, at=at) | given)
        return [pk for (pk,) in cursor.fetchall()]


def _tell(reach: MilestoneReach, *, at: datetime) -> None:
    record_event(
        "milestone.reached",
        external_id=f"milestone:{reach.milestone_id}:{reach.customer_id}:{reach.number}",
        customer=reach.customer,
        occurred_at=at,
        payload={
            "milestone": reach.milestone.name,
            "code": reach.milestone.code,
            "number": reach.number,
        },
    )


def reach_counts() -> dict[int, int]:
    """Return how many times each milestone was reached, by its id."""
    return dict(MilestoneReach.objects.order_by().values_list("milestone").annotate(times=Count("pk")))
