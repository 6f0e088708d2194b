"""What promotions have brought and cost so far: a few statements for any number of rows."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.db.models import Count, Q, Sum
from django.db.models.functions import TruncDate
from django.utils.translation import gettext as _

from coupons.models import Budget, BudgetPeriod, Coupon, Promotion, Redemption
from coupons.rules import local_day, period_start
from operations.figures import Chart, Series
from operations.formats import day as day_in_words
from operations.formats import money, number

DAYS_SHOWN = 30
WARN_PERCENT = 80


@dataclass(frozen=True)
class BudgetBar:
    """A budget in its current period: how far it has burnt down."""

    budget_id: int
    label: str
    text: str
    percent: int
    used: int
    cap: int

    @property
    def tone(self) -> str:
        if self.percent >= 100:
            return "bad"
        return "warn" if self.percent >= WARN_PERCENT else "good"


@dataclass(frozen=True)
class PromotionFigures:
    """Counts of codes and redemptions (not rolled back); the discount in minor units."""

    codes: int = 0
    published: int = 0
    redemptions: int = 0
    discount_amount: int = 0
    budgets: list[BudgetBar] = field(default_factory=list)


def promotion_figures(promotions: Sequence[Promotion], *, at: datetime) -> dict[int, PromotionFigures]:
    """Return the figures of each promotion by its id."""
    ids = [promotion.pk for promotion in promotions]
    codes = {
        row["promotion"]: row
        for row in Coupon.objects.filter(promotion__in=ids)
        .values("promotion")
        .annotate(codes=Count("pk"), published=Count("pk", filter=Q(published_at__isnull=False)))
    }
    spent = {
        row["promotion"]: row
        for row in Redemption.objects.standing()
        .filter(promotion__in=ids)
        .values("promotion")
        .annotate(redemptions=Count("pk"), discount=Sum("discount_amount"))
    }
    bars = budget_bars(promotions, at=at)
    return {
        pk: PromotionFigures(
            codes=codes.get(pk, {}).get("codes", 0),
            published=codes.get(pk, {}).get("published", 0),
            redemptions=spent.get(pk, {}).get("redemptions", 0),
            discount_amount=spent.get(pk, {}).get("discount", 0),
            budgets=bars.get(pk, []),
        )
        for pk in ids
    }


def redemption_chart(promotion: Promotion, *, at: datetime) -> Chart:
    """Return redemptions by local day over the last weeks."""
    today = local_day(at, promotion.time_zone)
    days = [today - timedelta(days=back) for back in reversed(range(DAYS_SHOWN))]
    counts: dict[date, int] = dict(
        Redemption.objects.standing()
        .filter(promotion=promotion, redeemed_at__gte=at - timedelta(days=DAYS_SHOWN + 1))
        .values_list(TruncDate("redeemed_at", tzinfo=ZoneInfo(promotion.time_zone)))
        .annotate(count=Count("pk"))
    )
    return Chart(
        title=_("Redemptions by day"),
        labels=[day_in_words(one) for one in days],
        series=[Series(_("Redemptions"), [counts.get(one, 0) for one in days])],
        kind="bar",
        axis=_("Day"),
        key="redemptions",
    )


def budget_bars(promotions: Sequence[Promotion], *, at: datetime) -> dict[int, list[BudgetBar]]:
    """Return the budgets of each promotion that has any, by its id, each in its current period."""
    by_id = {promotion.pk: promotion for promotion in promotions}
    budgets = list(Budget.objects.filter(promotion__in=by_id).order_by("pk"))
    used = {
        (period.budget_id, period.starts_on): period.used
        for period in BudgetPeriod.objects.filter(budget__in=budgets).order_by("-starts_on")[:1000]
    }
    bars: dict[int, list[BudgetBar]] = {}
    for budget in budgets:
        promotion = by_id[budget.promotion_id]
        spent = used.get((budget.pk, period_start(budget.period, at, promotion.time_zone)), 0)
        bars.setdefault(promotion.pk, []).append(_bar(budget, spent, promotion.currency))
    return bars


def _bar(budget: Budget, used: int, currency: str) -> BudgetBar:
    def show(value: int) -> str:
        return money(value, currency) if budget.counts_money else number(value)

    return BudgetBar(
        budget_id=budget.pk,
        label=f"{budget.get_metric_display()}, {str(budget.get_period_display()).lower()}",
        text=_("%(used)s of %(cap)s") % {"used": show(used), "cap": show(budget.cap)},
        percent=min(100, used * 100 // budget.cap),
        used=used,
        cap=budget.cap,
    )
