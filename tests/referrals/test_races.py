"""Many at once around one conversion: whatever comes first, nobody gets twice and nothing is half done."""

import pytest

from customers.services import merge_customers
from loyalty_site.roles import Role
from operations.services.invariants import first_difference
from referrals.errors import NothingToPayOut, PayoutNotPossible
from referrals.invariants import INVARIANTS
from referrals.models import CashEntry, Payout, Referral, ReferralReward
from referrals.services import (
    export_payouts,
    lose_referral,
    make_payouts,
    mark_paid,
    qualify_referral,
    reward_referrals,
    rewarding,
    stop_programme,
)
from referrals.services.programmes import Reward
from tests.console_data import staff
from tests.coupons.races import at_once
from tests.factories import CustomerFactory
from tests.referrals.factories import LATER, buy, make_programme, refer
from tests.referrals.test_merges import CASH, PAID, affiliates, approved, rewarded
from tests.referrals.test_taking_back import send_back

race = pytest.mark.django_db(transaction=True)


def check_that_the_books_are_right():
    assert {one.key: first_difference(one) for one in INVARIANTS if first_difference(one)} == {}


@pytest.mark.slow
@race
def test_an_order_comes_back_while_another_counts_and_both_referrers_become_one():
    programme, alice, double = affiliates(), CustomerFactory(), CustomerFactory()
    bought = buy(refer(programme, referrer=alice).referee)
    returned = buy(refer(programme, referrer=double).referee)
    qualify_referral(returned, at=LATER)
    send_back(returned, 5000)
    marketer = staff(Role.MARKETER)

    at_once(
        [
            *(lambda: qualify_referral(bought, at=LATER) for _ in range(2)),
            *(lambda: lose_referral(returned, at=LATER) for _ in range(2)),
            lambda: merge_customers(alice, [double], reason="a race", at=LATER),
            lambda: make_payouts(by=marketer, at=PAID),
        ]
    )

    assert set(Referral.objects.values_list("referrer", "status")) == {
        (alice.pk, "REWARDED"),
        (alice.pk, "TAKEN_BACK"),
    }
    assert sum(CashEntry.objects.values_list("amount", flat=True)) == CASH
    check_that_the_books_are_right()


@pytest.mark.slow
@race
def test_two_orders_of_one_friend_at_once_are_one_conversion():
    referral = refer(make_programme())
    orders = [buy(referral.referee) for _ in range(4)]

    at_once(lambda order=order: qualify_referral(order, at=LATER) for order in orders)

    assert ReferralReward.objects.count() == 2
    assert Referral.objects.get().order in orders
    check_that_the_books_are_right()


@race
def test_two_codes_of_one_person_stay_within_the_limit_together():
    programme, alice, double = affiliates(maximum_per_referrer=2), CustomerFactory(), CustomerFactory()
    orders = [buy(refer(programme, referrer=one).referee) for one in (alice, double) * 3]

    at_once(
        [
            lambda: merge_customers(alice, [double], reason="a race", at=LATER),
            *(lambda order=order: qualify_referral(order, at=LATER) for order in orders),
        ]
    )

    # Who was rewarded before the two were known to be one keeps it.
    given = ReferralReward.objects.filter(side="REFERRER").count()
    assert 2 <= given <= 4
    assert Referral.objects.filter(status="REWARDED").count() == 6
    more = buy(refer(programme, referrer=alice).referee)
    qualify_referral(more, at=LATER)
    assert ReferralReward.objects.filter(side="REFERRER").count() == given
    check_that_the_books_are_right()


@race
def test_a_list_is_paid_once_and_a_merge_meanwhile_takes_its_money_off_or_back():
    alice = CustomerFactory()
    own = rewarded(affiliates(), alice)
    batch = approved()

    answers = at_once(
        [
            *(lambda: mark_paid(export_payouts(batch, at=PAID), at=PAID).status for _ in range(3)),
            lambda: merge_customers(alice, [own.referee], reason="a race", at=PAID) and "merged",
        ]
    )

    batch.refresh_from_db()
    paid = batch.status == "PAID"
    assert sorted(answers) == sorted(["merged", *["PAID"] * paid, *[PayoutNotPossible.key] * (3 - paid)])
    # Paid: 10.50 are owed back. Not paid: what was owed and what was taken back stand against each other.
    assert sum(CashEntry.objects.open().values_list("amount", flat=True)) == (-CASH if paid else 0)
    check_that_the_books_are_right()


@pytest.mark.slow
@race
def test_a_list_is_made_while_its_people_become_one():
    programme, alice, double = affiliates(), CustomerFactory(), CustomerFactory()
    rewarded(programme, alice)
    rewarded(programme, double)
    marketer = staff(Role.MARKETER)

    answers = at_once(
        [
            *(lambda: make_payouts(by=marketer, at=PAID).total_amount for _ in range(2)),
            lambda: merge_customers(alice, [double], reason="a race", at=PAID) and "merged",
        ]
    )

    assert sorted(map(str, answers)) == sorted(["merged", str(2 * CASH), NothingToPayOut.key])
    assert set(Payout.objects.values_list("customer", flat=True)) == {alice.pk}
    check_that_the_books_are_right()


@pytest.mark.slow
@race
def test_a_programme_stopped_while_it_rewards_gives_all_or_nothing():
    programme = make_programme(after_days=1)
    waiting = [buy(refer(programme).referee) for _ in range(3)]
    for order in waiting:
        qualify_referral(order, at=LATER)
    late = buy(refer(programme).referee)

    at_once(
        [
            lambda: reward_referrals(at=PAID),
            lambda: reward_referrals(at=PAID),
            lambda: stop_programme(programme, at=PAID),
            lambda: qualify_referral(late, at=PAID),
        ]
    )

    # What was owed is given; who bought meanwhile was in time or was not.
    assert Referral.objects.filter(status="REWARDED").count() == 3
    assert Referral.objects.get(referee=late.customer).status in ("QUALIFIED", "REJECTED")
    assert ReferralReward.objects.count() == 6
    check_that_the_books_are_right()


@pytest.mark.django_db
def test_a_worker_that_dies_between_the_two_rewards_has_given_neither(monkeypatch):
    referral = refer(make_programme(referrer=Reward(points=100), after_days=1))
    qualify_referral(buy(referral.referee), at=LATER)
    give, given = rewarding._give, []

    def give_and_die(*asked):
        if given:
            raise SystemExit
        given.append(give(*asked))

    monkeypatch.setattr(rewarding, "_give", give_and_die)
    with pytest.raises(SystemExit):
        reward_referrals(at=PAID)
    halfway = ReferralReward.objects.count(), Referral.objects.get().status
    monkeypatch.setattr(rewarding, "_give", give)

    assert halfway == (0, "QUALIFIED")
    assert reward_referrals(at=PAID) == 1
    assert ReferralReward.objects.count() == 2
