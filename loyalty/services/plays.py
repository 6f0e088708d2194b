"""Playing an instant win: each play is decided at once, by the committed seed.

Locks: the customer, the contest (shared), the participant, the prize that came out, then the reward's.
"""

from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, QuerySet

from customers.models import Customer
from customers.services.locks import hold_customer
from loyalty.drawing import outcome_of
from loyalty.errors import ContestMoveNotPossible, NoEntryLeft, PlayLimitReached
from loyalty.models import Draw, DrawParticipant, DrawPlay, DrawPrize, Period, RewardGrant
from loyalty.progress import begin_of, local_day, period_of
from loyalty.services.contests import seed_of
from loyalty.services.drawings import tell_winner
from loyalty.services.draws import check_may_enter, lock_participant, share_draw
from loyalty.services.rewards import grant_reward
from operations.errors import FidelioError


def play_draw(draw: Draw, customer: Customer, *, source_key: str, at: datetime) -> DrawPlay:
    """Play once; the same `source_key` is the same play. A prize that is won is given in the same moment.

    Raises DrawNotOpen, NotInAudience, PlayLimitReached, NoEntryLeft, ContestMoveNotPossible for a prize draw.
    """
    with transaction.atomic():
        customer = hold_customer(customer)
        draw = share_draw(draw)
        if known := _known(draw, source_key):
            return known
        if not draw.is_instant:
            raise ContestMoveNotPossible
        check_may_enter(draw, customer, at=at)
        participant = lock_participant(draw, customer)
        if known := _known(draw, source_key):
            return known
        if plays_left(draw, participant, at=at) == 0:
            raise NoEntryLeft if _has_used_entries(draw, participant) else PlayLimitReached
        play = _play(draw, customer, participant, source_key, at)
        participant.plays += 1
        participant.save(update_fields=["plays"])
    return play


def plays_left(draw: Draw, participant: DrawParticipant | None, *, at: datetime) -> int | None:
    """Return how often somebody can play now; None for as often as they like."""
    left = []
    if draw.plays_need_entries:
        left.append(participant.entries - participant.plays if participant else 0)
    if draw.play_limit is not None:
        used = _plays_of(draw, participant, at).count() if participant else 0
        left.append(draw.play_limit - used)
    return max(0, min(left)) if left else None


def _play(
    draw: Draw, customer: Customer, participant: DrawParticipant, source_key: str, at: datetime
) -> DrawPlay:
    number = DrawPlay.objects.filter(draw=draw, receipt=participant.receipt).count() + 1
    prizes = list(draw.prizes.select_related("reward").order_by("position"))
    drawn = outcome_of(
        [prize.probability for prize in prizes],
        seed=seed_of(draw),
        receipt=participant.receipt,
        number=number,
    )
    prize = prizes[drawn]
    grant = _give(prize, customer, f"play:{draw.pk}:{participant.receipt}:{number}", at)
    if grant:
        tell_winner(customer, draw, prize, f"play:{draw.pk}:{participant.receipt}:{number}", at=at)
    return DrawPlay.objects.create(
        draw=draw,
        customer=customer,
        receipt=participant.receipt,
        number=number,
        source_key=source_key,
        prize=prize,
        won=grant is not None,
        grant=grant,
        played_at=at,
    )


def _give(prize: DrawPrize, customer: Customer, key: str, at: datetime) -> RewardGrant | None:
    """Give what came out; None for nothing, for a prize that is gone and a reward that cannot be given."""
    if prize.reward is None:
        return None
    try:
        with transaction.atomic():
            one_more = Q(quantity=None) | Q(given__lt=F("quantity"))
            if not DrawPrize.objects.filter(one_more, pk=prize.pk).update(given=F("given") + 1):
                return None
            return grant_reward(customer, prize.reward, source_key=key, at=at)
    except FidelioError:
        return None


def _known(draw: Draw, source_key: str) -> DrawPlay | None:
    plays = DrawPlay.objects.select_related("prize__reward", "grant")
    return plays.filter(draw=draw, source_key=source_key).first()


def _plays_of(draw: Draw, participant: DrawParticipant, at: datetime) -> QuerySet[DrawPlay]:
    plays = DrawPlay.objects.filter(draw=draw, customer=participant.customer_id)
    if draw.play_period == Period.TOTAL:
        return plays
    zone = settings.PROGRAMME_TIME_ZONE
    first = period_of(local_day(at, zone), draw.play_period)
    return plays.filter(played_at__gte=begin_of(first, zone))


def _has_used_entries(draw: Draw, participant: DrawParticipant) -> bool:
    return draw.plays_need_entries and participant.entries <= participant.plays
