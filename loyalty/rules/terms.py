"""What a version of an earning rule says, as plain values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, time
from decimal import Decimal
from functools import cached_property
from typing import Any

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from coupons.engine import Items
from loyalty.rules.dates import NEVER, Expiry
from loyalty.rules.occasion import Occasion

WEEKDAYS = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
TIER_SEGMENT = "tier--"
MEMBERSHIP_SEGMENT = "membership--"


class Kind(TextChoices):
    """What points are counted on."""

    PER_AMOUNT = "PER_AMOUNT", _("For every amount spent")
    PER_UNIT = "PER_UNIT", _("For every piece bought")
    PER_EVENT = "PER_EVENT", _("For an order or event as such")


class Gives(TextChoices):
    POINTS = "POINTS", _("Points")
    DRAW_ENTRIES = "DRAW_ENTRIES", _("Entries in a prize draw")


class CapSubject(TextChoices):
    """Whom a cap is counted for."""

    EVENT = "EVENT", _("one order or event")
    CUSTOMER = "CUSTOMER", _("each customer")
    RULE = "RULE", _("everybody together")


class CapPeriod(TextChoices):
    DAY = "DAY", _("a day")
    WEEK = "WEEK", _("a week")
    MONTH = "MONTH", _("a month")
    YEAR = "YEAR", _("a year")
    TOTAL = "TOTAL", _("in all")


class Holding(TextChoices):
    """How long points are pending."""

    NONE = "NONE", _("at once")
    DAYS = "DAYS", _("after some days")
    RETURN_WINDOW = "RETURN_WINDOW", _("when nothing can be returned any more")


@dataclass(frozen=True)
class Hours:
    """Hours of a day, half-open; `until` None is midnight."""

    since: time
    until: time | None = None

    def hold(self, clock: time) -> bool:
        return clock >= self.since and (self.until is None or clock < self.until)


@dataclass(frozen=True)
class Circumstances:
    """Where, when and for whom something holds; what is absent restricts nothing.

    `since` and `until` are local days, both inclusive.
    """

    sales_channels: frozenset[str] = frozenset()
    stores: frozenset[str] = frozenset()
    business_units: frozenset[str] = frozenset()
    weekdays: frozenset[str] = frozenset()
    hours: Hours | None = None
    since: date | None = None
    until: date | None = None
    segment: str = ""
    tiers: frozenset[str] = frozenset()
    memberships: frozenset[str] = frozenset()

    def checks(self, occasion: Occasion) -> dict[str, tuple[bool, Any, Any]]:
        """Return each condition that is written, with whether it holds, what is asked and what was found."""
        local, found = occasion.local, occasion.segments
        weekday = WEEKDAYS[local.weekday()]
        asked = {
            "sales_channels": (self.sales_channels, occasion.sales_channel),
            "stores": (self.stores, occasion.store),
            "business_units": (self.business_units, occasion.business_unit),
            "weekdays": (self.weekdays, weekday),
        }
        checks = {name: (one in wanted, wanted, one) for name, (wanted, one) in asked.items() if wanted}
        if self.hours:
            checks["hours"] = (self.hours.hold(local.time()), self.hours, local.time())
        if self.since or self.until:
            within = (self.since or date.min) <= local.date() <= (self.until or date.max)
            checks["period"] = (within, (self.since, self.until), local.date())
        if self.segment:
            checks["segment"] = (self.segment in found, self.segment, None)
        if self.tiers:
            checks["tiers"] = (bool(self.tier_segments & found), self.tiers, None)
        if self.memberships:
            checks["memberships"] = (bool(self.membership_segments & found), self.memberships, None)
        return checks

    def hold(self, occasion: Occasion) -> bool:
        return all(passed for passed, _wanted, _found in self.checks(occasion).values())

    @cached_property
    def tier_segments(self) -> frozenset[str]:
        return frozenset(f"{TIER_SEGMENT}{code}" for code in self.tiers)

    @cached_property
    def membership_segments(self) -> frozenset[str]:
        return frozenset(f"{MEMBERSHIP_SEGMENT}{code}" for code in self.memberships)

    @cached_property
    def segments(self) -> frozenset[str]:
        """Return the codes of all segments that are asked for, those of tiers and memberships among them."""
        own = {self.segment} if self.segment else set()
        return self.tier_segments | self.membership_segments | own


@dataclass(frozen=True)
class Multiplier:
    factor: Decimal
    when: Circumstances = Circumstances()


@dataclass(frozen=True)
class Conditions:
    """Which lines count, and what else has to hold. `payload` is met by an event that says just that."""

    when: Circumstances = Circumstances()
    items: Items | None = None
    minimum_amount: int = 0
    payload: Mapping[str, str | int | bool] = field(default_factory=dict)


@dataclass(frozen=True)
class Cap:
    """At most so many `units` (points or entries), or so many `times`, for a subject in a period.

    Periods are local, weeks begin on Monday. Of one event only units are capped.
    """

    subject: CapSubject
    period: CapPeriod = CapPeriod.TOTAL
    units: int | None = None
    times: int | None = None


@dataclass(frozen=True)
class Terms:
    """All numbers of one version. `benefits` lets the factor of tiers and memberships count, too."""

    kind: Kind
    points: int
    per_amount: int = 0
    per_quantity: int = 1
    conditions: Conditions = Conditions()
    multipliers: tuple[Multiplier, ...] = ()
    benefits: bool = True
    caps: tuple[Cap, ...] = ()
    expiry: Expiry = NEVER
    holding: Holding = Holding.NONE
    holding_days: int = 0
    draw: str = ""

    @cached_property
    def segments(self) -> frozenset[str]:
        """Return the codes of the segments that have to be looked up."""
        return self.conditions.when.segments.union(*(one.when.segments for one in self.multipliers))

    @property
    def looks_at_lines(self) -> bool:
        return self.kind == Kind.PER_UNIT or self.conditions.items is not None
