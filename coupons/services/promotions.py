"""The life of a promotion: written down, started, stopped, resumed."""

from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.utils.translation import gettext as _

from coupons.definitions import (
    BudgetRule,
    CouponRule,
    LimitSubject,
    read_budget,
    read_conditions,
    read_coupon_rule,
    read_effect,
    read_limits,
    read_stacking,
)
from coupons.errors import CodeTaken, MoveNotPossible
from coupons.models import Budget, BudgetPeriod, Coupon, Promotion, Reason
from coupons.rules import canonical_code
from customers.models import Segment
from customers.services import record_event
from operations.errors import Conflict, InvalidInput, Mistake
from operations.models import User

Status = Promotion.Status
# What may still change once a promotion was started: nothing that people were promised, nothing counted.
CHANGEABLE_LATER = {"name", "description", "ends_at", "budget"}


def create_promotion(
    *,
    code: str,
    name: str,
    effect: dict[str, Any],
    trigger: str = Promotion.Trigger.COUPON,
    conditions: dict[str, Any] | None = None,
    limits: list[dict[str, Any]] | None = None,
    budget: dict[str, Any] | None = None,
    stacking: dict[str, Any] | None = None,
    coupon: dict[str, Any] | None = None,
    currency: str = "",
    starts_at: datetime | None = None,
    ends_at: datetime | None = None,
    description: str = "",
    legal_kind: str = Promotion.LegalKind.SCONTO,
    activate: bool = False,
    created_by: User | None = None,
    at: datetime,
) -> Promotion:
    """Write down an incentive; the JSON arguments are those of api.md, Promotions.

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
    budget_rule = read_budget(budget) if budget else None
    with transaction.atomic():
        _insert(promotion)
        if budget_rule:
            write_budget(promotion, budget_rule)
        if rule.code:
            _issue_public_code(promotion, rule, at=at)
        if activate:
            promotion = activate_promotion(promotion, at=at)
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


def edit_promotion(promotion: Promotion, *, at: datetime, **changes: Any) -> Promotion:
    """Change a promotion; once it was started, only its name, description, end and budget.

    Raises InvalidInput for what may not change or is wrong, with what was used when a cap falls below it.
    """
    with transaction.atomic():
        promotion = Promotion.objects.select_for_update().get(pk=promotion.pk)
        given = "budget" in changes
        budget = changes.pop("budget", None)
        if coupon := changes.pop("coupon", None):
            rule = _read_coupon_rule(changes.get("trigger", promotion.trigger), coupon)
            changes |= {
                "coupon_pattern": rule.pattern,
                "coupon_max_uses": rule.max_uses,
                "coupon_valid_days": rule.valid_days,
            }
        if promotion.status != Status.DRAFT:
            _refuse_late_changes(promotion, changes)
        for name, value in changes.items():
            setattr(promotion, name, value)
        check_definition(promotion)
        promotion.save()
        if given and promotion.status == Status.DRAFT:
            promotion.budgets.all().delete()
        if budget:
            write_budget(promotion, read_budget(budget))
    return promotion


def _refuse_late_changes(promotion: Promotion, changes: dict[str, Any]) -> None:
    late = [
        name
        for name, value in changes.items()
        if name not in CHANGEABLE_LATER and getattr(promotion, name) != value
    ]
    if late:
        message = _("This cannot change once the promotion was started; stop it and write a new one.")
        raise InvalidInput(details=[Mistake(f"/{name}", message) for name in late])


def write_budget(promotion: Promotion, rule: BudgetRule) -> Budget:
    """Set a promotion's budget. Raises InvalidInput when the cap would lie below what was used already."""
    with transaction.atomic():
        budget, created = Budget.objects.select_for_update().get_or_create(
            promotion=promotion,
            metric=rule.metric,
            period=rule.period,
            defaults={"cap": rule.cap, "on_insufficient": rule.on_insufficient},
        )
        if not created:
            _refuse_cap_below_used(budget, rule.cap)
            budget.cap, budget.on_insufficient = rule.cap, rule.on_insufficient
            budget.save()
            BudgetPeriod.objects.filter(budget=budget).update(cap=rule.cap)
    return budget


def _refuse_cap_below_used(budget: Budget, cap: int) -> None:
    highest = budget.periods.select_for_update().order_by("-used").first()
    if highest and highest.used > cap:
        message = _("%(used)d was used already; the cap cannot lie below it.") % {"used": highest.used}
        raise InvalidInput.at("/budget/cap", message)


def activate_promotion(promotion: Promotion, *, at: datetime) -> Promotion:
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
    return promotion


def stop_promotion(
    promotion: Promotion,
    *,
    mode: str = Promotion.StopMode.HARD,
    reason: str = "",
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
        record_event(
            "promotion.stopped",
            external_id=f"promotion:{promotion.pk}:stopped:{at.isoformat()}",
            occurred_at=at,
            payload={"promotion": promotion.code, "mode": mode, "reason": reason},
        )
    return promotion


def resume_promotion(promotion: Promotion, *, at: datetime) -> Promotion:
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
