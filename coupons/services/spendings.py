"""What somebody wants to spend on which purchase, and the rows behind it."""

from dataclasses import dataclass, field
from typing import Any

from coupons import engine
from coupons.models import Account, Coupon, GiftCard, Promotion, Redemption
from coupons.services.buyers import Buyer
from coupons.services.keys import BudgetKey, CounterKey
from coupons.services.purses import Purse
from operations.models import ApiClient

Kind = Redemption.Kind
CODED = (Kind.COUPON, Kind.GIFT_CARD)
PAYS = (Kind.GIFT_CARD, Kind.POINTS)


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
        # By its prefix: the client's own key ends on the hash of its secret, and this is shown.
        source = self.purchase.source or f"client:{self.client.prefix if self.client else ''}"
        return f"{source}:{self.purchase.source_id}"


@dataclass(frozen=True)
class Offer:
    """One incentive or means of payment with its rows, ready to be calculated and, if it applies, spent.

    A payment takes from `purse`, in which `available` units can be spent; `account` is its main one. `held`
    is what live reservations of others keep of the coupon's uses, or of the account's units.
    """

    redeemable: Redeemable
    promotion: Promotion | None = None
    coupon: Coupon | None = None
    gift_card: GiftCard | None = None
    account: Account | None = None
    purse: Purse | None = None
    available: int = 0
    held: int = 0
    optional: bool = False
    candidate: engine.Candidate | engine.Tender | None = None
    counters: tuple[CounterKey, ...] = ()
    budgets: tuple[BudgetKey, ...] = ()

    @property
    def pays(self) -> bool:
        return self.redeemable.kind in PAYS

    @property
    def coded(self) -> bool:
        """Return whether it was named by a code, of which not everybody may know that it exists."""
        return self.redeemable.kind in CODED

    @property
    def unknown(self) -> bool:
        """Return whether it was named by a code that does not exist."""
        return self.coded and self.coupon is None and self.gift_card is None

    @property
    def shown_name(self) -> str:
        """Return how it may be called where others read it: of a gift card the last four alone."""
        if self.redeemable.kind == Kind.GIFT_CARD:
            return f"****{self.gift_card.last4}" if self.gift_card else ""
        return self.redeemable.name
