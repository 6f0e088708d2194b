"""Handing a coupon to a customer: the same source id gives the same coupon again."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from coupons.errors import (
    BudgetExceeded,
    CouponExpired,
    CouponPoolEmpty,
    NoPersonalOffer,
    PromotionHasNoCoupon,
    PromotionNotPublishable,
    PromotionStopped,
)
from coupons.models import BudgetPeriod, Coupon, Period, Promotion, Publication
from coupons.patterns import generate_codes
from coupons.rules import canonical_code
from coupons.services.coupons import default_end
from coupons.services.locks import lock_promotions
from coupons.services.personal_offers import is_personal, own_effect, standing_offers
from customers.models import Customer, Event, Purpose
from customers.services import record_event, record_events
from customers.services.events import new_event
from customers.services.locks import hold_customer, lock_live_customers
from operations.errors import Conflict
from operations.inserts import insert_missing
from operations.locks import lock_keys
from operations.models import User


@dataclass(frozen=True)
class Recipient:
    """Who gets a coupon, and the source's id of the hand-over: the same id gives the same coupon again."""

    customer: Customer | None
    source_id: str


def publish_coupon(
    promotion: Promotion, *, customer: Customer | None, source_id: str, at: datetime, **options: Any
) -> Publication:
    """Give a customer a coupon of the promotion, once per `source_id`; options are `publish_coupons`'s."""
    (publication,) = publish_coupons(promotion, [Recipient(customer, source_id)], at=at, **options)
    return publication


def publish_coupons(
    promotion: Promotion,
    recipients: Sequence[Recipient],
    *,
    channel: str | None = None,
    reason: str = "",
    purpose: str = Purpose.MARKETING,
    at: datetime,
    **coupon_fields: Any,
) -> list[Publication]:
    """Give each recipient a coupon of the promotion, or none of them; a public code is given as it is.

    Returns their publications in the order given; the statements are few, however many they are. A promotion
    without a pattern gives out the codes that were issued, each once. With a channel, `coupon.published` asks
    campaigns to send it. `coupon_fields` make the coupons their own (effect, items, personal, automatic).

    Raises Conflict when a `source_id` gave a coupon to somebody else, PromotionHasNoCoupon,
    PromotionStopped, PromotionNotPublishable, CouponExpired, CouponPoolEmpty, BudgetExceeded when the
    budget of the whole promotion is spent, and NoPersonalOffer when each person has a value of their own and
    one of them has none.
    """
    with transaction.atomic():
        live = lock_live_customers([one.customer.pk for one in recipients if one.customer], shared=True)
        people = {one.source_id: live[one.customer.pk] if one.customer else None for one in recipients}
        lock_keys("publication", [f"{promotion.pk}:{source_id}" for source_id in people])
        known = _known(promotion, people)
        new = [source_id for source_id in people if source_id not in known]
        if new:
            (promotion,) = lock_promotions([promotion.pk])
            _check_publishable(promotion, at)
            fields = {
                "reason": reason,
                "valid_from": at,
                "published_at": at,
                "valid_until": default_end(promotion, at=at),
                **coupon_fields,
            }
            holders = [people[source_id] for source_id in new]
            if is_personal(promotion) and "effect" not in coupon_fields:
                coupons = _own_coupons(holders, promotion, fields, at=at)
            else:
                coupons = _coupons_for(holders, promotion, fields)
            known |= _hand_over(promotion, people, new, coupons, channel=channel, purpose=purpose, at=at)
        for one in recipients:
            customer = live[one.customer.pk] if one.customer else None
            _refuse_somebody_else(known[one.source_id], customer)
    return [known[one.source_id] for one in recipients]


def withdraw_publication(
    publication: Publication, *, reason: str = "", by: User | None = None, at: datetime
) -> Publication:
    """Take back a coupon: its message was never accepted, or somebody decided so.

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
            payload={
                "publication": publication.pk,
                "coupon": coupon.pk,
                "code": coupon.code,
                "reason": reason,
                "by": by.pk if by else None,
            },
        )
    return publication


def _hand_over(
    promotion: Promotion,
    people: Mapping[str, Customer | None],
    source_ids: Sequence[str],
    coupons: Sequence[Coupon],
    *,
    channel: str | None,
    purpose: str,
    at: datetime,
) -> dict[str, Publication]:
    publications = Publication.objects.bulk_create(
        Publication(
            promotion=promotion,
            external_id=source_id,
            customer=people[source_id],
            coupon=coupon,
            channel=channel or "",
            published_at=at,
        )
        for source_id, coupon in zip(source_ids, coupons, strict=True)
    )
    record_events([_published(one, purpose=purpose) for one in publications])
    return {one.external_id: one for one in publications}


def _known(promotion: Promotion, source_ids: Iterable[str]) -> dict[str, Publication]:
    rows = Publication.objects.filter(promotion=promotion, external_id__in=list(source_ids))
    # Mostly there is none, and writing the whole statement takes longer than asking.
    if not (ids := list(rows.values_list("pk", flat=True))):
        return {}
    found = Publication.objects.select_related("coupon__holder", "promotion", "customer").filter(
        pk__any_of=ids
    )
    return {publication.external_id: publication for publication in found}


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


def _coupons_for(
    holders: Sequence[Customer | None], promotion: Promotion, fields: dict[str, Any]
) -> list[Coupon]:
    """Return a coupon per holder: the public one, new ones, or the next of the pool."""
    public = _public_coupon(promotion)
    if public:
        return [public] * len(holders)
    if promotion.coupon_pattern:
        return _new_coupons(promotion, holders, fields)
    coupons = _pooled_coupons(promotion, count=len(holders))
    for coupon, holder in zip(coupons, holders, strict=True):
        coupon.holder = holder
        for name, value in fields.items():
            setattr(coupon, name, value)
    Coupon.objects.bulk_update(coupons, ["holder", *fields])
    return coupons


def _own_coupons(
    holders: Sequence[Customer | None], promotion: Promotion, fields: dict[str, Any], *, at: datetime
) -> list[Coupon]:
    """Return a coupon per holder that is theirs alone and promises what stands for them now.

    A public code stays as it is: whoever uses it gets what then stands for them.
    """
    if _public_coupon(promotion):
        return _coupons_for(holders, promotion, fields)
    standing = standing_offers(promotion, [holder.pk for holder in holders if holder], at=at)
    if any(holder is None or holder.pk not in standing for holder in holders):
        raise NoPersonalOffer
    coupons = _coupons_for(holders, promotion, fields | {"personal": True})
    for coupon in coupons:
        offer = standing[coupon.holder_id]
        coupon.effect = own_effect(promotion, offer)
        coupon.valid_until = min(filter(None, [coupon.valid_until, offer.valid_until]))
    Coupon.objects.bulk_update(coupons, ["effect", "valid_until"], batch_size=1000)
    return coupons


def _pooled_coupons(promotion: Promotion, *, count: int) -> list[Coupon]:
    """Take the next codes; whoever else wants some of this pool waits until these are gone."""
    lock_keys("pool", [str(promotion.pk)])
    free = Coupon.objects.in_pool().filter(promotion=promotion).order_by("pk")
    coupons: list[Coupon] = []
    while len(coupons) < count:  # Fewer come back where somebody switched one off while we waited for it.
        wanted = count - len(coupons)
        more = list(free.exclude(pk__in=[one.pk for one in coupons]).select_for_update()[:wanted])
        if not more:
            raise CouponPoolEmpty
        coupons += more
    return coupons


def _take_back(coupon: Coupon, *, pooled: bool) -> None:
    if pooled:
        coupon.holder = coupon.published_at = coupon.valid_from = coupon.valid_until = None
        coupon.save(update_fields=["holder", "published_at", "valid_from", "valid_until"])
    else:
        coupon.active = False
        coupon.save(update_fields=["active"])


def _new_coupons(
    promotion: Promotion, holders: Sequence[Customer | None], fields: dict[str, Any]
) -> list[Coupon]:
    coupons: list[Coupon] = []
    waiting = list(holders)
    while waiting:  # Whose code somebody has already, which is as good as never, gets another.
        codes = generate_codes(promotion.coupon_pattern, count=len(waiting))
        drawn = [
            Coupon(
                promotion=promotion,
                code=code,
                code_canonical=canonical_code(code),
                max_uses=promotion.coupon_max_uses,
                holder=holder,
                **fields,
            )
            for code, holder in zip(codes, waiting, strict=True)
        ]
        made = {id(coupon) for coupon in insert_missing(drawn, unique=["code_canonical"])}
        coupons += [coupon for coupon in drawn if id(coupon) in made]
        waiting = [coupon.holder for coupon in drawn if id(coupon) not in made]
    by_holder: dict[int | None, list[Coupon]] = {}
    for coupon in coupons:
        by_holder.setdefault(coupon.holder_id, []).append(coupon)
    return [by_holder[holder.pk if holder else None].pop() for holder in holders]


def _published(publication: Publication, *, purpose: str) -> Event:
    coupon = publication.coupon
    return new_event(
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
