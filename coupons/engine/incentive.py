"""An incentive as plain values: what it gives, under which conditions, and what was used of it so far."""

from dataclasses import dataclass, field
from datetime import datetime, time
from decimal import Decimal
from enum import StrEnum

from coupons.engine.cart import Line


class Application(StrEnum):
    """What one refused incentive means for the others of a request."""

    ALL = "ALL"
    PARTIAL = "PARTIAL"


class Kind(StrEnum):
    PERCENT = "PERCENT"
    AMOUNT = "AMOUNT"


class Target(StrEnum):
    ORDER = "ORDER"
    ITEMS = "ITEMS"


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
class Items:
    """Which lines are meant: any of the names, none of the excluded ones. No names at all mean every line."""

    skus: frozenset[str] = frozenset()
    products: frozenset[str] = frozenset()
    categories: frozenset[str] = frozenset()
    brands: frozenset[str] = frozenset()
    collections: frozenset[str] = frozenset()
    exclude: "Items | None" = None

    @property
    def named(self) -> bool:
        return bool(self.skus or self.products or self.categories or self.brands or self.collections)

    def cover(self, line: Line) -> bool:
        """Return whether this line is one of them."""
        if self.exclude and self.exclude._names(line):
            return False
        return not self.named or self._names(line)

    def _names(self, line: Line) -> bool:
        return (
            line.sku in self.skus
            or line.product in self.products
            or line.category in self.categories
            or line.brand in self.brands
            or line.collection in self.collections
        )


@dataclass(frozen=True)
class Effect:
    """What is taken off: a percent (at most `amount_limit`) or an amount, of the order or of some lines."""

    kind: Kind
    target: Target = Target.ORDER
    percent: Decimal | None = None
    amount: int | None = None
    amount_limit: int | None = None
    items: Items = field(default_factory=Items)


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
    """Who may use it, on what, where and when; what is absent restricts nothing."""

    segment: str | None = None
    holder_only: bool = False
    first_order_only: bool = False
    minimum_spend: MinimumSpend | None = None
    stores: frozenset[str] = frozenset()
    sales_channels: frozenset[str] = frozenset()
    weekly_hours: tuple[WeeklyHours, ...] = ()


@dataclass(frozen=True)
class Stacking:
    """How it goes with others: lower rank first, then as requested; an exclusive one stands alone."""

    category: str = ""
    rank: int = 0
    exclusive: bool = False
    basis: Basis = Basis.DISCOUNTED
    max_in_category: int | None = None


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
    missing: bool = False
    spent: bool = False
    optional: bool = False
