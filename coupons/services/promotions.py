"""The life of a promotion: written down, started, stopped, resumed."""

from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.utils.translation import gettext as _

from coupons.definitions import (
    CouponRule,
    LimitSubject,
    read_conditions,
    read_coupon_rule,
    read_effect,
    read_limits,
    read_margin_floor,
    read_stacking,
)
from coupons.errors import CodeTaken, MoveNotPossible, PromotionChangedMeanwhile
from coupons.models import Coupon, Promotion, PromotionVersion, Reason
from coupons.rules import canonical_code
from coupons.services.budgets import read_budgets, write_budgets
from coupons.services.versions import (
    NOBODY,
    Author,
    arguments_of,
    definition_of,
    find_version,
    free_code,
    newest_number,
    note_version,
)
from customers.models import Segment
from customers.services import record_event
from operations.errors import Conflict, InvalidInput, Mistake
from operations.models import ApiClient, User

Status = Promotion.Status
Change = PromotionVersion.Change
# What may still change once a promotion was started: nothing that people were promised, nothing counted.
CHANGEABLE_LATER = {"name", "description", "ends_at"}


def create_promotion(
    *,
    code: str,
    name: str,
    effect: dict[str, Any],
    trigger: str = Promotion.Trigger.COUPON,
    conditions: dict[str, Any] | None = None,
    limits: list[dict[str, Any]] | None = None,
    budget: dict[str, Any] | None = None,
    budgets: list[dict[str, Any]] | None = None,
    stacking: dict[str, Any] | None = None,
    margin_floor: dict[str, Any] | None = None,
    coupon: dict[str, Any] | None = None,
    currency: str = "",
    starts_at: datetime | None = None,
    ends_at: datetime | None = None,
    description: str = "",
    legal_kind: str = Promotion.LegalKind.SCONTO,
    activate: bool = False,
    created_by: User | None = None,
    client: ApiClient | None = None,
    note: str = "",
    at: datetime,
) -> Promotion:
    """Write down an incentive; the JSON arguments are those of api.md; `budgets` adds to `budget`.

    Raises InvalidInput with a pointer to each mistake, Conflict when the code is in use.
    """
    rule = _read_coupon_rule(trigger, coupon)
    promotion = Promotion(
        code=code,
        name=name,
        description=description,
        trigger=trigger,
        effect=effect,
        conditions=conditions or {},
        limits=limits or [],
        stacking=stacking or {},
        margin_floor=margin_floor or {},
        starts_at=starts_at,
        ends_at=ends_at,
        coupon_pattern=rule.pattern,
        coupon_max_uses=rule.max_uses,
        coupon_valid_days=rule.valid_days,
        legal_kind=legal_kind,
        created_by=created_by,
    )
    if currency:
        promotion.currency = currency
    check_definition(promotion)
    caps, by = read_budgets(budget, budgets), Author(created_by, client)
    with transaction.atomic():
        _insert(promotion)
        write_budgets(promotion, caps)
        if rule.code:
            _issue_public_code(promotion, rule, at=at)
        note_version(promotion, Change.CREATED, by=by, note=note, at=at)
        if activate:
            promotion = activate_promotion(promotion, by=by, at=at)
    return promotion


def check_definition(promotion: Promotion) -> None:
    """Raise InvalidInput unless every part of the promotion can be honoured."""
    mistakes: list[Mistake] = []
    parts = {}
    for name, read in (
        ("effect", read_effect),
        ("conditions", read_conditions),
        ("limits", read_limits),
        ("stacking", read_stacking),
        ("margin_floor", read_margin_floor),
    ):
        try:
            parts[name] = read(getattr(promotion, name))
        except InvalidInput as error:
            mistakes.extend(error.details)
    if promotion.starts_at and promotion.ends_at and promotion.ends_at <= promotion.starts_at:
        mistakes.append(Mistake("/ends_at", _("A promotion ends after it starts.")))
    conditions = parts.get("conditions")
    if conditions and conditions.segment and not Segment.objects.filter(code=conditions.segment).exists():
        mistakes.append(Mistake("/conditions/segment", _("There is no segment with this code.")))
    if promotion.trigger == Promotion.Trigger.AUTOMATIC:
        if conditions and conditions.holder_only:
            mistakes.append(Mistake("/conditions/holder_only", _("Without a coupon there is no holder.")))
        for index, limit in enumerate(parts.get("limits", ())):
            if limit.subject in (LimitSubject.COUPON, LimitSubject.CUSTOMER_COUPON):
                mistakes.append(Mistake(f"/limits/{index}/subject", _("This promotion has no coupons.")))
    if mistakes:
        raise InvalidInput(details=mistakes)


def edit_promotion(
    promotion: Promotion,
    *,
    by: Author = NOBODY,
    change: str = Change.EDITED,
    note: str = "",
    seen: int | None = None,
    at: datetime,
    **changes: Any,
) -> Promotion:
    """Change a promotion; once it was started, only its name, description, end and budgets.

    `seen` is the version that the changes were made of. Raises PromotionChangedMeanwhile when there is a
    newer one, and InvalidInput for what may not change or is wrong, with what was used when a cap falls below
    it.
    """
    with transaction.atomic():
        promotion = Promotion.objects.select_for_update().get(pk=promotion.pk)
        if seen is not None and seen != newest_number(promotion):
            raise PromotionChangedMeanwhile
        given = "budget" in changes or "budgets" in changes
        caps = read_budgets(changes.pop("budget", None), changes.pop("budgets", None))
        if coupon := changes.pop("coupon", None):
            changes |= _coupon_columns(changes.get("trigger", promotion.trigger), coupon)
        if promotion.status != Status.DRAFT:
            _refuse_late_changes(promotion, changes)
        for name, value in changes.items():
            setattr(promotion, name, value)
        check_definition(promotion)
        promotion.save()
        if given:
            write_budgets(promotion, caps)
        note_version(promotion, change, by=by, note=note, at=at)
    return promotion


def clone_promotion(
    promotion: Promotion, *, by: Author = NOBODY, version: int | None = None, at: datetime
) -> Promotion:
    """Return a new draft that says what the promotion says, or what its `version` said.

    A public code stays with the promotion that has it: the draft makes codes by a pattern instead.
    """
    arguments = arguments_of(
        find_version(promotion, version).definition if version else definition_of(promotion)
    )
    coupon = arguments.pop("coupon", None)
    if coupon:
        coupon = {name: value for name, value in coupon.items() if name != "code"}
    if arguments.get("ends_at") and arguments["ends_at"] <= at:
        arguments["starts_at"] = arguments["ends_at"] = None
    name = _("%(name)s (copy)") % {"name": arguments.pop("name")[:100]}
    return create_promotion(
        code=free_code(promotion.code),
        name=name,
        coupon=coupon,
        created_by=by.user,
        client=by.client,
        note=_("copied from %(code)s") % {"code": promotion.code},
        at=at,
        **arguments,
    )


def restore_version(promotion: Promotion, number: int, *, by: Author = NOBODY, at: datetime) -> Promotion:
    """Let the promotion say again what it said in an earlier version.

    Raises InvalidInput when it was started since and people were promised something else: then a copy of the
    version is the way.
    """
    arguments = arguments_of(find_version(promotion, number).definition)
    coupon = arguments.pop("coupon", None) or {}
    if promotion.status == Status.DRAFT and coupon and "code" not in coupon:
        arguments["coupon"] = coupon
    note = _("as in version %(number)d") % {"number": number}
    return edit_promotion(promotion, by=by, change=Change.RESTORED, note=note, at=at, **arguments)


def _coupon_columns(trigger: str, coupon: dict[str, Any]) -> dict[str, Any]:
    rule = _read_coupon_rule(trigger, coupon)
    return {
        "coupon_pattern": rule.pattern,
        "coupon_max_uses": rule.max_uses,
        "coupon_valid_days": rule.valid_days,
    }


def _refuse_late_changes(promotion: Promotion, changes: dict[str, Any]) -> None:
    late = [
        name
        for name, value in changes.items()
        if name not in CHANGEABLE_LATER and getattr(promotion, name) != value
    ]
    if late:
        message = _("This cannot change once the promotion was started; stop it and write a new one.")
        raise InvalidInput(details=[Mistake(f"/{name}", message) for name in late])


def activate_promotion(promotion: Promotion, *, by: Author = NOBODY, at: datetime) -> Promotion:
    """Start a draft: ACTIVE, or SCHEDULED when its start lies ahead. Starting it again changes nothing.

    Raises MoveNotPossible for a stopped or ended one.
    """
    with transaction.atomic():
        promotion = Promotion.objects.select_for_update().get(pk=promotion.pk)
        if promotion.status in (Status.ACTIVE, Status.SCHEDULED):
            return promotion
        if promotion.status != Status.DRAFT:
            raise MoveNotPossible(_("Only a draft is activated; a stopped promotion is resumed."))
        if promotion.ends_at and promotion.ends_at <= at:
            raise MoveNotPossible(_("The promotion's end has passed."))
        promotion.status = _running_status(promotion, at)
        promotion.activated_at = at
        promotion.save()
        note_version(promotion, Change.ACTIVATED, by=by, at=at)
    return promotion


def stop_promotion(
    promotion: Promotion,
    *,
    mode: str = Promotion.StopMode.HARD,
    reason: str = "",
    by: Author = NOBODY,
    at: datetime,
) -> Promotion:
    """Stop a promotion: HARD (nothing redeems once this has committed) or DRAIN (nothing new is handed out).

    A drained promotion can still be stopped HARD. Raises MoveNotPossible for a draft or an ended one.
    """
    with transaction.atomic():
        # FOR UPDATE waits for every redemption that has read the status, and they for this.
        promotion = Promotion.objects.select_for_update().get(pk=promotion.pk)
        drained = promotion.stop_mode == Promotion.StopMode.DRAIN
        if promotion.status == Status.STOPPED and (promotion.stop_mode == mode or not drained):
            return promotion
        if promotion.status_at(at) in (Status.DRAFT, Status.EXPIRED):
            raise MoveNotPossible(_("Only a promotion that runs or is scheduled can be stopped."))
        promotion.status, promotion.stop_mode = Status.STOPPED, mode
        promotion.stop_reason, promotion.stopped_at = reason, at
        promotion.save()
        note_version(promotion, Change.STOPPED, by=by, note=_stop_note(mode, reason), at=at)
        record_event(
            "promotion.stopped",
            external_id=f"promotion:{promotion.pk}:stopped:{at.isoformat()}",
            occurred_at=at,
            payload={"promotion": promotion.code, "mode": mode, "reason": reason},
        )
    return promotion


def resume_promotion(promotion: Promotion, *, by: Author = NOBODY, at: datetime) -> Promotion:
    """Let a stopped promotion run again. Raises MoveNotPossible unless it was stopped and has not ended."""
    with transaction.atomic():
        promotion = Promotion.objects.select_for_update().get(pk=promotion.pk)
        if promotion.status in (Status.ACTIVE, Status.SCHEDULED):
            return promotion
        if promotion.status != Status.STOPPED:
            raise MoveNotPossible(_("Only a stopped promotion is resumed."))
        if promotion.ends_at and promotion.ends_at <= at:
            raise MoveNotPossible(_("The promotion's end has passed."))
        promotion.status, promotion.stop_mode = _running_status(promotion, at), ""
        promotion.stop_reason, promotion.stopped_at = "", None
        promotion.save()
        note_version(promotion, Change.RESUMED, by=by, at=at)
        record_event(
            "promotion.resumed",
            external_id=f"promotion:{promotion.pk}:resumed:{at.isoformat()}",
            occurred_at=at,
            payload={"promotion": promotion.code},
        )
    return promotion


def move_promotions(*, at: datetime) -> int:
    """Write down what the clock decided: scheduled ones that started, running ones that ended.

    Only for lists and filters; whether something redeems is always decided by the dates.
    """
    running = Promotion.objects.filter(status__in=[Status.SCHEDULED, Status.ACTIVE])
    ended = running.filter(ends_at__lte=at).update(status=Status.EXPIRED)
    started = (
        Promotion.objects.filter(status=Status.SCHEDULED)
        .filter(Q(starts_at__isnull=True) | Q(starts_at__lte=at))
        .update(status=Status.ACTIVE, activated_at=F("starts_at"))
    )
    return ended + started


def _stop_note(mode: str, reason: str) -> str:
    return f"{mode}: {reason}"[:300] if reason else mode


def _running_status(promotion: Promotion, at: datetime) -> str:
    return Status.SCHEDULED if promotion.starts_at and promotion.starts_at > at else Status.ACTIVE


def _read_coupon_rule(trigger: str, coupon: dict[str, Any] | None) -> CouponRule:
    if coupon is None:
        return CouponRule()
    if trigger == Promotion.Trigger.AUTOMATIC:
        raise InvalidInput.at("/coupon", _("A promotion that applies by itself has no coupons."))
    return read_coupon_rule(coupon)


def _insert(promotion: Promotion) -> None:
    try:
        with transaction.atomic():
            promotion.save(force_insert=True)
    except IntegrityError as error:
        if Promotion.objects.filter(code=promotion.code).exists():
            raise Conflict(_("A promotion with this code exists already.")) from error
        raise


def _issue_public_code(promotion: Promotion, rule: CouponRule, *, at: datetime) -> Coupon:
    canonical = canonical_code(rule.code)
    if Coupon.objects.filter(code_canonical=canonical).exists():
        raise CodeTaken
    return Coupon.objects.create(
        promotion=promotion,
        code=rule.code,
        code_canonical=canonical,
        public=True,
        max_uses=rule.max_uses,
        reason=Reason.PUBLIC,
        published_at=at,
    )
