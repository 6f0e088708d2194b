"""Setting contests up: their terms while they are drafts, and the seed that is fixed when they open."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from customers.models import Segment
from customers.services import record_event
from loyalty.drawing import commitment_of, new_seed, sums_to_one
from loyalty.errors import ContestMoveNotPossible, ContestTaken, ContestTermsFixed
from loyalty.models import Draw, DrawPrize, Period, Reward
from operations.errors import InvalidInput
from operations.models import User
from operations.sealing import open_secret, seal_secret

SEALED_FOR = "draw"
MOST_PRIZES = 50
MOST_WINNERS = 10_000


@dataclass(frozen=True)
class Prize:
    """A reward so many times, or (for an instant win) nothing at all; `probability` is that of one play."""

    reward: Reward | None = None
    quantity: int | None = None
    probability: Decimal | None = None


@dataclass(frozen=True)
class ContestTerms:
    """What a contest is, as `Draw` says field by field; texts are by language."""

    name: str
    opens_at: datetime
    closes_at: datetime
    kind: str = Draw.Kind.PRIZE_DRAW
    title: dict[str, str] = field(default_factory=dict)
    introduction: dict[str, str] = field(default_factory=dict)
    regulation: dict[str, str] = field(default_factory=dict)
    segment: Segment | None = None
    most_entries: int | None = None
    plays_need_entries: bool = False
    play_limit: int | None = None
    play_period: str = Period.DAY
    substitutes: int = 0
    beacon_source: str = ""


def create_contest(
    code: str, *, terms: ContestTerms, prizes: Sequence[Prize], by: User | None = None
) -> Draw:
    """Write a contest down as a draft.

    Raises InvalidInput, ContestTaken when the code is in use.
    """
    _check(terms, prizes)
    with transaction.atomic():
        try:
            with transaction.atomic():
                draw = Draw.objects.create(code=code, created_by=by, **_fields(terms))
        except IntegrityError as error:
            raise ContestTaken from error
        _write_prizes(draw, prizes)
    return draw


def edit_contest(draw: Draw, *, terms: ContestTerms, prizes: Sequence[Prize]) -> Draw:
    """Change a draft. Raises ContestTermsFixed once it opened: its terms are a promise; InvalidInput."""
    _check(terms, prizes)
    with transaction.atomic():
        draw = lock_draw(draw)
        if draw.status != Draw.Status.DRAFT:
            raise ContestTermsFixed
        for name, value in _fields(terms).items():
            setattr(draw, name, value)
        draw.save()
        draw.prizes.all().delete()
        _write_prizes(draw, prizes)
    return draw


def open_contest(draw: Draw, *, at: datetime) -> Draw:
    """Let people enter from its first day on; its seed is fixed now, and the commitment to it told.

    Raises InvalidInput for a contest without regulation or prizes, ContestMoveNotPossible.
    """
    with transaction.atomic():
        draw = lock_draw(draw)
        move_contest(draw, Draw.Status.OPEN)
        if not any(draw.regulation.values()):
            raise InvalidInput.at("/regulation", _("A contest opens with its regulation written."))
        if draw.closes_at <= at:
            raise InvalidInput.at("/closes_at", _("Its last day is over."))
        seed = new_seed()
        draw.commitment, draw.committed_at = commitment_of(seed), at
        draw.sealed_seed = seal_secret(seed, purpose=SEALED_FOR)
        draw.save()
        tell(draw, "draw.committed", at=at, commitment=draw.commitment)
    return draw


def cancel_contest(draw: Draw, *, at: datetime) -> Draw:
    """Call a contest off before it is closed; what was won in it stays. Raises ContestMoveNotPossible."""
    with transaction.atomic():
        draw = lock_draw(draw)
        move_contest(draw, Draw.Status.CANCELLED)
        draw.closed_at = at
        if draw.commitment:
            draw.seed = seed_of(draw)
        draw.save()
        tell(draw, "draw.cancelled", at=at)
    return draw


def lock_draw(draw: Draw) -> Draw:
    """Lock a contest to be moved; whoever is entering is waited for."""
    return Draw.objects.select_for_update(of=["self"]).get(pk=draw.pk)


def move_contest(draw: Draw, status: str) -> None:
    """Set the state of a locked contest. Raises ContestMoveNotPossible."""
    if status not in Draw.MOVES[Draw.Status(draw.status)]:
        raise ContestMoveNotPossible
    draw.status = status


def seed_of(draw: Draw) -> str:
    """Return the seed, also while it is secret: for the services that draw.

    Raises ContestMoveNotPossible when neither the site's secret key nor a former one opens it.
    """
    seed = draw.seed or open_secret(draw.sealed_seed, purpose=SEALED_FOR)
    if seed is None or commitment_of(seed) != draw.commitment:
        raise ContestMoveNotPossible(_("The seed does not open with this site's secret key."))
    return seed


def tell(draw: Draw, kind: str, *, at: datetime, **payload: object) -> None:
    """Record what became of a contest: the event log is append-only, so what was published stays."""
    record_event(
        kind, external_id=f"{kind}:{draw.pk}", occurred_at=at, payload={"draw": draw.code, **payload}
    )


def _fields(terms: ContestTerms) -> dict:
    return {name: getattr(terms, name) for name in ContestTerms.__dataclass_fields__}


def _write_prizes(draw: Draw, prizes: Sequence[Prize]) -> None:
    DrawPrize.objects.bulk_create(
        DrawPrize(draw=draw, position=position, **vars(prize)) for position, prize in enumerate(prizes, 1)
    )


def _check(terms: ContestTerms, prizes: Sequence[Prize]) -> None:
    if terms.closes_at <= terms.opens_at:
        raise InvalidInput.at("/closes_at", _("It must end after it starts."))
    if not any(terms.title.values()):
        raise InvalidInput.at("/title", _("Say in one language at least what people read."))
    if not any(prize.reward for prize in prizes):
        raise InvalidInput.at("/prizes", _("There is nothing to win yet."))
    if len(prizes) > MOST_PRIZES:
        raise InvalidInput.at("/prizes", _("At most %(most)s prizes.") % {"most": MOST_PRIZES})
    if terms.kind == Draw.Kind.INSTANT_WIN:
        _check_chances(prizes)
    else:
        _check_quantities(terms, prizes)


def _check_chances(prizes: Sequence[Prize]) -> None:
    chances = [prize.probability for prize in prizes]
    if None in chances:
        raise InvalidInput.at("/prizes", _("Each outcome of an instant win has its probability."))
    if not sums_to_one(chances):
        total = sum(chances, Decimal(0)) * 100
        raise InvalidInput.at(
            "/prizes",
            _("The probabilities have to sum to 100 %%; they sum to %(total)s %%.")
            % {"total": f"{total.normalize():f}"},
        )


def _check_quantities(terms: ContestTerms, prizes: Sequence[Prize]) -> None:
    for index, prize in enumerate(prizes):
        if prize.reward is None or not prize.quantity:
            raise InvalidInput.at(f"/prizes/{index}", _("A prize that is drawn is a reward, so many times."))
        if prize.probability is not None:
            raise InvalidInput.at(f"/prizes/{index}", _("Only plays of an instant win have probabilities."))
    winners = sum(prize.quantity or 0 for prize in prizes) + terms.substitutes
    if winners > MOST_WINNERS:
        raise InvalidInput.at("/prizes", _("At most %(most)s winners.") % {"most": MOST_WINNERS})
