"""The end of a prize draw: the list is frozen, winners are drawn by the committed seed, prizes given.

Locks: the contest alone while closing and drawing; each prize is given in a transaction of its own, in the
order of `loyalty.services.rewards`, so that one that cannot be given keeps nobody else's back.
"""

from collections.abc import Iterator
from datetime import datetime

from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from customers.models import Customer
from customers.services import record_event
from customers.services.locks import hold_customer
from loyalty.drawing import Line, digest_of, draw_lines
from loyalty.errors import ContestMoveNotPossible, ContestStillOpen, ListWasChanged
from loyalty.models import Draw, DrawLine, DrawPrize, DrawWinner
from loyalty.services.contests import lock_draw, move_contest, seed_of, tell
from loyalty.services.grants import take_back_grant
from loyalty.services.rewards import grant_reward
from operations.errors import FidelioError, InvalidInput
from operations.models import JobRun, User
from operations.services.jobs import advance_job
from operations.services.runs import promise_job

Status = DrawWinner.Status
PRIZES_JOB = "loyalty.prizes"
GIVEN_AT_ONCE = 50  # In the request that draws, about two seconds; beyond that a job does it.


def close_contest(draw: Draw, *, at: datetime) -> Draw:
    """Freeze the list of entries and publish its digest; the seed of an instant win is told now.

    Raises ContestStillOpen before its last instant, ContestMoveNotPossible.
    """
    with transaction.atomic():
        draw = lock_draw(draw)
        if draw.status == Draw.Status.OPEN and at < draw.closes_at:
            raise ContestStillOpen
        move_contest(draw, Draw.Status.CLOSED)
        draw.closed_at = at
        if draw.is_instant:
            draw.seed = seed_of(draw)
        else:
            _freeze(draw)
        draw.save()
        tell(draw, "draw.closed", at=at, digest=draw.digest, entries=draw.entries_count, seed=draw.seed)
    return draw


def close_due_contests(*, at: datetime) -> int:
    """Close every contest whose last instant has passed; return how many."""
    due = list(Draw.objects.filter(status=Draw.Status.OPEN, closes_at__lte=at).order_by("pk"))
    for draw in due:
        try:
            close_contest(draw, at=at)
        except ContestMoveNotPossible:
            continue  # Somebody closed it meanwhile.
    return len(due)


def draw_winners(draw: Draw, *, at: datetime, beacon: str = "", by: User | None = None) -> list[DrawWinner]:
    """Draw winners and substitutes from the frozen list, reveal the seed, and give the prizes.

    `beacon` is the public number the regulation names, as it was published. More than a few prizes are given
    by a job with progress: each takes its winner's lock and is a transaction of its own.

    Raises ContestMoveNotPossible, InvalidInput for a missing or unwanted public number, ListWasChanged.
    """
    beacon = " ".join(beacon.split())
    with transaction.atomic():
        draw = lock_draw(draw)
        move_contest(draw, Draw.Status.DRAWN)
        if draw.is_instant:
            raise ContestMoveNotPossible(_("An instant win is decided play by play."))
        if bool(beacon) != bool(draw.beacon_source):
            raise InvalidInput.at(
                "/beacon", _("Give the public number exactly when the regulation names one.")
            )
        if _digest(draw) != draw.digest:
            raise ListWasChanged
        draw.seed, draw.beacon, draw.drawn_at = seed_of(draw), beacon, at
        draw.save()
        prizes = _prizes_in_order(draw)
        drawn = draw_lines(
            frozen_lines(draw), seed=draw.seed, beacon=beacon, picks=len(prizes) + draw.substitutes
        )
        won = draw.lines.select_related("customer").filter(receipt__in=[line.receipt for line in drawn])
        lines = {line.receipt: line for line in won}
        _write_winners(draw, [lines[line.receipt] for line in drawn], prizes, at)
        tell(draw, "draw.drawn", at=at, seed=draw.seed, beacon=beacon)
        if len(prizes) > GIVEN_AT_ONCE:
            title = _("Prizes of “%(name)s”") % {"name": draw.name}
            promise_job(PRIZES_JOB, title=title, owner=by, parameters={"draw": draw.pk})
    if len(prizes) <= GIVEN_AT_ONCE:
        for winner in draw.winners.filter(status=Status.WON).order_by("rank"):
            give_prize(winner, at=at)
    return list(draw.winners.whole())


def run_prizes(job: JobRun) -> dict[str, int]:
    """Give a contest's prizes that were not tried yet; taken up again after a kill, it gives the rest."""
    owed = list(_owed().filter(draw=job.parameters["draw"]).order_by("rank"))
    JobRun.objects.filter(pk=job.pk).update(total=len(owed))
    given = 0
    for done, winner in enumerate(owed):
        if done % GIVEN_AT_ONCE == 0:
            advance_job(job, done=done)
        given += give_prize(winner, at=timezone.now()).grant_id is not None
    advance_job(job, done=len(owed))
    return {"given": given, "not_possible": len(owed) - given}


def give_prize(winner: DrawWinner, *, at: datetime) -> DrawWinner:
    """Give what was won, once; what keeps it from being given is written down with the winner."""
    with transaction.atomic():
        hold_customer(winner.customer)
        winner = DrawWinner.objects.select_for_update(of=["self"], no_key=True).whole().get(pk=winner.pk)
        if winner.status != Status.WON or winner.grant_id:
            return winner
        try:
            with transaction.atomic():
                winner.grant = grant_reward(
                    winner.customer, winner.prize.reward, source_key=f"draw:{winner.pk}", at=at
                )
                winner.problem = ""
        except FidelioError as error:
            winner.grant, winner.problem = None, str(error.message)[:300]
        winner.save(update_fields=["grant", "problem"])
    return winner


def give_owed_prizes(*, at: datetime) -> int:
    """Give the prizes that were won and, because the machine stopped in between, not given; return how many.

    One that was tried and could not be given waits for a person.
    """
    owed = _owed().exclude(draw__in=_in_a_job()).order_by("pk")
    return sum(give_prize(winner, at=at).grant_id is not None for winner in owed)


def _owed() -> QuerySet[DrawWinner]:
    return DrawWinner.objects.filter(
        status=Status.WON, grant=None, problem="", prize__reward__isnull=False
    ).whole()


def _in_a_job() -> list[int]:
    """Return the contests whose prizes a job is giving."""
    jobs = JobRun.objects.unfinished().filter(kind=PRIZES_JOB)
    return [parameters["draw"] for parameters in jobs.values_list("parameters", flat=True)]


def set_aside_winner(winner: DrawWinner, *, reason: str, at: datetime) -> DrawWinner | None:
    """Pass a prize on to the next substitute, because its winner cannot have it; return who has it now.

    What was given is taken back as far as that is possible. None when no substitute is left.

    Raises InvalidInput without a reason, ContestMoveNotPossible for who holds no prize.
    """
    if not reason.strip():
        raise InvalidInput.at("/reason", _("Say why the winner is set aside."))
    with transaction.atomic():
        hold_customer(winner.customer)
        draw = lock_draw(winner.draw)
        # Who gives the prize just now is waited for, and what they gave is read after that: a join made by
        # the statement that waited would not see it yet.
        DrawWinner.objects.select_for_update(no_key=True).get(pk=winner.pk)
        winner = DrawWinner.objects.whole().get(pk=winner.pk)
        if winner.status != Status.WON:
            raise ContestMoveNotPossible
        if winner.grant:
            take_back_grant(winner.grant, reason=reason[:300], at=at)
        winner.status, winner.reason, winner.decided_at = Status.SET_ASIDE, reason[:300], at
        winner.save()
        heir = draw.winners.filter(status=Status.SUBSTITUTE).order_by("rank").first()
        if heir is None:
            return None
        heir.status, heir.prize, heir.decided_at = Status.WON, winner.prize, at
        heir.save()
        tell_winner(heir.customer, draw, heir.prize, f"draw_winner:{heir.pk}", at=at)
    return give_prize(heir, at=at)


def tell_winner(customer: Customer, draw: Draw, prize: DrawPrize, key: str, *, at: datetime) -> None:
    """Record that somebody won, for their timeline and for a campaign that writes to them."""
    record_event(
        "prize.won",
        external_id=f"prize:{key}",
        occurred_at=at,
        customer=customer,
        payload={"draw": draw.code, "reward": prize.reward.code, "name": prize.reward.name},
    )


def frozen_lines(draw: Draw) -> Iterator[Line]:
    """Yield the frozen list as the arithmetic takes it."""
    rows = draw.lines.order_by("receipt").values_list("receipt", "entries")
    return (Line(receipt, entries) for receipt, entries in rows.iterator(chunk_size=5000))


def _freeze(draw: Draw) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_FREEZE, [draw.pk])
        draw.lines_count, draw.entries_count = cursor.fetchone()
    draw.digest = _digest(draw)


_FREEZE = """
WITH frozen AS (
    INSERT INTO loyalty_drawline (draw_id, receipt, entries, customer_id)
    SELECT draw_id, receipt, entries, customer_id FROM loyalty_drawparticipant
    WHERE draw_id = %s AND entries > 0
    RETURNING entries
)
SELECT count(*), coalesce(sum(entries), 0)::bigint FROM frozen
"""


def _digest(draw: Draw) -> str:
    return digest_of(frozen_lines(draw))


def _prizes_in_order(draw: Draw) -> list[DrawPrize]:
    prizes = draw.prizes.select_related("reward").order_by("position")
    return [prize for prize in prizes for _ in range(prize.quantity or 0)]


def _write_winners(draw: Draw, lines: list[DrawLine], prizes: list[DrawPrize], at: datetime) -> None:
    for rank, line in enumerate(lines, start=1):
        prize = prizes[rank - 1] if rank <= len(prizes) else None
        winner = DrawWinner.objects.create(
            draw=draw,
            rank=rank,
            line=line,
            customer_id=line.customer_id,
            status=Status.WON if prize else Status.SUBSTITUTE,
            prize=prize,
            decided_at=at,
        )
        if prize:
            tell_winner(line.customer, draw, prize, f"draw_winner:{winner.pk}", at=at)
