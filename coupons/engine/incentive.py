"""An incentive as plain values: what it gives, under which conditions, and what was used of it so far."""

from dataclasses import dataclass, field
from datetime import datetime, time
from decimal import Decimal
from enum import StrEnum
from typing import Any

from coupons.engine.items import Items, Part


class Application(StrEnum):
    """What one refused incentive means for the others of a request."""

    ALL = "ALL"
    PARTIAL = "PARTIAL"


class Kind(StrEnum):
    PERCENT = "PERCENT"
    AMOUNT = "AMOUNT"
    FIXED_PRICE = "FIXED_PRICE"
    FREE_SHIPPING = "FREE_SHIPPING"
    FREE_UNITS = "FREE_UNITS"
    TIERS = "TIERS"
    GIFT_ITEM = "GIFT_ITEM"


class Target(StrEnum):
    ORDER = "ORDER"
    ITEMS = "ITEMS"


class Choose(StrEnum):
    """Which pieces are the free ones."""

    CHEAPEST = "CHEAPEST"
    MOST_EXPENSIVE = "MOST_EXPENSIVE"


class Grouping(StrEnum):
    """Whether the free pieces are chosen among all, or within each group from the most expensive on."""

    OVERALL = "OVERALL"
    PER_GROUP = "PER_GROUP"


class Basis(StrEnum):
    """On what is left after earlier incentives, or on the prices as they came."""

    DISCOUNTED = "DISCOUNTED"
    INITIAL = "INITIAL"


class SpendBasis(StrEnum):
    """When a minimum spend is measured: without any incentive, or before or after this one."""

    INITIAL = "INITIAL"
    BEFORE = "BEFORE"
    AFTER = "AFTER"


class SpendScope(StrEnum):
    ORDER = "ORDER"
    ELIGIBLE_ITEMS = "ELIGIBLE_ITEMS"


@dataclass(frozen=True)
class MarginFloor:
    """What each line has to earn after the discount; `allow_unknown` lets lines without a cost be."""

    percent: Decimal
    allow_unknown: bool = False


@dataclass(frozen=True)
class Tier:
    """From this spending on, a percent or an amount."""

    from_amount: int
    percent: Decimal | None = None
    amount: int | None = None


@dataclass(frozen=True)
class Effect:
    """What is given, on the order or on some lines. Which fields matter is the kind's business:

    PERCENT `percent`, at most `amount_limit`. AMOUNT `amount`. FIXED_PRICE `amount` for the order, for each
    piece of the items, or for each `bundle`. FREE_SHIPPING, at most `amount_limit`. FREE_UNITS: of every
    `buy` + `get` pieces `get` are `percent` cheaper. TIERS: the highest of `tiers` that is reached.
    GIFT_ITEM: `get` pieces of `gift_sku`. `unit_limit` caps the pieces, or bundles, that are cheaper. A
    `personal` PERCENT or AMOUNT has its value from the offer to the person who buys; until that is known it
    gives nothing.
    """

    kind: Kind
    target: Target = Target.ORDER
    percent: Decimal | None = None
    amount: int | None = None
    amount_limit: int | None = None
    items: Items = field(default_factory=Items)
    buy: int = 0
    get: int = 1
    choose: Choose = Choose.CHEAPEST
    grouping: Grouping = Grouping.OVERALL
    unit_limit: int | None = None
    bundle: tuple[Part, ...] = ()
    tiers: tuple[Tier, ...] = ()
    gift_sku: str = ""
    margin_floor: MarginFloor | None = None
    personal: bool = False

    @property
    def lacks_value(self) -> bool:
        """Return whether it is personal and nobody said what it gives this person."""
        return self.personal and self.percent is None and self.amount is None

    @property
    def gives_goods(self) -> bool:
        """Return whether articles are given away, rather than money off."""
        return self.kind == Kind.GIFT_ITEM


@dataclass(frozen=True)
class MinimumSpend:
    amount: int
    basis: SpendBasis = SpendBasis.INITIAL
    scope: SpendScope = SpendScope.ORDER


@dataclass(frozen=True)
class WeeklyHours:
    """Hours of some week days, half-open, local; `until` None is midnight. Days count from Monday = 0."""

    days: frozenset[int]
    since: time
    until: time | None = None

    def hold(self, local: datetime) -> bool:
        clock = local.time()
        return (
            local.weekday() in self.days
            and clock >= self.since
            and (self.until is None or clock < self.until)
        )


@dataclass(frozen=True)
class Conditions:
    """Who may use it, on what, where and when; what is absent restricts nothing.

    `countries` are compared with the cart's, and with the customer's when it names none. `languages` are the
    customer's, with or without a region ("it" covers "it-CH"). `metadata` is met when the order or one of its
    lines says just that under each key.
    """

    segment: str | None = None
    holder_only: bool = False
    verified_email: bool = False
    first_order_only: bool = False
    minimum_spend: MinimumSpend | None = None
    contains: tuple[Part, ...] = ()
    countries: frozenset[str] = frozenset()
    regions: frozenset[str] = frozenset()
    languages: frozenset[str] = frozenset()
    stores: frozenset[str] = frozenset()
    sales_channels: frozenset[str] = frozenset()
    weekly_hours: tuple[WeeklyHours, ...] = ()
    metadata: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Stacking:
    """How it goes with others: lower rank first, then as requested; an exclusive one stands alone.

    `max_applied` is beside how many in all it stands, itself counted; `max_in_category` how many of its own.
    """

    category: str = ""
    rank: int = 0
    exclusive: bool = False
    basis: Basis = Basis.DISCOUNTED
    max_in_category: int | None = None
    max_applied: int | None = None


@dataclass(frozen=True)
class Validity:
    """The state of the promotion; the interval is half-open."""

    enabled: bool = True
    stopped: bool = False
    draining: bool = False
    starts_at: datetime | None = None
    ends_at: datetime | None = None


@dataclass(frozen=True)
class CouponFacts:
    """The state of one code."""

    active: bool = True
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    uses: int = 0
    max_uses: int | None = None
    holder: str | None = None
    personal: bool = False
    items: Items = field(default_factory=Items)


@dataclass(frozen=True)
class Limit:
    """How often its subject may use the promotion in a period, and did. `key` tells counters apart.

    A limit by customer has `unknown` set when nobody says who the customer is.
    """

    subject: str
    period: str
    uses: int
    used: int = 0
    key: str = ""
    unknown: bool = False


@dataclass(frozen=True)
class Budget:
    """What a promotion may spend in a period, and did; counts discount amounts, or redemptions one by one."""

    key: str
    cap: int
    used: int
    amounts: bool = True
    partial: bool = False

    @property
    def left(self) -> int:
        return max(0, self.cap - self.used)


@dataclass(frozen=True)
class Candidate:
    """One incentive that somebody wants applied, with the facts that decide it; `coupon` None: by itself.

    `missing` is a code or id that leads nowhere: the other fields then mean nothing. `spent` says that it was
    redeemed on this very order before. An `optional` one was not asked for by name: that it does not
    apply is no refusal.
    """

    key: str
    effect: Effect | None = None
    currency: str = ""
    zone: str = "UTC"
    validity: Validity = field(default_factory=Validity)
    conditions: Conditions = field(default_factory=Conditions)
    stacking: Stacking = field(default_factory=Stacking)
    coupon: CouponFacts | None = None
    limits: tuple[Limit, ...] = ()
    budgets: tuple[Budget, ...] = ()
    margin_floor: MarginFloor | None = None
    missing: bool = False
    spent: bool = False
    optional: bool = False
