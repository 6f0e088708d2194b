"""What the database itself holds on to, whoever writes."""

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from coupons.models import Account, LedgerEntry

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
