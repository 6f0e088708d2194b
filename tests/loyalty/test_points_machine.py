"""A machine that earns, holds, spends, returns, expires, gives on, merges and takes merges apart at random.

After each step every balance is derived again from the rows of the ledger alone, in Python, the points of all
together are what was given less what went, and the invariants and the hash chain hold. A few runs here, many
under `make test-slow`.
"""

from collections import defaultdict
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from coupons.errors import PointsExceeded
from coupons.models import Account, LedgerEntry, Lot, LotMovement
from coupons.services import ledger
from coupons.services.chains import check_chain
from coupons.services.expiries import expire_lots
from customers.errors import KeptApart
from customers.models import Customer, Order
from customers.services import merge_customers, record_order, record_return, undo_merge, upsert_customers
from loyalty.models import PointsAccrual
from loyalty.services import (
    claw_back_points,
    earn_at_partner,
    earn_points,
    points_of,
    reverse_posting,
)
from operations import statements
from operations.invariants import invariants
from operations.services import first_difference
from tests.loyalty.factories import make_partner, make_rule

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
BOOKS = [
    one
    for one in invariants()
    if one.key.removeprefix("coupons.")
    in {"balances", "running_balances", "lots", "entries", "transfers", "reversals", "chain"}
    or one.key in {"loyalty.accruals", "loyalty.clawed_back", "loyalty.partners"}
]
BROKEN = " UNION ALL ".join(
    f"SELECT '{one.key}' WHERE EXISTS (SELECT FROM ({one.broken}) AS broken)" for one in BOOKS
)


class PointsMachine(RuleBasedStateMachine):
    """Three people of one shop; some of their records are merged, and merges are undone."""

    def __init__(self) -> None:
        super().__init__()
        self.sandbox = transaction.atomic()
        self.sandbox.__enter__()
        self.at, self.number, self.given, self.gone = START, 0, 0, 0
        self.orders, self.debits, self.postings, self.merges = [], [], [], []

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.sandbox.__exit__(None, None, None)

    def cause(self) -> str:
        self.number += 1
        return f"{self.number}"

    def live(self) -> list[Customer]:
        return list(Customer.objects.present().filter(pk__in=self.people).order_by("pk"))

    def someone(self, data: st.DataObject) -> Customer:
        return data.draw(st.sampled_from(self.live()))

    @initialize()
    def people_come(self) -> None:
        items = [{"source": "shop", "source_id": name, "first_name": name} for name in "ABC"]
        self.people = [one.row.pk for one in upsert_customers(items, at=self.at)]
        make_rule(valid_months=1, holding="DAYS", holding_days=3)
        self.bar = make_partner()

    @rule(name=st.sampled_from("ABC"), euros=st.integers(1, 90))
    def earn_and_hold(self, name: str, euros: int) -> None:
        order = record_order(
            {
                "source": "shop",
                "source_id": f"O-{self.cause()}",
                "customer": {"source": "shop", "source_id": name},
                "ordered_at": self.at,
                "currency": "EUR",
                "lines": [{"line_id": "1", "sku": "A", "quantity": Decimal(2), "amount": euros * 200}],
            },
            at=self.at,
        )
        accruals = earn_points(order, at=self.at)
        assert earn_points(order, at=self.at) == []
        assert [one.points for one in accruals] == [euros * 2]
        self.given += euros * 2
        self.orders.append(order.pk)

    @precondition(lambda self: self.orders)
    @rule(data=st.data())
    def return_one_of_two(self, data: st.DataObject) -> None:
        pk = data.draw(st.sampled_from(self.orders))
        order = Order.objects.get(pk=pk)
        if order.returns.count() == 2:
            return
        before = self._total()
        record_return(order, source_id=self.cause(), returned_at=self.at, quantities={"1": Decimal(1)})
        claw_back_points(order, at=self.at)
        assert claw_back_points(order, at=self.at) == 0
        accrual = PointsAccrual.objects.get(order=order)
        assert accrual.clawed_back_points == accrual.points * order.returns.count() // 2
        self.gone += before - self._total()

    @rule(data=st.data(), units=st.integers(1, 150))
    def spend(self, data: st.DataObject, units: int) -> None:
        person = self.someone(data)
        account, cause = ledger.open_account(person), f"redemption:{self.cause()}:1"
        if self._spendable(person) < units:
            with pytest.raises(PointsExceeded):
                ledger.debit(account, units=units, source_key=cause, at=self.at)
            return
        self.debits.append([ledger.debit(account, units=units, source_key=cause, at=self.at), units])
        self.gone += units

    @precondition(lambda self: self.debits)
    @rule(data=st.data())
    def give_back(self, data: st.DataObject) -> None:
        debit = data.draw(st.sampled_from(self.debits))
        if not debit[1]:
            return
        units = data.draw(st.integers(1, debit[1]))
        ledger.give_back(debit[0], units=units, source_key=f"back:{self.cause()}", at=self.at)
        debit[1] -= units
        self.gone -= units

    @rule(data=st.data(), units=st.integers(1, 60))
    def earn_at_the_bar(self, data: st.DataObject, units: int) -> None:
        person, number = self.someone(data), self.cause()
        self.postings.append(
            earn_at_partner(self.bar, person, source_id=number, amount=units * 100, at=self.at)
        )
        self.given += units

    @precondition(lambda self: self.postings)
    @rule(data=st.data())
    def reverse_at_the_bar(self, data: st.DataObject) -> None:
        posting = self.postings.pop(data.draw(st.integers(0, len(self.postings) - 1)))
        posting.refresh_from_db()
        self.gone -= reverse_posting(posting, source_id=self.cause(), at=self.at).points

    @rule(data=st.data(), units=st.integers(1, 80))
    def give_on(self, data: st.DataObject, units: int) -> None:
        person, to = self.someone(data), self.someone(data)
        if person == to or self._spendable(person) < units:
            return
        made = ledger.hand_over(
            ledger.open_account(person),
            to=ledger.open_account(to),
            units=units,
            source_key=self.cause(),
            at=self.at,
        )
        assert sum(one.delta for one in made) == units

    @rule(days=st.integers(1, 20))
    def time_passes_and_points_expire(self, days: int) -> None:
        self.at += timedelta(days=days)
        before = self._total()
        expire_lots(at=self.at)
        self.gone += before - self._total()

    @precondition(lambda self: len(self.live()) > 1)
    @rule(data=st.data())
    def merge(self, data: st.DataObject) -> None:
        survivor, loser = data.draw(st.permutations(self.live()))[:2]
        # Whom an unmerge has parted stay apart.
        with suppress(KeptApart), transaction.atomic():
            self.merges.append(merge_customers(survivor, losers=[loser], reason="one person", at=self.at))

    @precondition(lambda self: self.merges)
    @rule()
    def unmerge(self) -> None:
        undo_merge(self.merges.pop(), at=self.at)

    def _total(self) -> int:
        return sum(LedgerEntry.objects.values_list("delta", flat=True))

    def _spendable(self, person: Customer) -> int:
        """Return what somebody can spend, from the movements of their lots alone."""
        return sum(
            left
            for lot, left in self._lots(person)
            if lot.activates_at <= self.at and (lot.expires_at is None or lot.expires_at > self.at)
        )

    def _lots(self, person: Customer) -> list[tuple[Lot, int]]:
        moved: dict[int, int] = defaultdict(int)
        for lot, delta in LotMovement.objects.values_list("lot", "delta"):
            moved[lot] += delta
        own = Lot.objects.filter(account__customer=person).select_related("entry")
        return [(lot, lot.entry.delta + moved[lot.pk]) for lot in own]

    @invariant()
    def every_balance_follows_from_the_rows(self) -> None:
        if not hasattr(self, "people"):
            return
        folded: dict[int, int] = defaultdict(int)
        for account, delta in LedgerEntry.objects.order_by("id").values_list("account", "delta"):
            folded[account] += delta
        for account in Account.objects.all():
            assert account.balance == folded[account.pk]
        assert sum(folded.values()) == self.given - self.gone
        for person in self.live():
            points = points_of(person, at=self.at)
            assert points.balance == self._spendable(person)
            waiting = sum(left for lot, left in self._lots(person) if lot.activates_at > self.at)
            assert points.pending == waiting

    @invariant()
    def the_books_and_the_chain_hold(self) -> None:
        for (key,) in statements.run(BROKEN, {}):
            one = next(one for one in BOOKS if one.key == key)
            raise AssertionError(f"{key}: {first_difference(one)}")


def run(examples: int, steps: int, **more: object) -> None:
    case = settings(
        **more,
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        print_blob=True,
    )
    run_state_machine_as_test(PointsMachine, settings=case)


@pytest.mark.django_db
def test_points_never_lie_whatever_happens():
    run(examples=1, steps=12, derandomize=True, database=None, phases=[Phase.generate])
    assert list(check_chain()) == []


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_points_never_lie_for_long():
    # A transaction for each example: in one for all, the rows of those undone would lie in the way.
    run(examples=200, steps=40)
