"""Referrals whose people turn out to be one: money, limits, steps, and all as it was when they part."""

from datetime import timedelta

import pytest

from customers.services.merges import merge_customers, undo_merge
from loyalty.models import RewardGrant
from loyalty_site.roles import Role
from operations.models import Approval
from operations.services import decide_approval
from referrals.errors import NothingToPayOut, PayoutNotPossible
from referrals.models import CashEntry, Payout, PayoutBatch, Referral, ReferralReward
from referrals.services import export_payouts, make_payouts, mark_paid, owed_amount, qualify_referral
from referrals.services.programmes import Reward, Step
from tests.console_data import staff
from tests.factories import CustomerFactory
from tests.loyalty.factories import make_reward
from tests.referrals.factories import LATER, buy, make_programme, refer

pytestmark = pytest.mark.django_db
PAID = LATER + timedelta(days=1)
CASH = 1_050


def affiliates(**terms):
    return make_programme(referrer=Reward(cash_amount=CASH), **terms)


def rewarded(programme, referrer):
    referral = refer(programme, referrer=referrer)
    qualify_referral(buy(referral.referee), at=LATER)
    return referral


def merged(survivor, loser):
    return merge_customers(survivor, [loser], reason="the same", at=PAID)


def approved():
    batch = make_payouts(by=staff(Role.MARKETER), at=PAID)
    approval = Approval.objects.get(kind="referral_payout", subject_id=batch.pk)
    decide_approval(approval, approve=True, by=staff(Role.SUPERVISOR), at=PAID)
    return batch


def test_money_for_inviting_oneself_is_not_owed_and_is_again_when_the_merge_is_undone():
    alice = CustomerFactory()
    referral = rewarded(affiliates(), alice)

    operation = merged(alice, referral.referee)
    owed = owed_amount()
    undo_merge(operation, at=PAID)

    assert owed == 0
    assert (owed_amount(), Referral.objects.get().status) == (CASH, "REWARDED")
    assert ReferralReward.objects.get(side="REFERRER").taken_back_at is None
    assert make_payouts(by=staff(Role.MARKETER), at=PAID).total_amount == CASH


def test_it_leaves_a_list_that_waits_for_approval_and_the_others_stay():
    programme, alice, bob = affiliates(), CustomerFactory(), CustomerFactory()
    own = rewarded(programme, alice)
    rewarded(programme, alice)
    rewarded(programme, bob)
    batch = make_payouts(by=staff(Role.MARKETER), at=PAID)

    merged(alice, own.referee)

    batch.refresh_from_db()
    assert (batch.status, batch.people, batch.total_amount) == ("WAITING", 2, 2 * CASH)
    assert dict(Payout.objects.values_list("customer", "amount")) == {alice.pk: CASH, bob.pk: CASH}
    assert Approval.objects.get().summary == "Pay €21.00 to 2 people who brought friends"
    assert owed_amount() == 0


def test_it_leaves_an_approved_list_that_no_bank_knows_and_a_list_of_nobody_is_closed():
    alice = CustomerFactory()
    referral = rewarded(affiliates(), alice)
    batch = approved()

    merged(alice, referral.referee)

    batch.refresh_from_db()
    assert (batch.status, batch.people, batch.total_amount) == ("REJECTED", 0, 0)
    assert (Payout.objects.count(), owed_amount()) == (0, 0)
    with pytest.raises(PayoutNotPossible):
        mark_paid(batch, at=PAID)


def test_what_the_bank_was_told_is_taken_off_the_next_payout():
    programme, alice = affiliates(), CustomerFactory()
    referral = rewarded(programme, alice)
    batch = export_payouts(approved(), at=PAID)

    merged(alice, referral.referee)

    assert mark_paid(batch, at=PAID).total_amount == CASH
    with pytest.raises(NothingToPayOut):
        make_payouts(by=batch.created_by, at=PAID)
    rewarded(programme, alice)
    rewarded(programme, alice)
    # 2 * 10.50 - 10.50.
    assert make_payouts(by=batch.created_by, at=PAID).total_amount == CASH


def test_what_was_taken_off_a_payout_is_owed_again_when_the_merge_is_undone():
    programme, alice = affiliates(), CustomerFactory()
    referral = rewarded(programme, alice)
    mark_paid(export_payouts(approved(), at=PAID), at=PAID)
    operation = merged(alice, referral.referee)
    rewarded(programme, alice)
    rewarded(programme, alice)
    mark_paid(export_payouts(approved(), at=PAID), at=PAID)

    undo_merge(operation, at=PAID)

    assert owed_amount() == CASH
    entries = CashEntry.objects.filter(reward__referral=referral).order_by("pk")
    assert list(entries.values_list("amount", "round")) == [(CASH, 1), (-CASH, 1), (CASH, 2)]


def test_a_friend_who_was_two_is_paid_for_once():
    programme, alice, bob = affiliates(), CustomerFactory(), CustomerFactory()
    first, second = rewarded(programme, alice), rewarded(programme, bob)

    merged(first.referee, second.referee)

    assert list(Referral.objects.order_by("pk").values_list("status", flat=True)) == ["REWARDED", "REJECTED"]
    batch = make_payouts(by=staff(Role.MARKETER), at=PAID)
    assert dict(batch.payouts.values_list("customer", "amount")) == {alice.pk: CASH}


@pytest.mark.parametrize("limit", ["maximum_per_referrer", "maximum_per_month"])
def test_a_limit_counts_a_person_with_all_their_codes(limit):
    programme, alice, double = affiliates(**{limit: 2}), CustomerFactory(), CustomerFactory()
    rewarded(programme, alice)
    rewarded(programme, double)
    late = refer(programme, referrer=double)
    merged(alice, double)

    qualify_referral(buy(late.referee), at=LATER)

    late.refresh_from_db()
    assert (late.status, late.reason) == ("REWARDED", "REFERRER_AT_LIMIT")
    assert owed_amount() == 2 * CASH


def test_a_step_counts_the_friends_of_both_and_is_given_once():
    bag = make_reward()
    programme, alice, double = affiliates(steps=[Step(3, bag)]), CustomerFactory(), CustomerFactory()
    rewarded(programme, alice)
    rewarded(programme, double)
    late = refer(programme, referrer=double)
    merged(alice, double)

    qualify_referral(buy(late.referee), at=LATER)
    rewarded(programme, alice)

    assert list(RewardGrant.objects.values_list("customer", "reward")) == [(alice.pk, bag.pk)]


def test_a_list_that_is_refused_leaves_nothing_to_take_off():
    alice = CustomerFactory()
    referral = rewarded(affiliates(), alice)
    batch = make_payouts(by=staff(Role.MARKETER), at=PAID)
    approval = Approval.objects.get()
    decide_approval(approval, approve=False, by=staff(Role.SUPERVISOR), at=PAID)

    merged(alice, referral.referee)

    assert PayoutBatch.objects.get() == batch
    assert (owed_amount(), CashEntry.objects.open().count()) == (0, 2)
