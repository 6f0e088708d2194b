"""What a customer has of the tier and the memberships they belong to, the better of each: reads only."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cached_property

from coupons.models import Promotion
from customers.models import Customer
from loyalty.models import Beneficial, Membership
from loyalty.services.tiers import tiers_at


@dataclass(frozen=True)
class Benefits:
    """What belonging gives at one instant; `segments` are the codes of the segments it stands for."""

    multiplier: Decimal = Decimal(1)
    free_shipping: bool = False
    early_access_hours: int = 0
    perks: tuple[str, ...] = ()
    segments: tuple[str, ...] = ()
    freeing: frozenset[int | None] = frozenset()
    at: datetime | None = None

    @cached_property
    def promotions(self) -> tuple[Promotion, ...]:
        """Return the running promotions that are for these members alone; looked up when asked for."""
        if not self.segments or self.at is None:
            return ()
        running = Promotion.objects.running(self.at).filter(conditions__segment__in=self.segments)
        return tuple(running.order_by("pk"))

    @property
    def exclusive(self) -> list[Promotion]:
        """Return these promotions but those that free the shipping: `free_shipping` says so already."""
        return [one for one in self.promotions if one.pk not in self.freeing]


def benefits_of(customer: Customer, *, at: datetime) -> Benefits:
    """Return what a customer has of belonging at an instant, in two statements."""
    return benefits_at([customer.pk], at=at)[customer.pk]


def benefits_at(customer_ids: Iterable[int], *, at: datetime) -> dict[int, Benefits]:
    """Return what each of these customers has of belonging at an instant, also those who have nothing."""
    ids = list(customer_ids)
    belongs: dict[int, list[Beneficial]] = {pk: [] for pk in ids}
    for pk, tier in tiers_at(ids, at=at).items():
        belongs[pk].append(tier)
    current = Membership.objects.at(at).filter(customer__in=ids).select_related("plan").order_by("pk")
    for membership in current:
        belongs[membership.customer_id].append(membership.plan)
    return {pk: better_of(rows, at=at) for pk, rows in belongs.items()}


def better_of(rows: Iterable[Beneficial], *, at: datetime | None = None) -> Benefits:
    """Return the better of each benefit of what somebody belongs to; multipliers are not multiplied."""
    rows = list(rows)
    return Benefits(
        multiplier=max([Decimal(1), *(row.multiplier for row in rows)]),
        free_shipping=any(row.free_shipping for row in rows),
        early_access_hours=max([0, *(row.early_access_hours for row in rows)]),
        perks=tuple(dict.fromkeys(perk for row in rows for perk in row.as_read("perks"))),
        segments=tuple(segment_code(row) for row in rows),
        freeing=frozenset(row.shipping_promotion_id for row in rows),
        at=at,
    )


def segment_code(row: Beneficial) -> str:
    """Return the code of the segment in which those stand who belong to this."""
    return f"{'tier' if row._meta.model_name == 'tier' else 'membership'}--{row.code}"
