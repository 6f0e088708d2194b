"""Breakage: which part of the points that are owed will never be spent, as their like tell that ended lately.

A point ends when its lot expires. Of lots that ended within the last year we know how many of their points
stood unspent so many days before the end, and how many of those expired. That share is what is expected of
points that stand now with as many days left. Points taken back or handed on within a household count as if
they had never been there; points that never expire break never.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from itertools import groupby

from django.conf import settings
from django.db import connection

from coupons.liabilities import TAKEN_BACK_OR_MOVED
from coupons.models import Account
from coupons.rules import end_of_local_day

YEAR = "12 months"
MONTH_DAYS = 30
HALF = Fraction(1, 2)


@dataclass(frozen=True)
class Ahead:
    """Points with so many whole months (of 30 days) left: how many stand, and how many will expire."""

    months: int
    points: int
    expected: Fraction


@dataclass(frozen=True)
class Breakage:
    """Of points that ended within a year: earned and expired; of those that stand: what is to be expected."""

    earned: int
    expired: int
    ahead: tuple[Ahead, ...]
    for_ever: int

    @property
    def rate(self) -> Fraction | None:
        """Return the share that expired of what was earned and not taken back; None when nothing ended."""
        return Fraction(self.expired, self.earned) if self.earned else None

    @property
    def points(self) -> int:
        """Return how many points are owed."""
        return self.for_ever + sum(one.points for one in self.ahead)

    @property
    def expected(self) -> int:
        """Return how many of them will expire, rounded half up once."""
        return int(sum((one.expected for one in self.ahead), Fraction(0)) + HALF)

    @property
    def expected_amount(self) -> int:
        return self.expected * settings.POINT_VALUE_AMOUNT


def breakage_at(day: date) -> Breakage:
    """Return the breakage of points as known at the end of a local day; from the ledger alone."""
    until = end_of_local_day(day, settings.PROGRAMME_TIME_ZONE)
    values = {"until": until, "kind": Account.Kind.POINTS, "year": YEAR}
    with connection.cursor() as cursor:
        cursor.execute(_ENDED, values)
        ended = cursor.fetchall()
        cursor.execute(_STANDING, values)
        standing = {days: int(units) for days, units in cursor.fetchall()}
    lots = {days: (int(earned), int(expired)) for kind, days, earned, expired in ended if kind == "lot"}
    spent = {days: int(units) for kind, days, units, _none in ended if kind == "spent"}
    for_ever = standing.pop(None, 0)
    return Breakage(
        earned=sum(earned for earned, _expired in lots.values()),
        expired=sum(expired for _earned, expired in lots.values()),
        ahead=tuple(_ahead(standing, expected_shares(lots, spent))),
        for_ever=for_ever,
    )


def expected_shares(lots: Mapping[int, tuple[int, int]], spent: Mapping[int, int]) -> dict[int, Fraction]:
    """Return by days left which share expired of what then stood unspent.

    `lots` are earned and expired points by the days their lots lived; `spent` are points, less those given
    back, by the days that were left when they were spent.
    """
    shares, stood, expired = {}, 0, 0
    for days in range(max(lots, default=-1), -1, -1):
        earned, lost = lots.get(days, (0, 0))
        stood += earned - spent.get(days, 0)
        expired += lost
        if stood > 0:
            shares[days] = Fraction(expired, stood)
    return shares


def _ahead(standing: Mapping[int, int], shares: Mapping[int, Fraction]) -> list[Ahead]:
    """Return what stands by months; longer than anybody lived, the share of the longest known holds."""
    longest = max(shares, default=0)
    days = sorted(day for day, units in standing.items() if units)
    months = groupby(days, key=lambda day: day // MONTH_DAYS)
    return [
        Ahead(
            month,
            sum(standing[day] for day in group),
            sum((standing[day] * shares.get(min(day, longest), Fraction(0)) for day in group), Fraction(0)),
        )
        for month, group in ((month, list(group)) for month, group in months)
    ]


_DAYS = "greatest(floor(extract(epoch FROM {span}) / 86400), 0)::int"
_ENDED = f"""
WITH lot AS (
    SELECT lot.id, lot.earned, lot.expires_at,
           {_DAYS.format(span="lot.expires_at - lot.activates_at")} AS lived
    FROM coupons_lot lot
    JOIN coupons_account account ON account.id = lot.account_id AND account.kind = %(kind)s
    WHERE lot.expires_at <= %(until)s AND lot.expires_at > %(until)s::timestamptz - %(year)s::interval
), move AS (
    SELECT lot.id, moved.delta, entry.source_key ~ '{TAKEN_BACK_OR_MOVED}' AS unmade,
           {_DAYS.format(span="lot.expires_at - entry.occurred_at")} AS days_left
    FROM lot JOIN coupons_lotmovement moved ON moved.lot_id = lot.id
    JOIN coupons_ledgerentry entry ON entry.id = moved.entry_id
    WHERE entry.kind <> 'EXPIRY' AND entry.occurred_at < lot.expires_at
), gone AS (
    SELECT id, coalesce(sum(delta) FILTER (WHERE unmade), 0) AS unmade, sum(delta) AS moved
    FROM move GROUP BY id
)
SELECT 'lot', lived, sum(earned + coalesce(gone.unmade, 0)), sum(earned + coalesce(gone.moved, 0))
FROM lot LEFT JOIN gone USING (id) GROUP BY lived
UNION ALL
SELECT 'spent', days_left, -sum(delta), 0 FROM move WHERE NOT unmade GROUP BY days_left
"""
_STANDING = f"""
SELECT CASE WHEN lot.expires_at IS NOT NULL THEN
           {_DAYS.format(span="lot.expires_at - %(until)s::timestamptz")} END,
       sum(lot.earned + coalesce(moved.units, 0))
FROM coupons_lot lot
JOIN coupons_account account ON account.id = lot.account_id AND account.kind = %(kind)s
JOIN coupons_ledgerentry earning ON earning.id = lot.entry_id AND earning.occurred_at < %(until)s
LEFT JOIN LATERAL (
    SELECT sum(movement.delta) AS units
    FROM coupons_lotmovement movement JOIN coupons_ledgerentry entry ON entry.id = movement.entry_id
    WHERE movement.lot_id = lot.id AND entry.occurred_at < %(until)s
) AS moved ON true
WHERE lot.expires_at IS NULL OR lot.expires_at > %(until)s
GROUP BY 1
"""
