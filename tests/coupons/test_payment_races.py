"""Reservations, gift cards and points while everybody wants them at the same moment."""

import itertools
import random
from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest

from coupons.models import (
    Account,
    BudgetPeriod,
    Coupon,
    GiftCard,
    LimitCounter,
    Redemption,
    RedemptionStack,
    Reservation,
)
from coupons.services import (
    Redeemable,
    credit,
    disable_gift_card,
    issue_gift_card,
    open_account,
    redeem_stack,
    release_reservation,
    reserve_stack,
    roll_back_redemption,
    validate_stack,
)
from coupons.services.payments import lock_payments
from tests.coupons.factories import NOW, amount, coupon, customer, promotion, spending
from tests.coupons.races import at_once

pytestmark = pytest.mark.django_db(transaction=True)
numbers = itertools.count(1)


def card(value: int) -> Redeemable:
    issued = issue_gift_card(amount=value, currency="EUR", at=NOW, source_key=f"race-{next(numbers)}")
    return Redeemable("gift_card", issued.code)


def points_of(person, units: int) -> Account:
    account = open_account(person)
    credit(account, units=units, source_key="start", at=NOW)
    return account


def wish(*named, payments=(), **fields):
    made = spending(*named, **fields)
    return replace(made, redeemables=(*made.redeemables, *payments))


def redeeming(*named, at=NOW, **fields):
    made = wish(*named, **fields)
    return lambda: redeem_stack(made, at=at).status


def reserving(*named, **fields):
    made = wish(*named, **fields)
    return lambda: "kept" if reserve_stack(made, minutes=15, at=NOW)[1] else "refused"


def test_a_single_use_code_is_reserved_or_redeemed_by_one_of_many():
    code = coupon()
    carts = [reserving(code, source_id=f"R-{n}") for n in range(12)]
    carts += [redeeming(code, source_id=f"S-{n}") for n in range(12)]

    outcomes = Counter(at_once(carts))

    assert outcomes["kept"] + outcomes["REDEEMED"] == 1
    assert outcomes["refused"] + outcomes["quantity_exceeded"] == 23
    assert Coupon.objects.get().uses + Reservation.objects.count() == 1


def test_nothing_is_redeemed_over_live_reservations():
    code = coupon(max_uses=10)
    for number in range(4):
        reserve_stack(wish(code, source_id=f"R-{number}"), minutes=15, at=NOW)

    others = Counter(at_once([redeeming(code, source_id=f"S-{n}") for n in range(16)]))
    own = Counter(at_once([redeeming(code, source_id=f"R-{n}") for n in range(4)]))

    assert others == {"REDEEMED": 6, "quantity_exceeded": 10}
    assert own == {"REDEEMED": 4}
    assert (Coupon.objects.get().uses, Reservation.objects.count()) == (10, 0)


def test_the_same_key_reserves_once_however_often_it_asks():
    code = coupon()

    outcomes = Counter(at_once([reserving(code, reservation_key="cart-1") for _ in range(12)]))

    assert outcomes == {"kept": 12}
    assert Reservation.objects.get().holds.count() == 1


def test_a_key_is_reserved_anew_and_captured_at_once_without_a_deadlock():
    code = coupon(max_uses=None)
    reserve_stack(wish(code, reservation_key="cart-1"), minutes=15, at=NOW)
    again = [reserving(code, reservation_key="cart-1") for _ in range(12)]
    capture = [redeeming(code, reservation_key="cart-1", source_id=f"A-{n}") for n in range(12)]

    outcomes = Counter(at_once([one for pair in zip(again, capture, strict=True) for one in pair]))

    assert outcomes["kept"] == 12
    assert outcomes["REDEEMED"] == Coupon.objects.get().uses >= 1
    assert outcomes.keys() <= {"kept", "REDEEMED", "reservation_not_found"}


def test_a_reservation_that_expires_is_captured_or_lost_never_both():
    code = coupon()
    reserve_stack(wish(code, reservation_key="cart-1", source_id="A-1"), minutes=15, at=NOW)
    expiry = NOW + timedelta(minutes=15)
    own = [
        redeeming(code, reservation_key="cart-1", source_id="A-1", at=expiry + timedelta(seconds=n - 3))
        for n in range(6)
    ]
    others = [redeeming(code, source_id=f"B-{n}", at=expiry + timedelta(seconds=n)) for n in range(6)]

    outcomes = Counter(at_once([*own, *others]))

    assert outcomes["REDEEMED"] == 1
    known = {"REDEEMED", "quantity_exceeded", "duplicate_redemption", "reservation_not_found"}
    assert outcomes.keys() <= known
    assert Coupon.objects.get().uses == Redemption.objects.count() == 1


def test_a_card_of_ten_is_spent_to_the_last_cent_it_can_be():
    money = card(1000)
    spend = [redeeming(payments=[replace(money, units=30)], prices=(30,)) for _ in range(40)]

    outcomes = Counter(at_once(spend))

    assert outcomes == {"REDEEMED": 33, "gift_card_balance_exceeded": 7}
    account = Account.objects.get()
    assert (account.balance, account.spendable(NOW)) == (10, 10)
    assert sum(Redemption.objects.values_list("units", flat=True)) == 990


def test_reserved_money_is_never_spent_by_others():
    money = card(1000)
    keep = [reserving(payments=[replace(money, units=100)], source_id=f"R-{n}") for n in range(8)]
    spend = [redeeming(payments=[replace(money, units=100)], source_id=f"S-{n}") for n in range(8)]

    outcomes = Counter(at_once([*keep, *spend]))

    assert outcomes["kept"] + outcomes["REDEEMED"] == 10
    assert Account.objects.get().balance == 1000 - 100 * outcomes["REDEEMED"]


@pytest.mark.parametrize("meanwhile", ["switched off", "spent", "reserved"])
def test_what_happens_to_a_card_between_reading_and_taking_is_seen(meanwhile, monkeypatch):
    money = card(1000)
    row = GiftCard.objects.get()
    others = {
        "switched off": lambda: disable_gift_card(row, reason="stolen", at=NOW).status,
        "spent": redeeming(payments=[replace(money, units=600)], source_id="B-1"),
        "reserved": reserving(payments=[replace(money, units=600)], source_id="B-1"),
    }
    refusals = {"switched off": "coupon_disabled"}
    mine = redeeming(payments=[replace(money, units=500)], source_id="A-1")
    asked = itertools.count()

    def lock_after_the_others(offers):
        if not next(asked):
            (done,) = at_once([others[meanwhile]])
            assert done in ("DISABLED", "REDEEMED", "kept")
        lock_payments(offers)

    monkeypatch.setattr("coupons.services.redemptions.lock_payments", lock_after_the_others)
    outcomes = at_once([mine])

    assert outcomes == [refusals.get(meanwhile, "gift_card_balance_exceeded")]
    assert Account.objects.get().balance == (400 if meanwhile == "spent" else 1000)
    assert not Redemption.objects.filter(stack__external_id="A-1").exists()


def test_one_customers_points_are_spent_once_across_all_their_carts():
    anna = customer()
    account = points_of(anna, 1000)
    spend = [redeeming(payments=[Redeemable("points", units=300)], who=anna) for _ in range(12)]

    outcomes = Counter(at_once(spend))

    assert outcomes == {"REDEEMED": 3, "points_exceeded": 9}
    assert account.spendable(NOW) == 100


def test_a_budget_and_a_card_in_one_stack_give_all_or_nothing():
    budgeted = promotion(amount(3000), budget={"metric": "DISCOUNT_AMOUNT", "cap": 10000})
    cards = [card(500) for _ in range(10)]
    spend = [redeeming(coupon(budgeted), payments=[one]) for one in cards]

    outcomes = Counter(at_once(spend))

    assert outcomes == {"REDEEMED": 3, "budget_exceeded": 7}
    assert BudgetPeriod.objects.get().used == 9000
    balances = sorted(Account.objects.values_list("balance", flat=True))
    assert balances == [0] * 3 + [500] * 7


def test_redeeming_reserving_undoing_and_giving_up_at_once_never_block_each_other():
    run_mixed(threads=16, rounds=4)


@pytest.mark.slow
def test_twenty_thousand_mixed_redemptions_of_overlapping_stacks_without_a_deadlock():
    run_mixed(threads=16, rounds=1250)


def run_mixed(*, threads: int, rounds: int) -> None:
    """Let so many clients redeem stacks that share codes, people, cards and budgets, in any order."""
    limits = [{"subject": "CUSTOMER", "uses": 10**6}, {"subject": "PROMOTION", "uses": 10**6}]
    shared = [
        promotion(amount(1), limits=limits, budget={"metric": "DISCOUNT_AMOUNT", "cap": 10**9})
        for _ in range(3)
    ]
    codes = [coupon(shared[n % 3], max_uses=None) for n in range(8)]
    cards = [card(10**9) for _ in range(4)]
    people = [customer(email=f"mixed{n}@example.com") for n in range(4)]
    accounts = [points_of(person, 10**9) for person in people]

    def client(seed: int):
        choose = random.Random(seed)
        outcomes: Counter = Counter()
        for _ in range(rounds):
            outcomes[_step(choose, codes, cards, people)] += 1
        return outcomes

    outcomes = sum(at_once([lambda seed=seed: client(seed) for seed in range(threads)]), Counter())

    assert sum(outcomes.values()) == threads * rounds
    assert outcomes.keys() <= {"redeemed", "undone", "kept", "freed"}
    standing = Redemption.objects.standing()
    given = standing.filter(kind="coupon")
    assert sum(Coupon.objects.values_list("uses", flat=True)) == given.count()
    used = sum(BudgetPeriod.objects.values_list("used", flat=True))
    assert used == sum(given.values_list("discount_amount", flat=True))
    of_promotions = LimitCounter.objects.filter(customer=None, email_hash="")
    assert sum(of_promotions.values_list("used", flat=True)) == given.count()
    spent = sum(standing.filter(kind__in=["gift_card", "points"]).values_list("units", flat=True))
    assert sum(Account.objects.values_list("balance", flat=True)) == 10**9 * 8 - spent
    assert len(accounts) == 4


def _step(choose: random.Random, codes: list, cards: list, people: list) -> str:
    named = choose.sample(codes, choose.randint(1, 4))
    payments = [
        replace(one, units=choose.randint(1, 9)) for one in choose.sample(cards, choose.randint(0, 2))
    ]
    if choose.random() < 0.3:
        payments.append(Redeemable("points", units=choose.randint(1, 9)))
    made = wish(*named, payments=payments, who=choose.choice(people), source_id=f"M-{next(numbers)}")
    order = list(made.redeemables)
    choose.shuffle(order)
    made = replace(made, redeemables=tuple(order))
    if choose.random() < 0.15:
        _verdict, kept = reserve_stack(made, minutes=15, at=NOW)
        if choose.random() < 0.5:
            return "kept"
        release_reservation(kept.key, client=None, at=NOW)
        return "freed"
    stack = redeem_stack(made, at=NOW)
    if choose.random() < 0.2:
        roll_back_redemption(stack, at=NOW)
        return "undone"
    return "redeemed"


def test_a_dry_run_takes_no_locks():
    code = coupon()
    at_once([lambda: validate_stack(wish(code), at=NOW).valid for _ in range(8)])

    assert (RedemptionStack.objects.count(), Coupon.objects.get().uses) == (0, 0)
