"""Incentives of the past, as another system left them: promotions, coupons handed out, redemptions.

Written in bulk and told to nobody. What holds for our own holds for them: a coupon's uses are its
redemptions, the events are those that our own services would have written.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from coupons.models import Coupon, Promotion, Publication, Reason, Redemption, RedemptionStack
from coupons.patterns import generate_code
from coupons.rules import canonical_code
from coupons.services.promotions import create_promotion
from customers.models import Event, Order, Purpose
from customers.services.bulk import write_past_events
from customers.services.events import new_event
from operations.inserts import insert_missing

BATCH = 1_000


@dataclass(frozen=True)
class PastUse:
    """One voucher spent: whose coupon, and what it took off."""

    coupon: Coupon
    discount_amount: int


@dataclass(frozen=True)
class PastPurchase:
    """What a customer redeemed at once; `order` where it is known. Amounts are minor units."""

    customer_id: int
    redeemed_at: datetime
    uses: Sequence[PastUse]
    order: Order | None = None
    metadata: Mapping[str, Any] | None = None

    @property
    def discount_amount(self) -> int:
        return sum(use.discount_amount for use in self.uses)


def import_promotion(
    code: str,
    *,
    name: str,
    effect: dict[str, Any],
    conditions: dict[str, Any],
    pattern: str,
    starts_at: datetime,
    ends_at: datetime,
    at: datetime,
) -> Promotion:
    """Write down a promotion that started before `at` and may have ended; raises as `create_promotion`."""
    promotion = create_promotion(
        code=code,
        name=name,
        effect=effect,
        conditions=conditions,
        coupon={"pattern": pattern, "max_uses": None},
        starts_at=starts_at,
        ends_at=ends_at,
        at=at,
    )
    promotion.status = Promotion.Status.ACTIVE if ends_at > at else Promotion.Status.EXPIRED
    promotion.activated_at = starts_at
    promotion.save(update_fields=["status", "activated_at"])
    return promotion


def import_publications(
    promotion: Promotion, *, max_uses: Mapping[int, int], channel: str, published_at: datetime
) -> dict[int, Publication]:
    """Hand a personal coupon to each customer (a key of `max_uses`); returns the publications by customer."""
    publications: dict[int, Publication] = {}
    customers = sorted(max_uses)
    with transaction.atomic():
        for start in range(0, len(customers), BATCH):
            for coupon in _insert_coupons(
                promotion, {pk: max_uses[pk] for pk in customers[start : start + BATCH]}, published_at
            ):
                publications[coupon.holder_id] = Publication(
                    promotion=promotion,
                    external_id=f"past:{coupon.holder_id}",
                    customer_id=coupon.holder_id,
                    coupon=coupon,
                    channel=channel,
                    published_at=published_at,
                )
        Publication.objects.bulk_create(publications.values(), batch_size=BATCH)
        write_past_events([_published_event(publication) for publication in publications.values()])
    return publications


def import_redemptions(purchases: Sequence[PastPurchase], *, currency: str) -> int:
    """Write what was redeemed, and count the coupons' uses; returns the number of redemptions.

    Several vouchers of one coupon may have been spent on one order: these have no order key.
    """
    with transaction.atomic():
        stacks = RedemptionStack.objects.bulk_create(
            [_stack(purchase, currency) for purchase in purchases], batch_size=BATCH
        )
        redemptions = Redemption.objects.bulk_create(
            [
                _redemption(stack, position, use)
                for stack, purchase in zip(stacks, purchases, strict=True)
                for position, use in enumerate(purchase.uses, start=1)
            ],
            batch_size=BATCH,
        )
        _count_uses({redemption.promotion_id for redemption in redemptions})
        write_past_events([_redeemed_event(redemption) for redemption in redemptions])
    return len(redemptions)


def _insert_coupons(promotion: Promotion, max_uses: Mapping[int, int], at: datetime) -> list[Coupon]:
    coupons: list[Coupon] = []
    while len(coupons) < len(max_uses):
        served = {coupon.holder_id for coupon in coupons}
        coupons += insert_missing(
            [_coupon(promotion, pk, uses, at) for pk, uses in max_uses.items() if pk not in served],
            unique=["code_canonical"],
        )
    return coupons


def _coupon(promotion: Promotion, holder: int, max_uses: int, at: datetime) -> Coupon:
    code = generate_code(promotion.coupon_pattern)
    return Coupon(
        promotion=promotion,
        code=code,
        code_canonical=canonical_code(code),
        max_uses=max_uses,
        holder_id=holder,
        personal=True,
        reason=Reason.PUBLIC,
        valid_from=at,
        published_at=at,
    )


def _stack(purchase: PastPurchase, currency: str) -> RedemptionStack:
    order, discount = purchase.order, purchase.discount_amount
    total = order.total_amount if order else 0
    return RedemptionStack(
        customer_id=purchase.customer_id,
        source_code=order.source.code if order else "",
        external_id=order.external_id if order else "",
        order=order,
        currency=currency,
        amount=total + discount,
        discount_amount=discount,
        cart={"currency": currency, "lines": [], "metadata": dict(purchase.metadata or {})},
        order_totals={
            "currency": currency,
            "amount": total + discount,
            "discount_amount": discount,
            "total_amount": total,
            "shipping_amount": 0,
            "shipping_discount_amount": 0,
            "tender_amount": 0,
            "due_amount": total,
            "lines": [],
        },
        redeemed_at=purchase.redeemed_at,
    )


def _redemption(stack: RedemptionStack, position: int, use: PastUse) -> Redemption:
    return Redemption(
        stack=stack,
        position=position,
        kind=Redemption.Kind.COUPON,
        promotion=use.coupon.promotion,
        coupon=use.coupon,
        customer_id=stack.customer_id,
        discount_amount=use.discount_amount,
        currency=stack.currency,
        redeemed_at=stack.redeemed_at,
    )


def _count_uses(promotions: set[int]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE coupons_coupon AS coupon SET uses = spent.uses
            FROM (
                SELECT coupon_id, count(*) AS uses FROM coupons_redemption
                WHERE promotion_id = ANY(%s) AND status = 'REDEEMED' GROUP BY coupon_id
            ) AS spent
            WHERE coupon.id = spent.coupon_id
            """,
            [list(promotions)],
        )


def _published_event(publication: Publication) -> Event:
    coupon = publication.coupon
    return new_event(
        "coupon.published",
        external_id=f"publication:{publication.pk}",
        customer_id=publication.customer_id,
        occurred_at=publication.published_at,
        payload={
            "publication": publication.pk,
            "promotion": publication.promotion.code,
            "coupon": coupon.pk,
            "code": coupon.code,
            "channel": publication.channel or None,
            "purpose": Purpose.MARKETING,
        },
    )


def _redeemed_event(redemption: Redemption) -> Event:
    stack, coupon = redemption.stack, redemption.coupon
    return new_event(
        "coupon.redeemed",
        external_id=f"redemption:{redemption.pk}:redeemed",
        customer_id=redemption.customer_id,
        occurred_at=redemption.redeemed_at,
        amount=redemption.discount_amount,
        currency=redemption.currency,
        payload={
            "redemption": redemption.pk,
            "stack": stack.pk,
            "promotion": redemption.promotion.code,
            "coupon": coupon.pk,
            "code": coupon.code,
            "source": stack.source_code,
            "source_id": stack.external_id,
        },
    )
