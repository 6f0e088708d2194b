"""A machine that issues, spends, gives back, expires, transfers and merges at random, and audits the books.

It knows its own simple model of every account: what it holds of each lot. After each step the ledger says the
same, and the invariants of the ledger hold. A few runs here, many under `make test-slow`.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from coupons.errors import MoreThanTaken, PointsExceeded
from coupons.models import Account, LedgerEntry
from coupons.services import ledger
from coupons.services.expiries import expire_lots
from customers.models import Customer
from customers.services import merge_customers
from operations import statements
from operations.invariants import invariants
from operations.services import first_difference

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
LEDGER = [
    one
    for one in invariants()
    if one.key.removeprefix("coupons.")
    in {"balances", "running_balances", "lots", "entries", "transfers", "reversals"}
]
# All at once and prepared: after each of a hundred thousand steps.
BROKEN = " UNION ALL ".join(
    f"SELECT '{one.key}' WHERE EXISTS (SELECT FROM ({one.broken}) AS broken)" for one in LEDGER
)
units_st = st.integers(1, 300)


@dataclass
class ModelLot:
    """What the machine believes of one lot."""

    left: int
    activates_at: datetime
    expires_at: datetime | None

    def good(self, at: datetime) -> bool:
        return self.activates_at <= at and (self.expires_at is None or self.expires_at > at)


@dataclass
class ModelDebit:
    """What a debit took, by lot, and is not back yet; in the order in which it was taken."""

    entry: LedgerEntry
    taken: dict[int, int] = field(default_factory=dict)


class LedgerMachine(RuleBasedStateMachine):
    """People with accounts of points; a merge makes two of them one, whose accounts are spent together."""

    def __init__(self) -> None:
        super().__init__()
        self.sandbox = transaction.atomic()
        self.sandbox.__enter__()
        self.at, self.number = START, 0
        self.people: dict[int, dict[int, ModelLot]] = {}
        self.debits: list[tuple[int, ModelDebit]] = []

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.sandbox.__exit__(None, None, None)

    def cause(self) -> str:
        self.number += 1
        return f"cause {self.number}"

    def account(self, person: int) -> Account:
        return ledger.open_account(Customer.objects.get(pk=person))

    def good(self, person: int) -> list[ModelLot]:
        """Return the lots that can be spent, in the order in which they are."""
        lots = [(pk, lot) for pk, lot in self.people[person].items() if lot.good(self.at) and lot.left]
        forever = START + timedelta(days=9999)
        return sorted(lots, key=lambda pair: (pair[1].expires_at or forever, pair[0]))

    @initialize(count=st.integers(2, 4))
    def people_come(self, count: int) -> None:
        for number in range(count):
            person = Customer.objects.create(first_name=f"Anna {number}")
            self.people[person.pk] = {}

    @rule(
        data=st.data(), units=units_st, days=st.one_of(st.none(), st.integers(1, 40)), wait=st.integers(0, 5)
    )
    def issue(self, data: st.DataObject, units: int, days: int | None, wait: int) -> None:
        person = data.draw(st.sampled_from(sorted(self.people)))
        begins = self.at + timedelta(days=wait)
        ends = begins + timedelta(days=days) if days else None
        cause = self.cause()
        for _ in range(2):  # The same cause credits once.
            entry = ledger.credit(
                self.account(person),
                units=units,
                source_key=cause,
                at=self.at,
                activates_at=begins,
                expires_at=ends,
            )
        self.people[person][entry.lot.pk] = ModelLot(units, begins, ends)

    @rule(data=st.data(), units=units_st)
    def redeem(self, data: st.DataObject, units: int) -> None:
        person = data.draw(st.sampled_from(sorted(self.people)))
        lots = self.good(person)
        account, cause = self.account(person), self.cause()
        if sum(lot.left for _pk, lot in lots) < units:
            with pytest.raises(PointsExceeded):
                ledger.debit(account, units=units, source_key=cause, at=self.at)
            return
        entry = ledger.debit(account, units=units, source_key=cause, at=self.at)
        debit = ModelDebit(entry)
        for pk, lot in lots:
            part = min(lot.left, units)
            if part:
                lot.left, units, debit.taken[pk] = lot.left - part, units - part, part
        self.debits.append((person, debit))

    @precondition(lambda self: self.debits)
    @rule(data=st.data(), units=units_st)
    def give_back(self, data: st.DataObject, units: int) -> None:
        person, debit = data.draw(st.sampled_from(self.debits))
        cause = self.cause()
        if sum(debit.taken.values()) < units:
            with pytest.raises(MoreThanTaken):
                ledger.give_back(debit.entry, units=units, source_key=cause, at=self.at)
            return
        for _ in range(2):  # The same cause gives back once.
            ledger.give_back(debit.entry, units=units, source_key=cause, at=self.at)
        for pk in reversed(debit.taken):
            part = min(debit.taken[pk], units)
            debit.taken[pk] -= part
            units -= part
            self.people[person][pk].left += part

    @rule(data=st.data(), units=units_st)
    def take_back(self, data: st.DataObject, units: int) -> None:
        """What was earned is clawed back: pending lots first, the newest of them, and never below zero."""
        person = data.draw(st.sampled_from(sorted(self.people)))
        spent = ledger.claw_back(self.account(person), units=units, source_key=self.cause(), at=self.at)
        pending = [(pk, lot) for pk, lot in self.people[person].items() if lot.activates_at > self.at]
        lots = [*sorted(pending, reverse=True, key=lambda pair: pair[0]), *self.good(person)]
        took = min(units, sum(lot.left for _pk, lot in lots))
        assert (spent.units, spent.missing) == (took, units - took)
        for _pk, lot in lots:
            part = min(lot.left, took)
            lot.left, took = lot.left - part, took - part

    @rule(data=st.data(), units=units_st)
    def transfer(self, data: st.DataObject, units: int) -> None:
        person = data.draw(st.sampled_from(sorted(self.people)))
        others = sorted(set(self.people) - {person})
        lots = self.good(person)
        if not others or sum(lot.left for _pk, lot in lots) < units:
            return
        to = data.draw(st.sampled_from(others))
        entry = ledger.transfer(
            self.account(person), to=self.account(to), units=units, source_key=self.cause(), at=self.at
        )
        self.people[to][entry.lot.pk] = ModelLot(units, self.at, None)
        for _pk, lot in lots:
            part = min(lot.left, units)
            lot.left, units = lot.left - part, units - part

    @rule(days=st.integers(1, 15))
    def time_passes(self, days: int) -> None:
        self.at += timedelta(days=days)

    @rule()
    def expire(self) -> None:
        """Expiries are booked; what comes back to such a lot later expires again."""
        expire_lots(at=self.at)
        for lots in self.people.values():
            for lot in lots.values():
                if lot.expires_at and lot.expires_at <= self.at:
                    lot.left = 0

    @precondition(lambda self: len(self.people) > 1)
    @rule(data=st.data())
    def merge(self, data: st.DataObject) -> None:
        survivor, loser = data.draw(st.permutations(sorted(self.people)))[:2]
        merge_customers(
            Customer.objects.get(pk=survivor),
            losers=[Customer.objects.get(pk=loser)],
            reason="one and the same",
            at=self.at,
        )
        self.people[survivor] |= self.people.pop(loser)
        self.debits = [(survivor if person == loser else person, debit) for person, debit in self.debits]

    @invariant()
    def the_ledger_says_the_same(self) -> None:
        every = list(Account.objects.filter(customer__in=self.people))
        for person, lots in self.people.items():
            accounts = [one for one in every if one.customer_id == person]
            assert sum(one.balance for one in accounts) == sum(lot.left for lot in lots.values())
            spendable = sum(one.spendable(self.at) for one in accounts)
            assert spendable == sum(lot.left for _pk, lot in self.good(person))

    @invariant()
    def the_books_hold(self) -> None:
        for (key,) in statements.run(BROKEN, {}):
            one = next(one for one in LEDGER if one.key == key)
            raise AssertionError(f"{key}: {first_difference(one)}")


def run(examples: int, steps: int) -> None:
    case = settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        print_blob=True,
    )
    run_state_machine_as_test(LedgerMachine, settings=case)


@pytest.mark.django_db
def test_the_ledger_does_what_a_simple_model_of_it_does():
    run(examples=3, steps=20)


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_the_ledger_does_so_for_long():
    # A transaction for each example: in one for all, the rows of those undone would lie in the way.
    run(examples=2_000, steps=50)
