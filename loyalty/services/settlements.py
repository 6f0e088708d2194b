"""What partners and the merchant owe each other, month by month; a closed month stays as it is."""

from collections import defaultdict
from datetime import date, datetime

from django.conf import settings
from django.db import transaction
from django.db.models import Min, QuerySet, Sum

from loyalty.errors import MonthNotOver, MonthSettled
from loyalty.models import Partner, PartnerPosting, Settlement
from loyalty.partners import Moved, month_after, month_of, settle
from operations.models import User


def settlement_of(partner: Partner, month: date) -> Settlement:
    """Return a month's settlement: the closed one, or what it would be now, not saved."""
    closed = Settlement.objects.filter(partner=partner, month=month).first()
    return closed or _computed(partner, month)


def settlements_of(partner: Partner, *, at: datetime) -> list[Settlement]:
    """Return every month of a partner since its first posting, the newest first."""
    first = partner.postings.aggregate(month=Min("month"))["month"]
    closed = {
        one.month: one for one in Settlement.objects.filter(partner=partner).select_related("closed_by")
    }
    moved = _moved(partner.postings.all())
    month, months = first, []
    while month and month <= month_of(at, settings.PROGRAMME_TIME_ZONE):
        months.append(closed.get(month) or _settled(partner, month, moved[month]))
        month = month_after(month)
    return months[::-1]


def close_month(partner: Partner, month: date, *, by: User | None, at: datetime) -> Settlement:
    """Fix what a month comes to; what is posted later belongs to the next one.

    Locks the partner: who posts just now is waited for. Raises MonthNotOver, and MonthSettled.
    """
    if month.day != 1 or month >= month_of(at, settings.PROGRAMME_TIME_ZONE):
        raise MonthNotOver
    with transaction.atomic():
        partner = Partner.objects.select_for_update().get(pk=partner.pk)
        if Settlement.objects.filter(partner=partner, month=month).exists():
            raise MonthSettled
        settlement = _computed(partner, month)
        settlement.closed_by, settlement.closed_at = by, at
        settlement.save()
    return settlement


def _computed(partner: Partner, month: date) -> Settlement:
    return _settled(partner, month, _moved(partner.postings.filter(month=month))[month])


def _moved(postings: QuerySet[PartnerPosting]) -> dict[date, list[Moved]]:
    """Return what each month's postings come to, by their kinds, in one statement."""
    moved: dict[date, list[Moved]] = defaultdict(list)
    sums = postings.order_by().values("month", "kind").annotate(sum=Sum("points"))
    for row in sums:
        moved[row["month"]].append(Moved(row["kind"], row["sum"]))
    return moved


def _settled(partner: Partner, month: date, moved: list[Moved]) -> Settlement:
    account = settle(moved, earn_price=partner.earn_price, burn_price=partner.burn_price)
    return Settlement(
        partner=partner,
        month=month,
        currency=partner.currency,
        earned_points=account.earned_points,
        burned_points=account.burned_points,
        earn_price=partner.earn_price,
        burn_price=partner.burn_price,
        earned_amount=account.earned_amount,
        burned_amount=account.burned_amount,
        balance_amount=account.balance_amount,
    )
