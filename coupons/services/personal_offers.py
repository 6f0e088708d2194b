"""The discount of one person: looked up when they buy, put into the coupon they are given."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any

from coupons.engine import Effect
from coupons.models import PersonalOffer, Promotion

VALUES = ("percent", "amount")


def is_personal(promotion: Promotion) -> bool:
    """Return whether each person has a value of their own under this promotion."""
    return promotion.effect.get("personal") is True


def with_own_value(effect: Effect, promotion: Promotion, *, customer_id: int | None, at: datetime) -> Effect:
    """Return the effect with what stands for this person; without an offer it goes on lacking a value."""
    if customer_id is None:
        return effect
    standing = PersonalOffer.objects.standing(at).filter(promotion=promotion, customer=customer_id).first()
    return effect if standing is None else replace(effect, percent=standing.percent, amount=standing.amount)


def standing_offers(
    promotion: Promotion, customer_ids: Iterable[int], *, at: datetime
) -> dict[int, PersonalOffer]:
    """Return what stands for these customers under a promotion, by customer."""
    found = PersonalOffer.objects.standing(at).filter(promotion=promotion, customer__in=list(customer_ids))
    return {offer.customer_id: offer for offer in found}


def own_effect(promotion: Promotion, offer: PersonalOffer) -> dict[str, Any]:
    """Return the promotion's effect with the offer's value in it: what a coupon promises from then on."""
    effect = {name: value for name, value in promotion.effect.items() if name not in ("personal", *VALUES)}
    if offer.percent is not None:
        return effect | {"percent": f"{offer.percent.normalize():f}"}
    return effect | {"amount": offer.amount}
