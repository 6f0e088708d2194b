"""Milestones on a member's page: how far they are, and the choice they have."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.translation import gettext as _

from loyalty.errors import MilestoneNotFound, RewardNotFound
from loyalty.members.sections import Member, Section
from loyalty.models import MilestoneReach, Reward
from loyalty.services import choose_reward
from loyalty.services.milestones import MilestoneStanding, standings_of
from loyalty.wording import threshold_words
from operations.formats import number

SHOWN = 12


@dataclass(frozen=True)
class Way:
    """A milestone with its progress in words; `rewards` are its names."""

    standing: MilestoneStanding
    said: str
    rewards: list[Reward]


def milestones_section(member: Member) -> Section | None:
    """Return the running milestones; None where there are none."""
    standings = standings_of(member.customer, at=member.at)[:SHOWN]
    if not standings:
        return None
    waiting = sum(len(standing.open) for standing in standings)
    return Section(
        "milestones",
        _("Milestones"),
        "flag",
        "loyalty/member/milestones.html",
        {"ways": [way_of(standing) for standing in standings]},
        order=35,
        badge=number(waiting) if waiting else "",
    )


def way_of(standing: MilestoneStanding) -> Way:
    """Return a milestone as a person reads it."""
    progress = standing.progress
    if not progress.wanted:
        said = _("Reached")
    else:
        said = _("%(missing)s to go") % {"missing": threshold_words(standing.milestone, progress.missing)}
    return Way(standing, said, list(standing.milestone.rewards.all()))


def choose(member: Member, data: Mapping[str, str]) -> str:
    """Take the reward a member chose for a milestone they reached."""
    number_, code = data.get("reach", ""), data.get("reward", "")[:64]
    if not (number_.isascii() and number_.isdigit() and len(number_) < 19):
        raise MilestoneNotFound
    reach = MilestoneReach.objects.filter(pk=int(number_), customer=member.customer).first()
    if reach is None:
        raise MilestoneNotFound
    reward = None if "\0" in code else Reward.objects.filter(code=code).first()
    if reward is None:
        raise RewardNotFound
    grant = choose_reward(reach, reward, at=member.at)
    return _("%(reward)s is yours.") % {"reward": grant.reward.shown_name}
