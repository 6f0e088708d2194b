"""What is told of redemptions, on the customer's timeline and to webhooks."""

from datetime import datetime
from typing import Any

from coupons.models import Redemption, RedemptionReturn, RedemptionStack
from customers.models import Event
from customers.services.events import new_event


def redemption_event(
    redemption: Redemption, stack: RedemptionStack, done: str, at: datetime, **told: Any
) -> Event:
    """Return what is told of a redemption that was `redeemed` or `rolled_back`; `told` adds to it.

    It is told of what was named: coupon.redeemed, gift_card.redeemed; without a code of the promotion. A gift
    card's code is told nowhere.
    """
    if redemption.pays:
        about, amount = redemption.kind, redemption.tender_amount
    else:
        about = "coupon" if redemption.coupon_id else "promotion"
        amount = redemption.discount_amount + redemption.shipping_discount_amount
    return new_event(
        f"{about}.{done}",
        external_id=f"redemption:{redemption.pk}:{done}",
        customer=stack.customer,
        occurred_at=at,
        amount=amount,
        currency=redemption.currency,
        payload={
            "redemption": redemption.pk,
            "stack": stack.pk,
            **(_payment(redemption) if redemption.pays else _incentive(redemption)),
            "source": stack.source_code,
            "source_id": stack.external_id,
            **told,
        },
    )


def _incentive(redemption: Redemption) -> dict[str, Any]:
    return {
        "promotion": redemption.promotion.code,
        "coupon": redemption.coupon_id,
        "code": redemption.coupon.code if redemption.coupon else None,
    }


def _payment(redemption: Redemption) -> dict[str, Any]:
    card = redemption.gift_card
    about = {"gift_card": card.pk, "last4": card.last4} if card else {}
    return {**about, "units": redemption.units}


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
