"""What a reward came to: how many were given, for how many points, and when. Reads only."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Count, Q, Sum
from django.db.models.functions import TruncWeek

from loyalty.models import PartnerCode, Reward, RewardGrant

WEEKS = 12
MONTH = timedelta(days=30)


@dataclass(frozen=True)
class RewardFigures:
    """Counts of what stands (not taken back); `points` net of what came back, `donated` in minor units."""

    given: int
    lately: int
    bought: int
    waiting: int
    taken_back: int
    points: int
    donated: int
    codes_left: int | None


def figures_of(reward: Reward, *, at: datetime) -> RewardFigures:
    """Return what a reward came to until now."""
    standing = ~Q(status=RewardGrant.Status.TAKEN_BACK)
    counted = reward.grants.aggregate(
        given=Count("pk", filter=standing),
        lately=Count("pk", filter=standing & Q(granted_at__gt=at - MONTH)),
        bought=Count("pk", filter=standing & Q(spent_points__gt=0)),
        waiting=Count("pk", filter=Q(status=RewardGrant.Status.WAITING)),
        taken_back=Count("pk", filter=~standing),
        spent=Sum("spent_points"),
        back=Sum("points_back"),
        donated=Sum("amount", filter=standing),
    )
    is_codes, is_donation = reward.kind == Reward.Kind.PARTNER_CODE, reward.kind == Reward.Kind.DONATION
    spent, back, donated = (counted.pop(name) or 0 for name in ("spent", "back", "donated"))
    return RewardFigures(
        points=spent - back,
        donated=donated if is_donation else 0,
        codes_left=PartnerCode.objects.filter(reward=reward).free(at).count() if is_codes else None,
        **counted,
    )


def given_by_week(reward: Reward, *, at: datetime) -> list[tuple[date, int]]:
    """Return how many were given in each of the last 12 weeks, by their Mondays, the oldest first."""
    zone = ZoneInfo(settings.PROGRAMME_TIME_ZONE)
    today = at.astimezone(zone).date()
    monday = today - timedelta(days=today.weekday())
    first = monday - timedelta(weeks=WEEKS - 1)
    start = datetime(first.year, first.month, first.day, tzinfo=zone)
    rows = reward.grants.standing().filter(granted_at__gte=start).order_by()
    counts = rows.annotate(week=TruncWeek("granted_at", tzinfo=zone)).values_list("week")
    by_week = {week.date(): count for week, count in counts.annotate(given=Count("pk"))}
    weeks = (first + timedelta(weeks=number) for number in range(WEEKS))
    return [(week, by_week.get(week, 0)) for week in weeks]
