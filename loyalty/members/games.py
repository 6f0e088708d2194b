"""Games on a member's page: challenges, cards, badges, contests and leaderboards, and what can be pressed."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from loyalty.challenge_words import goal_of, span_of, value_words
from loyalty.earning_words import promise
from loyalty.errors import ChallengeNotFound, ContestNotFound, LeaderboardNotFound
from loyalty.members.sections import Member, Section
from loyalty.models import (
    Badge,
    BadgeAward,
    Challenge,
    Draw,
    DrawParticipant,
    DrawPlay,
    DrawPrize,
    DrawWinner,
    EarningRule,
    Leaderboard,
    LeaderboardMember,
)
from loyalty.rules import Gives
from loyalty.services.challenges import join_challenge, leave_challenge
from loyalty.services.leaderboards import join_leaderboard, leave_leaderboard
from loyalty.services.plays import play_draw, plays_left
from loyalty.services.standings import Standing, open_to, places_of, standings_of
from operations.formats import money, number
from operations.languages import in_language

LONGEST_KEY = 60
MOST_STAMPS_DRAWN = 20
PLAYS_SHOWN = 5


@dataclass(frozen=True)
class Shown:
    """A challenge or card as a member sees it; `stamps` are its places: a name, and whether full."""

    standing: Standing
    title: str
    introduction: str
    goal: str
    span: str
    value: str
    missing: str
    reward: str
    stamps: tuple[tuple[str, bool], ...] = ()

    @property
    def percent(self) -> int:
        return int(100 * self.standing.progress.share)

    @property
    def must_join(self) -> bool:
        return not self.standing.joined

    @property
    def may_leave(self) -> bool:
        is_chosen = self.standing.challenge.joining == Challenge.Joining.OPT_IN
        return is_chosen and self.standing.joined and not self.standing.is_done


@dataclass(frozen=True)
class ShownContest:
    """A contest as a member sees it: their entries and receipt, what can be won, how often they may play."""

    draw: Draw
    title: str
    introduction: str
    prizes: list[str]
    participant: DrawParticipant | None
    left: int | None
    is_open: bool
    plays: list[DrawPlay]
    won: DrawWinner | None
    ways: list[str]


@dataclass(frozen=True)
class ShownBoard:
    board: Leaderboard
    title: str
    places: list[tuple[LeaderboardMember, str]]
    own: LeaderboardMember | None
    own_score: str


def challenges_section(member: Member) -> Section | None:
    """Return the challenges that are open to them, those nearest to their goal first."""
    shown = _shown(member, [Challenge.Kind.CHALLENGE])
    if not shown:
        return None
    shown.sort(key=lambda each: (each.standing.is_done, -each.percent, each.standing.challenge.pk))
    running = sum(not each.standing.is_done for each in shown)
    return Section(
        "challenges",
        _("Challenges"),
        "trophy",
        "loyalty/member/challenges.html",
        {"shown": shown},
        order=40,
        badge=number(running) if running else "",
    )


def cards_section(member: Member) -> Section | None:
    """Return the stamp cards and collection cards, each place drawn."""
    shown = _shown(member, [Challenge.Kind.STAMP_CARD, Challenge.Kind.COLLECTION])
    if not shown:
        return None
    return Section(
        "stamps", _("Stamp cards"), "stamp", "loyalty/member/stamps.html", {"shown": shown}, order=42
    )


def badges_section(member: Member) -> Section | None:
    """Return the badges they have, and those that can still be earned."""
    awards = BadgeAward.objects.standing().filter(customer=member.customer).select_related("badge")
    earned = list(awards.order_by("-awarded_at"))
    had = {award.badge_id for award in earned}
    others = [] if not earned else Badge.objects.filter(active=True, segment=None).exclude(pk__in=had)
    if not earned:
        return None
    return Section(
        "badges",
        _("Badges"),
        "medal",
        "loyalty/member/badges.html",
        {
            "earned": [
                (award, in_language(award.badge.title), in_language(award.badge.introduction))
                for award in earned
            ],
            "others": [(badge, in_language(badge.title)) for badge in others],
        },
        order=45,
        badge=number(len(earned)),
    )


def contests_section(member: Member) -> Section | None:
    """Return the contests that run, and those of theirs that were drawn."""
    running = open_to(
        member.customer, Draw.objects.open(member.at).prefetch_related("prizes__reward").order_by("closes_at")
    )
    own = Draw.objects.filter(participants__customer=member.customer).prefetch_related("prizes__reward")
    over = own.filter(status__in=[Draw.Status.CLOSED, Draw.Status.DRAWN]).order_by("-closes_at")[:3]
    shown = [_shown_contest(draw, member) for draw in [*running, *over]]
    if not shown:
        return None
    return Section(
        "contests", _("Win something"), "dice", "loyalty/member/contests.html", {"shown": shown}, order=50
    )


def boards_section(member: Member) -> Section | None:
    """Return the leaderboards; who stands behind a name is never said."""
    boards = open_to(member.customer, Leaderboard.objects.filter(active=True).order_by("pk"))
    if not boards:
        return None
    rows = LeaderboardMember.objects.filter(customer=member.customer, board__in=boards)
    own = {row.board_id: row for row in rows}
    shown = [
        ShownBoard(
            board,
            in_language(board.title),
            [(place, _score(board, place.score)) for place in places_of(board)],
            own.get(board.pk),
            _score(board, own[board.pk].score) if board.pk in own else "",
        )
        for board in boards
    ]
    return Section(
        "boards", _("Leaderboards"), "chart", "loyalty/member/boards.html", {"shown": shown}, order=55
    )


def take_up_challenge(member: Member, data: Mapping[str, str]) -> str:
    """Take part from now on."""
    challenge = _challenge(data)
    join_challenge(challenge, member.customer, at=member.at)
    return _("You are in: from now on it counts.")


def give_up_challenge(member: Member, data: Mapping[str, str]) -> str:
    """Take part no more."""
    leave_challenge(_challenge(data), member.customer, at=member.at)
    return _("It does not count any more.")


def play_contest(member: Member, data: Mapping[str, str]) -> str:
    """Play once for each press; what is won is given in the same moment."""
    draw = Draw.objects.filter(code=data.get("draw", "")[:64]).first()
    if draw is None:
        raise ContestNotFound
    key = f"page:{member.customer.pk}:{data.get('key', '')[:LONGEST_KEY]}"
    play = play_draw(draw, member.customer, source_key=key, at=member.at)
    if play.won:
        return _("You won: %(prize)s!") % {"prize": play.prize.reward.shown_name}
    return _("Not this time. Good luck with the next one!")


def enter_board(member: Member, data: Mapping[str, str]) -> str:
    """Be in a leaderboard under a name of one's own."""
    join_leaderboard(_board(data), member.customer, nickname=data.get("nickname", "")[:60], at=member.at)
    return _("You are in. Your place appears with the next count, in some minutes.")


def leave_board(member: Member, data: Mapping[str, str]) -> str:
    """Be in a leaderboard no more."""
    leave_leaderboard(_board(data), member.customer)
    return _("You are out of it, and your name is gone.")


def _shown(member: Member, kinds: list[str]) -> list[Shown]:
    games = Challenge.objects.whole().active(member.at).filter(kind__in=kinds).order_by("pk")
    challenges = open_to(member.customer, games)
    standings = standings_of(member.customer, challenges, at=member.at)
    return [
        Shown(
            standing,
            in_language(one.title),
            in_language(one.introduction),
            goal_of(one),
            span_of(one),
            value_words(one, standing.value),
            value_words(one, standing.missing),
            _gives(one),
            _stamps(standing),
        )
        for one in challenges
        for standing in [standings[one.pk]]
    ]


def _stamps(standing: Standing) -> tuple[tuple[str, bool], ...]:
    challenge = standing.challenge
    if challenge.kind == Challenge.Kind.COLLECTION:
        found = set(standing.found)
        return tuple(
            (in_language(item.get("title", {})) or item["code"], item["code"] in found)
            for item in challenge.items
        )
    if challenge.kind == Challenge.Kind.STAMP_CARD and standing.target <= MOST_STAMPS_DRAWN:
        return tuple((str(place), place <= standing.value) for place in range(1, standing.target + 1))
    return ()


def _gives(challenge: Challenge) -> str:
    gives = [challenge.reward.shown_name] if challenge.reward else []
    if challenge.badge:
        gives.append(_("the badge “%(badge)s”") % {"badge": in_language(challenge.badge.title)})
    return _(" and ").join(gives)


def _shown_contest(draw: Draw, member: Member) -> ShownContest:
    participant = DrawParticipant.objects.filter(draw=draw, customer=member.customer).first()
    plays = DrawPlay.objects.filter(draw=draw, customer=member.customer).select_related("prize__reward")
    winners = DrawWinner.objects.filter(draw=draw, customer=member.customer, status=DrawWinner.Status.WON)
    return ShownContest(
        draw,
        in_language(draw.title),
        in_language(draw.introduction),
        [_prize_words(prize) for prize in draw.prizes.all() if prize.reward_id],
        participant,
        plays_left(draw, participant, at=member.at) if draw.is_instant else 0,
        draw.is_open(member.at),
        list(plays.order_by("-pk")[:PLAYS_SHOWN]),
        winners.select_related("prize__reward").first(),
        _ways_in(draw),
    )


def _ways_in(draw: Draw) -> list[str]:
    """Return what gives entries, as the earning rules promise it."""
    if draw.is_instant and not draw.plays_need_entries:
        return []
    rules = EarningRule.objects.filter(active=True, gives=Gives.DRAW_ENTRIES, current__draw=draw.code)
    return [promise(rule) for rule in rules.select_related("current").order_by("pk")]


def _prize_words(prize: DrawPrize) -> str:
    return (
        f"{number(prize.quantity)} × {prize.reward.shown_name}" if prize.quantity else prize.reward.shown_name
    )


def _score(board: Leaderboard, score: int) -> str:
    if board.metric == Leaderboard.Metric.AMOUNT:
        return money(score)
    if board.metric == Leaderboard.Metric.POINTS:
        return ngettext("%(points)s point", "%(points)s points", score) % {"points": number(score)}
    return number(score)


def _challenge(data: Mapping[str, str]) -> Challenge:
    challenge = Challenge.objects.filter(code=data.get("challenge", "")[:64]).first()
    if challenge is None:
        raise ChallengeNotFound
    return challenge


def _board(data: Mapping[str, str]) -> Leaderboard:
    board = Leaderboard.objects.filter(code=data.get("board", "")[:64]).first()
    if board is None:
        raise LeaderboardNotFound
    return board
