"""Cohorts: of those whose first order was in one month, what came of them in each month since."""

from dataclasses import dataclass
from datetime import date

import numpy as np

from analytics.first_orders import new_customers
from analytics.periods import Grain, period_start, shift
from analytics.purchases import ANYWHERE
from analytics.services.days import purchases_by_window
from analytics.services.kpis.ratios import rate
from analytics.windows import Scope, Window
from customers.models import Segment


@dataclass(frozen=True)
class Cohort:
    """Customers with their first order of all time in `month`, and 0, 1, 2 ... months later.

    `active`: how many bought, `orders`: how often, `net_amounts`: for how much in minor units.
    """

    month: date
    size: int
    active: list[int]
    orders: list[int]
    net_amounts: list[int]

    @property
    def rates(self) -> list[float]:
        """Return which share bought in each month."""
        return [rate(count, self.size) or 0.0 for count in self.active]

    @property
    def orders_each(self) -> list[float]:
        """Return the orders in each month per customer of the cohort."""
        return [rate(count, self.size) or 0.0 for count in self.orders]

    @property
    def spent_each(self) -> list[int]:
        """Return what a customer of the cohort has spent on average up to each month, from the first on."""
        spent, found = 0, []
        for amount in self.net_amounts:
            spent += amount
            found.append(round(spent / self.size) if self.size else 0)
        return found


def monthly_cohorts(
    months: int, *, until: date, scope: Scope = ANYWHERE, segment: Segment | None = None
) -> list[Cohort]:
    """Return the cohorts of the last `months` months up to that of `until`, oldest first, without empty ones.

    A cohort is fixed by its customers' first order of all time, anywhere (analytics.md, section 4). A scope
    narrows what they bought since, a segment who they are.
    """
    last = period_start(until, Grain.MONTH)
    starts = [shift(last, Grain.MONTH, number) for number in range(1 - months, 1)]
    windows = [Window(start, shift(start, Grain.MONTH, 1)) for start in starts]
    members = new_customers(windows, segment=segment)
    counts = _counted(windows, members, scope)
    return [
        Cohort(start, len(members[row]), *(numbers[row, row:].tolist() for numbers in counts))
        for row, start in enumerate(starts)
        if len(members[row])
    ]


def _counted(windows: list[Window], members: list[np.ndarray], scope: Scope) -> tuple[np.ndarray, ...]:
    """Return (buyers, orders, net amount) by cohort and month."""
    size = len(windows)
    highest = max((int(each.max()) for each in members if len(each)), default=0)
    cohort_of = np.full(highest + 2, size, np.int16)  # The last cohort is who belongs to none of them.
    for row, each in enumerate(members):
        cohort_of[each] = row
    active, orders, amounts = (np.zeros((size, size), np.int64) for _ in range(3))
    for column, bought in enumerate(purchases_by_window(windows, scope=scope)):
        # Ids beyond the last member are clipped to a place that belongs to nobody.
        customers = np.minimum(bought.customers, highest + 1)
        cohorts = cohort_of[customers]
        orders[:, column] = np.bincount(cohorts, minlength=size + 1)[:size]
        summed = np.bincount(cohorts, weights=bought.amounts, minlength=size + 1)[:size]
        amounts[:, column] = np.rint(summed).astype(np.int64)
        seen = np.zeros(len(cohort_of), bool)
        seen[customers] = True
        active[:, column] = np.bincount(cohort_of[seen], minlength=size + 1)[:size]
    return active, orders, amounts
