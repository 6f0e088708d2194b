"""Whether a person may take a reward for points, and what stands in the way. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from django.db import models
from django.utils.translation import gettext_lazy as _

from loyalty.models import Reward


class Obstacle(models.TextChoices):
    """Why somebody cannot take a reward; of several, the first in this order is told."""

    SWITCHED_OFF = "SWITCHED_OFF", _("This reward is not given any more.")
    NOT_FOR_POINTS = "NOT_FOR_POINTS", _("This reward cannot be had for points.")
    NOT_YET = "NOT_YET", _("This reward is not available yet.")
    OVER = "OVER", _("This reward is not available any more.")
    TIER = "TIER", _("This reward is for a higher tier.")
    OTHER_SEGMENT = "OTHER_SEGMENT", _("This reward is meant for other customers.")
    OFTEN_ENOUGH = "OFTEN_ENOUGH", _("You have had this reward as often as one can.")
    OUT_OF_STOCK = "OUT_OF_STOCK", _("None of this reward is left.")
    POINTS = "POINTS", _("There are not enough points.")


@dataclass(frozen=True)
class Taker:
    """What of a person decides: spendable points, segments (ids), tier (its threshold, None
    without one), how often they had each reward.
    """

    balance: int = 0
    segments: frozenset[int] = frozenset()
    tier: int | None = None
    had: Mapping[int, int] = field(default_factory=dict)


def term_broken(reward: Reward, taker: Taker, *, at: datetime) -> Obstacle | None:
    """Return which term of the catalogue keeps a person from a reward, whatever is in stock or was earned."""
    if not reward.active:
        return Obstacle.SWITCHED_OFF
    if reward.cost_points is None:
        return Obstacle.NOT_FOR_POINTS
    if reward.available_from and at < reward.available_from:
        return Obstacle.NOT_YET
    if reward.available_until and at >= reward.available_until:
        return Obstacle.OVER
    if reward.tier_from and (taker.tier is None or taker.tier < reward.tier_from.threshold):
        return Obstacle.TIER
    if reward.segment_id is not None and reward.segment_id not in taker.segments:
        return Obstacle.OTHER_SEGMENT
    if reward.per_customer is not None and taker.had.get(reward.pk, 0) >= reward.per_customer:
        return Obstacle.OFTEN_ENOUGH
    return None


def missing_points(reward: Reward, taker: Taker) -> int:
    """Return how many points a person still needs for a reward; 0 when they have them."""
    return max((reward.cost_points or 0) - taker.balance, 0)
