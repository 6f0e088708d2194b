"""What was bought in spans of time, and by whom: the numbers that most key figures are made of."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analytics.first_orders import count_new_customers
from analytics.purchases import ANYWHERE, Purchases
from analytics.services.days import purchases_by_window
from analytics.services.kpis.ratios import average, rate
from analytics.windows import Scope, Window
from customers.models import Segment


@dataclass(frozen=True)
class PurchaseFacts:
    """One span: orders and net amount of everybody; who bought, of known customers only.

    `retained` bought in the span before too; `buyers_before` are that one's. `new_buyers` ordered for the
    first time ever. In a part of the business (a scope), everything is about that part.
    """

    orders: int = 0
    net_amount: int = 0
    anonymous_orders: int = 0
    buyers: int = 0
    repeaters: int = 0
    retained: int = 0
    buyers_before: int = 0
    new_buyers: int = 0

    @property
    def known_orders(self) -> int:
        return self.orders - self.anonymous_orders

    @property
    def retention_rate(self) -> float | None:
        """Return which share of the buyers of the span before bought again."""
        return rate(self.retained, self.buyers_before)

    @property
    def net_retention_rate(self) -> float | None:
        """Return (E - N) / S: the buyers at the end without the new ones, per buyer at the start.

        Who came back after a break counts here, so that it may exceed 1.
        """
        return rate(self.buyers - self.new_buyers, self.buyers_before)

    @property
    def churn_rate(self) -> float | None:
        """Return which share of the buyers of the span before did not buy."""
        return rate(self.dormant, self.buyers_before)

    @property
    def repeat_rate(self) -> float | None:
        """Return which share of the buyers ordered more than once in the span."""
        return rate(self.repeaters, self.buyers)

    @property
    def average_transaction_value(self) -> int | None:
        return average(self.net_amount, self.orders)

    @property
    def purchase_frequency(self) -> float | None:
        return rate(self.known_orders, self.buyers)

    @property
    def resurrecting(self) -> int:
        """Return who bought again after a whole span without."""
        return self.buyers - self.new_buyers - self.retained

    @property
    def dormant(self) -> int:
        """Return who bought in the span before and not in this one."""
        return self.buyers_before - self.retained


def purchase_facts(
    windows: Sequence[Window], before: Window, *, scope: Scope = ANYWHERE, segment: Segment | None = None
) -> list[PurchaseFacts]:
    """Return the facts of spans that follow each other; `before` is the one in front of the first."""
    spans = [before, *windows]
    came = [0, *count_new_customers(windows, scope=scope, segment=segment)]
    facts, earlier = [], None
    bought = purchases_by_window(spans, scope=scope, segment=segment)
    for new, purchases in zip(came, bought, strict=True):
        buyers = Buyers.of(purchases)
        if earlier is not None:
            facts.append(_facts(purchases, buyers, earlier, new))
        earlier = buyers
    return facts


@dataclass(frozen=True)
class Buyers:
    """The known customers of a span, ascending, with how often each ordered."""

    customers: np.ndarray
    orders: np.ndarray

    @classmethod
    def of(cls, purchases: Purchases) -> "Buyers":
        known = purchases.customers[purchases.customers > 0]
        # Counting into places is faster than sorting, unless there are far more places than orders.
        if len(known) and int(known.max()) < 20 * len(known):
            orders = np.bincount(known)
            customers = np.flatnonzero(orders)
            return cls(customers, orders[customers])
        return cls(*np.unique(known, return_counts=True))

    def __len__(self) -> int:
        return len(self.customers)

    def shared_with(self, other: "Buyers") -> int:
        """Return how many are in both."""
        if not len(self) or not len(other):
            return 0
        here = np.zeros(max(int(self.customers[-1]), int(other.customers[-1])) + 1, bool)
        here[self.customers] = True
        return int(np.count_nonzero(here[other.customers]))


def _facts(purchases: Purchases, buyers: Buyers, earlier: Buyers, new_buyers: int) -> PurchaseFacts:
    return PurchaseFacts(
        orders=len(purchases),
        net_amount=int(purchases.amounts.sum()),
        anonymous_orders=int(np.count_nonzero(purchases.customers == 0)),
        buyers=len(buyers),
        repeaters=int(np.count_nonzero(buyers.orders > 1)),
        retained=buyers.shared_with(earlier),
        buyers_before=len(earlier),
        new_buyers=new_buyers,
    )
