"""How many people of a journey are where, went which way, and how their ways ended."""

from collections import Counter
from dataclasses import dataclass

from django.db.models import Count, F

from campaigns.models import Campaign, CampaignVersion, JourneyPassage, JourneyPosition


@dataclass(frozen=True)
class EarlierVersion:
    """People who are still on the way of a version that was edited since."""

    number: int
    people: int


@dataclass(frozen=True)
class JourneyFigures:
    """The counts of one version's flow.

    `here` and `passed` are by step, and by step and way; `states` by PositionState. The passages and the
    states are those of the campaign as a whole; who is `here` goes by this very version, the others are in
    `elsewhere`, by version.
    """

    here: Counter[str]
    passed: Counter[tuple[str, str]]
    states: dict[str, int]
    elsewhere: list[EarlierVersion]

    def reached_at(self, step: str) -> int:
        """Return how many people reached the goal while they were at a step."""
        return self.passed[step, JourneyPassage.GOAL]


def journey_figures(campaign: Campaign, version: CampaignVersion) -> JourneyFigures:
    """Return how many are where in the flow of a version of a campaign."""
    on_the_way = JourneyPosition.objects.on_the_way().filter(campaign=campaign)
    here = on_the_way.filter(run__version=version).values("step").annotate(count=Count("pk"))
    passages = JourneyPassage.objects.filter(campaign=campaign)
    states = campaign.positions.values("state").annotate(count=Count("pk"))
    elsewhere = (
        on_the_way.exclude(run__version=version)
        .values(number=F("run__version__number"))
        .annotate(count=Count("pk"))
        .order_by("-number")
    )
    return JourneyFigures(
        here=Counter({row["step"]: row["count"] for row in here}),
        passed=Counter({(one.step, one.way): one.people for one in passages}),
        states={row["state"]: row["count"] for row in states},
        elsewhere=[EarlierVersion(row["number"], row["count"]) for row in elsewhere],
    )
