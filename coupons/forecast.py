"""How a budget burns down day by day, and when it will be spent at the pace of the last week."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.models import Count, Sum
from django.db.models.functions import TruncDate
from django.utils.translation import gettext as _

from coupons.models import Budget, Period, Promotion, Redemption
from coupons.rules import local_day, period_start
from operations.figures import Chart, Series
from operations.formats import day as day_in_words
from operations.formats import money, number

PACE_DAYS = 7
MOST_DAYS = 45
AHEAD_DAYS = 30


@dataclass(frozen=True)
class BurnDown:
    """A budget over the days of its period.

    `pace` is what goes on a usual day; `spent_on` None: not in sight.
    """

    chart: Chart | None
    sentence: str
    tone: str
    pace: float
    spent_on: date | None


def burn_down(budget: Budget, *, used: int, at: datetime) -> BurnDown:
    """Return how the budget went and will go; `used` is what its current period has spent."""
    promotion = budget.promotion
    today = local_day(at, promotion.time_zone)
    first = _first_day(budget, today, at)
    daily = _daily(budget, first, at)
    pace_days = max(1, min(PACE_DAYS, (today - first).days + 1))
    recent = [daily.get(today - timedelta(days=back), 0) for back in range(pace_days)]
    pace = sum(recent) / pace_days
    left = max(0, budget.cap - used)
    spent_on = today + timedelta(days=int(left / pace)) if pace and left else None
    end = _last_day(budget, today, promotion)
    sentence, tone = _sentence(budget, left, pace, spent_on, end, today)
    chart = None
    if budget.period != Period.DAY and (used or first < today):
        chart = _chart(
            budget, daily, first, today, left, pace, min(filter(None, [spent_on, end]), default=None)
        )
    return BurnDown(chart, sentence, tone, pace, spent_on)


def _first_day(budget: Budget, today: date, at: datetime) -> date:
    earliest = today - timedelta(days=MOST_DAYS - 1)
    promotion = budget.promotion
    if budget.period != Period.TOTAL:
        return max(earliest, period_start(budget.period, at, promotion.time_zone))
    begun = promotion.activated_at or promotion.created_at
    if promotion.starts_at and promotion.starts_at > begun:
        begun = promotion.starts_at
    return min(today, max(earliest, local_day(begun, promotion.time_zone)))


def _last_day(budget: Budget, today: date, promotion: Promotion) -> date | None:
    """Return the last day on which it may be spent: the end of its period, or of the promotion."""
    ends = [local_day(promotion.ends_at, promotion.time_zone)] if promotion.ends_at else []
    if budget.period == Period.DAY:
        ends.append(today)
    elif budget.period == Period.WEEK:
        ends.append(today + timedelta(days=6 - today.weekday()))
    elif budget.period == Period.MONTH:
        ends.append((today.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1))
    return min(ends, default=None)


def _daily(budget: Budget, first: date, at: datetime) -> dict[date, int]:
    """Return what was spent on each day since."""
    promotion = budget.promotion
    zone = ZoneInfo(promotion.time_zone)
    since = datetime(first.year, first.month, first.day, tzinfo=zone)
    if budget.metric in (Budget.Metric.GIFT_AMOUNT, Budget.Metric.POINTS):
        return _daily_gifts(budget, since, at)
    units = Sum("discount_amount") if budget.counts_money else Count("pk")
    rows = Redemption.objects.standing().filter(
        promotion=promotion, redeemed_at__gte=since, redeemed_at__lte=at
    )
    return dict(rows.order_by().values_list(TruncDate("redeemed_at", tzinfo=zone)).annotate(units=units))


def _daily_gifts(budget: Budget, since: datetime, at: datetime) -> dict[date, int]:
    """Return what was given on each day since: by redemptions, and without one."""
    with connection.cursor() as cursor:
        cursor.execute(
            _GIFTS,
            {
                "promotion": budget.promotion_id,
                "budget": str(budget.pk),
                "zone": budget.promotion.time_zone,
                "since": since,
                "at": at,
            },
        )
        return dict(cursor.fetchall())


_GIFTS = """
SELECT (given.at AT TIME ZONE %(zone)s)::date, sum((one ->> 2)::bigint)::bigint
FROM (
    SELECT redeemed_at AS at, consumed -> 'budgets' AS budgets FROM coupons_redemption
    WHERE promotion_id = %(promotion)s AND status = 'REDEEMED'
    UNION ALL
    SELECT granted_at, budgets FROM coupons_promotiongrant WHERE promotion_id = %(promotion)s
) AS given, jsonb_array_elements(given.budgets) AS one
WHERE given.at BETWEEN %(since)s AND %(at)s AND one ->> 0 = %(budget)s
GROUP BY 1
"""


def _chart(
    budget: Budget,
    daily: dict[date, int],
    first: date,
    today: date,
    left: int,
    pace: float,
    until: date | None,
) -> Chart:
    past = [first + timedelta(days=n) for n in range((today - first).days + 1)]
    levels = [left]
    for one in reversed(past[1:]):
        levels.append(min(budget.cap, levels[-1] + daily.get(one, 0)))
    levels.reverse()
    ahead_days = min(AHEAD_DAYS, (until - today).days) if until and pace else 0
    ahead = [today + timedelta(days=n) for n in range(1, ahead_days + 1)]
    forecast = [max(0, round(left - pace * n)) for n in range(1, len(ahead) + 1)]
    series = [Series(_("Left"), [*levels, *[None] * len(ahead)])]
    if ahead:
        series.append(Series(_("At this pace"), [*[None] * (len(past) - 1), left, *forecast]))
    return Chart(
        title=_("What is left of the budget"),
        labels=[day_in_words(one) for one in [*past, *ahead]],
        series=series,
        kind="line",
        unit="money" if budget.counts_money else "number",
        axis=_("Day"),
        key=f"budget-{budget.pk}",
    )


def _sentence(
    budget: Budget, left: int, pace: float, spent_on: date | None, end: date | None, today: date
) -> tuple[str, str]:
    def show(value: float) -> str:
        return money(round(value), budget.promotion.currency) if budget.counts_money else number(round(value))

    if not left:
        return _("It is spent: nothing more is given from it."), "bad"
    if not pace:
        return _("Nothing was spent in the last days; at this pace it lasts."), "good"
    words = {"pace": show(pace), "day": day_in_words(spent_on), "end": day_in_words(end) if end else ""}
    if end and spent_on > end:
        words["left"] = show(max(0, left - pace * ((end - today).days + 1)))
        return (
            _("At %(pace)s a day it lasts until its end on %(end)s; about %(left)s will be left.") % words,
            "good",
        )
    if spent_on == today:
        return _("At %(pace)s a day, as in the last week, it will be spent today.") % words, "bad"
    tone = "warn" if end or (spent_on - today).days <= PACE_DAYS else "info"
    return _("At %(pace)s a day, as in the last week, it will be spent on %(day)s.") % words, tone
