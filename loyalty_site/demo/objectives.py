"""Objectives of the demo's shop: one on track, some not, with what was done and decided so far."""

from datetime import date, datetime, timedelta
from decimal import Decimal

from django.utils import timezone

from analytics.metrics import metric_value
from analytics.models import Objective
from analytics.services.objectives import check_objective, create_objective, review_objective
from operations.models import User

# Key figure, name, how far above (or below) the quarter before it is aimed, cadence.
AIMS = [
    ("net_amount", "Revenue of the quarter", Decimal("1.02"), Objective.Cadence.WEEKLY),
    ("purchase_frequency", "Orders per customer", Decimal("1.10"), Objective.Cadence.MONTHLY),
    ("average_transaction_value", "A fuller basket", Decimal("1.00"), Objective.Cadence.MONTHLY),
]
SAID = "Kept as it is: the autumn mailing is only two weeks old."


def write_objectives(*, at: datetime) -> int:
    """Aim at a little more than the ninety days before for the days around today; return the objectives.

    Does nothing the second time, and nothing without the demo's marketer, who owns them.
    """
    owner = User.objects.filter(username="marketer").first()
    if owner is None or Objective.objects.exists():
        return Objective.objects.count()
    today = timezone.localdate(at)
    starts_on = today - timedelta(days=60)
    for metric, name, times, cadence in AIMS:
        _aim(metric, name, times, cadence, starts_on=starts_on, owner=owner, at=at)
    return Objective.objects.count()


def _aim(
    metric: str, name: str, times: Decimal, cadence: str, *, starts_on: date, owner: User, at: datetime
) -> None:
    before = metric_value(metric, start=starts_on - timedelta(days=90), end=starts_on - timedelta(days=1))
    if not before:
        return
    objective = create_objective(
        metric.replace("_", "-"),
        name=name,
        metric=metric,
        target=round(Decimal(before) * times, 4),
        starts_on=starts_on,
        ends_on=starts_on + timedelta(days=89),
        cadence=cadence,
        next_review_on=timezone.localdate(at) + timedelta(days=3),
        owner=owner,
        at=at,
    )
    review_objective(objective, decision=SAID, by=owner, at=at)
    check_objective(objective, day=timezone.localdate(at) - timedelta(days=1), at=at)
