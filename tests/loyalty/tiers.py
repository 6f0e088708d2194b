"""Ladders and customers on them, for the tests of tiers."""

from datetime import datetime, timedelta

from django.conf import settings

from customers.models import Customer, Order
from loyalty.models import Tier, TierLadder
from loyalty.services.earning import earn_points
from loyalty.services.tier_ladder import create_tier
from tests.factories import NOON, OrderFactory

LONG_AGO = NOON - timedelta(days=4000)


def make_ladder(**rules) -> TierLadder:
    """Return a saved ladder; by amount in the last 12 months unless told otherwise."""
    usual = {"metric": "AMOUNT", "window": "ROLLING", "months": 12}
    return TierLadder.objects.update_or_create(pk=1, defaults=usual | rules)[0]


def make_tiers(**thresholds: int) -> dict[str, Tier]:
    """Return tiers by their codes: `make_tiers(silver=50000, gold=100000)`."""
    return {
        code: create_tier(code=code, name=code.capitalize(), threshold=threshold, at=LONG_AGO)
        for code, threshold in thresholds.items()
    }


def buy(customer: Customer, amount: int, at: datetime = NOON) -> Order:
    """Return a paid order of this amount, and let it earn by the active rules."""
    order = OrderFactory(customer=customer, ordered_at=at, lines=[("A", 1, amount, 0)])
    earn_points(order, at=at)
    assert order.currency == settings.PROGRAMME_CURRENCY
    return order
