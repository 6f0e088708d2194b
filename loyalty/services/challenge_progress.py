"""Counting what people do towards challenges: each cause once, corrected by returns, rewarded once a lap.

Locks: the customer, the order, then the person's rows in challenges by their keys, then what is given.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import F, Sum

from customers.models import Customer, Event, Order, SegmentMembership
from customers.services import record_event
from customers.services.locks import hold_customer
from customers.services.orders import lock_order
from loyalty.counting import CountedLine, CountedOrder, counts_for
from loyalty.models import (
    Challenge,
    ChallengeCompletion,
    ChallengeParticipant,
    ChallengeStep,
    PointsAccrual,
)
from loyalty.progress import Progress, Step, progress
from loyalty.services.badges import award_badge
from loyalty.services.challenges import lock_challenger
from loyalty.services.rewards import grant_reward
from operations.errors import FidelioError

Metric = Challenge.Metric


@dataclass(frozen=True)
class _Cause:
    """Something that happened: what it is called, when it was, and what it counts for, by item."""

    key: str
    occurred_at: datetime
    counts: Mapping[str, int]


def count_order(order: Order, *, at: datetime) -> list[ChallengeCompletion]:
    """Count an order as it stands now in every challenge it belongs to; return what was reached just now.

    Called again after a return or a cancellation it corrects what it counted for; what was reached stays.
    """
    challenges = list(Challenge.objects.active(order.ordered_at).exclude(metric=Metric.EVENTS).order_by("pk"))
    challenges = [one for one in challenges if not one.event_type]
    if not challenges:
        return []
    with transaction.atomic():
        # Read after the lock: of a purchase and its return, heard of at once, the later one's count stands.
        order = lock_order(order)
        if order.customer is None:
            return []
        return _count(order.customer, _order_causes(order, challenges), at=at)


def count_event(event: Event, *, at: datetime) -> list[ChallengeCompletion]:
    """Count an event in every challenge that counts its kind; return what was reached just now."""
    if event.customer is None:
        return []
    challenges = Challenge.objects.active(event.occurred_at).filter(event_type=event.type).order_by("pk")
    causes = {}
    for challenge in challenges:
        if _is_elsewhere(event, challenge):
            continue
        if challenge.metric == Metric.STORES:
            counts = {event.store.code: 1} if event.store else {}
        else:
            counts = {"": 1}
        causes[challenge] = _Cause(f"event:{event.pk}", event.occurred_at, counts)
    return _count(event.customer, causes, at=at)


def settle_challenges(customer_ids: Iterable[int], *, at: datetime) -> None:
    """Work out anew where the steps of these customers lead: they were merged, or taken apart."""
    participants = ChallengeParticipant.objects.filter(customer__in=list(customer_ids)).order_by("pk")
    for participant in participants.select_related("challenge", "customer"):
        with transaction.atomic():
            locked, _made = lock_challenger(participant.challenge, participant.customer, at=at)
            _advance(participant.challenge, participant.customer, locked, at=at)


def progress_of(challenge: Challenge, customer: Customer, *, at: datetime) -> Progress:
    """Return where a person stands in a challenge."""
    laps = ChallengeCompletion.objects.filter(challenge=challenge, customer=customer).count()
    return progress(_steps(challenge, customer), challenge.terms, at=at, laps=laps)


def give_again(completion: ChallengeCompletion, *, at: datetime) -> ChallengeCompletion:
    """Try once more to give a reward that could not be given when it was earned."""
    with transaction.atomic():
        hold_customer(completion.customer)
        completion = ChallengeCompletion.objects.select_for_update(of=["self"], no_key=True).get(
            pk=completion.pk
        )
        if completion.grant_id is None and completion.problem:
            _give(completion, at)
            completion.save(update_fields=["grant", "problem"])
    return completion


def _order_causes(order: Order, challenges: Iterable[Challenge]) -> dict[Challenge, _Cause]:
    counted = _counted(order)
    return {
        one: _Cause(
            f"order:{order.pk}",
            order.ordered_at,
            counts_for(
                counted,
                metric=one.metric,
                which=one.which,
                items=one.items,
                minimum_amount=one.minimum_amount,
                unit_amount=one.unit_amount,
            ),
        )
        for one in challenges
    }


def _count(
    customer: Customer, causes: Mapping[Challenge, _Cause], *, at: datetime
) -> list[ChallengeCompletion]:
    """Write the steps of these causes, of each challenge that concerns the person, and what they lead to."""
    reached: list[ChallengeCompletion] = []
    if not causes:
        return reached
    with transaction.atomic():
        customer = hold_customer(customer)
        known = _known_causes(causes)
        inside = _segments_of(customer, causes)
        for challenge, cause in causes.items():
            concerned = challenge.segment_id is None or challenge.segment_id in inside
            if not ((cause.counts and concerned) or challenge.pk in known):
                continue
            participant = _participant(challenge, customer, cause)
            if participant is None:
                continue
            if _write_steps(challenge, customer, cause):
                reached += _advance(challenge, customer, participant, at=at)
    return reached


def _participant(challenge: Challenge, customer: Customer, cause: _Cause) -> ChallengeParticipant | None:
    """Return the person's locked row; None for who does not take part, or came later than this."""
    if challenge.joining == Challenge.Joining.OPT_IN:
        joined = ChallengeParticipant.objects.select_for_update(of=["self"], no_key=True).filter(
            challenge=challenge, customer=customer, left_at=None, joined_at__lte=cause.occurred_at
        )
        return joined.first()
    return lock_challenger(challenge, customer, at=cause.occurred_at)[0]


def _write_steps(challenge: Challenge, customer: Customer, cause: _Cause) -> bool:
    """Let a cause count for what it is worth now; return whether that is anything new."""
    known = {
        step.item: step for step in ChallengeStep.objects.filter(challenge=challenge, source_key=cause.key)
    }
    changed = False
    for item, step in known.items():
        value = cause.counts.get(item, 0)
        if step.value != value:
            step.value = value
            step.save(update_fields=["value"])
            changed = True
    new = [item for item in cause.counts if item not in known]
    ChallengeStep.objects.bulk_create(
        ChallengeStep(
            challenge=challenge,
            customer=customer,
            source_key=cause.key,
            item=item,
            value=cause.counts[item],
            occurred_at=cause.occurred_at,
        )
        for item in new
    )
    return changed or bool(new)


def _advance(
    challenge: Challenge, customer: Customer, participant: ChallengeParticipant, *, at: datetime
) -> list[ChallengeCompletion]:
    """Work out where a person stands, keep it, and give what they reached and were not given yet."""
    had = set(
        ChallengeCompletion.objects.filter(challenge=challenge, customer=customer).values_list(
            "key", flat=True
        )
    )
    now = progress(_steps(challenge, customer), challenge.terms, at=at, laps=len(had))
    most = challenge.most_completions
    new = [key for key in now.reached if key not in had]
    if most is not None:
        new = new[: max(0, most - len(had))]
    completions = [_complete(challenge, customer, key, at) for key in new]
    participant.value, participant.completions, participant.moved_at = now.value, len(had) + len(new), at
    participant.save(update_fields=["value", "completions", "moved_at"])
    return completions


def _complete(challenge: Challenge, customer: Customer, key: str, at: datetime) -> ChallengeCompletion:
    completion = ChallengeCompletion(challenge=challenge, customer=customer, key=key, completed_at=at)
    _give(completion, at)
    completion.save()
    record_event(
        "challenge.completed",
        external_id=f"challenge:{challenge.pk}:{customer.pk}:{key}",
        occurred_at=at,
        customer=customer,
        payload={
            "challenge": challenge.code,
            "name": challenge.name,
            "time": key,
            "reward": challenge.reward.code if challenge.reward else None,
            "badge": challenge.badge.code if challenge.badge else None,
        },
    )
    return completion


def _give(completion: ChallengeCompletion, at: datetime) -> None:
    """Give reward and badge; what cannot be given now is written down, to be given again."""
    challenge, cause = completion.challenge, f"challenge:{completion.challenge_id}:{completion.customer_id}"
    completion.problem = ""
    try:
        with transaction.atomic():
            if challenge.badge_id:
                award_badge(
                    challenge.badge,
                    completion.customer,
                    source_key=f"{cause}:{completion.key}",
                    reason=challenge.name,
                    at=at,
                )
            if challenge.reward_id:
                completion.grant = grant_reward(
                    completion.customer, challenge.reward, source_key=f"{cause}:{completion.key}", at=at
                )
    except FidelioError as error:
        completion.grant, completion.problem = None, str(error.message)[:300]


def _steps(challenge: Challenge, customer: Customer) -> list[Step]:
    rows = ChallengeStep.objects.filter(challenge=challenge, customer=customer, value__gt=0)
    found = rows.order_by("occurred_at", "pk").values_list("occurred_at", "value", "item")
    return [Step(at, value, item) for at, value, item in found]


def _known_causes(causes: Mapping[Challenge, _Cause]) -> set[int]:
    keys = {cause.key for cause in causes.values()}
    rows = ChallengeStep.objects.filter(challenge__in=list(causes), source_key__in=keys)
    return set(rows.values_list("challenge", flat=True))


def _segments_of(customer: Customer, challenges: Iterable[Challenge]) -> set[int]:
    asked = {one.segment_id for one in challenges if one.segment_id}
    if not asked:
        return set()
    rows = SegmentMembership.objects.current().filter(customer=customer, segment__in=asked)
    return set(rows.values_list("segment", flat=True))


def _is_elsewhere(event: Event, challenge: Challenge) -> bool:
    stores, channels = challenge.which.get("stores"), challenge.which.get("sales_channels")
    return bool(
        (stores and (event.store is None or event.store.code not in stores))
        or (channels and (event.sales_channel is None or event.sales_channel.code not in channels))
    )


def _counted(order: Order) -> CountedOrder:
    """Return an order as the arithmetic takes it: what is left of it after returns."""
    if order.status not in (Order.Status.PAID, Order.Status.REFUNDED):
        return CountedOrder(lines=())
    lines = order.lines.select_related("product").annotate(
        back=Sum("returned__quantity"), refund=Sum("returned__refund_amount")
    )
    accruals = PointsAccrual.objects.filter(order=order)
    earned = accruals.aggregate(points=Sum(F("points") - F("clawed_back_points")))["points"] or 0
    return CountedOrder(
        lines=tuple(
            CountedLine(
                sku=line.product.sku,
                category=line.product.category,
                brand=line.product.brand,
                collection=line.product.collection,
                quantity=line.quantity - (line.back or 0),
                amount=line.total_amount - (line.refund or 0),
            )
            for line in lines
        ),
        store=order.store.code if order.store else "",
        sales_channel=order.sales_channel.code if order.sales_channel else "",
        points=earned,
    )
