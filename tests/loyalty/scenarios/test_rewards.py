"""Rewards and milestones, with every number worked out by hand. Instants are Rome's; amounts minor units."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from coupons.models import GiftCard
from coupons.services import ledger, pay_with_gift_card
from customers.models import Order
from loyalty.errors import OutOfStock
from loyalty.models import Reward, RewardGrant
from loyalty.services import (
    claw_back_points,
    create_milestone,
    earn_points,
    follow_milestones,
    grant_reward,
    points_of,
    redeem_reward,
    sweep_milestones,
    take_back_grant,
)
from operations.services import check_invariants
from tests.factories import CustomerFactory, OrderFactory
from tests.loyalty.factories import make_reward, make_rule, with_points

pytestmark = pytest.mark.django_db
ROME = ZoneInfo("Europe/Rome")


def rome(*when):
    return datetime(*when, tzinfo=ROME)


def balance(customer, at):
    return points_of(customer, at=at).balance


def test_points_spent_on_a_reward_come_back_to_the_lots_they_came_from_and_expire_there():
    """Lots: 100 until 1 June, 200 for ever. 150 spent on 1 May: 100 and 50. Taken back on 2 June.

    All 150 return, but 100 of them to the lot that expired on 1 June: 150 + 50 = 200 can be spent.
    """
    anna = CustomerFactory()
    account, start = ledger.open_account(anna), rome(2026, 4, 1, 12)
    ledger.credit(account, units=100, source_key="1", at=start, expires_at=rome(2026, 6, 1))
    ledger.credit(account, units=200, source_key="2", at=start)
    reward = make_reward(cost_points=150)

    grant = redeem_reward(anna, reward, source_key="a", at=rome(2026, 5, 1, 12))
    assert balance(anna, rome(2026, 5, 1, 13)) == 150
    back = take_back_grant(grant, reason="", at=rome(2026, 6, 2, 12))

    assert (back.points_back, balance(anna, rome(2026, 6, 2, 13))) == (150, 200)


def test_gift_cards_taken_back_after_part_of_them_was_spent_round_the_points_down():
    """A card of 25.00 for 1,000 points: 8.40 spent, 16.60 left, 1000 * 1660 / 2500 = 664 points.

    Another with 24.99 spent: 0.01 left, 1000 / 2500 = 0.4, no point.
    """
    at = rome(2026, 11, 2, 12)
    anna = with_points(2_000, at=at)
    reward = make_reward("GIFT_CARD", cost_points=1_000, amount=2_500)
    points = []
    for number, spent in enumerate((840, 2_499)):
        grant = redeem_reward(anna, reward, source_key=str(number), at=at)
        pay_with_gift_card(grant.gift_card, amount=spent, source_key=f"order:{number}", at=at)
        points.append(take_back_grant(grant, reason="", at=at + timedelta(hours=number + 1)).points_back)

    assert (points, balance(anna, at + timedelta(days=1))) == ([664, 0], 664)
    assert set(GiftCard.objects.values_list("status", flat=True)) == {"DISABLED"}
    assert check_invariants(at=at, only=["loyalty", "coupons.balances", "coupons.lots"]).broken == 0


def test_a_return_after_the_points_went_into_a_reward_leaves_them_missing():
    """An order of 80.00 earns 80 points, 60 go into a mug. The order comes back whole: 20 are there."""
    at = rome(2026, 11, 2, 12)
    anna = CustomerFactory()
    make_rule()
    order = OrderFactory(customer=anna, ordered_at=at, lines=[("A", 1, 8_000, 0)])
    earn_points(order, at=at)
    redeem_reward(anna, make_reward(cost_points=60), source_key="mug", at=at)
    Order.objects.filter(pk=order.pk).update(status="REFUNDED", refunded_amount=8_000)

    claw_back_points(order, at=at + timedelta(days=1))

    assert balance(anna, at + timedelta(days=2)) == 0
    assert RewardGrant.objects.get().status == "WAITING"


def test_a_stock_of_two_goes_to_a_winner_a_buyer_and_whoever_comes_after_a_return():
    """Stock 2: one won, one bought; the third is refused. The bought one comes back: one more can go."""
    at = rome(2026, 11, 2, 12)
    reward = make_reward(cost_points=10, stock=2)
    anna, bea = with_points(10, at=at), with_points(10, at=at)
    grant_reward(CustomerFactory(), reward, source_key="draw:1", at=at)
    bought = redeem_reward(anna, reward, source_key="1", at=at)
    with pytest.raises(OutOfStock):
        redeem_reward(bea, reward, source_key="2", at=at)

    take_back_grant(bought, reason="", at=at)
    redeem_reward(bea, reward, source_key="3", at=at)

    taken = Reward.objects.get(pk=reward.pk).taken
    assert (balance(anna, at), balance(bea, at), taken) == (10, 0, 2)


def test_the_last_day_of_points_given_is_whole_also_when_the_clocks_change():
    """50 points for a day on 24 October 2026 are good until midnight after the 25th, a day of 25 hours.

    Rome's 26 October begins at 23:00 in UTC of the 25th.
    """
    anna = CustomerFactory()
    reward = make_reward("POINTS", points_given=50, valid_days=1)

    grant_reward(anna, reward, source_key="1", at=rome(2026, 10, 24, 10))

    instants = [rome(2026, 10, 25, 23, 59), rome(2026, 10, 26, 0)]
    assert [balance(anna, at) for at in instants] == [50, 0]


def test_every_thousand_points_earned_give_fifty_which_count_towards_nothing():
    """Orders of 700.00, 400.00 and 900.00 earn 2,000 points by a point per euro: 1,000 and 2,000.

    After the second order 1,100, one time; after the third 2,000, two times: 2 * 50 = 100 points more.
    """
    at = rome(2026, 11, 2, 12)
    anna = CustomerFactory()
    make_rule()
    reward = make_reward("POINTS", points_given=50)
    create_milestone(
        code="thousand", name="T", metric="POINTS", threshold=1_000, repeats=True, rewards=[reward]
    )
    times = []
    for amount in (70_000, 40_000, 90_000):
        order = OrderFactory(customer=anna, ordered_at=at, lines=[("A", 1, amount, 0)])
        earn_points(order, at=at)
        times.append(len(follow_milestones(anna, ["POINTS"], at=at)))

    assert (times, balance(anna, at)) == ([0, 1, 1], 2_100)
    assert sweep_milestones(at=at) == 0
