"""Key figures by period, in whole periods of the calendar.

A day is the programme's, a refund changes the day of its order. Anonymous sales count in orders, net
amount and average transaction, never in what needs a person (docs/decisions/0051).
"""

from dataclasses import dataclass
from datetime import date

from django.utils.translation import gettext as _

from analytics.periods import Grain, period_name
from analytics.purchases import ANYWHERE
from analytics.services.kpis.answers import nps_facts
from analytics.services.kpis.coupons import coupon_facts
from analytics.services.kpis.purchases import purchase_facts
from analytics.windows import Scope, preceding, windows_of
from customers.models import Segment
from operations.errors import InvalidInput


@dataclass(frozen=True)
class Kpi:
    """The figures of one period. Rates are 0..1 or None without a base, amounts are minor units.

    `retention_rate`: who bought in the period before and in this one, out of the former. `repeat_rate`:
    buyers with more than one order in the period. `purchase_frequency`: orders per buyer. `nps`: -100..100.
    `redemption_rate`: coupons handed out in the period that were redeemed at least once since.
    """

    period: str
    starts_on: date
    retention_rate: float | None
    repeat_rate: float | None
    average_transaction_value: int | None
    purchase_frequency: float | None
    orders: int
    net_amount: int
    buyers: int
    nps: int | None
    redemption_rate: float | None


def kpis(
    from_: date,
    to: date,
    grain: str = Grain.MONTH,
    *,
    scope: Scope = ANYWHERE,
    segment: Segment | None = None,
) -> list[Kpi]:
    """Return the figures of every whole period that holds a day from `from_` to `to`, both included.

    A scope narrows them to a part of the business, where answers and coupons do not belong; a segment to who
    is in it now. Raises InvalidInput when `to` is before `from_`, or for more than a thousand periods.
    """
    if to < from_:
        raise InvalidInput.at("/to", _("The period ends before it starts."))
    grain = Grain(grain)
    windows = windows_of(from_, to, grain)
    narrowed = {"scope": scope, "segment": segment}
    sources = (
        purchase_facts(windows, preceding(windows, grain), **narrowed),
        nps_facts(windows, **narrowed),
        coupon_facts(windows, **narrowed),
    )
    return [
        Kpi(
            period=period_name(window.start, grain),
            starts_on=window.start,
            retention_rate=bought.retention_rate,
            repeat_rate=bought.repeat_rate,
            average_transaction_value=bought.average_transaction_value,
            purchase_frequency=bought.purchase_frequency,
            orders=bought.orders,
            net_amount=bought.net_amount,
            buyers=bought.buyers,
            nps=answered.nps,
            redemption_rate=handed_out.redemption_rate,
        )
        for window, bought, answered, handed_out in zip(windows, *sources, strict=True)
    ]
