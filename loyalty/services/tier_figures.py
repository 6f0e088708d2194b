"""How many stand where, how that went on, and what is ahead: reads for the console."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.core.cache import cache
from django.db import connection
from django.db.models import Count, F, Q
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from customers.models import Customer
from loyalty.models import Tier, TierLadder, TierPeriod
from loyalty.services.tier_values import local_day, start_of
from loyalty.tiers import add_months
from operations import formats

MONTHS = 12
HISTORY_SECONDS = 600


@dataclass(frozen=True)
class TierFigures:
    """Members of each tier now by its key, and what happened in the last thirty days."""

    members: dict[int, int]
    people: int
    risen: int
    fallen: int
    due: int

    @property
    def inside(self) -> int:
        return sum(self.members.values())


def figures_at(at: datetime) -> TierFigures:
    """Return how many stand in each tier, how many moved lately and how many periods end within 30 days."""
    today = local_day(at)
    standing = (
        TierPeriod.objects.open().values("tier").annotate(people=Count("pk")).values_list("tier", "people")
    )
    lately = TierPeriod.objects.filter(started_at__gte=at - timedelta(days=30), started_at__lte=at)
    moved = lately.aggregate(
        risen=Count("pk", filter=Q(cause=TierPeriod.Cause.REACHED)),
        fallen=Count("pk", filter=Q(cause=TierPeriod.Cause.LOWERED)),
    )
    out = TierPeriod.objects.filter(ended_at__gte=at - timedelta(days=30), ended_at__lte=at)
    # Who left the ladder altogether has no period after it.
    left = out.exclude(
        customer__in=TierPeriod.objects.filter(started_at__gte=at - timedelta(days=30)).values("customer")
    )
    ending = TierPeriod.objects.open().filter(
        kept_until__gte=today, kept_until__lt=today + timedelta(days=30)
    )
    return TierFigures(
        members=dict(standing),
        people=Customer.objects.live().count(),
        risen=moved["risen"],
        fallen=moved["fallen"] + left.filter(customer__merged_into=None).count(),
        due=ending.count(),
    )


_STEPS = """
SELECT tier_id, date_trunc('month', instant AT TIME ZONE %(zone)s)::date, sum(change)
FROM (SELECT tier_id, started_at AS instant, 1 AS change FROM loyalty_tierperiod
      UNION ALL SELECT tier_id, ended_at, -1 FROM loyalty_tierperiod WHERE ended_at IS NOT NULL) AS moves
GROUP BY 1, 2
"""


def history_until(at: datetime) -> tuple[list[date], dict[int, list[int]]]:
    """Return the last twelve months, and how many stood in each tier at their ends; up to 10 minutes old."""
    today = local_day(at)
    months = [add_months(today.replace(day=1), -back) for back in range(MONTHS - 1, -1, -1)]
    key = f"loyalty.tiers.history:{months[-1].isoformat()}"
    moves = cache.get(key)
    if moves is None:
        with connection.cursor() as cursor:
            cursor.execute(_STEPS, {"zone": start_of(today).tzinfo.key})
            moves = [(tier, month, int(change)) for tier, month, change in cursor.fetchall()]
        cache.set(key, moves, HISTORY_SECONDS)
    tiers = {tier for tier, _month, _change in moves}
    return months, {
        tier: [
            sum(change for one, when, change in moves if one == tier and when <= month) for month in months
        ]
        for tier in tiers
    }


def latest_moves(limit: int = 12) -> list[TierPeriod]:
    """Return the latest periods that began, with their customers and tiers."""
    rows = TierPeriod.objects.select_related("customer", "tier").order_by(F("id").desc())
    return list(rows[:limit])


def ladder_in_words(ladder: TierLadder) -> str:
    """Return in one or two sentences how tiers are reached and kept."""
    months = ngettext("%(months)s month", "%(months)s months", ladder.months) % {"months": ladder.months}
    if ladder.metric == TierLadder.Metric.YEARS:
        return _("Reached by full years as a customer, and never lost.")
    told = {"months": months, "metric": ladder.get_metric_display().lower()}
    if ladder.window == TierLadder.Window.LIFETIME:
        return _("Reached by %(metric)s since the beginning, and never lost.") % told
    said = {
        TierLadder.Window.ROLLING: _(
            "Reached by %(metric)s in the last %(months)s, at once; kept for %(months)s."
        ),
        TierLadder.Window.CALENDAR: _(
            "Reached by %(metric)s in a calendar period of %(months)s, at once; kept to the period's end."
        ),
    }[TierLadder.Window(ladder.window)] % told
    if ladder.grace_days:
        said += " " + ngettext(
            "Then there is %(days)s day of grace.",
            "Then there are %(days)s days of grace.",
            ladder.grace_days,
        ) % {"days": ladder.grace_days}
    if ladder.soft_landing:
        said += " " + _("Whoever falls, falls one step at a time.")
    return said


def benefits_in_words(row: object) -> list[tuple[str, str]]:
    """Return what belonging gives as pairs of an icon and a line."""
    lines = []
    if row.multiplier > 1:
        factor = formats.number(row.multiplier, 2).rstrip("0").rstrip(".,")
        lines.append(("toll", _("Points times %(factor)s") % {"factor": factor}))
    if row.free_shipping:
        lines.append(("local_shipping", _("Free shipping")))
    if row.early_access_hours:
        hours = ngettext("%(hours)s hour", "%(hours)s hours", row.early_access_hours) % {
            "hours": row.early_access_hours
        }
        lines.append(("schedule", _("Early access by %(hours)s") % {"hours": hours}))
    return lines + [("check", perk) for perk in row.perks]


def tiers_shown() -> list[Tier]:
    """Return the steps of the ladder and retired ones still held, the highest first."""
    return list(Tier.objects.ladder().select_related("segment", "shipping_promotion"))[::-1]
