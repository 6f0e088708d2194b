"""What is told of redemptions, on the customer's timeline and to webhooks."""

from datetime import datetime

from coupons.models import Redemption, RedemptionReturn, RedemptionStack
from customers.models import Event
from customers.services.events import new_event


def redemption_event(redemption: Redemption, stack: RedemptionStack, type: str, at: datetime) -> Event:
    """Return what is told of a redemption; `type` as of a coupon, others are told under their own kind.

    The amount is the discount, or what was paid with a gift card or points.
    """
    done = type.partition(".")[2]
    return new_event(
        f"{redemption.kind}.{done}",
        external_id=f"redemption:{redemption.pk}:{done}",
        customer=stack.customer,
        occurred_at=at,
        amount=redemption.tender_amount or redemption.discount_amount,
        currency=redemption.currency,
        payload={
            "redemption": redemption.pk,
            "stack": stack.pk,
            "promotion": redemption.promotion.code if redemption.promotion else None,
            "coupon": redemption.coupon_id,
            "code": redemption.coupon.code if redemption.coupon else None,
            "source": stack.source_code,
            "source_id": stack.external_id,
        }
        | ({"units": redemption.units} if redemption.units else {}),
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
