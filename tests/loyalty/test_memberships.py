from datetime import UTC, date, datetime
from threading import Thread
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.template.loader import render_to_string

from customers.models import Event, SegmentMembership
from customers.services.merges import merge_customers, undo_merge
from loyalty.errors import MemberAlready, MembershipEnded, OutOfStock, PlanNotOffered
from loyalty.members.memberships import memberships_section
from loyalty.members.sections import Member
from loyalty.memberships import Covered, period_end, refund_of
from loyalty.models import Membership, MembershipPayment, Reward, RewardGrant
from loyalty.services.benefits import benefits_of
from loyalty.services.memberships import (
    Payment,
    cancel_membership,
    end_memberships,
    give_welcome,
    pay_membership,
    refund_amount,
    start_membership,
)
from loyalty.services.plans import create_plan
from operations.errors import Conflict, InvalidInput
from tests.factories import CustomerFactory

pytestmark = pytest.mark.django_db
ROME = ZoneInfo("Europe/Rome")


def rome(year, month, day, hour=12):
    return datetime(year, month, day, hour, tzinfo=ROME)


def make_plan(**fields):
    usual = {"code": "prime", "name": "Prime", "price_amount": 3650, "multiplier": 2, "grace_days": 7}
    return create_plan(**usual | fields, at=rome(2024, 1, 1))


def paid(external_id="p1", amount=3650, periods=1):
    return Payment(external_id, amount, datetime(2024, 1, 1, tzinfo=UTC), periods)


def is_member(customer, at):
    return benefits_of(customer, at=at).multiplier == 2


def test_periods_are_counted_from_the_first_day_so_that_short_months_cost_nothing():
    first = date(2027, 1, 31)

    ends = [period_end(first, periods, period="MONTH") for periods in (1, 2, 3)]

    assert ends == [date(2027, 2, 28), date(2027, 3, 31), date(2027, 4, 30)]
    assert period_end(date(2024, 2, 29), 1, period="YEAR") == date(2025, 2, 28)
    assert period_end(date(2024, 2, 29), 4, period="YEAR") == date(2028, 2, 29)
    assert period_end(date(2024, 2, 29), 2, period="DAYS", days=30) == date(2024, 4, 29)


def test_what_goes_back_is_the_share_of_the_whole_days_left():
    """2024 has 366 days: 36.60 is 0.10 a day. On 31 January 31 days are used, 335 go back: 33.50."""
    year = Covered(3660, date(2024, 1, 1), date(2025, 1, 1))

    assert refund_of(year, on=date(2024, 1, 31)) == 3350
    assert refund_of(year, on=date(2024, 12, 31)) == 0
    assert refund_of(year, on=date(2025, 6, 1)) == 0
    assert refund_of(year, on=date(2023, 12, 31)) == 3660
    # 10.00 for three days, one used: 666.67, rounded half up.
    assert refund_of(Covered(1000, date(2024, 1, 1), date(2024, 1, 4)), on=date(2024, 1, 1)) == 667


def test_a_membership_gives_its_benefits_to_the_end_of_the_grace():
    plan, customer = make_plan(), CustomerFactory()

    membership = start_membership(customer, plan, payment=paid(), at=rome(2026, 3, 1))

    assert (membership.renews_on, membership.status) == (date(2027, 3, 1), "ACTIVE")
    assert membership.ends_at == rome(2027, 3, 8, 0)
    assert is_member(customer, rome(2026, 3, 1))
    assert is_member(customer, rome(2027, 3, 7, 23))
    assert not is_member(customer, rome(2027, 3, 8, 0))
    assert SegmentMembership.objects.current().get().segment.code == "membership--prime"


def test_a_late_payment_leaves_no_gap_and_gives_no_day_for_nothing():
    plan, customer = make_plan(period="MONTH"), CustomerFactory()
    membership = start_membership(customer, plan, payment=paid(), at=rome(2027, 1, 31))

    pay_membership(membership, payment=paid("p2"), at=rome(2027, 3, 5))

    first, second = MembershipPayment.objects.all()
    assert (first.covers_from, first.covers_until) == (date(2027, 1, 31), date(2027, 2, 28))
    assert (second.covers_from, second.covers_until) == (date(2027, 2, 28), date(2027, 3, 31))


def test_a_payment_after_the_grace_is_refused_and_a_new_membership_begins():
    plan, customer = make_plan(period="MONTH"), CustomerFactory()
    membership = start_membership(customer, plan, payment=paid(), at=rome(2027, 1, 1))
    late = rome(2027, 2, 8)

    with pytest.raises(MembershipEnded):
        pay_membership(membership, payment=paid("p2"), at=late)
    anew = start_membership(customer, plan, payment=paid("p3"), at=late)

    assert Membership.objects.get(pk=membership.pk).status == "ENDED"
    assert (anew.started_on, anew.renews_on) == (date(2027, 2, 8), date(2027, 3, 8))
    assert MembershipPayment.objects.count() == 2


def test_who_is_a_member_already_cannot_begin_again_and_a_payment_counts_once():
    plan, customer = make_plan(), CustomerFactory()
    membership = start_membership(customer, plan, payment=paid(), at=rome(2026, 3, 1))

    same = start_membership(customer, plan, payment=paid(), at=rome(2026, 3, 2))
    with pytest.raises(MemberAlready):
        start_membership(customer, plan, payment=paid("p2"), at=rome(2026, 3, 2))
    pay_membership(membership, payment=paid("p3"), at=rome(2026, 4, 1))
    pay_membership(membership, payment=paid("p3"), at=rome(2026, 4, 2))
    with pytest.raises(Conflict):
        pay_membership(membership, payment=paid("p3", amount=1), at=rome(2026, 4, 2))

    assert same.pk == membership.pk
    assert Membership.objects.get().renews_on == date(2028, 3, 1)
    assert Event.objects.filter(type="membership.started").count() == 1


def test_cancelled_at_once_it_ends_and_says_what_goes_back():
    """36.50 for 365 days; 10 March is the 10th and last: 355 days, 35.50. The year after goes back whole."""
    plan, customer = make_plan(), CustomerFactory()
    membership = start_membership(customer, plan, payment=paid(periods=1), at=rome(2026, 3, 1))
    pay_membership(membership, payment=paid("p2"), at=rome(2026, 3, 2))

    ended = cancel_membership(membership, at_once=True, reason="moved", at=rome(2026, 3, 10))

    assert (ended.status, ended.ends_at, refund_amount(ended)) == ("ENDED", rome(2026, 3, 10), 3550 + 3650)
    assert not is_member(customer, rome(2026, 3, 10, 13))
    assert not SegmentMembership.objects.current().exists()
    assert Event.objects.get(type="membership.ended").payload["refund_amount"] == 7200
    assert refund_amount(cancel_membership(ended, at_once=True, at=rome(2026, 5, 1))) == 7200


def test_cancelled_for_later_it_runs_out_without_grace_and_a_payment_takes_it_back():
    plan, customer = make_plan(), CustomerFactory()
    membership = start_membership(customer, plan, payment=paid(), at=rome(2026, 3, 1))

    leaving = cancel_membership(membership, at=rome(2026, 6, 1))
    assert (leaving.status, leaving.ends_at, refund_amount(leaving)) == ("CANCELLED", rome(2027, 3, 1, 0), 0)
    assert end_memberships(at=rome(2027, 2, 28)) == 0
    back = pay_membership(leaving, payment=paid("p2"), at=rome(2027, 2, 1))

    assert (back.status, back.renews_on, back.cancelled_at) == ("ACTIVE", date(2028, 3, 1), None)


def test_the_sweep_ends_what_nobody_paid_for_at_the_instant_it_was_over():
    plan, customer = make_plan(), CustomerFactory()
    start_membership(customer, plan, payment=paid(), at=rome(2026, 3, 1))

    assert (end_memberships(at=rome(2027, 3, 9)), end_memberships(at=rome(2027, 3, 9))) == (1, 0)

    event = Event.objects.get(type="membership.ended")
    assert event.occurred_at == rome(2027, 3, 8, 0)
    assert not SegmentMembership.objects.current().exists()


def test_a_welcome_is_given_once_and_a_plan_out_of_sale_takes_nobody():
    reward = Reward.objects.create(code="hello", name="Hello", kind="POINTS", points_given=100)
    plan, customer = make_plan(welcome_reward=reward), CustomerFactory()
    start_membership(customer, plan, payment=paid(), at=rome(2026, 3, 1))
    start_membership(customer, plan, payment=paid(), at=rome(2026, 3, 1))
    type(plan).objects.update(active=False)

    with pytest.raises(PlanNotOffered):
        start_membership(CustomerFactory(), plan, payment=paid("p2"), at=rome(2026, 3, 1))

    assert RewardGrant.objects.count() == 1
    assert Membership.objects.count() == 1


def test_a_paid_membership_begins_without_a_welcome_that_is_out_of_stock_which_is_owed():
    reward = Reward.objects.create(code="hello", name="Hello", kind="POINTS", points_given=100, stock=0)
    plan, customer = make_plan(welcome_reward=reward), CustomerFactory()

    membership = start_membership(customer, plan, payment=paid(), at=rome(2026, 3, 1))

    assert (membership.status, membership.payments.count()) == ("ACTIVE", 1)
    assert (membership.owed_reward, membership.owed_because) == (reward, "out_of_stock")
    assert Event.objects.get(type="membership.started").payload["reward_owed"] == "hello"
    with pytest.raises(OutOfStock):
        give_welcome(membership, at=rome(2026, 3, 2))
    Reward.objects.update(stock=1)
    given = [give_welcome(membership, at=rome(2026, 3, day)).owed_reward for day in (3, 4)]
    assert given == [None, None]
    assert RewardGrant.objects.get().source_key == f"membership:{membership.pk}"


def test_of_two_memberships_of_one_person_one_goes_on_and_the_other_is_refunded():
    """The loser's year began on 1 January 2026; merged on 31 January, 334 of 365 days go back: 33.40."""
    plan, alice, alicia = make_plan(), CustomerFactory(), CustomerFactory()
    start_membership(alice, plan, payment=paid(), at=rome(2026, 1, 15))
    theirs = start_membership(alicia, plan, payment=paid("p2"), at=rome(2026, 1, 1))

    operation = merge_customers(alice, [alicia], reason="one", at=rome(2026, 1, 31))

    theirs.refresh_from_db()
    assert (theirs.customer, theirs.status, refund_amount(theirs)) == (alice, "ENDED", 3340)
    assert is_member(alice, rome(2026, 2, 1))
    undo_merge(operation, at=rome(2026, 2, 2))
    theirs.refresh_from_db()
    assert (theirs.customer, theirs.status, refund_amount(theirs)) == (alicia, "ACTIVE", 0)
    current = SegmentMembership.objects.current().values_list("customer", flat=True)
    assert sorted(current) == sorted([alice.pk, alicia.pk])


def test_ten_tills_report_one_payment_and_it_counts_once(transactional_db):
    plan, customer = make_plan(), CustomerFactory()
    outcomes = []

    def report():
        try:
            outcomes.append(start_membership(customer, plan, payment=paid(), at=rome(2026, 3, 1)).pk)
        finally:
            connection.close()

    threads = [Thread(target=report) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(outcomes) == 10
    assert set(outcomes) == {Membership.objects.get().pk}
    assert Membership.objects.get().renews_on == date(2027, 3, 1)


def test_what_is_paid_beyond_the_end_of_the_calendar_is_refused():
    membership = start_membership(
        CustomerFactory(), make_plan(), payment=paid(periods=120), at=rome(2024, 1, 1)
    )
    Membership.objects.update(started_on=date(9900, 1, 1))
    MembershipPayment.objects.update(covers_from=date(9900, 1, 1), covers_until=date(9990, 1, 1))

    with pytest.raises(InvalidInput):
        pay_membership(membership, payment=paid("p2", periods=120), at=rome(2024, 1, 2))

    assert MembershipPayment.objects.count() == 1


def test_a_members_page_tells_what_they_pay_for_and_until_when():
    plan, customer = make_plan(free_shipping=True, perks=["A gift"]), CustomerFactory(language="en")
    at = rome(2026, 3, 1)
    assert memberships_section(Member(customer, at, "t")) is None
    membership = start_membership(customer, plan, payment=paid(), at=at)

    (told,) = memberships_section(Member(customer, at, "t")).context["memberships"]

    assert (told["name"], told["paid_until"]) == ("Prime", date(2027, 2, 28))
    assert told["gives"] == ["Points times 2", "Free shipping", "A gift"]
    assert told["runs_out"] is False
    cancel_membership(membership, at=at)
    section = memberships_section(Member(customer, at, "t"))
    assert section.context["memberships"][0]["runs_out"] is True
    assert "Prime" in render_to_string(section.template, section.context)
    assert memberships_section(Member(customer, rome(2027, 3, 1), "t")) is None
