"""The last days against as many before them, and revenue by day: what the home page shows."""

from dataclasses import dataclass
from datetime import date, timedelta

from analytics.engine.postgres import first_instant
from analytics.periods import Grain, period_start, periods_between
from analytics.services.days import totals_by_day
from analytics.services.kpis.coupons import CouponFacts, coupon_facts
from analytics.services.kpis.purchases import PurchaseFacts, purchase_facts
from analytics.windows import Window
from customers.models import Order


@dataclass(frozen=True)
class Comparison:
    """The last days and as many before them.

    `whole` says whether there were orders before both: else what came before is cut off, and no measure.
    """

    now: PurchaseFacts
    before: PurchaseFacts
    coupons_now: CouponFacts
    coupons_before: CouponFacts
    whole: bool

    @property
    def retention_rate(self) -> float | None:
        return self.now.retention_rate if self.whole else None


def compare_days(days: int, *, until: date) -> Comparison:
    """Return the figures of the `days` days that end with `until`, and of as many before them."""
    end = until + timedelta(days=1)
    now = Window(end - timedelta(days=days), end)
    before = Window(now.start - timedelta(days=days), now.start)
    return compare_windows(now, before)


def compare_windows(now: Window, before: Window) -> Comparison:
    """Return the figures of two spans, the second in front of the first."""
    bought_before, bought = purchase_facts([before, now], Window(before.start, before.start))
    handed_out_before, handed_out = coupon_facts([before, now])
    return Comparison(
        now=bought,
        before=bought_before,
        coupons_now=handed_out,
        coupons_before=handed_out_before,
        whole=Order.objects.filter(ordered_at__lt=first_instant(before.start)).exists(),
    )


def revenue_series(from_: date, to: date, grain: str = Grain.DAY) -> list[tuple[date, int, int]]:
    """Return (first day, net amount, orders) of each period from `from_` to `to`, empty ones too."""
    grain = Grain(grain)
    known: dict[date, tuple[int, int]] = {}
    for day, total in totals_by_day(period_start(from_, grain), to + timedelta(days=1)).items():
        start = period_start(day, grain)
        net, orders = known.get(start, (0, 0))
        known[start] = net + total.net_amount, orders + total.orders
    return [(start, *known.get(start, (0, 0))) for start in periods_between(from_, to, grain)]
