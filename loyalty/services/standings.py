"""What people see of games: where they stand in each. Reads only."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from customers.models import Customer, SegmentMembership
from loyalty.models import (
    Challenge,
    ChallengeCompletion,
    ChallengeParticipant,
    ChallengeStep,
    Leaderboard,
    LeaderboardMember,
)
from loyalty.progress import Progress, Step, progress


@dataclass(frozen=True)
class Standing:
    """One person in one challenge: how far they are, whether they take part, how often they reached it."""

    challenge: Challenge
    progress: Progress
    joined: bool
    reached: int

    @property
    def value(self) -> int:
        return self.progress.value

    @property
    def target(self) -> int:
        return self.progress.target

    @property
    def missing(self) -> int:
        return self.progress.missing

    @property
    def row(self) -> int:
        return self.progress.row

    @property
    def streak(self) -> int:
        return self.progress.streak

    @property
    def found(self) -> tuple[str, ...]:
        return self.progress.found

    @property
    def ends_on(self) -> date | None:
        return self.progress.ends_on

    @property
    def is_done(self) -> bool:
        """Return whether there is nothing more to reach."""
        most = self.challenge.most_completions
        return most is not None and self.reached >= most


def standings_of(customer: Customer, challenges: Iterable[Challenge], *, at: datetime) -> dict[int, Standing]:
    """Return where a person stands in these challenges, by their keys; four queries for all of them."""
    challenges = list(challenges)
    asked = {"customer": customer, "challenge__in": challenges}
    steps: dict[int, list[Step]] = defaultdict(list)
    rows = ChallengeStep.objects.filter(**asked, value__gt=0).order_by("occurred_at", "pk")
    for challenge, occurred_at, value, item in rows.values_list("challenge", "occurred_at", "value", "item"):
        steps[challenge].append(Step(occurred_at, value, item))
    laps: dict[int, int] = defaultdict(int)
    for challenge in ChallengeCompletion.objects.filter(**asked).values_list("challenge", flat=True):
        laps[challenge] += 1
    taking_part = ChallengeParticipant.objects.filter(**asked, left_at=None)
    joined = set(taking_part.values_list("challenge", flat=True))
    return {
        one.pk: Standing(
            one,
            progress(steps[one.pk], one.terms, at=at, laps=laps[one.pk]),
            one.pk in joined or one.joining == Challenge.Joining.AUTOMATIC,
            laps[one.pk],
        )
        for one in challenges
    }


def open_to(customer: Customer, games: Iterable) -> list:
    """Return those of these games (anything with a `segment`) that are for this person."""
    games = list(games)
    asked = {one.segment_id for one in games if one.segment_id}
    inside: set[int] = set()
    if asked:
        memberships = SegmentMembership.objects.current().filter(customer=customer, segment__in=asked)
        inside = set(memberships.values_list("segment", flat=True))
    return [one for one in games if one.segment_id is None or one.segment_id in inside]


def places_of(board: Leaderboard) -> list[LeaderboardMember]:
    """Return the first places of a leaderboard, as last counted."""
    members = LeaderboardMember.objects.filter(board=board, rank__isnull=False)
    return list(members.order_by("rank", "pk")[: board.shown])
