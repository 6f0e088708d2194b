"""Points of people who were one for a while."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from coupons.services import ledger
from customers.services import merge_customers, record_order, undo_merge, upsert_customers
from loyalty.models import PointsAccrual
from loyalty.services import earn_points, points_of
from operations.invariants import invariants
from operations.services import first_difference
from tests.loyalty.factories import make_rule

MONDAY = datetime(2026, 3, 2, 12, tzinfo=UTC)
TUESDAY = MONDAY + timedelta(days=1)

pytestmark = pytest.mark.django_db


def accruals_differ():
    return first_difference(next(one for one in invariants() if one.key == "loyalty.accruals"))


def test_what_an_order_earned_goes_with_its_buyer_less_what_was_spent_while_they_were_one():
    make_rule()
    items = [{"source": "shop", "source_id": name, "first_name": name} for name in "AB"]
    anna, bea = (one.row for one in upsert_customers(items, at=MONDAY))
    merge = merge_customers(anna, losers=[bea], reason="one person", at=MONDAY)
    line = {"line_id": "1", "sku": "A", "quantity": Decimal(1), "amount": 10_000}
    order = record_order(
        {
            "source": "shop",
            "source_id": "O-1",
            "customer": {"source": "shop", "source_id": "B"},
            "ordered_at": MONDAY,
            "currency": "EUR",
            "lines": [line],
        },
        at=MONDAY,
    )
    assert [one.points for one in earn_points(order, at=MONDAY)] == [100]
    ledger.debit(ledger.open_account(anna), units=40, source_key="redemption:1:1", at=MONDAY)

    undo_merge(merge, at=TUESDAY)

    assert (points_of(anna, at=TUESDAY).balance, points_of(bea, at=TUESDAY).balance) == (0, 60)
    assert accruals_differ() is None
    PointsAccrual.objects.update(points=101)
    assert accruals_differ() == {
        "accrual": PointsAccrual.objects.get().pk,
        "order": order.pk,
        "points": 101,
        "entry": 100,
    }
