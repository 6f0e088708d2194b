"""What undoing and returning give back: uses, counters, money and points, budgets, in this order.

It is the order in which a redemption locks them (`coupons.services.locks`).
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import F, Sum

from coupons.models import (
    Account,
    BudgetPeriod,
    Coupon,
    LedgerEntry,
    LimitCounter,
    Redemption,
    RedemptionStack,
)
from coupons.refunds import Payment
from coupons.services import ledger
from coupons.services.keys import BudgetKey, CounterKey
from coupons.services.locks import lock_coupons
from customers.services.locks import lock_live_customers

Kind = Redemption.Kind
PAYS = (Kind.GIFT_CARD, Kind.POINTS)


@dataclass(frozen=True)
class Owed:
    """What goes back to the account that one redemption took from."""

    redemption: Redemption
    amount: int
    units: int


def lock_stack(stack: RedemptionStack) -> RedemptionStack:
    """Return the stack as it stands, locked until the transaction ends; its customer is held before it."""
    customer_id = RedemptionStack.objects.values_list("customer", flat=True).get(pk=stack.pk)
    lock_live_customers([customer_id], shared=True)
    return RedemptionStack.objects.select_for_update().get(pk=stack.pk)


def payments(stack: RedemptionStack) -> list[tuple[Redemption, Payment]]:
    """Return each gift card and the points that paid, with what went back to them so far."""
    paid = stack.redemptions.filter(kind__in=PAYS).select_related("entry__account").order_by("position")
    return [
        (
            one,
            Payment(
                amount=one.tender_amount,
                returned_amount=one.back or 0,
                units=one.units,
                returned_units=one.back_units or 0,
            ),
        )
        for one in paid.annotate(back=Sum("given_back__amount"), back_units=Sum("given_back__units"))
    ]


def give_back(
    redemptions: Sequence[Redemption],
    *,
    uses: bool,
    owed: Sequence[Owed],
    cause: str,
    at: datetime,
) -> dict[int, LedgerEntry]:
    """Give back what these redemptions took: with `uses` all their uses and budgets, and what is `owed`.

    Returns the first ledger entry of each payment by its redemption. `cause` names what gives back: the same
    cause gives to an account once.
    """
    if uses:
        _give_back_coupons(redemptions)
        _give_back_counters(redemptions)
    entries = _give_back_payments(owed, cause=cause, at=at)
    if uses:
        _give_back_budgets(redemptions)
    return entries


def _give_back_coupons(redemptions: Iterable[Redemption]) -> None:
    used = Counter(one.coupon_id for one in redemptions if one.coupon_id)
    for coupon in lock_coupons(used):
        Coupon.objects.filter(pk=coupon.pk).update(uses=F("uses") - used[coupon.pk])


def _give_back_payments(owed: Sequence[Owed], *, cause: str, at: datetime) -> dict[int, LedgerEntry]:
    owed = [one for one in owed if one.units]
    _lock_accounts([one.redemption.entry.account for one in owed])
    return {
        one.redemption.pk: ledger.give_back(
            one.redemption.entry, units=one.units, source_key=f"{cause}:{one.redemption.pk}", at=at
        )[0]
        for one in owed
    }


def _lock_accounts(accounts: Iterable[Account]) -> None:
    """Lock the accounts in the order of their keys, with all that hold points of the same people."""
    accounts = list(accounts)
    people = [one.customer_id for one in accounts if one.kind == Account.Kind.POINTS and one.customer_id]
    siblings = Account.objects.filter(customer__in=people, kind=Account.Kind.POINTS)
    ledger.lock_accounts([one.pk for one in accounts] + list(siblings.values_list("pk", flat=True)))


def _give_back_counters(redemptions: Iterable[Redemption]) -> None:
    """A person's counter is that of who they are now: a merge adds counters up."""
    taken: Counter = Counter()
    for one in redemptions:
        for coupon, personal, email_hash, period, starts_on in one.consumed.get("counters", ()):
            customer = one.customer_id if personal else 0
            day = date.fromisoformat(starts_on)
            taken[CounterKey(one.promotion_id, coupon, customer, email_hash, period, day)] += 1
    for key in sorted(taken):
        LimitCounter.objects.filter(**key.columns).update(used=F("used") - taken[key])


def _give_back_budgets(redemptions: Iterable[Redemption]) -> None:
    taken: Counter = Counter()
    for one in redemptions:
        for budget, starts_on, units in one.consumed.get("budgets", ()):
            taken[BudgetKey(budget, date.fromisoformat(starts_on))] += units
    for key in sorted(taken):
        BudgetPeriod.objects.filter(budget=key.budget, starts_on=key.starts_on).update(
            used=F("used") - taken[key]
        )
