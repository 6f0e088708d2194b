"""Which links of a campaign people followed."""

import re
from dataclasses import dataclass

from django.db import connection

from campaigns.models import Campaign

CLICKS = """
SELECT link.address, count(DISTINCT click.message_id) FILTER (WHERE click.scanner = ''),
       count(*) FILTER (WHERE click.scanner = ''), count(*) FILTER (WHERE click.scanner <> '')
FROM campaigns_message AS message
JOIN campaigns_engagement AS click ON click.message_id = message.id
JOIN campaigns_campaignlink AS link ON link.version_id = message.version_id AND link.number = click.link
WHERE message.campaign_id = %(campaign)s AND click.kind = 'CLICKED' AND click.settled
GROUP BY 1
"""
MOST = 50
UTM = re.compile(r"[?&]utm_[^&#]*")


@dataclass(frozen=True)
class LinkClicks:
    """An address with the recipients who followed it, how often they did, and how often scanners did."""

    address: str
    people: int
    clicks: int
    by_scanners: int


def link_clicks(campaign: Campaign) -> list[LinkClicks]:
    """Return the links of a campaign that were followed, the favourite first, UTM parameters left out."""
    totals: dict[str, list[int]] = {}
    with connection.cursor() as cursor:
        cursor.execute(CLICKS, {"campaign": campaign.pk})
        for address, *counts in cursor.fetchall():
            total = totals.setdefault(UTM.sub("", address), [0, 0, 0])
            for place, count in enumerate(counts):
                total[place] += count
    found = [LinkClicks(address, *counts) for address, counts in totals.items()]
    return sorted(found, key=lambda one: (-one.people, one.address))[:MOST]
