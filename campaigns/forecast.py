"""What a start will do, counted by the very query that will decide it; nothing is written."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import connection

from campaigns.models import MAIN, CampaignRun, CampaignVersion, MessageState
from campaigns.offers import OfferForecast, forecast_offer
from campaigns.results.costs import thousand_messages_amount
from campaigns.services.limits import read_limits
from campaigns.services.snapshots import asked_for, decided_from

COUNTED = """
SELECT channel, state, told, COALESCE(variant, ''), count(*) FROM decided GROUP BY 1, 2, 3, 4
"""


@dataclass(frozen=True)
class ChannelForecast:
    """How many messages a channel would carry, and what they cost in minor units (fractions count)."""

    channel: str
    messages: int
    cost: Decimal


@dataclass(frozen=True)
class Forecast:
    """Whom a version would write to now. asked = messages + held_out + the sum of left_out."""

    asked: int
    messages: int
    held_out: int
    left_out: dict[str, int]
    by_channel: list[ChannelForecast]
    by_variant: dict[str, int]
    offers: list[OfferForecast]

    @property
    def messages_amount(self) -> int:
        """Return what the messages cost, in minor units."""
        return int(sum((one.cost for one in self.by_channel), Decimal(0)).to_integral_value())

    @property
    def expected_amount(self) -> int:
        """Return what messages and redeemed codes are expected to cost."""
        return self.messages_amount + sum(one.expected_amount for one in self.offers)

    @property
    def most_amount(self) -> int | None:
        """Return what it can cost at most; None where an offer has no bound."""
        most = [one.most_amount for one in self.offers]
        return None if None in most else self.messages_amount + sum(most)


def forecast(version: CampaignVersion, *, at: datetime) -> Forecast:
    """Return what a start would do to the audience of now.

    For a campaign that goes on by dates or events these are the people it can concern in the end, not those
    of one day.
    """
    rows = _decided(version, at=at)
    left_out: dict[str, int] = defaultdict(int)
    channels: dict[str, int] = defaultdict(int)
    variants: dict[str, int] = defaultdict(int)
    asked = held_out = messages = 0
    for channel, state, reason, variant, count in rows:
        asked += count
        if state == MessageState.HOLDOUT:
            held_out += count
        elif state == MessageState.SUPPRESSED:
            left_out[reason] += count
        else:
            messages += count
            channels[channel] += count
            variants[variant] += count
    return Forecast(
        asked=asked,
        messages=messages,
        held_out=held_out,
        left_out=dict(sorted(left_out.items(), key=lambda item: -item[1])),
        by_channel=[
            ChannelForecast(channel, count, Decimal(thousand_messages_amount(channel) * count) / 1000)
            for channel, count in sorted(channels.items(), key=lambda item: version.channels.index(item[0]))
        ],
        by_variant={code: count for code, count in sorted(variants.items()) if code},
        offers=_offers(version, variants, messages, at=at),
    )


def quiet_hours(version: CampaignVersion) -> dict[str, Any]:
    """Return the quiet hours of the version's channels."""
    quiet = read_limits().quiet
    return {channel: quiet[channel] for channel in version.channels if channel in quiet}


def _decided(version: CampaignVersion, *, at: datetime) -> list[tuple[str, str, str, str, int]]:
    run = CampaignRun(campaign=version.campaign, version=version, occurrence="forecast", not_before=at)
    source, values = asked_for(run, step=MAIN, channels=version.channels, people=None)
    with connection.cursor() as cursor:
        cursor.execute(decided_from(source, version.channels) + COUNTED, values)
        return cursor.fetchall()


def _offers(
    version: CampaignVersion, variants: dict[str, int], messages: int, *, at: datetime
) -> list[OfferForecast]:
    """Return each promotion with how many codes of it would be handed out."""
    own = {one.code: one.promotion for one in version.variants.all() if one.promotion}
    coupons: dict[Any, int] = defaultdict(int)
    for code, promotion in own.items():
        coupons[promotion] += variants.get(code, 0)
    if version.promotion:
        coupons[version.promotion] += messages - sum(variants.get(code, 0) for code in own)
    return [forecast_offer(promotion, coupons=count, at=at) for promotion, count in coupons.items()]
