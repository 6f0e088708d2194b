"""What is owed on gift cards and points at the end of any local day, and how it came about month by month.

Computed from the ledger alone: what was credited until then, less what was spent, taken back and has expired.
An expiry counts from its instant on, booked or not; it falls on the last day on which the units were good.
What comes back to a lot after its expiry is owed at no moment: it expires as it comes.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import connection
from django.db.models import Count
from django.utils.translation import gettext as _

from coupons.engine.money import net_of
from coupons.models import Account, GiftCard
from coupons.rules import end_of_local_day

MONTHS_SHOWN = 13
KINDS = ("CREDIT", "DEBIT", "TAKEN_BACK", "REVERSAL", "EXPIRY")
# How the causes of debits begin that are no spending: of returns, debts, rewards and cards taken back, of a
# correction by the staff; and of what only went from one account to another.
TAKEN_BACK = "^(returned|debt|reward-back|cleared|adjusted:request|partner-back):"
MOVED = "^transfer:"
TAKEN_BACK_OR_MOVED = f"{TAKEN_BACK}|{MOVED}"


@dataclass
class Month:
    """What happened in one calendar month, until the day asked for, and what was then owed; in units."""

    first_day: date
    credited: int = 0
    spent: int = 0
    taken_back: int = 0
    returned: int = 0
    expired: int = 0
    owed: int = 0


@dataclass
class Position:
    """What is owed of one kind: money of gift cards by currency and tax, or points.

    `units` are minor units or points; `accounts` is how many cards or customers have some. `tax_amount` is
    the tax that single-purpose cards owed at issue in the month of the day.
    """

    kind: str
    currency: str
    vat_kind: str = ""
    months: list[Month] = field(default_factory=list)
    accounts: int = 0
    tax_amount: int = 0

    @property
    def units(self) -> int:
        return self.months[-1].owed

    @property
    def amount(self) -> int:
        """Return what is owed in minor units: points with what one of them pays."""
        return self.units * settings.POINT_VALUE_AMOUNT if self.is_points else self.units

    @property
    def is_points(self) -> bool:
        return self.kind == Account.Kind.POINTS

    @property
    def name(self) -> str:
        if self.is_points:
            return _("Points")
        kind = GiftCard.VatKind(self.vat_kind).label if self.vat_kind else ""
        return _("Gift cards, %(kind)s, %(currency)s") % {"kind": kind.lower(), "currency": self.currency}


def liabilities_at(day: date, *, months: int = MONTHS_SHOWN) -> list[Position]:
    """Return every position at the end of a local day, with the months before it; gift cards first."""
    zone = settings.PROGRAMME_TIME_ZONE
    until = end_of_local_day(day, zone)
    first = _months_back(day, months - 1)
    moved: dict[tuple, Counter] = defaultdict(Counter)
    for *key, month, what, units in _rows(_MOVED, until=until, zone=zone):
        moved[tuple(key)][max(month, _months_back(first, 1)), what] += units
    holders = {tuple(key): count for *key, count in _rows(_HOLDERS, until=until)}
    positions = [
        Position(*key, months=_months(units, first, months), accounts=holders.get(key, 0))
        for key, units in sorted(moved.items())
    ]
    for position in positions:
        if position.vat_kind == GiftCard.VatKind.SPV:
            position.tax_amount = _tax_at_issue(day, position.currency)
    return positions


def _months(moved: Counter, first: date, count: int) -> list[Month]:
    """Return the months from `first` on; what is older stands in `moved` as the month before it."""
    owed = sum(units for (month, _what), units in moved.items() if month < first)
    months = []
    for place in range(count):
        day = _months_back(first, -place)
        credited, spent, taken_back, returned, expired = (moved[day, what] for what in KINDS)
        # What went from one account to another nets to nothing, also in the month of one of them.
        owed += credited + spent + taken_back + returned + expired + moved[day, "MOVED"]
        months.append(Month(day, credited, -spent, -taken_back, returned, -expired, owed))
    return months


def _months_back(day: date, count: int) -> date:
    """Return the first day of the month `count` months before that of a day."""
    number = day.year * 12 + day.month - 1 - count
    return date(number // 12, number % 12 + 1, 1)


def _rows(query: str, **values: Any) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        return cursor.fetchall()


# Both ends of an expiry are the same instant: the day ends, and what was good until then is gone.
CHANGES = f"""
SELECT entry.account_id, entry.kind, entry.delta,
       CASE WHEN entry.source_key ~ '{MOVED}' THEN 'MOVED'
            WHEN entry.kind = 'DEBIT' AND entry.source_key ~ '{TAKEN_BACK}' THEN 'TAKEN_BACK'
            ELSE entry.kind END AS what,
       entry.occurred_at - (entry.kind = 'EXPIRY')::int * interval '1 microsecond' AS at
FROM coupons_ledgerentry AS entry
UNION ALL
SELECT lot.account_id, 'EXPIRY', -expired.units, 'EXPIRY', expired.at
FROM coupons_lot AS lot CROSS JOIN LATERAL (
    WITH came_back AS (
        SELECT entry.occurred_at AS at, movement.delta AS units,
               sum(movement.delta) OVER (ORDER BY entry.id DESC) - movement.delta AS later
        FROM coupons_lotmovement AS movement JOIN coupons_ledgerentry AS entry ON entry.id = movement.entry_id
        WHERE movement.lot_id = lot.id AND movement.delta > 0 AND entry.occurred_at >= lot.expires_at
    ), late AS (
        SELECT at, least(units, greatest(lot.remaining - later, 0)) AS units FROM came_back
    )
    SELECT at, units FROM late
    UNION ALL
    SELECT lot.expires_at - interval '1 microsecond',
           lot.remaining - coalesce((SELECT sum(units) FROM late), 0)
) AS expired
WHERE lot.remaining > 0 AND lot.expires_at <= %(until)s AND expired.units > 0
"""
_MOVED = f"""
SELECT account.kind, account.currency, COALESCE(card.vat_kind, ''),
       date_trunc('month', change.at AT TIME ZONE %(zone)s)::date, change.what, sum(change.delta)::bigint
FROM ({CHANGES}) AS change
JOIN coupons_account AS account ON account.id = change.account_id
LEFT JOIN coupons_giftcard AS card ON card.account_id = account.id
WHERE change.at < %(until)s
GROUP BY 1, 2, 3, 4, 5
"""
_HOLDERS = f"""
SELECT account.kind, account.currency, COALESCE(card.vat_kind, ''), count(*)
FROM (
    SELECT account_id FROM ({CHANGES}) AS change WHERE at < %(until)s
    GROUP BY account_id HAVING sum(delta) > 0
) AS open
JOIN coupons_account AS account ON account.id = open.account_id
LEFT JOIN coupons_giftcard AS card ON card.account_id = account.id
GROUP BY 1, 2, 3
"""


def _tax_at_issue(day: date, currency: str) -> int:
    """Return the tax in the single-purpose cards that got their money in the month until that day."""
    zone = ZoneInfo(settings.PROGRAMME_TIME_ZONE)
    loaded = GiftCard.objects.filter(
        vat_kind=GiftCard.VatKind.SPV,
        account__currency=currency,
        activated_at__gte=datetime(day.year, day.month, 1, tzinfo=zone),
        activated_at__lt=end_of_local_day(day, settings.PROGRAMME_TIME_ZONE),
    )
    groups = loaded.values("amount", "tax_rate").annotate(cards=Count("pk"))
    return sum(row["cards"] * (row["amount"] - net_of(row["amount"], row["tax_rate"])) for row in groups)
