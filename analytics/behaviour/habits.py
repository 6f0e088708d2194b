"""What can be read from a person's own past besides how often they buy. Rules; no database."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from analytics.behaviour.history import Floats, Integers

FEWEST_GAPS = 4  # With fewer gaps between purchases, quarters of them say nothing.
ALONE = 0.9
RECENT_ORDERS = 5
DOUBT = 5.0  # Orders, or coupons, of an average person that stand beside everybody's own.


class ChannelProfile(StrEnum):
    """How a person uses the sales channels."""

    SINGLE = "SINGLE"  # Nine tenths or more in one.
    MULTI = "MULTI"
    SWITCHING = "SWITCHING"  # Their last orders are mostly in another one than those before.


@dataclass(frozen=True)
class Window:
    """Days in which the next order is likely: half of the probability lies between them."""

    start: Integers
    end: Integers


def next_window(
    *,
    today: int,
    last: Integers,
    short_gap: Floats,
    long_gap: Floats,
    gaps: Integers,
    probability: Floats,
    horizon: int,
) -> Window:
    """Return when each person's next order is likely, never in the past.

    Where there are enough gaps between own purchases: the quarter and the three quarters of them after the
    last purchase. Where there are not, and where these days are over: by the model, whose probability within
    the horizon is taken as a steady rate from today on.
    """
    rate = -np.log1p(-np.clip(probability, 1e-6, 1 - 1e-6)) / horizon
    start = today + np.floor(np.log(4 / 3) / rate)
    end = today + np.ceil(np.log(4) / rate)
    own_end = last + long_gap
    own = (gaps >= FEWEST_GAPS) & (own_end >= today)
    return Window(
        np.where(own, np.maximum(last + short_gap, today), start).astype(np.int64),
        np.where(own, own_end, end).astype(np.int64),
    )


def channel_profile(
    shares: dict[str, float], recent: Sequence[str], earlier: Sequence[str]
) -> ChannelProfile:
    """Return how a person uses the channels, from their shares and those of the last and other orders."""
    if not shares or max(shares.values()) >= ALONE:
        return ChannelProfile.SINGLE
    if recent and earlier and _most(recent) != _most(earlier):
        return ChannelProfile.SWITCHING
    return ChannelProfile.MULTI


def shrunk(own: Floats | float, count: Floats | float, average: float) -> Floats | float:
    """Return a share of `count` that came `own` times, with some average cases beside them."""
    return (own + DOUBT * average) / (count + DOUBT)


def sensitivity(discounted: Floats, response: Floats) -> Floats:
    """Return how much each person follows discounts: 0.5 is the average, 0 never, 1 more than anybody.

    `discounted` and `response` are shares relative to the average (1): of what they buy reduced, and of the
    coupons they were given and used. Their geometric mean m becomes m / (1 + m).
    """
    mean = np.sqrt(np.maximum(discounted, 0) * np.maximum(response, 0))
    return mean / (1 + mean)


def _most(channels: Sequence[str]) -> str:
    return max(sorted(set(channels)), key=channels.count)
