"""Means of payment: they pay what incentives have left, and lower no tax base."""

from dataclasses import dataclass

from coupons.engine.items import Items

EMPTY = {"gift_card": "gift_card_empty", "points": "points_exceeded"}
EXCEEDED = {"gift_card": "gift_card_balance_exceeded", "points": "points_exceeded"}


@dataclass(frozen=True)
class Tender:
    """A gift card or points that somebody wants to pay with.

    `available` and `amount` are units of the account: minor units of a gift card, points of a points account,
    each worth `unit_value` minor units. Without an amount it pays what is due. `items` restricts it to the
    lines it may pay, shipping not among them; None pays everything. `error` is why it cannot be used at all.
    An empty `currency` fits every cart.
    """

    key: str
    kind: str
    available: int = 0
    unit_value: int = 1
    amount: int | None = None
    currency: str = ""
    items: Items | None = None
    error: str | None = None
    optional: bool = False
