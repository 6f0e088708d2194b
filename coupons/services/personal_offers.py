"""The discount of one person: looked up when they buy, put into the coupon they are given."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from coupons.engine import Effect
from coupons.errors import CouponExpired, PromotionStopped
from coupons.models import PersonalOffer, Promotion
from coupons.services.locks import lock_promotions
from customers.models import Customer
from operations.locks import lock_keys

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


def withdraw_offers(source_key: str) -> int:
    """Delete what was proposed under a key and never confirmed; return how many."""
    proposed = PersonalOffer.objects.filter(source_key=source_key, status=PersonalOffer.Status.PROPOSED)
    return proposed.delete()[0]


def confirm_offers(promotion: Promotion, source_key: str, *, valid_until: datetime, at: datetime) -> int:
    """Let what was proposed under a key stand in place of the promotion's earlier offers; return how many.

    Whoever may not be profiled any more gets none. Two that confirm at once for one promotion take turns.

    Raises PromotionStopped, CouponExpired when nothing of this promotion may be given any more.
    """
    Status = PersonalOffer.Status
    with transaction.atomic():
        lock_keys("personal offers", [str(promotion.pk)])
        (promotion,) = lock_promotions([promotion.pk])
        if promotion.status == Promotion.Status.STOPPED:
            raise PromotionStopped
        if promotion.status_at(at) == Promotion.Status.EXPIRED:
            raise CouponExpired(_("This promotion has ended."))
        before = PersonalOffer.objects.filter(promotion=promotion, status=Status.CONFIRMED)
        before.update(status=Status.REPLACED)
        allowed = Customer.objects.filter(
            profiling=Customer.Profiling.ALLOWED,
            restricted_at=None,
            status__in=[Customer.Status.ACTIVE, Customer.Status.PROSPECT],
        )
        proposed = PersonalOffer.objects.filter(
            promotion=promotion, source_key=source_key, status=Status.PROPOSED, customer__in=allowed
        )
        return proposed.update(status=Status.CONFIRMED, confirmed_at=at, valid_until=valid_until)
