"""What is told of redemptions, on the customer's timeline and to webhooks."""

from datetime import datetime

from coupons.models import Redemption, RedemptionReturn, RedemptionStack
from customers.models import Event
from customers.services.events import new_event


def redemption_event(redemption: Redemption, stack: RedemptionStack, type: str, at: datetime) -> Event:
    """Return what is told of a redemption; one without a coupon is told of its promotion."""
    done = type.partition(".")[2]
    if redemption.coupon_id is None:
        type = f"promotion.{done}"
    return new_event(
        type,
        external_id=f"redemption:{redemption.pk}:{done}",
        customer=stack.customer,
        occurred_at=at,
        amount=redemption.discount_amount,
        currency=redemption.currency,
        payload={
            "redemption": redemption.pk,
            "stack": stack.pk,
            "promotion": redemption.promotion.code,
            "coupon": redemption.coupon_id,
            "code": redemption.coupon.code if redemption.coupon else None,
            "source": stack.source_code,
            "source_id": stack.external_id,
        },
    )


def return_event(row: RedemptionReturn, stack: RedemptionStack) -> Event:
    """Return what is told of goods that came back; `amount` is the whole refund."""
    return new_event(
        "redemption.returned",
        external_id=f"redemption_return:{row.pk}",
        customer=stack.customer,
        occurred_at=row.returned_at,
        amount=row.refund_amount,
        currency=stack.currency,
        payload={
            "return": row.pk,
            "return_id": row.external_id,
            "stack": stack.pk,
            "cash_amount": row.cash_amount,
            "gift_card_amount": row.gift_card_amount,
            "points": row.points,
            "usage_restored": row.restores_usage,
            "source": stack.source_code,
            "source_id": stack.external_id,
        },
    )
