"""Plans of paid memberships, and what tiers and plans share: their segment and their free shipping."""

from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from coupons.models import Promotion
from coupons.services import create_promotion, stop_promotion
from customers.models import Segment
from customers.services.segments import create_segment, edit_segment
from loyalty.errors import PlanTaken
from loyalty.models import Beneficial, MembershipPlan
from loyalty.services.benefits import segment_code
from loyalty.translations import check_translations
from operations.errors import InvalidInput
from operations.models import User

SHIPPING = "free-shipping"


def create_plan(
    *, code: str, name: str, at: datetime, by: User | None = None, **fields: Any
) -> MembershipPlan:
    """Write down a plan with its segment; with `free_shipping` also the promotion that frees it.

    Raises InvalidInput for fields that contradict each other, PlanTaken when the code is in use.
    """
    plan = MembershipPlan(code=code, name=name, **fields)
    check_benefits(plan)
    _check_period(plan)
    try:
        with transaction.atomic():
            give_segment(plan)
            plan.save()
            keep_shipping(plan, at=at, by=by)
    except IntegrityError as error:
        raise PlanTaken from error
    return plan


def edit_plan(plan: MembershipPlan, *, at: datetime, by: User | None = None, **fields: Any) -> MembershipPlan:
    """Change a plan; who has it keeps what is paid, and has the new benefits. Raises InvalidInput."""
    with transaction.atomic():
        plan = MembershipPlan.objects.select_for_update(of=["self"]).get(pk=plan.pk)
        for name, value in fields.items():
            setattr(plan, name, value)
        check_benefits(plan)
        _check_period(plan)
        plan.save()
        edit_segment(plan.segment, name=segment_name(plan))
        keep_shipping(plan, at=at, by=by)
    return plan


def give_segment(row: Beneficial) -> None:
    """Make the segment in which those stand who belong to a tier or a plan. Raises SegmentTaken."""
    row.segment = create_segment(code=segment_code(row), name=segment_name(row), kind=Segment.Kind.LOYALTY)


def segment_name(row: Beneficial) -> str:
    """Return what the segment of a tier or a plan is called."""
    kind = _("Tier") if segment_code(row).startswith("tier--") else _("Membership")
    return f"{kind}: {row.name}"[:120]


def keep_shipping(row: Beneficial, *, at: datetime, by: User | None = None) -> None:
    """Let an automatic promotion free the shipping of those who belong to this, exactly while it says so."""
    running = row.shipping_promotion is not None and row.shipping_promotion.status_at(at) in (
        Promotion.Status.ACTIVE,
        Promotion.Status.SCHEDULED,
    )
    # Retired or out of sale, it frees the shipping of those who have it still, and of nobody new.
    wanted = row.free_shipping and (row.active or running)
    if wanted and not running:
        row.shipping_promotion = create_promotion(
            code=_free_code(f"{SHIPPING}-{row.code}"),
            name=(_("Free shipping: %(name)s") % {"name": row.name})[:120],
            effect={"kind": "FREE_SHIPPING"},
            trigger=Promotion.Trigger.AUTOMATIC,
            conditions={"segment": segment_code(row)},
            created_by=by,
            activate=True,
            at=at,
        )
        row.save(update_fields=["shipping_promotion"])
    elif running and not wanted:
        stop_promotion(
            row.shipping_promotion,
            mode=Promotion.StopMode.HARD,
            reason=_("The benefit of %(name)s ended.") % {"name": row.name},
            at=at,
        )


def check_benefits(row: Beneficial) -> None:
    """Raise InvalidInput unless what belonging gives can be honoured, and is told in languages of ours."""
    if not 1 <= row.multiplier <= 10:
        raise InvalidInput.at("/multiplier", _("Points are multiplied by 1 to 10."))
    row.translations = check_translations(row.translations, row.TRANSLATED)


def _check_period(plan: MembershipPlan) -> None:
    if (plan.period == MembershipPlan.Period.DAYS) != bool(plan.period_days):
        raise InvalidInput.at("/period_days", _("Only a period of days says how many."))


def _free_code(wished: str) -> str:
    taken = set(Promotion.objects.filter(code__startswith=wished).values_list("code", flat=True))
    return next(
        code for code in (wished, *(f"{wished}-{number}" for number in range(2, 1000))) if code not in taken
    )
