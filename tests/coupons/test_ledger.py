"""Points and stored value: lots, entries and the balance they fold to (incentives.md, section 6)."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from coupons.errors import AlreadyReversed, PointsExceeded
from coupons.models import Account, LedgerEntry, Lot
from coupons.services import credit_from_query, ledger
from coupons.services.expiries import expire_lots
from tests.coupons.factories import customer

pytestmark = pytest.mark.django_db
MARCH = datetime(2026, 3, 1, 12, tzinfo=UTC)


def lots(account):
    return list(account.lots.order_by("id").values_list("remaining", flat=True))


@pytest.fixture
def account():
    return ledger.open_account(customer())


@pytest.fixture
def three_lots(account):
    """100 until 30 June, 50 until 31 March, 200 for ever (scenario 13)."""
    for key, units, expires_at in [
        ("june", 100, datetime(2026, 6, 30, 22, tzinfo=UTC)),
        ("march", 50, datetime(2026, 3, 31, 22, tzinfo=UTC)),
        ("ever", 200, None),
    ]:
        ledger.credit(
            account, units=units, source_key=key, at=MARCH - timedelta(days=9), expires_at=expires_at
        )
    return account


def test_the_earliest_expiry_is_spent_first(three_lots):
    entry = ledger.debit(three_lots, units=120, source_key="order:1", at=MARCH)

    assert lots(three_lots) == [30, 0, 200]
    assert (entry.delta, entry.balance_after) == (-120, 230)
    assert three_lots.spendable(MARCH) == 230
    assert three_lots.spendable(datetime(2026, 7, 1, tzinfo=UTC)) == 200


def test_more_than_is_spendable_is_refused_and_takes_nothing(three_lots):
    with pytest.raises(PointsExceeded):
        ledger.debit(three_lots, units=351, source_key="order:1", at=MARCH)

    assert lots(three_lots) == [100, 50, 200]
    assert LedgerEntry.objects.filter(kind="DEBIT").count() == 0


def test_the_same_cause_changes_an_account_once(account):
    first = ledger.credit(account, units=10, source_key="order:1", at=MARCH)
    again = ledger.credit(account, units=10, source_key="order:1", at=MARCH)

    account.refresh_from_db()
    assert first == again
    assert account.balance == 10
    assert Lot.objects.count() == 1


def test_a_pending_lot_counts_in_the_balance_but_cannot_be_spent(account):
    ledger.credit(account, units=10, source_key="order:1", at=MARCH, activates_at=MARCH + timedelta(days=14))

    account.refresh_from_db()
    assert account.balance == 10
    assert (account.spendable(MARCH), account.pending(MARCH)) == (0, 10)
    assert account.spendable(MARCH + timedelta(days=14)) == 10
    with pytest.raises(PointsExceeded):
        ledger.debit(account, units=1, source_key="order:2", at=MARCH)


def test_a_reversal_gives_back_to_the_lots_it_took_from(three_lots):
    spent = ledger.debit(three_lots, units=120, source_key="order:1", at=MARCH)

    reversal = ledger.reverse(spent, source_key="order:1:rollback", at=MARCH)

    assert lots(three_lots) == [100, 50, 200]
    assert (reversal.delta, reversal.balance_after) == (120, 350)


def test_a_debit_is_reversed_once(three_lots):
    spent = ledger.debit(three_lots, units=120, source_key="order:1", at=MARCH)
    ledger.reverse(spent, source_key="order:1:rollback", at=MARCH)

    with pytest.raises(AlreadyReversed):
        ledger.reverse(spent, source_key="another", at=MARCH)

    assert lots(three_lots) == [100, 50, 200]


def test_what_returns_to_an_expired_lot_stays_expired(three_lots):
    spent = ledger.debit(three_lots, units=50, source_key="order:1", at=MARCH)
    april = datetime(2026, 4, 10, tzinfo=UTC)
    ledger.reverse(spent, source_key="rollback", at=april)

    assert three_lots.spendable(april) == 300
    assert expire_lots(at=april) == 1

    three_lots.refresh_from_db()
    assert three_lots.balance == 300
    assert expire_lots(at=april) == 0


def test_a_claw_back_takes_pending_lots_first_and_stops_at_zero(account):
    ledger.credit(account, units=10, source_key="order:1", at=MARCH)
    ledger.credit(account, units=5, source_key="order:2", at=MARCH, activates_at=MARCH + timedelta(days=14))

    first = ledger.claw_back(account, units=8, source_key="return:1", at=MARCH)
    second = ledger.claw_back(account, units=20, source_key="return:2", at=MARCH)
    repeated = ledger.claw_back(account, units=20, source_key="return:2", at=MARCH)

    account.refresh_from_db()
    assert (first.units, first.missing) == (8, 0)
    assert (second.units, second.missing) == (7, 13)
    assert (repeated.units, repeated.missing) == (7, 13)
    assert account.balance == 0


def test_many_customers_are_credited_in_one_step_and_once():
    people = [customer() for _ in range(3)]
    ledger.credit(ledger.open_account(people[0]), units=7, source_key="before", at=MARCH)
    query = """
        SELECT c.id, n * 10, 'order:' || c.id || ':' || n, %s::timestamptz + n * interval '1 day',
               %s::timestamptz, NULL::timestamptz, 'order'
        FROM customers_customer c, generate_series(1, 2) n
    """

    written = credit_from_query(query, [MARCH, MARCH])
    again = credit_from_query(query, [MARCH, MARCH])

    assert (written, again) == (6, 0)
    balances = Account.objects.order_by("customer_id").values_list("balance", flat=True)
    assert list(balances) == [37, 30, 30]
    entries = LedgerEntry.objects.filter(account__customer=people[0]).order_by("id")
    assert list(entries.values_list("balance_after", flat=True)) == [7, 17, 37]


@pytest.mark.django_db(transaction=True)
def test_parallel_spending_never_overdraws():
    account = ledger.open_account(customer())
    ledger.credit(account, units=100, source_key="gift", at=MARCH)
    outcomes = []

    def spend(n):
        try:
            ledger.debit(account, units=30, source_key=f"order:{n}", at=MARCH)
            outcomes.append("spent")
        except PointsExceeded:
            outcomes.append("refused")
        finally:
            connection.close()

    threads = [threading.Thread(target=spend, args=(n,)) for n in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    account.refresh_from_db()
    assert sorted(outcomes) == ["refused"] * 7 + ["spent"] * 3
    assert account.balance == 10 == sum(lots(account))
