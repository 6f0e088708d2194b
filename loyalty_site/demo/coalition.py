"""Two partners of a coalition: a bar where points are earned, a gym where they are earned and burned.

Told as their tills would have: two months of postings, the first of them closed.
"""

from datetime import datetime, timedelta
from decimal import Decimal

from django.conf import settings
from django.db import transaction

from coupons.errors import PointsExceeded
from coupons.models import Account
from customers.models import Customer
from loyalty.models import Partner, PartnerPosting
from loyalty.partners import month_of
from loyalty.services import burn_at_partner, close_month, earn_at_partner, reverse_posting
from operations.models import User

PARTNERS = [
    {"code": "bar-centrale", "name": "Bar Centrale", "earn_points": 1, "earn_amount": 100, "price": "0.8"},
    {"code": "palestra-vela", "name": "Palestra Vela", "earn_points": 2, "earn_amount": 500, "price": "1.1"},
]
GUESTS, EVERY = 40, 3


@transaction.atomic
def write_coalition(*, at: datetime) -> int:
    """Write the partners and what was earned and burned with them, once; return how many postings."""
    if Partner.objects.exists():
        return PartnerPosting.objects.count()
    rich = Account.objects.filter(kind=Account.Kind.POINTS, balance__gt=500).values("customer")
    guests = list(Customer.objects.live().filter(pk__in=rich).order_by("pk")[:GUESTS])
    for place, one in enumerate(PARTNERS):
        fields = {name: one[name] for name in ("code", "name", "earn_points", "earn_amount")}
        partner = Partner.objects.create(
            **fields,
            source=one["code"],
            currency=settings.PROGRAMME_CURRENCY,
            earn_price=Decimal(one["price"]),
            burn_price=Decimal(1),
            valid_months=12,
            customer_day_points=500,
        )
        _post(partner, guests[place:], at)
    return PartnerPosting.objects.count()


def _post(partner: Partner, guests: list[Customer], at: datetime) -> None:
    begin = at - timedelta(days=55)
    for number, guest in enumerate(guests):
        when = begin + timedelta(days=number % 54, hours=number % 9)
        paid = 1_250 + 735 * (number % 7)
        earned = earn_at_partner(partner, guest, source_id=f"S{number:04}", amount=paid, at=when)
        if number % EVERY == 0:
            try:
                burn_at_partner(partner, guest, source_id=f"P{number:04}", amount=100 + 50 * number, at=when)
            except PointsExceeded:
                continue
        if number % 13 == 5:
            reverse_posting(earned, source_id=f"R{number:04}", at=when + timedelta(hours=1))
    month, boss = month_of(begin, settings.PROGRAMME_TIME_ZONE), User.objects.filter(username="admin").first()
    if month < month_of(at, settings.PROGRAMME_TIME_ZONE):
        close_month(partner, month, by=boss, at=at)
