"""Money for those who invite: lists, the second person, the file, what was paid twice."""

from datetime import timedelta

import pytest

from loyalty_site.roles import Role
from operations.models import Approval
from operations.services import decide_approval
from operations.services.approvals import OwnRequest
from referrals.errors import NothingToPayOut, PayoutNotPossible
from referrals.models import CashEntry, Payout, PayoutBatch
from referrals.services import (
    export_payouts,
    lose_referral,
    make_payouts,
    mark_paid,
    owed_amount,
    qualify_referral,
)
from referrals.services.programmes import Reward
from tests.console_data import staff
from tests.coupons.races import at_once
from tests.factories import CustomerFactory
from tests.referrals.factories import LATER, buy, make_programme, refer
from tests.referrals.test_taking_back import send_back

pytestmark = pytest.mark.django_db
PAID = LATER + timedelta(days=1)


@pytest.fixture
def marketer():
    return staff(Role.MARKETER)


@pytest.fixture
def supervisor():
    return staff(Role.SUPERVISOR)


def earned(programme, referrer, friends=1):
    orders = []
    for _ in range(friends):
        orders.append(buy(refer(programme, referrer=referrer).referee))
        qualify_referral(orders[-1], at=LATER)
    return orders


def affiliates():
    return make_programme(referrer=Reward(cash_amount=1_050))


def decide(batch, by, approve=True):
    approval = Approval.objects.get(kind="referral_payout", subject_id=batch.pk)
    return decide_approval(approval, approve=approve, by=by, at=PAID)


def pay(batch, by):
    decide(batch, by)
    mark_paid(export_payouts(batch, at=PAID), at=PAID)


def test_everybody_who_is_owed_stands_on_the_list_once(marketer):
    programme, alice, bob = affiliates(), CustomerFactory(), CustomerFactory()
    earned(programme, alice, 3)
    earned(programme, bob)

    batch = make_payouts(by=marketer, at=PAID)

    # 3 * 10.50 and 1 * 10.50.
    assert dict(Payout.objects.values_list("customer", "amount")) == {alice.pk: 3_150, bob.pk: 1_050}
    assert (batch.status, batch.people, batch.total_amount) == ("WAITING", 2, 4_200)
    assert owed_amount() == 0
    with pytest.raises(NothingToPayOut):
        make_payouts(by=marketer, at=PAID)


def test_nobody_approves_their_own_list_and_it_is_paid_after_another_person_agreed(marketer, supervisor):
    earned(affiliates(), CustomerFactory())
    batch = make_payouts(by=marketer, at=PAID)

    with pytest.raises(OwnRequest):
        decide(batch, marketer)
    with pytest.raises(PayoutNotPossible):
        mark_paid(batch, at=PAID)
    decide(batch, supervisor)
    paid = mark_paid(batch, reference="SEPA 17", at=PAID)

    assert (paid.status, paid.approved_by, paid.reference) == ("PAID", supervisor, "SEPA 17")
    with pytest.raises(PayoutNotPossible):
        mark_paid(batch, at=PAID)


def test_a_list_that_is_refused_sets_the_money_free(marketer, supervisor):
    earned(affiliates(), CustomerFactory())
    refused = make_payouts(by=marketer, at=PAID)

    decide(refused, supervisor, approve=False)

    refused.refresh_from_db()
    assert (refused.status, owed_amount()) == ("REJECTED", 1_050)
    assert make_payouts(by=marketer, at=PAID).total_amount == 1_050


def test_what_comes_back_after_it_was_paid_is_taken_off_the_next_payout(marketer, supervisor):
    programme, alice = affiliates(), CustomerFactory()
    (order,) = earned(programme, alice)
    pay(make_payouts(by=marketer, at=PAID), supervisor)
    send_back(order, 5000)
    lose_referral(order, at=PAID)

    # She owes 10.50: nothing to pay, and nobody is asked for money.
    assert owed_amount() == 0
    with pytest.raises(NothingToPayOut):
        make_payouts(by=marketer, at=PAID)

    earned(programme, alice, 3)
    # 3 * 10.50 - 10.50.
    assert make_payouts(by=marketer, at=PAID).total_amount == 2_100
    assert CashEntry.objects.open().count() == 0


@pytest.mark.parametrize("agreed", [False, True])
def test_what_comes_back_before_a_bank_knows_of_it_leaves_its_list(marketer, supervisor, agreed):
    programme, alice = affiliates(), CustomerFactory()
    order, _other = earned(programme, alice, 2)
    batch = make_payouts(by=marketer, at=PAID)
    if agreed:
        decide(batch, supervisor)
    send_back(order, 5000)

    lose_referral(order, at=PAID)

    batch.refresh_from_db()
    assert (batch.people, batch.total_amount, Payout.objects.get().amount) == (1, 1_050, 1_050)
    assert sum(CashEntry.objects.open().values_list("amount", flat=True)) == 0


def test_one_s_debt_is_not_taken_off_what_another_gets(marketer, supervisor):
    programme, alice, bob = affiliates(), CustomerFactory(), CustomerFactory()
    (order,) = earned(programme, alice)
    pay(make_payouts(by=marketer, at=PAID), supervisor)
    send_back(order, 5000)
    lose_referral(order, at=PAID)
    earned(programme, bob)

    batch = make_payouts(by=marketer, at=PAID)

    assert dict(batch.payouts.values_list("customer", "amount")) == {bob.pk: 1_050}
    assert CashEntry.objects.open().get().amount == -1_050


@pytest.mark.django_db(transaction=True)
def test_four_lists_at_once_pay_everybody_once(marketer):
    programme = affiliates()
    for _ in range(3):
        earned(programme, CustomerFactory())

    answers = at_once([lambda: make_payouts(by=marketer, at=PAID).people] * 4)

    assert sorted(map(str, answers)) == ["3", *[NothingToPayOut.key] * 3]
    assert Payout.objects.count() == 3


def test_the_file_for_the_bank_is_there_after_the_approval_and_holds_no_formula(client, marketer, supervisor):
    alice = CustomerFactory(first_name="=HYPERLINK(1)", last_name="Rossi", attributes={"iban": "IT60X05"})
    earned(affiliates(), alice)
    batch = make_payouts(by=marketer, at=PAID)
    client.force_login(marketer)
    path = f"/console/referrals/payoutbatch/{batch.pk}/file/"

    assert client.get(path).status_code == 302
    decide(batch, supervisor)
    file = b"".join(client.get(path).streaming_content).decode()

    head, line = file.splitlines()
    assert head == "payout,customer,name,account,amount,currency"
    assert line.endswith(",'=HYPERLINK(1) Rossi,IT60X05,10.50,EUR")
    assert str(alice.public_id) in line
    page = client.get(f"/console/referrals/payoutbatch/{batch.pk}/change/").content.decode()
    assert "File fetched</dt><dd>–" not in page
    assert "no account on record" not in page


def test_a_list_says_who_the_bank_could_not_pay_and_that_nobody_fetched_it(client, marketer):
    earned(affiliates(), CustomerFactory())
    batch = make_payouts(by=marketer, at=PAID)
    client.force_login(marketer)

    page = client.get(f"/console/referrals/payoutbatch/{batch.pk}/change/").content.decode()

    assert "File fetched</dt><dd>–" in page
    assert "1 person has no account on record" in page


def test_who_sees_and_makes_lists(client, marketer, supervisor):
    earned(affiliates(), CustomerFactory())
    client.force_login(supervisor)
    assert client.post("/console/referrals/payoutbatch/make/").status_code == 403
    client.force_login(staff(Role.AGENT))
    assert client.get("/console/referrals/payoutbatch/").status_code == 403
    client.force_login(marketer)
    page = client.get("/console/referrals/payoutbatch/").content.decode()
    assert "€10.50 stands on no list yet" in page

    client.post("/console/referrals/payoutbatch/make/")

    batch = PayoutBatch.objects.get()
    assert batch.created_by == marketer
    assert (
        "Waiting for approval"
        in client.get(f"/console/referrals/payoutbatch/{batch.pk}/change/").content.decode()
    )
