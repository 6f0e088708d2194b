"""Coupons that somebody got and used, or not."""

from datetime import timedelta

from coupons.models import Coupon, Promotion, Publication
from customers.models import Customer
from tests.factories import NOON


def give(person: Customer, *, used: int, unused: int) -> None:
    """Give coupons whose time is over."""
    promotion, _made = Promotion.objects.get_or_create(
        code="past", defaults={"name": "Past", "effect": {"kind": "PERCENT", "percent": "10"}}
    )
    for number in range(used + unused):
        code = f"{person.pk}-{number}"
        coupon = Coupon.objects.create(
            promotion=promotion, code=code, code_canonical=code, holder=person, max_uses=1,
            uses=int(number < used), valid_until=NOON - timedelta(days=5),
        )  # fmt: skip
        Publication.objects.create(
            promotion=promotion, external_id=code, customer=person, coupon=coupon,
            published_at=NOON - timedelta(days=30),
        )  # fmt: skip
