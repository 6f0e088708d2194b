"""What a merge does with the tables of every app (customers.md, sections 3 and 7)."""

import uuid
from datetime import UTC, datetime

import pytest

from campaigns.models import Message
from campaigns.services import create_campaign
from coupons.models import Account, LimitCounter, Lot
from coupons.services import ledger
from customers.models import Event, Order
from customers.registry import OnMerge, customer_tables
from customers.services import merge_customers, undo_merge
from customers.services.events import own_source
from customers.services.merges import sweep_merges
from loyalty.services import adjust_points, claw_back_points, earn_points, points_of
from referrals.models import Referral
from referrals.services import code_of
from tests.campaigns.factories import segment_of
from tests.coupons.factories import promotion
from tests.factories import NOON, CustomerFactory, OrderFactory, SourceProfileFactory
from tests.loyalty.factories import make_rule
from tests.referrals.factories import make_programme as programme

pytestmark = pytest.mark.django_db


def until(year, month, day):
    return datetime(year, month, day, tzinfo=UTC)


def merge(survivor, *losers):
    return merge_customers(survivor, list(losers), reason="the same person", at=NOON)


def remaining(customer):
    return list(
        Lot.objects.filter(account__customer=customer)
        .order_by("expires_at")
        .values_list("remaining", flat=True)
    )


def test_every_table_that_needs_a_step_names_one():
    missing = [
        table.label for table in customer_tables() if table.on_merge is OnMerge.STEP and not table.step
    ]

    assert missing == []


def test_points_are_spent_across_the_accounts_of_merged_customers_and_part_again():
    """Scenario 4."""
    alice, double = CustomerFactory(), CustomerFactory()
    for customer, points, expires_at in [
        (alice, 70, until(2026, 12, 31)),
        (double, 50, until(2026, 12, 15)),
        (double, 20, until(2027, 6, 30)),
    ]:
        adjust_points(customer, points=points, reason="earned", at=NOON, expires_at=expires_at)

    operation = merge(alice, double)
    assert points_of(alice, at=NOON).balance == 140
    adjust_points(alice, points=-60, reason="a reward", at=NOON)
    assert points_of(alice, at=NOON).balance == 80
    undo_merge(operation, at=NOON)

    assert (points_of(alice, at=NOON).balance, remaining(alice)) == (60, [60])
    assert (points_of(double, at=NOON).balance, remaining(double)) == (20, [0, 20])
    assert not Account.objects.filter(main=False).exists()


def test_points_spent_across_accounts_are_given_back_to_the_lots_they_came_from():
    alice, double = CustomerFactory(), CustomerFactory()
    adjust_points(alice, points=70, reason="earned", at=NOON, expires_at=until(2026, 12, 31))
    adjust_points(double, points=50, reason="earned", at=NOON, expires_at=until(2026, 12, 15))
    merge(alice, double)
    entry = ledger.debit(ledger.open_account(alice), units=60, source_key="reward:1", at=NOON)
    assert [one.delta for one in ledger.entries_of(entry)] == [-50, -10]

    ledger.reverse(entry, source_key="reward:1:back", at=NOON)
    ledger.reverse(entry, source_key="reward:1:back", at=NOON)

    assert remaining(alice) == [50, 70]
    assert sorted(Account.objects.values_list("balance", flat=True)) == [50, 70]


def test_points_earned_while_two_were_one_go_with_whoever_bought():
    make_rule()
    alice, double = CustomerFactory(), CustomerFactory()
    profile = SourceProfileFactory(customer=double)
    operation = merge(alice, double)
    order = OrderFactory(customer=alice, source_profile=profile)
    (accrual,) = earn_points(order, at=NOON)
    adjust_points(alice, points=-10, reason="a reward", at=NOON)
    assert points_of(alice, at=NOON).balance == accrual.points - 10

    undo_merge(operation, at=NOON)

    assert points_of(alice, at=NOON).balance == 0
    assert points_of(double, at=NOON).balance == accrual.points - 10
    old, new = Lot.objects.order_by("pk")
    assert (old.remaining, new.remaining, new.expires_at) == (0, accrual.points - 10, old.expires_at)
    Order.objects.filter(pk=order.pk).update(status="CANCELLED")
    order.refresh_from_db()
    claw_back_points(order, at=NOON)
    assert points_of(double, at=NOON).balance == 0


def test_limits_per_customer_add_up_and_part_again():
    alice, double = CustomerFactory(), CustomerFactory()
    offer = promotion(code="WELCOME")
    for customer, used in [(alice, 1), (double, 2)]:
        LimitCounter.objects.create(promotion=offer, customer=customer, period="TOTAL", used=used)

    operation = merge(alice, double)

    assert LimitCounter.objects.get(customer=alice).used == 3

    undo_merge(operation, at=NOON)

    assert dict(LimitCounter.objects.values_list("customer", "used")) == {alice.pk: 1, double.pk: 2}


def test_a_referral_between_the_two_becomes_a_self_referral():
    alice, double = CustomerFactory(), CustomerFactory()
    code = code_of(alice, programme())
    referral = Referral.objects.create(
        programme=code.programme, code=code, referrer=alice, referee=double, registered_at=NOON
    )

    operation = merge(alice, double)

    referral.refresh_from_db()
    assert (referral.status, referral.reason) == ("REJECTED", "SELF_REFERRAL")
    assert (referral.referrer, referral.referee) == (alice, alice)

    undo_merge(operation, at=NOON)

    referral.refresh_from_db()
    assert (referral.status, referral.reason) == ("PENDING", "")
    assert (referral.referrer, referral.referee) == (alice, double)


def test_a_friend_invited_twice_came_with_the_one_who_got_further():
    alice, double, bob, carol = (CustomerFactory() for _ in range(4))
    friends = programme()
    order = OrderFactory(customer=double)
    for referrer, referee, status in [(bob, alice, "PENDING"), (carol, double, "QUALIFIED")]:
        Referral.objects.create(
            programme=friends,
            code=code_of(referrer, friends),
            referrer=referrer,
            referee=referee,
            registered_at=NOON,
            status=status,
            order=order if status == "QUALIFIED" else None,
        )

    merge(alice, double)

    assert dict(Referral.objects.values_list("referrer", "status")) == {
        bob.pk: "REJECTED",
        carol.pk: "QUALIFIED",
    }
    assert set(Referral.objects.values_list("referee", flat=True)) == {alice.pk}


def test_both_referral_codes_keep_working_and_the_survivors_is_shared():
    alice, double = CustomerFactory(), CustomerFactory()
    friends = programme()
    own, other = code_of(alice, friends), code_of(double, friends)

    operation = merge(alice, double)

    other.refresh_from_db()
    assert other.customer == alice
    assert code_of(alice, friends) == own

    undo_merge(operation, at=NOON)

    assert code_of(double, friends) == other


def test_one_person_gets_one_message_of_an_occurrence():
    alice, double = CustomerFactory(), CustomerFactory()
    sent, waiting = two_messages(alice, double)

    operation = merge(alice, double)

    sent.refresh_from_db()
    waiting.refresh_from_db()
    assert (sent.customer, sent.state) == (alice, "SENT")
    assert (waiting.customer, waiting.state, waiting.reason) == (alice, "CANCELLED", "MERGED")

    undo_merge(operation, at=NOON)

    waiting.refresh_from_db()
    assert (waiting.customer, waiting.state, waiting.occurrence) == (double, "PENDING", "once")


def two_messages(one, other):
    campaign = create_campaign(
        code="news",
        name="News",
        segment=segment_of([one, other]),
        subject="Ciao",
        body="<p>Ciao {{ customer.first_name }}.</p>",
        starts_at=NOON,
        at=NOON,
    )
    return [
        Message.objects.create(
            campaign=campaign,
            customer=customer,
            channel="email",
            occurrence="once",
            purpose="MARKETING",
            lane="BULK",
            token=uuid.uuid4(),
            state=state,
            sent_at=NOON if state == "SENT" else None,
            not_before=NOON,
        )
        for customer, state in [(one, "SENT"), (other, "PENDING")]
    ]


def test_what_was_written_for_a_merged_customer_all_the_same_is_given_on():
    alice, double, root = CustomerFactory(), CustomerFactory(), CustomerFactory()
    merge(alice, double)
    merge(root, alice)
    late = Event.objects.create(
        type="visit.recorded",
        source=own_source(),
        external_id="late",
        customer=double,
        occurred_at=NOON,
        content_hash=b"",
    )

    taken = sweep_merges(at=NOON)

    late.refresh_from_db()
    assert (taken, late.customer) == (2, root)
    assert sweep_merges(at=NOON) == 0
