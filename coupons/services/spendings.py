"""What somebody wants to spend on which purchase, and the rows behind it."""

from dataclasses import dataclass, field
from typing import Any

from coupons import engine
from coupons.models import Coupon, Promotion, Redemption
from coupons.services.buyers import Buyer
from coupons.services.keys import BudgetKey, CounterKey
from operations.models import ApiClient

Kind = Redemption.Kind
CODED = (Kind.COUPON, Kind.GIFT_CARD)


@dataclass(frozen=True)
class Redeemable:
    """What somebody wants to spend: a coupon or gift card by its code, a promotion by its id or code, points.

    `units` is how much of a gift card (minor units) or how many points; None pays what is due.
    """

    kind: str
    name: str = ""
    units: int | None = None


@dataclass(frozen=True)
class Purchase:
    """A cart and the order it will become; `content` is the cart as it was sent."""

    cart: engine.Cart
    content: dict[str, Any] = field(default_factory=dict)
    source: str = ""
    source_id: str = ""


@dataclass(frozen=True)
class Spending:
    """A wish to spend incentives on a purchase. With `automatic`, promotions without a code join in."""

    purchase: Purchase
    buyer: Buyer
    redeemables: tuple[Redeemable, ...] = ()
    automatic: bool = False
    application: engine.Application = engine.Application.ALL
    client: ApiClient | None = None
    reservation_key: str = ""

    @property
    def order_key(self) -> str | None:
        """Return what makes this order one, whoever asks again; None when the request does not say."""
        if not self.purchase.source_id:
            return None
        source = self.purchase.source or f"client:{self.client.pk if self.client else ''}"
        return f"{source}:{self.purchase.source_id}"


@dataclass(frozen=True)
class Offer:
    """One incentive with its rows, ready to be calculated and, if it applies, spent."""

    redeemable: Redeemable
    promotion: Promotion | None = None
    coupon: Coupon | None = None
    optional: bool = False
    candidate: engine.Candidate | None = None
    counters: tuple[CounterKey, ...] = ()
    budgets: tuple[BudgetKey, ...] = ()

    @property
    def unknown(self) -> bool:
        """Return whether it was named by a code that does not exist."""
        return self.redeemable.kind in CODED and self.coupon is None
