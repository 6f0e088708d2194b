"""Codes: issued in ones or thousands, switched off and on."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import structlog
from django.db import transaction
from django.utils.translation import gettext as _

from coupons.definitions import read_items
from coupons.errors import CodeTaken, CouponExpired, PromotionHasNoCoupon, PromotionStopped
from coupons.models import Coupon, Promotion
from coupons.rules import canonical_code, code_mistake, end_of_day_after, generate_code
from coupons.services.locks import lock_promotions
from customers.models import Customer
from customers.services import record_event
from operations.errors import InvalidInput, Mistake
from operations.inserts import insert_missing
from operations.models import ApiClient, JobRun, User
from operations.services import advance_job, queue_job

log = structlog.get_logger(__name__)

AT_ONCE = 1_000
MOST_CODES = 1_000_000
BATCH = 5_000
PROMOTION_DEFAULT = object()


def issue_coupons(
    promotion: Promotion,
    *,
    count: int = 0,
    codes: Sequence[str] = (),
    max_uses: Any = PROMOTION_DEFAULT,
    holder: Customer | None = None,
    automatic: bool = False,
    valid_from: datetime | None = None,
    valid_until: datetime | None = None,
    items: dict[str, Any] | None = None,
    effect: dict[str, Any] | None = None,
    reason: str = "",
    issued_by: User | None = None,
    at: datetime,
) -> list[Coupon]:
    """Make `count` codes nobody can guess, or the `codes` given; with a holder they are personal.

    `max_uses` None is unlimited, left out it is the promotion's; `automatic` codes apply by themselves to
    their holder's next order. Raises InvalidInput for a malformed code, CodeTaken for one in use,
    PromotionHasNoCoupon, PromotionStopped, CouponExpired.
    """
    if automatic and holder is None:
        raise InvalidInput.at("/automatic", _("Only a coupon that has a holder applies by itself."))
    if items is not None:
        read_items(items)
    with transaction.atomic():
        (promotion,) = lock_promotions([promotion.pk])
        check_issuable(promotion, at=at)
        template = {
            "promotion": promotion,
            "max_uses": promotion.coupon_max_uses if max_uses is PROMOTION_DEFAULT else max_uses,
            "holder": holder,
            "personal": holder is not None,
            "automatic": automatic,
            "valid_from": valid_from,
            "valid_until": valid_until or default_end(promotion, at=at),
            "items": items,
            "effect": effect,
            "reason": reason,
            "issued_by": issued_by,
        }
        if codes:
            return _insert_given(check_codes(codes), template)
        return _insert_random(promotion.coupon_pattern, count, template)


def queue_coupons(
    promotion: Promotion,
    *,
    parameters: dict[str, Any],
    total: int,
    owner: User | None = None,
    client: ApiClient | None = None,
    at: datetime,
) -> JobRun:
    """Promise more codes than one request can make; `coupons.tasks.issue_coupons` keeps the promise."""
    check_issuable(promotion, at=at)
    job = queue_job(
        "coupons.issue",
        title=_("Codes for %(promotion)s") % {"promotion": promotion.name},
        owner=owner,
        client=client,
        total=total,
        parameters=parameters | {"promotion": promotion.pk},
    )
    transaction.on_commit(lambda: _ring(job))
    return job


def issue_in_batches(job: JobRun, *, at: datetime) -> dict[str, int]:
    """Keep the promise of a queued job, in batches that each commit; return what came out."""
    parameters = dict(job.parameters)
    promotion = Promotion.objects.get(pk=parameters.pop("promotion"))
    codes, count = parameters.pop("codes", []), parameters.pop("count", 0)
    holder = parameters.pop("holder", None)
    options = {
        "holder": Customer.objects.get(pk=holder) if holder else None,
        "valid_until": _instant(parameters.pop("valid_until", None)),
        **parameters,
    }
    total = len(codes) or count
    for start in range(0, total, BATCH):
        part = codes[start : start + BATCH]
        issue_coupons(promotion, codes=part, count=min(BATCH, total - start), at=at, **options)
        advance_job(job, done=min(start + BATCH, total))
    return {"issued": total}


def switch_off_coupon(coupon: Coupon, *, reason: str = "", by: User | None = None, at: datetime) -> Coupon:
    """Make a code worthless at once. Waits for a redemption of it that is under way."""
    return _switch(coupon, False, reason=reason, by=by, at=at)


def switch_on_coupon(coupon: Coupon, *, reason: str = "", by: User | None = None, at: datetime) -> Coupon:
    """Make a code that was switched off good again."""
    return _switch(coupon, True, reason=reason, by=by, at=at)


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
        codes = [generate_code(pattern) for _ in range(count - len(coupons))]
        coupons += insert_missing(_new(codes, template), unique=["code_canonical"])
    return coupons


def _new(codes: list[str], template: dict[str, Any]) -> list[Coupon]:
    return [Coupon(code=code, code_canonical=canonical_code(code), **template) for code in codes]


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _ring(job: JobRun) -> None:
    from coupons.tasks import issue_coupons as task

    try:
        task.delay(job.pk)
    except task.OperationalError:  # The broker is away: beat finds the job within a minute of its return.
        log.warning("doorbell_unreachable", bell="issue_coupons", job_id=job.pk)
