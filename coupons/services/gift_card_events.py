"""What is told of gift cards: never the code, and who spends one is told by the redemption."""

from datetime import datetime
from typing import Any

from coupons.models import GiftCard
from customers.models import Event
from customers.services import record_event
from operations.models import User


def record_card_event(
    type: str,
    card: GiftCard,
    *,
    at: datetime,
    amount: int | None = None,
    by: User | None = None,
    external_id: str = "",
    **payload: Any,
) -> Event | None:
    """Write one event of a card, about its holder if it has one; amounts are minor units."""
    return record_event(
        type,
        external_id=external_id or f"gift_card:{card.pk}:{type.partition('.')[2]}",
        occurred_at=at,
        customer=card.holder,
        amount=amount,
        currency=card.currency if amount is not None else "",
        payload={
            "gift_card": card.pk,
            "last4": card.last4,
            **({"by": by.pk} if by else {}),
            **payload,
        },
    )
