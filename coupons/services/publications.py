"""Handing a coupon to a customer: the same source id gives the same coupon again."""

from datetime import datetime
from typing import Any

from django.db import transaction

from coupons.errors import CouponExpired, PromotionHasNoCoupon, PromotionNotPublishable, PromotionStopped
from coupons.models import Coupon, Promotion, Publication
from coupons.rules import canonical_code, generate_code
from coupons.services.coupons import default_end
from coupons.services.locks import lock_promotions
from customers.models import Customer, Purpose
from customers.services import record_event
from operations.inserts import insert_missing
from operations.locks import lock_keys


def publish_coupon(
    promotion: Promotion,
    *,
    customer: Customer | None,
    source_id: str,
    channel: str | None = None,
    reason: str = "",
    purpose: str = Purpose.MARKETING,
    at: datetime,
    **coupon_fields: Any,
) -> Publication:
    """Give a customer a coupon of the promotion, once per `source_id`; a public code is given as it is.

    With a channel, `coupon.published` asks campaigns to send it. `coupon_fields` make the coupon its own
    (effect, items, personal).

    Raises PromotionHasNoCoupon, PromotionStopped, PromotionNotPublishable, CouponExpired.
    """
    with transaction.atomic():
        lock_keys("publication", [f"{promotion.pk}:{source_id}"])
        known = _known(promotion, source_id)
        if known:
            return known
        (promotion,) = lock_promotions([promotion.pk])
        _check_publishable(promotion, at)
        coupon = _public_coupon(promotion) or _new_coupon(
            promotion,
            holder=customer,
            reason=reason,
            valid_from=at,
            published_at=at,
            **{"valid_until": default_end(promotion, at=at), **coupon_fields},
        )
        publication = Publication.objects.create(
            promotion=promotion,
            external_id=source_id,
            customer=customer,
            coupon=coupon,
            channel=channel or "",
            published_at=at,
        )
        _tell(publication, purpose=purpose)
    return publication


def withdraw_publication(publication: Publication, *, at: datetime) -> Publication:
    """Take back a coupon whose message was never accepted: an unused code of its own is switched off.

    A used one, and a public code, stay as they are.
    """
    with transaction.atomic():
        coupon = Coupon.objects.select_for_update().get(pk=publication.coupon_id)
        publication = Publication.objects.select_for_update().get(pk=publication.pk)
        if publication.status == Publication.Status.WITHDRAWN or coupon.uses:
            return publication
        publication.status = Publication.Status.WITHDRAWN
        publication.save(update_fields=["status"])
        if not coupon.public:
            coupon.active = False
            coupon.save(update_fields=["active"])
        record_event(
            "coupon.withdrawn",
            external_id=f"publication:{publication.pk}:withdrawn",
            customer=publication.customer,
            occurred_at=at,
            payload={"publication": publication.pk, "coupon": coupon.pk, "code": coupon.code},
        )
    return publication


def _known(promotion: Promotion, source_id: str) -> Publication | None:
    return (
        Publication.objects.select_related("coupon__holder", "promotion", "customer")
        .filter(promotion=promotion, external_id=source_id)
        .first()
    )


def _check_publishable(promotion: Promotion, at: datetime) -> None:
    if promotion.trigger == Promotion.Trigger.AUTOMATIC:
        raise PromotionHasNoCoupon
    status = promotion.status_at(at)
    if status == Promotion.Status.STOPPED:
        raise PromotionStopped
    if status == Promotion.Status.EXPIRED:
        raise CouponExpired
    if status == Promotion.Status.DRAFT:
        raise PromotionNotPublishable


def _public_coupon(promotion: Promotion) -> Coupon | None:
    return promotion.coupons.filter(public=True).first()


def _new_coupon(promotion: Promotion, **fields: Any) -> Coupon:
    inserted: list[Coupon] = []
    while not inserted:
        code = generate_code(promotion.coupon_pattern)
        coupon = Coupon(
            promotion=promotion,
            code=code,
            code_canonical=canonical_code(code),
            max_uses=promotion.coupon_max_uses,
            **fields,
        )
        inserted = insert_missing([coupon], unique=["code_canonical"])
    return inserted[0]


def _tell(publication: Publication, *, purpose: str) -> None:
    coupon = publication.coupon
    record_event(
        "coupon.published",
        external_id=f"publication:{publication.pk}",
        customer=publication.customer,
        occurred_at=publication.published_at,
        payload={
            "publication": publication.pk,
            "promotion": publication.promotion.code,
            "coupon": coupon.pk,
            "code": coupon.code,
            "channel": publication.channel or None,
            "purpose": purpose,
        },
    )
