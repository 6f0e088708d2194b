"""What is told of a referral to the timeline, to campaigns and to partners."""

from datetime import datetime
from typing import Any

from customers.models import Customer
from customers.services import record_event
from referrals.models import Referral


def tell(type: str, referral: Referral, customer: Customer, *, at: datetime, **more: Any) -> None:
    """Write an event about one side of a referral, once for each side and order."""
    key = [type, referral.pk, more.get("side"), more.get("order")]
    record_event(
        type,
        external_id=":".join(str(part).lower() for part in key if part),
        customer=customer,
        occurred_at=at,
        payload={
            "referral": referral.pk,
            "programme": referral.programme.code,
            "referrer": str(referral.referrer.public_id),
            "referee": str(referral.referee.public_id),
        }
        | more,
    )
