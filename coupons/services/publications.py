"""Handing a coupon to a customer: the same source id gives the same coupon again."""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from coupons.errors import (
    BudgetExceeded,
    CouponExpired,
    CouponPoolEmpty,
    PromotionHasNoCoupon,
    PromotionNotPublishable,
    PromotionStopped,
)
from coupons.models import BudgetPeriod, Coupon, Period, Promotion, Publication
from coupons.patterns import generate_code
from coupons.rules import canonical_code
from coupons.services.coupons import default_end
from coupons.services.locks import lock_promotions
from customers.models import Customer, Purpose
from customers.services import record_event
from customers.services.locks import hold_customer
from operations.errors import Conflict
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

    A promotion without a pattern gives out the codes that were issued, each once. With a channel,
    `coupon.published` asks campaigns to send it. `coupon_fields` make the coupon its own (effect, items,
    personal).

    Raises Conflict when the `source_id` gave a coupon to somebody else, PromotionHasNoCoupon,
    PromotionStopped, PromotionNotPublishable, CouponExpired, CouponPoolEmpty, and BudgetExceeded when the
    budget of the whole promotion is spent.
    """
    with transaction.atomic():
        customer = hold_customer(customer) if customer else None
        lock_keys("publication", [f"{promotion.pk}:{source_id}"])
        known = _known(promotion, source_id)
        if known:
            _refuse_somebody_else(known, customer)
            return known
        (promotion,) = lock_promotions([promotion.pk])
        _check_publishable(promotion, at)
        coupon = _public_coupon(promotion) or _own_coupon(
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
    """Take back a coupon whose message was never accepted.

    An unused code is switched off, or goes back to the pool it came from. A used one, and a public code, stay
    as they are.
    """
    with transaction.atomic():
        if publication.customer:
            hold_customer(publication.customer)
        coupon = Coupon.objects.select_for_update().get(pk=publication.coupon_id)
        publication = Publication.objects.select_for_update().get(pk=publication.pk)
        if publication.status == Publication.Status.WITHDRAWN or coupon.uses:
            return publication
        publication.status = Publication.Status.WITHDRAWN
        publication.save(update_fields=["status"])
        if not coupon.public:
            _take_back(coupon, pooled=not publication.promotion.coupon_pattern)
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


def _refuse_somebody_else(known: Publication, customer: Customer | None) -> None:
    if customer is None or customer.pk == known.customer_id:
        return
    # Merged meanwhile: the survivor is the same person.
    if known.customer is None or known.customer.merged_into_id != customer.pk:
        raise Conflict(_("This source_id gave a coupon to another customer already."))


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
    spent = BudgetPeriod.objects.filter(budget__promotion=promotion, budget__period=Period.TOTAL)
    if spent.filter(used__gte=F("cap")).exists():
        raise BudgetExceeded


def _public_coupon(promotion: Promotion) -> Coupon | None:
    return promotion.coupons.filter(public=True).first()


def _own_coupon(promotion: Promotion, **fields: Any) -> Coupon:
    if promotion.coupon_pattern:
        return _new_coupon(promotion, **fields)
    coupon = _pooled_coupon(promotion)
    for name, value in fields.items():
        setattr(coupon, name, value)
    coupon.save(update_fields=list(fields))
    return coupon


def _pooled_coupon(promotion: Promotion) -> Coupon:
    free = Coupon.objects.in_pool().filter(promotion=promotion).order_by("pk")
    # Past the codes that others are taking; only when nothing else is left, wait for what becomes of those.
    found = free.select_for_update(skip_locked=True).first() or free.select_for_update().first()
    if found is None:
        raise CouponPoolEmpty
    return found


def _take_back(coupon: Coupon, *, pooled: bool) -> None:
    if pooled:
        coupon.holder = coupon.published_at = coupon.valid_from = coupon.valid_until = None
        coupon.save(update_fields=["holder", "published_at", "valid_from", "valid_until"])
    else:
        coupon.active = False
        coupon.save(update_fields=["active"])


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
