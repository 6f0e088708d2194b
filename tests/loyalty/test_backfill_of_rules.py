"""The backfill says in SQL what the rules say in Python: the same rows, whatever a rule says."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import transaction

from coupons.models import Account, Lot
from customers.models import Order, Segment, SegmentMembership
from loyalty.models import PointsAccrual
from loyalty.services import backfill_points, earn_points
from tests.factories import (
    NOON,
    CustomerFactory,
    OrderFactory,
    ProductFactory,
    SalesChannelFactory,
    StoreFactory,
)
from tests.loyalty.factories import make_rule

pytestmark = pytest.mark.django_db
WINE = {"items": {"categories": ["Wine"], "exclude": {"skus": ["W3"]}}}
RULES = {
    "wine": {"points": 3, "conditions": WINE, "caps": [{"subject": "EVENT", "points": 70}]},
    "pieces": {"kind": "PER_UNIT", "points": 7, "per_amount": None, "per_quantity": 2, "conditions": WINE},
    "bonus": {
        "kind": "PER_EVENT", "points": 15, "per_amount": None,
        "conditions": {"minimum_amount": 4000, "stores": ["milan"], "segment": "friends"},
        "multipliers": [
            {"factor": "1.5", "weekdays": ["SAT", "SUN"]},
            {"factor": "1.1", "from": "2026-11-10"},
        ],
    },
    "held": {
        "multipliers": [{"factor": "1.33", "hours": {"from": "09:00", "until": "14:00"}}] * 2,
        "holding": "DAYS", "holding_days": 3, "expiry": {"kind": "DATE", "month": 2, "day": 29, "years": 1},
    },
    "short": {
        "expiry": {"kind": "DATE", "month": 11, "day": 20, "years": 0},
        "starts_at": NOON - timedelta(days=9),
    },
    "capped": {"caps": [{"subject": "CUSTOMER", "period": "WEEK", "points": 90}], "ends_at": NOON},
    "alive": {
        "points": 2,
        "expiry": {"kind": "INACTIVITY", "months": 6},
        "conditions": {"sales_channels": ["web"]},
    },
}  # fmt: skip


@pytest.mark.parametrize("exclusive", [False, True])
def test_the_backfill_leaves_what_earning_one_by_one_would_have_left(exclusive):
    for code, rule in RULES.items():
        make_rule(code=code, exclusive=exclusive and code == "wine", **rule)
    _orders()
    due = Order.objects.filter(status="PAID", ordered_at__lte=NOON).order_by("ordered_at", "id")
    with transaction.atomic():
        for order in due:
            earn_points(order, at=order.ordered_at)
        one_by_one = _standing()
        transaction.set_rollback(True)

    backfill_points(at=NOON)

    assert _standing() == one_by_one
    assert len(one_by_one["accruals"]) > 60
    assert backfill_points(at=NOON) == 0


def _orders():
    for number in range(1, 5):
        ProductFactory(sku=f"W{number}", category="Wine" if number < 4 else "Bread")
    web, milan = SalesChannelFactory(code="web"), StoreFactory(code="milan")
    customers = CustomerFactory.create_batch(3)
    friends = Segment.objects.create(code="friends", name="Friends", kind="MANUAL")
    SegmentMembership.objects.create(
        segment=friends,
        customer=customers[0],
        entered_at=NOON - timedelta(days=12),
        left_at=NOON - timedelta(days=2),
    )
    for number in range(36):
        lines = [
            (f"W{1 + (number + place) % 4}", Decimal(place + 1), 777 * (number % 9), 0) for place in range(2)
        ]
        OrderFactory(
            customer=customers[number % 3],
            ordered_at=NOON - timedelta(hours=9 * number),
            lines=lines,
            sales_channel=web if number % 4 == 0 else None,
            store=milan if number % 2 == 0 else None,
        )


def _standing():
    return {
        "balances": list(Account.objects.order_by("customer").values_list("customer", "balance")),
        "lots": sorted(
            Lot.objects.values_list(
                "account__customer", "earned", "remaining", "activates_at", "expires_at", "prolonged_months"
            ),
            key=str,
        ),
        "accruals": sorted(
            PointsAccrual.objects.values_list(
                "rule__code", "order", "amount", "quantity", "line_ids", "factor", "points", "occurred_at"
            ),
            key=str,
        ),
    }
