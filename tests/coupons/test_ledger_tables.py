"""What the database itself holds on to, whoever writes."""

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from coupons.models import Account, LedgerEntry
from coupons.services import ledger, redeem_stack, roll_back_redemption
from tests.coupons.factories import NOW, coupon, customer, promotion, spending

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "statement", ["UPDATE coupons_ledgerentry SET delta = 2", "DELETE FROM coupons_ledgerentry"]
)
def test_a_ledger_entry_is_never_changed(statement):
    account = Account.objects.create(kind=Account.Kind.POINTS)
    LedgerEntry.objects.create(
        account=account, kind="CREDIT", delta=1, balance_after=1, source_key="a", occurred_at=timezone.now()
    )

    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        connection.cursor().execute(statement)


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("UPDATE coupons_redemption SET discount_amount = 1", "discount_amount is fixed"),
        ("UPDATE coupons_redemption SET consumed = '{}'", "consumed is fixed"),
        ("UPDATE coupons_redemptionstack SET amount = amount + 1", "amount is fixed"),
        ("DELETE FROM coupons_redemption", "is kept"),
        ("UPDATE coupons_allocation SET discount_amount = 1", "append-only"),
        ("UPDATE coupons_redemption SET status = 'REDEEMED'", "from ROLLED_BACK to REDEEMED refused"),
        ("UPDATE coupons_redemptionstack SET status = 'RETURNED'", "from ROLLED_BACK to RETURNED refused"),
    ],
)
def test_what_was_spent_stays_what_it_was(statement, message):
    budgeted = promotion(budget={"metric": "REDEMPTIONS", "cap": 5})
    roll_back_redemption(redeem_stack(spending(coupon(budgeted)), at=NOW), at=NOW)

    with pytest.raises(IntegrityError, match=message), transaction.atomic():
        connection.cursor().execute(statement)


@pytest.mark.parametrize("change", ["earned = earned + 1", "activates_at = now()"])
def test_a_lot_stays_as_it_was_earned(change):
    ledger.credit(ledger.open_account(customer()), units=10, source_key="a", at=NOW)

    with pytest.raises(IntegrityError, match="is fixed"), transaction.atomic():
        connection.cursor().execute(f"UPDATE coupons_lot SET {change}")
