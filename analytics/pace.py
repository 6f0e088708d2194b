"""How an objective stands on a day: against where it should be by then, without a database.

A sum (revenue, orders) is at a share of its target; that share is last year's over the same days where there
was one, so that December may weigh more, else the share of the days. A rate or an average has no share: it
moves from its baseline to its target in a straight line, or should be at the target from the first day on.
"""

from dataclasses import dataclass

from django.db import models
from django.utils.translation import gettext_lazy as _


class Standing(models.TextChoices):
    """How an objective stands, from before its first day to after its last."""

    NOT_BEGUN = "NOT_BEGUN", _("Not begun")
    NO_DATA = "NO_DATA", _("No data yet")
    ON_TRACK = "ON_TRACK", _("On track")
    AT_RISK = "AT_RISK", _("At risk")
    OFF_TRACK = "OFF_TRACK", _("Off track")
    REACHED = "REACHED", _("Reached")
    MISSED = "MISSED", _("Missed")


BREACHED = {Standing.OFF_TRACK, Standing.MISSED}


@dataclass(frozen=True)
class Pace:
    """Where an objective should be (`expected`), where it will end at this pace (`forecast`), how it stands.

    `gap` is relative to what is expected and positive when ahead: -0.1 is a tenth behind. None where nothing
    can be said: without a value, or with nothing expected yet.
    """

    expected: float | None
    forecast: float | None
    gap: float | None
    standing: Standing


def pace_of(
    value: float | None,
    *,
    target: float,
    share: float,
    tolerance: float,
    additive: bool,
    ended: bool,
    higher_is_better: bool = True,
    baseline: float | None = None,
) -> Pace:
    """Return how a value stands when `share` (0..1) of the way to the target lies behind.

    `tolerance` (0.05 is 5 %) is how far behind is still at risk rather than off track. Once it has `ended`,
    only the target counts.
    """
    if value is None:
        return Pace(None, None, None, Standing.NO_DATA)
    if share <= 0:
        return Pace(None, None, None, Standing.NOT_BEGUN)
    expected = _expected(target, share, additive, baseline)
    forecast = value / share if additive else None
    ahead = value - expected if higher_is_better else expected - value
    gap = ahead / abs(expected) if expected else None
    if ended:
        return Pace(expected, value, gap, Standing.REACHED if ahead >= 0 else Standing.MISSED)
    return Pace(expected, forecast, gap, _standing(ahead, tolerance * abs(expected)))


def share_of_days(days_gone: int, days_in_all: int) -> float:
    """Return the share of a period that lies behind after so many of its days, 0..1."""
    return min(max(days_gone / days_in_all, 0.0), 1.0)


def share_of_shape(until_then: float | None, in_all: float | None) -> float | None:
    """Return the share that an earlier period had reached after as many days; None where it says nothing."""
    if not until_then or not in_all or in_all <= 0 or until_then <= 0:
        return None
    return min(until_then / in_all, 1.0)


def _expected(target: float, share: float, additive: bool, baseline: float | None) -> float:
    if additive:
        return target * share
    if baseline is None:
        return target
    return baseline + (target - baseline) * share


def _standing(ahead: float, tolerated: float) -> Standing:
    if ahead >= 0:
        return Standing.ON_TRACK
    return Standing.AT_RISK if -ahead <= tolerated else Standing.OFF_TRACK
