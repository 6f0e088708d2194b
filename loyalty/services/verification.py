"""Working a contest out again from what was published: does everything agree?"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from loyalty.drawing import Line, commitment_of, digest_of, draw_lines, outcome_of
from loyalty.models import Draw, DrawPlay
from loyalty.services.drawings import frozen_lines


@dataclass(frozen=True)
class Check:
    """One thing that has to agree; `found` says what was found where it does not."""

    title: str | Promise
    holds: bool
    found: str = ""


def verify_contest(draw: Draw) -> list[Check]:
    """Return what can be checked of a contest that is over; nothing for one that is not."""
    if not draw.seed:
        return []
    return [_commitment(draw.commitment, draw.seed), *(_plays(draw) if draw.is_instant else _drawing(draw))]


def verify_drawing(
    lines: list[Line], drawn: list[str], *, commitment: str, digest: str, seed: str, beacon: str = ""
) -> list[Check]:
    """Check a prize draw from its published files alone: `drawn` are the receipts in the order drawn."""
    again = [line.receipt for line in draw_lines(lines, seed=seed, beacon=beacon, picks=len(drawn))]
    found = digest_of(lines)
    pairs = enumerate(zip(again, drawn, strict=False), start=1)
    wrong = next((rank for rank, (one, other) in pairs if one != other), None)
    return [
        _commitment(commitment, seed),
        Check(gettext_lazy("The list of entries is the one that was frozen."), found == digest, found),
        Check(
            gettext_lazy("Seed and list lead to the same winners in the same order."),
            again == drawn,
            "" if wrong is None else _("The first difference is at place %(place)s.") % {"place": wrong},
        ),
    ]


def _commitment(commitment: str, seed: str) -> Check:
    found = commitment_of(seed)
    title = gettext_lazy("The seed is the one that was fixed before the contest.")
    return Check(title, found == commitment, found)


def _drawing(draw: Draw) -> Iterator[Check]:
    lines = list(frozen_lines(draw))
    drawn = list(draw.winners.order_by("rank").values_list("line__receipt", flat=True))
    checks = verify_drawing(
        lines, drawn, commitment=draw.commitment, digest=draw.digest, seed=draw.seed, beacon=draw.beacon
    )
    return iter(checks[1:] if draw.drawn_at else checks[1:2])


def _plays(draw: Draw) -> Iterator[Check]:
    """Each play came out as seed, receipt and number say, and gave its prize unless that was gone."""
    prizes = list(draw.prizes.order_by("position"))
    chances, given = [prize.probability for prize in prizes], Counter()
    wrong, unpaid = 0, 0
    plays = DrawPlay.objects.filter(draw=draw).order_by("pk")
    for play in plays.iterator(chunk_size=2000):
        outcome = prizes[outcome_of(chances, seed=draw.seed, receipt=play.receipt, number=play.number)]
        wrong += outcome.pk != play.prize_id
        given[outcome.pk] += play.won
        is_left = outcome.quantity is None or given[outcome.pk] < outcome.quantity
        unpaid += outcome.reward_id is not None and not play.won and is_left
    yield Check(
        gettext_lazy("Every play came out as seed, receipt and number say."),
        wrong == 0,
        _("%(count)s plays differ.") % {"count": wrong} if wrong else "",
    )
    yield Check(
        gettext_lazy("Every prize that came out was given while there were any."),
        unpaid == 0,
        _("%(count)s plays were not paid.") % {"count": unpaid} if unpaid else "",
    )
