"""Codes: issued in ones or thousands, switched off and on."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from coupons.definitions import read_items
from coupons.errors import CodeTaken, CouponExpired, PromotionHasNoCoupon, PromotionStopped
from coupons.models import CodeBatch, Coupon, Promotion
from coupons.patterns import generate_codes, pattern_mistake
from coupons.rules import canonical_code, code_mistake, end_of_day_after
from coupons.services.locks import lock_promotions
from customers.models import Customer
from customers.services import record_event
from customers.services.locks import hold_customer
from operations.errors import InvalidInput, Mistake
from operations.formats import moment
from operations.inserts import insert_missing
from operations.models import ApiClient, User

AT_ONCE = 1_000
MOST_CODES = 1_000_000
PROMOTION_DEFAULT = object()


@dataclass(frozen=True)
class Terms:
    """What codes made together have in common.

    `max_uses` None is unlimited, left out it is the promotion's. A `holder` makes them personal, `automatic`
    lets them apply by themselves to their holder's next order. `pattern` empty is the promotion's.
    """

    max_uses: Any = PROMOTION_DEFAULT
    holder: Customer | None = None
    automatic: bool = False
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    items: dict[str, Any] | None = None
    effect: dict[str, Any] | None = None
    reason: str = ""
    pattern: str = ""
    issued_by: User | None = None
    client: ApiClient | None = None

    def __post_init__(self) -> None:
        """Raise InvalidInput for what no coupon may be."""
        if self.items is not None:
            read_items(self.items)
        if self.automatic and self.holder is None:
            raise InvalidInput.at("/automatic", _("Only a coupon that has a holder applies by itself."))
        if self.pattern and (mistake := pattern_mistake(self.pattern)):
            raise InvalidInput.at("/pattern", mistake)
        if self.valid_from and self.valid_until and self.valid_until <= self.valid_from:
            raise InvalidInput.at("/valid_until", _("A coupon ends after it starts."))


def issue_coupons(
    promotion: Promotion, *, count: int = 0, codes: Sequence[str] = (), at: datetime, **terms: Any
) -> list[Coupon]:
    """Make `count` codes nobody can guess, or the `codes` given. `terms` are the fields of `Terms`.

    Raises InvalidInput for a malformed code, CodeTaken for one in use, PromotionHasNoCoupon,
    PromotionStopped, CouponExpired.
    """
    wished = Terms(**terms)
    with transaction.atomic():
        if wished.holder:
            wished = replace(wished, holder=hold_customer(wished.holder))
        (promotion,) = lock_promotions([promotion.pk])
        check_issuable(promotion, at=at)
        origin = CodeBatch.Origin.IMPORTED if codes else CodeBatch.Origin.GENERATED
        batch = open_batch(promotion, wished, origin=origin, wanted=len(codes) or count, at=at)
        template = {
            "promotion": promotion,
            "batch": batch,
            "max_uses": batch.max_uses,
            "holder": wished.holder,
            "personal": wished.holder is not None,
            "automatic": wished.automatic,
            "valid_from": wished.valid_from,
            "valid_until": batch.valid_until,
            "items": wished.items,
            "effect": wished.effect,
            "reason": wished.reason,
            "issued_by": wished.issued_by,
        }
        if codes:
            made = _insert_given(check_codes(codes), template)
        else:
            made = _insert_random(batch.pattern, count, template)
        batch.made = len(made)
        batch.save(update_fields=["made"])
    return made


def open_batch(
    promotion: Promotion, terms: Terms, *, origin: str, wanted: int | None, at: datetime, file_name: str = ""
) -> CodeBatch:
    """Write down that codes are being made, by whom and on which terms."""
    max_uses = promotion.coupon_max_uses if terms.max_uses is PROMOTION_DEFAULT else terms.max_uses
    return CodeBatch.objects.create(
        promotion=promotion,
        origin=origin,
        pattern=terms.pattern or promotion.coupon_pattern if origin == CodeBatch.Origin.GENERATED else "",
        wanted=wanted,
        max_uses=max_uses,
        valid_from=terms.valid_from,
        valid_until=terms.valid_until or default_end(promotion, at=terms.valid_from or at),
        items=terms.items,
        effect=terms.effect,
        reason=terms.reason,
        automatic=terms.automatic,
        holder=terms.holder,
        file_name=file_name,
        issued_by=terms.issued_by,
        client=terms.client,
    )


def switch_off_coupon(coupon: Coupon, *, reason: str = "", by: User | None = None, at: datetime) -> Coupon:
    """Make a code worthless at once. Waits for a redemption of it that is under way."""
    return _switch(coupon, False, reason=reason, by=by, at=at)


def switch_on_coupon(coupon: Coupon, *, reason: str = "", by: User | None = None, at: datetime) -> Coupon:
    """Make a code that was switched off good again."""
    return _switch(coupon, True, reason=reason, by=by, at=at)


def extend_coupon(
    coupon: Coupon, *, valid_until: datetime, reason: str = "", by: User | None = None, at: datetime
) -> Coupon:
    """Let a code be good for longer, until `valid_until`; one that has expired is good again.

    Good until then already, it is left as it is. Raises InvalidInput for an end that lies behind, that is
    earlier than the code's own, or after its promotion's, and for a code that ends with its promotion anyway.
    """
    with transaction.atomic():
        coupon = Coupon.objects.select_for_update(of=["self"]).select_related("promotion").get(pk=coupon.pk)
        if coupon.valid_until == valid_until:
            return coupon
        if mistake := _why_not_until(coupon, valid_until, at=at):
            raise InvalidInput.at("/valid_until", mistake)
        before, coupon.valid_until = coupon.valid_until, valid_until
        coupon.save(update_fields=["valid_until"])
        record_event(
            "coupon.extended",
            external_id=f"coupon:{coupon.pk}:extended:{valid_until.isoformat()}",
            customer=coupon.holder,
            occurred_at=at,
            payload={
                "coupon": coupon.pk,
                "code": coupon.code,
                "valid_until": valid_until.isoformat(),
                "before": before.isoformat(),
                "reason": reason,
                "by": by.pk if by else None,
            },
        )
    return coupon


def _why_not_until(coupon: Coupon, valid_until: datetime, *, at: datetime) -> str:
    ends_at = coupon.promotion.ends_at
    if coupon.valid_until is None:
        return _("This code is good as long as its promotion: let the promotion run longer.")
    if valid_until < coupon.valid_until or valid_until <= at:
        return _("A code can only be made good for longer.")
    if ends_at and valid_until > ends_at:
        return _("Its promotion ends on %(day)s: let that run longer first.") % {"day": moment(ends_at)}
    return ""


def _switch(coupon: Coupon, active: bool, *, reason: str, by: User | None, at: datetime) -> Coupon:
    with transaction.atomic():
        coupon = Coupon.objects.select_for_update().get(pk=coupon.pk)
        if coupon.active == active:
            return coupon
        coupon.active = active
        coupon.save(update_fields=["active"])
        word = "switched_on" if active else "switched_off"
        record_event(
            f"coupon.{word}",
            external_id=f"coupon:{coupon.pk}:{word}:{at.isoformat()}",
            customer=coupon.holder,
            occurred_at=at,
            payload={"coupon": coupon.pk, "code": coupon.code, "reason": reason, "by": by.pk if by else None},
        )
    return coupon


def check_issuable(promotion: Promotion, *, at: datetime) -> None:
    """Raise unless new codes of this promotion may be made: not once it was stopped or has ended."""
    if promotion.trigger == Promotion.Trigger.AUTOMATIC:
        raise PromotionHasNoCoupon
    if promotion.status == Promotion.Status.STOPPED:
        raise PromotionStopped
    if promotion.status_at(at) == Promotion.Status.EXPIRED:
        raise CouponExpired(_("This promotion has ended."))


def default_end(promotion: Promotion, *, at: datetime) -> datetime | None:
    """Return when a code given now expires: at the end of a local day; None is with the promotion."""
    if promotion.coupon_valid_days is None:
        return None
    return end_of_day_after(at, days=promotion.coupon_valid_days, zone=promotion.time_zone)


def check_codes(codes: Sequence[str]) -> list[str]:
    """Return the codes, trimmed. Raises InvalidInput for those malformed or given twice, CodeTaken."""
    mistakes, seen = [], set()
    for index, code in enumerate(codes):
        message = code_mistake(code)
        if not message and canonical_code(code) in seen:
            message = _("This code stands here twice.")
        if message:
            mistakes.append(Mistake(f"/codes/{index}", message))
        seen.add(canonical_code(code))
    if mistakes:
        raise InvalidInput(details=mistakes[:100])
    taken = set(Coupon.objects.filter(code_canonical__in=seen).values_list("code_canonical", flat=True)[:100])
    if taken:
        places = [index for index, code in enumerate(codes) if canonical_code(code) in taken]
        raise CodeTaken(details=[Mistake(f"/codes/{index}", str(CodeTaken.message)) for index in places])
    return [code.strip() for code in codes]


def _insert_given(codes: list[str], template: dict[str, Any]) -> list[Coupon]:
    coupons = _new(codes, template)
    if len(insert_missing(coupons, unique=["code_canonical"])) < len(coupons):
        raise CodeTaken
    return coupons


def _insert_random(pattern: str, count: int, template: dict[str, Any]) -> list[Coupon]:
    coupons: list[Coupon] = []
    while (
        len(coupons) < count
    ):  # Two codes of 50 random bits are hardly ever the same; then there is another.
        codes = generate_codes(pattern, count=count - len(coupons))
        coupons += insert_missing(_new(codes, template), unique=["code_canonical"])
    return coupons


def _new(codes: list[str], template: dict[str, Any]) -> list[Coupon]:
    return [Coupon(code=code, code_canonical=canonical_code(code), **template) for code in codes]
