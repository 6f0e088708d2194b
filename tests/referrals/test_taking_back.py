"""An order that comes back after the reward was paid, and rewards of every kind."""

from datetime import timedelta
from decimal import Decimal

import pytest

from coupons.models import Coupon, Publication
from coupons.services import ledger
from customers.models import Event, Order, Return, ReturnLine
from customers.services.merges import merge_customers, undo_merge
from loyalty.models import RewardGrant
from loyalty.services import adjust_points, points_of
from loyalty_site.roles import Role
from referrals.errors import NothingToTakeBack
from referrals.models import CashEntry, Referral, ReferralReward, StepReward
from referrals.services import (
    lose_referral,
    owed_amount,
    qualify_referral,
    reward_referrals,
    take_back_referral,
)
from referrals.services.programmes import Reward, Step
from tests.console_data import prove, staff
from tests.factories import NOON, CustomerFactory
from tests.loyalty.factories import make_reward
from tests.referrals.factories import LATER, buy, make_programme, refer

pytestmark = pytest.mark.django_db
RETURNED = LATER + timedelta(days=3)


def rewarded(programme, *, referrer=None, **order):
    referral = refer(programme, referrer=referrer)
    bought = buy(referral.referee, **order)
    qualify_referral(bought, at=LATER)
    referral.refresh_from_db()
    return referral, bought


def send_back(order, amount, *lines):
    """Write a return as its service would: what came back of which line."""
    refund = Return.objects.create(
        order=order,
        external_id=f"return-{Return.objects.count()}",
        returned_at=RETURNED,
        refund_amount=amount,
    )
    for line in lines:
        ReturnLine.objects.create(
            parent=refund, line=line, quantity=line.quantity, refund_amount=line.total_amount
        )
    refunded = order.refunded_amount + amount
    status = Order.Status.REFUNDED if refunded == order.total_amount else order.status
    Order.objects.filter(pk=order.pk).update(refunded_amount=refunded, status=status)
    order.refresh_from_db()


def test_unused_coupons_are_switched_off_when_the_order_comes_back():
    referral, order = rewarded(make_programme())
    send_back(order, 5000)

    lose_referral(order, at=RETURNED)

    referral.refresh_from_db()
    assert (referral.status, referral.reason, referral.taken_back_at) == ("TAKEN_BACK", "RETURNED", RETURNED)
    assert set(Publication.objects.values_list("status", flat=True)) == {"WITHDRAWN"}
    assert set(Coupon.objects.values_list("active", flat=True)) == {False}
    assert ReferralReward.objects.filter(taken_back_at=RETURNED).count() == 2
    assert Event.objects.filter(type="referral.taken_back").count() == 1


def test_taken_back_twice_is_taken_back_once_and_nothing_is_given_again():
    referral, order = rewarded(make_programme(referrer=Reward(points=300)))
    send_back(order, 5000)

    lose_referral(order, at=RETURNED)
    lose_referral(order, at=RETURNED)
    qualify_referral(buy(referral.referee), at=RETURNED)

    assert points_of(referral.referrer, at=RETURNED).balance == 0
    referral.refresh_from_db()
    assert referral.status == "TAKEN_BACK"
    assert reward_referrals(at=RETURNED) == 0


def test_points_that_were_spent_meanwhile_are_written_down_and_nobody_owes_below_zero():
    referral, order = rewarded(make_programme(referrer=Reward(points=300)))
    adjust_points(referral.referrer, points=-180, reason="A present", at=LATER)
    send_back(order, 5000)

    lose_referral(order, at=RETURNED)

    # 300 given, 180 spent: 120 come back, 180 are missing.
    assert points_of(referral.referrer, at=RETURNED).balance == 0
    assert referral.rewards.get(side="REFERRER").missing_points == 180


def test_a_part_that_comes_back_leaves_what_is_still_enough():
    referral, order = rewarded(make_programme(minimum_amount=2000), amount=5000)
    send_back(order, 3000)

    assert lose_referral(order, at=RETURNED) is None

    referral.refresh_from_db()
    assert referral.status == "REWARDED"
    # Another 1 and 19.99 are left.
    send_back(order, 1)
    assert lose_referral(order, at=RETURNED).status == "TAKEN_BACK"


def test_the_article_that_counted_coming_back_undoes_the_referral():
    programme = make_programme(items={"skus": ["SHOES"]}, minimum_amount=0, after_days=14)
    referral = refer(programme)
    order = buy(referral.referee, lines=[("SHOES", 1, 5000, 0), ("SOCKS", 2, 1000, 0)])
    qualify_referral(order, at=LATER)
    referral.refresh_from_db()
    assert referral.status == "QUALIFIED"
    send_back(order, 5000, order.lines.get(product__sku="SHOES"))

    lose_referral(order, at=RETURNED)

    referral.refresh_from_db()
    assert (referral.status, referral.order) == ("PENDING", None)


def test_an_order_without_the_article_leaves_the_referral_waiting():
    referral = refer(make_programme(items={"categories": ["Shoes"], "brands": ["Montana"]}))

    assert qualify_referral(buy(referral.referee), at=LATER) is None

    referral.refresh_from_db()
    assert referral.status == "PENDING"


def test_a_programme_that_takes_nothing_back_leaves_what_was_given():
    referral, order = rewarded(make_programme(take_back=False))
    send_back(order, 5000)

    assert lose_referral(order, at=RETURNED) is None

    referral.refresh_from_db()
    assert referral.status == "REWARDED"
    assert set(Coupon.objects.values_list("active", flat=True)) == {True}


@pytest.mark.parametrize("kind", ["GIFT_CARD", "POINTS", "PRODUCT", "COUPON"])
def test_a_reward_of_the_catalogue_is_given_and_taken_back(kind):
    gift = make_reward(kind, stock=1)
    referral, order = rewarded(make_programme(referrer=Reward(reward=gift)))

    grant = RewardGrant.objects.get()
    assert (grant.customer, grant.reward, grant.source_key) == (
        referral.referrer,
        gift,
        f"referral:{referral.pk}:referrer",
    )
    send_back(order, 5000)
    lose_referral(order, at=RETURNED)

    grant.refresh_from_db()
    gift.refresh_from_db()
    assert (grant.status, gift.taken) == ("TAKEN_BACK", 0)


def test_a_reward_that_is_out_of_stock_is_given_to_neither_until_there_is_some():
    gift = make_reward(stock=0)
    referral, _ = rewarded(make_programme(referrer=Reward(reward=gift)))

    assert (referral.status, referral.reason) == ("QUALIFIED", "REWARD_NOT_POSSIBLE")
    assert Publication.objects.count() == 0
    gift.stock = 1
    gift.save()
    assert reward_referrals(at=LATER) == 1
    assert (Publication.objects.count(), RewardGrant.objects.count()) == (1, 1)


def test_the_third_friend_brings_something_on_top_and_only_once():
    bag, trip = make_reward(stock=5), make_reward("GIFT_CARD")
    programme = make_programme(steps=[Step(3, bag), Step(10, trip)])
    alice = CustomerFactory()

    for _ in range(2):
        rewarded(programme, referrer=alice)
    assert StepReward.objects.count() == 0
    for _ in range(2):
        rewarded(programme, referrer=alice)

    step = StepReward.objects.get()
    assert (step.customer, step.step.friends, step.grant.reward) == (alice, 3, bag)
    assert RewardGrant.objects.count() == 1


def test_below_the_step_again_its_reward_is_taken_back_and_given_anew_when_reached_again():
    bag = make_reward(stock=5)
    programme, alice = make_programme(steps=[Step(2, bag)]), CustomerFactory()
    rewarded(programme, referrer=alice)
    _, order = rewarded(programme, referrer=alice)
    send_back(order, 5000)

    lose_referral(order, at=RETURNED)

    assert StepReward.objects.get().taken_back_at == RETURNED
    assert RewardGrant.objects.get().status == "TAKEN_BACK"
    rewarded(programme, referrer=alice)
    assert StepReward.objects.filter(taken_back_at__isnull=True).count() == 1
    assert RewardGrant.objects.exclude(status="TAKEN_BACK").count() == 1


def test_money_not_paid_out_yet_is_not_paid_when_the_order_comes_back():
    referral, order = rewarded(make_programme(referrer=Reward(cash_amount=1000)))
    send_back(order, 5000)

    lose_referral(order, at=RETURNED)

    assert list(CashEntry.objects.order_by("pk").values_list("customer", "amount")) == [
        (referral.referrer_id, 1000),
        (referral.referrer_id, -1000),
    ]


def test_limits_per_month_and_in_all():
    programme, alice = make_programme(maximum_per_month=1, maximum_total=3), CustomerFactory()

    for _ in range(2):
        rewarded(programme, referrer=alice)
    third = refer(programme, referrer=alice)
    qualify_referral(buy(third.referee), at=LATER + timedelta(days=31))
    fourth = refer(programme, referrer=alice)
    qualify_referral(buy(fourth.referee), at=LATER + timedelta(days=62))

    told = [(one.status, one.reason) for one in Referral.objects.order_by("pk")]
    assert told == [
        ("REWARDED", ""),
        ("REWARDED", "REFERRER_AT_LIMIT"),
        ("REWARDED", ""),
        ("REJECTED", "PROGRAMME_AT_LIMIT"),
    ]
    assert Publication.objects.filter(customer=alice).count() == 2


def test_nothing_of_points_is_left_over_in_the_ledger():
    referral, order = rewarded(make_programme(referrer=Reward(points=300), referee=Reward(points=50)))
    send_back(order, 5000)

    lose_referral(order, at=RETURNED)

    for person in (referral.referrer, referral.referee):
        account = ledger.open_account(person)
        assert sum(account.entries.values_list("delta", flat=True)) == 0
        assert Decimal(points_of(person, at=NOON).balance) == 0


def test_what_a_person_finds_to_be_fraud_after_the_reward_is_taken_back_once():
    referral, _order = rewarded(make_programme(referrer=Reward(points=300)))
    marketer = staff(Role.MARKETER)

    taken = take_back_referral(referral, by=marketer, note="One phone", at=RETURNED)

    assert (taken.status, taken.reason, taken.review) == ("TAKEN_BACK", "FRAUD", "REFUSED")
    assert (taken.reviewed_by, taken.review_note) == (marketer, "One phone")
    assert points_of(referral.referrer, at=RETURNED).balance == 0
    assert list(Publication.objects.values_list("status", flat=True)) == ["WITHDRAWN"]
    with pytest.raises(NothingToTakeBack):
        take_back_referral(referral, by=marketer, at=RETURNED)
    assert Event.objects.filter(type="referral.taken_back").count() == 1


def test_what_a_merge_showed_to_be_none_is_taken_back_by_a_person_and_stays_so_when_it_is_undone():
    programme = make_programme(referrer=Reward(cash_amount=500), referee=Reward(points=300))
    referral, _order = rewarded(programme)
    operation = merge_customers(referral.referrer, [referral.referee], reason="one", at=RETURNED)
    assert list(Referral.objects.rejected_with_rewards()) == [referral]

    take_back_referral(referral, by=staff(Role.MARKETER), at=RETURNED)
    balance = points_of(referral.referrer, at=RETURNED).balance
    undo_merge(operation, at=RETURNED)

    assert (balance, points_of(referral.referrer, at=RETURNED).balance) == (0, 0)
    assert list(Referral.objects.rejected_with_rewards()) == []
    assert owed_amount() == 0


def test_a_referral_that_gave_nothing_yet_has_nothing_to_take_back():
    referral = refer(make_programme())

    with pytest.raises(NothingToTakeBack):
        take_back_referral(referral, by=staff(Role.MARKETER), at=RETURNED)

    referral.refresh_from_db()
    assert (referral.status, referral.review) == ("PENDING", "")


def test_the_page_of_a_referral_takes_back_and_an_analyst_cannot(client):
    referral, _order = rewarded(make_programme())
    address = f"/console/referrals/referral/{referral.pk}/"
    for role, status in ((Role.ANALYST, 403), (Role.MARKETER, 302)):
        person = staff(role)
        client.force_login(person)
        prove(client, person)
        shown = "take-back-note" in client.get(f"{address}change/").content.decode()

        assert (shown, client.post(f"{address}take-back/", {"note": "x"}).status_code) == (
            role == Role.MARKETER,
            status,
        )
    assert Referral.objects.get().status == "TAKEN_BACK"
