"""Leaderboards: who wants to be in one, and counting where they stand, all at once.

Only who said so is in a leaderboard, under a name of their own; nobody else is counted or shown.
"""

import re
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.utils.translation import gettext as _

from customers.models import Customer, Segment
from customers.services.locks import hold_customer
from loyalty.errors import ChallengeNotActive, LeaderboardTaken, NicknameTaken, NotInAudience
from loyalty.models import Challenge, Leaderboard, LeaderboardMember, LeaderboardPlace
from loyalty.progress import begin_of, local_day, next_period, period_of
from loyalty.services.draws import is_member
from operations.errors import InvalidInput

NICKNAME = re.compile(r"[^\W_](?:[\w .'-]{0,22})[\w.]")
TELEPHONE = re.compile(r"(?:\d[ .-]?){6,}")


@dataclass(frozen=True)
class BoardTerms:
    """What a leaderboard is, as `Leaderboard` says field by field."""

    name: str
    title: dict[str, str]
    metric: str = Leaderboard.Metric.POINTS
    challenge: Challenge | None = None
    period: str = ""
    segment: Segment | None = None
    shown: int = 10
    active: bool = True


def create_leaderboard(code: str, *, terms: BoardTerms) -> Leaderboard:
    """Make a leaderboard. Raises InvalidInput, LeaderboardTaken."""
    _check(terms)
    with transaction.atomic():
        try:
            with transaction.atomic():
                return Leaderboard.objects.create(code=code, **vars(terms))
        except IntegrityError as error:
            raise LeaderboardTaken from error


def edit_leaderboard(board: Leaderboard, *, terms: BoardTerms) -> Leaderboard:
    """Change a leaderboard; the next count follows. Raises InvalidInput."""
    _check(terms)
    with transaction.atomic():
        board = Leaderboard.objects.select_for_update(of=["self"], no_key=True).get(pk=board.pk)
        if (board.metric, board.period) != (terms.metric, terms.period):
            board.period_on = None
        for name, value in vars(terms).items():
            setattr(board, name, value)
        board.save()
    return board


def join_leaderboard(
    board: Leaderboard, customer: Customer, *, nickname: str, at: datetime
) -> LeaderboardMember:
    """Let a person into a leaderboard, or change their name in it.

    Raises InvalidInput for a name that is too short or tells who they are, NicknameTaken, NotInAudience,
    ChallengeNotActive for a leaderboard that is switched off.
    """
    nickname = " ".join(nickname.split())
    if not NICKNAME.fullmatch(nickname) or TELEPHONE.search(nickname):
        raise InvalidInput.at(
            "/nickname", _("A name has 2 to 24 letters and digits; no address and no telephone number.")
        )
    with transaction.atomic():
        customer = hold_customer(customer)
        if not board.active:
            raise ChallengeNotActive
        if board.segment_id and not is_member(customer, board.segment_id):
            raise NotInAudience
        try:
            with transaction.atomic():
                member, _created = LeaderboardMember.objects.update_or_create(
                    board=board,
                    customer=customer,
                    defaults={"nickname": nickname},
                    create_defaults={"nickname": nickname, "joined_at": at},
                )
        except IntegrityError as error:
            raise NicknameTaken from error
    return member


def leave_leaderboard(board: Leaderboard, customer: Customer) -> None:
    """Take a person out of a leaderboard at once, also of the places it kept."""
    with transaction.atomic():
        customer = hold_customer(customer)
        LeaderboardMember.objects.filter(board=board, customer=customer).delete()
        LeaderboardPlace.objects.filter(board=board, customer=customer).delete()


def count_leaderboards(*, at: datetime) -> int:
    """Count every active leaderboard anew; return how many. A period that ended keeps its first places."""
    boards = Leaderboard.objects.filter(active=True).order_by("pk")
    for board in boards:
        count_leaderboard(board, at=at)
    return len(boards)


def count_leaderboard(board: Leaderboard, *, at: datetime) -> Leaderboard:
    """Count one leaderboard; who has nothing has no rank, and who has the same shares one."""
    with transaction.atomic():
        board = Leaderboard.objects.select_for_update(of=["self"], no_key=True).get(pk=board.pk)
        today = local_day(at, settings.PROGRAMME_TIME_ZONE)
        first = period_of(today, board.period) if board.period else None
        if board.period_on and first != board.period_on:
            _rank(board, board.period_on, next_period(board.period_on, board.period))
            _keep_places(board, board.period_on)
        _rank(board, first, None)
        board.period_on, board.counted_at = first, at
        board.save(update_fields=["period_on", "counted_at"])
    return board


def _rank(board: Leaderboard, first: date | None, until: date | None) -> None:
    zone = settings.PROGRAMME_TIME_ZONE
    values: dict[str, Any] = {
        "board": board.pk,
        "since": begin_of(first, zone) if first else begin_of(date(1970, 1, 1), zone),
        "until": begin_of(until, zone) if until else begin_of(date(9999, 1, 1), zone),
        "currency": settings.PROGRAMME_CURRENCY,
        "challenge": board.challenge_id,
    }
    with connection.cursor() as cursor:
        cursor.execute(_RANK.format(scores=_SCORES[board.metric]), values)


_SCORES = {
    # What rules gave, less what returns took back.
    "POINTS": """
        SELECT account.customer_id, sum(entry.delta) AS score
        FROM coupons_account account JOIN coupons_ledgerentry entry ON entry.account_id = account.id
        WHERE account.kind = 'POINTS' AND account.customer_id IN (SELECT customer_id FROM member)
          AND (entry.source_key LIKE 'earned:%%' OR entry.source_key LIKE 'returned:%%')
          AND entry.occurred_at >= %(since)s AND entry.occurred_at < %(until)s
        GROUP BY 1""",
    "AMOUNT": """
        SELECT customer_id, sum(net_amount) AS score FROM customers_order
        WHERE status = 'PAID' AND currency = %(currency)s AND customer_id IN (SELECT customer_id FROM member)
          AND ordered_at >= %(since)s AND ordered_at < %(until)s
        GROUP BY 1""",
    "ORDERS": """
        SELECT customer_id, count(*) AS score FROM customers_order
        WHERE status = 'PAID' AND currency = %(currency)s AND customer_id IN (SELECT customer_id FROM member)
          AND ordered_at >= %(since)s AND ordered_at < %(until)s AND net_amount > 0
        GROUP BY 1""",
    "BADGES": """
        SELECT customer_id, count(*) AS score FROM loyalty_badgeaward
        WHERE revoked_at IS NULL AND customer_id IN (SELECT customer_id FROM member)
          AND awarded_at >= %(since)s AND awarded_at < %(until)s
        GROUP BY 1""",
    "CHALLENGE": """
        SELECT customer_id, sum(value) AS score FROM loyalty_challengestep
        WHERE challenge_id = %(challenge)s AND customer_id IN (SELECT customer_id FROM member)
          AND occurred_at >= %(since)s AND occurred_at < %(until)s
        GROUP BY 1""",
}
_RANK = """
WITH member AS (SELECT id, customer_id FROM loyalty_leaderboardmember WHERE board_id = %(board)s),
scored AS ({scores}),
placed AS (
    SELECT member.id, greatest(coalesce(scored.score, 0), 0)::bigint AS score,
           CASE WHEN scored.score > 0 THEN rank() OVER (ORDER BY coalesce(scored.score, 0) DESC) END AS place
    FROM member LEFT JOIN scored USING (customer_id)
)
UPDATE loyalty_leaderboardmember AS row SET score = placed.score, rank = placed.place
FROM placed
WHERE row.id = placed.id AND (row.score, row.rank) IS DISTINCT FROM (placed.score, placed.place::integer)
"""


def _keep_places(board: Leaderboard, first: date) -> None:
    members = LeaderboardMember.objects.filter(board=board, rank__lte=board.shown).order_by("rank", "pk")
    LeaderboardPlace.objects.bulk_create(
        (
            LeaderboardPlace(
                board=board,
                customer_id=member.customer_id,
                period_on=first,
                nickname=member.nickname,
                score=member.score,
                rank=member.rank,
            )
            for member in members
        ),
        ignore_conflicts=True,
    )


def _check(terms: BoardTerms) -> None:
    if not any(terms.title.values()):
        raise InvalidInput.at("/title", _("Say in one language at least what people read."))
    if (terms.metric == Leaderboard.Metric.CHALLENGE) != (terms.challenge is not None):
        raise InvalidInput.at("/challenge", _("Choose the challenge whose steps count."))
    if not 1 <= terms.shown <= 100:
        raise InvalidInput.at("/shown", _("1 to 100 places are shown."))
