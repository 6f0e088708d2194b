"""What the board of the stores counts of referrals."""

from datetime import datetime

from django.db.models import Count, Q
from django.utils.translation import gettext_lazy as _

from loyalty.services.store_board import BoardColumn, Counts
from referrals.models import Referral


def referral_columns() -> list[BoardColumn]:
    """Return friends whom the stores took in, and those of them who have qualified since."""
    return [
        BoardColumn("referrals", _("Friends brought"), "group_add", _registered),
        BoardColumn("qualified", _("Of them qualified"), "verified", _qualified),
    ]


def _registered(start: datetime, end: datetime) -> Counts:
    return _counted(start, end, Q())


def _qualified(start: datetime, end: datetime) -> Counts:
    return _counted(start, end, Q(status__in=[Referral.Status.QUALIFIED, Referral.Status.REWARDED]))


def _counted(start: datetime, end: datetime, which: Q) -> Counts:
    attributed = Q(employee__isnull=False) | Q(store__isnull=False)
    rows = Referral.objects.filter(attributed, which, registered_at__gte=start, registered_at__lt=end)
    counted = rows.order_by().values_list("store", "employee").annotate(friends=Count("pk"))
    return {(store, employee): friends for store, employee, friends in counted}
