"""What a promotion may spend: its caps, and taking from them for what is no redemption."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from coupons.definitions import BudgetRule, read_budget
from coupons.errors import BudgetExceeded
from coupons.models import Budget, BudgetPeriod, Promotion, PromotionGrant
from coupons.rules import period_start
from coupons.services.keys import BudgetKey
from coupons.services.locks import open_periods
from operations.errors import InvalidInput, Mistake
from operations.formats import money, number


def read_budgets(budget: dict[str, Any] | None, budgets: list[Any] | None) -> list[tuple[str, BudgetRule]]:
    """Return the caps as written, each with where it stands. Raises InvalidInput with each mistake."""
    written = [("/budget", budget)] if budget else []
    if budgets is not None and (not isinstance(budgets, list) or len(budgets) > 10):
        raise InvalidInput.at("/budgets", _("This is a list of at most 10 budgets."))
    written += [(f"/budgets/{index}", one) for index, one in enumerate(budgets or [])]
    rules, mistakes, seen = [], [], set()
    for pointer, one in written:
        try:
            rule = read_budget(one, pointer)
        except InvalidInput as error:
            mistakes += error.details
            continue
        if (rule.metric, rule.period) in seen:
            mistakes.append(Mistake(pointer, _("The promotion has a budget of this kind already.")))
        seen.add((rule.metric, rule.period))
        rules.append((pointer, rule))
    if mistakes:
        raise InvalidInput(details=mistakes)
    return rules


def write_budgets(promotion: Promotion, rules: Sequence[tuple[str, BudgetRule]]) -> None:
    """Set the promotion's budgets; one of a started promotion stays where it is not named.

    Raises InvalidInput when a cap would lie below what was used already, with the used amount.
    """
    if promotion.status == Promotion.Status.DRAFT:
        kept = {(rule.metric, rule.period) for _pointer, rule in rules}
        for budget in promotion.budgets.all():
            if (budget.metric, budget.period) not in kept:
                budget.delete()
    for pointer, rule in rules:
        _write_budget(promotion, rule, pointer)


def take_from_budgets(
    promotion: Promotion, *, metric: str, units: int, source_key: str, at: datetime
) -> PromotionGrant:
    """Count what was given in a promotion's name without a redemption: gift-card money, points.

    The same `source_key` counts once. Raises BudgetExceeded, with nothing taken, when a budget does not bear
    all of it. To be called last in a transaction: the rows stay locked until it ends.
    """
    with transaction.atomic():
        grant, created = PromotionGrant.objects.get_or_create(
            promotion=promotion,
            metric=metric,
            source_key=source_key,
            defaults={"units": units, "granted_at": at},
        )
        if not created:
            return grant
        for budget in promotion.budgets.filter(metric=metric).order_by("pk"):
            starts_on = period_start(budget.period, at, promotion.time_zone)
            open_periods([BudgetKey(budget.pk, starts_on, budget.cap, True)])
            row = BudgetPeriod.objects.filter(budget=budget, starts_on=starts_on)
            if not row.filter(used__lte=F("cap") - units).update(used=F("used") + units):
                raise BudgetExceeded
            grant.budgets.append([budget.pk, starts_on.isoformat(), units])
        grant.save(update_fields=["budgets"])
    return grant


def _write_budget(promotion: Promotion, rule: BudgetRule, pointer: str) -> None:
    with transaction.atomic():
        budget, created = Budget.objects.select_for_update().get_or_create(
            promotion=promotion,
            metric=rule.metric,
            period=rule.period,
            defaults={"cap": rule.cap, "on_insufficient": rule.on_insufficient},
        )
        if not created:
            _refuse_cap_below_used(budget, rule.cap, pointer)
            budget.cap, budget.on_insufficient = rule.cap, rule.on_insufficient
            budget.save()
            BudgetPeriod.objects.filter(budget=budget).update(cap=rule.cap)


def _refuse_cap_below_used(budget: Budget, cap: int, pointer: str) -> None:
    # All of them, not the highest alone: another period may be spent from at this moment.
    highest = max((one.used for one in budget.periods.select_for_update().order_by("pk")), default=0)
    if highest > cap:
        used = money(highest, budget.promotion.currency) if budget.counts_money else number(highest)
        message = _("%(used)s was used already; the cap cannot lie below it.") % {"used": used}
        raise InvalidInput.at(f"{pointer}/cap", message)
