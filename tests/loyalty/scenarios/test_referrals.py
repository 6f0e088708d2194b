"""Referrals with numbers worked out by hand."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from coupons.models import Publication
from customers.models import Rollup, RollupScope
from customers.services.rollups import refresh_rollups
from loyalty.models import RewardGrant
from loyalty.services import points_of
from referrals.models import CashEntry, Referral, ReferralVariant
from referrals.rules import Cohort, economics, planned_roi, value_compared, wilson
from referrals.services import (
    invite_friend,
    lose_referral,
    qualify_referral,
    report_of,
    reward_referrals,
)
from referrals.services.costs import months_of
from referrals.services.programmes import Reward, Step, Variant
from referrals.services.reports import friends_and_others, variants_of
from tests.factories import NOON, CustomerFactory, OrderFactory
from tests.loyalty.factories import make_reward
from tests.referrals.factories import LATER, buy, make_programme, refer

MARCH = datetime(2026, 3, 10, 9, tzinfo=UTC)


def test_the_return_of_a_programme_by_its_formula():
    # 40 referrers sent 120 invitations, 24 friends bought for 1,920.00; both rewards cost 240.00.
    figures = economics(
        referrers=40, invitations=120, converted=24, friends_amount=192_000, cost_amount=24_000
    )

    # k = 120/40 * 24/120 = 3 * 0.2 = 0.6; LTV 80.00; reward 10.00; (80 * 1.6 - 10) / 10 = 11.8.
    assert (figures.invitations_per_referrer, figures.conversion_rate) == (3, Decimal("0.2"))
    assert (figures.k, figures.ltv_amount, figures.reward_amount) == (Decimal("0.6"), 8_000, 1_000)
    assert figures.roi == Decimal("11.8")
    # Planned: LTV 60.00, reward 12.00, k 0.5: (60 * 1.5 - 12) / 12 = 6.5.
    assert planned_roi(6_000, 1_200, Decimal("0.5")) == Decimal("6.5")
    assert planned_roi(6_000, 0, Decimal("0.5")) is None


def test_friends_are_compared_with_those_who_began_in_the_same_months():
    # March: 2 friends spent 300.00, 4 others 400.00 (100.00 each).
    # April: 1 friend spent 60.00, 2 others 100.00 (50.00 each). May: 1 friend, nobody else: left out.
    compared = value_compared(
        [Cohort(2, 30_000, 4, 40_000), Cohort(1, 6_000, 2, 10_000), Cohort(1, 99_000, 0, 0)]
    )

    # Friends (300 + 60) / 3 = 120.00; others (2 * 100 + 1 * 50) / 3 = 83.33: 44.0 % more.
    assert (compared.friends, compared.referred_amount, compared.others_amount) == (3, 12_000, 8_333)
    assert compared.difference == pytest.approx(0.4401, abs=1e-4)
    assert value_compared([Cohort(1, 100, 0, 0)]) is None


def test_the_interval_of_a_share_by_wilson():
    # 10 of 50: z = 1.96, (0.2 + 0.0384) / 1.0768 = 0.2214; half 1.96 * sqrt(0.0032 + 0.000384) / 1.0768.
    success = wilson(10, 50)

    assert (success.share, round(success.low, 4), round(success.high, 4)) == (0.2, 0.1124, 0.3304)
    # Nobody of 20 is no certainty: at most 16.1 %.
    assert (wilson(0, 20).low, round(wilson(0, 20).high, 4)) == (0, 0.1611)
    assert wilson(0, 0) is None


@pytest.mark.django_db
def test_three_friends_of_which_one_sends_everything_back():
    # 10.00 each for who invites, 200 points for the friend, after 14 days; a card of 25.00 for the second.
    card = make_reward("GIFT_CARD", amount=2_500)
    programme = make_programme(
        referrer=Reward(cash_amount=1_000),
        referee=Reward(points=200),
        after_days=14,
        steps=[Step(2, card)],
    )
    alice = CustomerFactory()
    referrals = [refer(programme, referrer=alice) for _ in range(3)]
    orders = [buy(one.referee) for one in referrals]
    for order in orders:
        qualify_referral(order, at=LATER)

    # The third comes back on day 13: never rewarded. The others on day 14: 2 * 10.00 and the card.
    cancel(orders[2])
    lose_referral(orders[2], at=LATER + timedelta(days=13))
    assert reward_referrals(at=LATER + timedelta(days=14)) == 2
    assert owed(alice) == 2_000
    assert RewardGrant.objects.get().amount == 2_500
    assert points_of(referrals[0].referee, at=LATER + timedelta(days=14)).balance == 200

    # The first comes back on day 20: 10.00, 200 points and the card (one friend is too few) go back.
    cancel(orders[0])
    lose_referral(orders[0], at=LATER + timedelta(days=20))
    assert owed(alice) == 1_000
    assert RewardGrant.objects.get().status == "TAKEN_BACK"
    assert points_of(referrals[0].referee, at=LATER + timedelta(days=20)).balance == 0
    assert list(Referral.objects.order_by("pk").values_list("status", flat=True)) == [
        "TAKEN_BACK",
        "REWARDED",
        "PENDING",
    ]


@pytest.mark.django_db
def test_what_rewards_cost_stands_in_the_month_in_which_they_cost_it(settings):
    settings.POINT_VALUE_AMOUNT = 2
    programme = make_programme(
        referrer=Reward(points=300), referee=Reward(cash_amount=None, points=100), fixed_cost_amount=5_000
    )
    first, second = refer(programme), refer(programme)
    order = buy(first.referee, ordered_at=MARCH, amount=5_000)
    # Told 30 days late at most: the referral of today is younger than the order of March.
    Referral.objects.update(registered_at=MARCH - timedelta(days=1))
    qualify_referral(order, at=MARCH)
    april = buy(second.referee, ordered_at=MARCH + timedelta(days=31), amount=4_000)
    qualify_referral(april, at=MARCH + timedelta(days=31))
    refresh_rollups([first.referee_id, second.referee_id])
    # In May all of the first comes back: 400 points of 2 cents are taken back, 8.00.
    cancel(order)
    lose_referral(order, at=MARCH + timedelta(days=61))
    refresh_rollups([first.referee_id])

    # 400 points at 0.02 = 8.00 in March and in April, -8.00 in May; what friends kept: 40.00 in April.
    told = [(one.month.month, one.cost_amount, one.spent_amount) for one in months_of(programme)]
    assert told == [(3, 800, 0), (4, 800, 4_000), (5, -800, 0)]
    # 8.00 and the fixed 50.00 for the one friend who stayed.
    assert report_of(programme).cost_amount == 5_800
    assert report_of(programme).economics.reward_amount == 5_800


@pytest.mark.django_db
def test_friends_and_others_of_one_month_in_the_database():
    programme = make_programme()
    friend = refer(programme)
    qualify_referral(buy(friend.referee, amount=9_000, ordered_at=NOON), at=LATER)
    others = [OrderFactory(ordered_at=NOON, lines=[("A", 1, amount, 0)]) for amount in (4_000, 5_000)]
    # Who began a year ago is nobody's equal.
    old = OrderFactory(ordered_at=NOON - timedelta(days=365), lines=[("A", 1, 90_000, 0)])
    refresh_rollups([friend.referee_id, old.customer_id, *(order.customer_id for order in others)])

    compared = friends_and_others(programme)

    assert Rollup.objects.filter(scope=RollupScope.ALL).count() == 4
    # 90.00 against (40 + 50) / 2 = 45.00: twice as much.
    assert (compared.friends, compared.referred_amount, compared.others_amount) == (1, 9_000, 4_500)
    assert compared.difference == 1.0


@pytest.mark.django_db
def test_variants_are_reported_by_who_was_promised_them():
    everything = Variant("Double", 100, Reward(points=200), Reward(points=200))
    programme = make_programme(referrer=Reward(points=100), referee=Reward(points=100), variants=[everything])
    alice, bob = CustomerFactory(), CustomerFactory()
    for person in (alice, bob):
        assert invite_friend(person, programme, at=NOON).variant.name == "Double"
    for _ in range(2):
        qualify_referral(buy(refer(programme, referrer=alice).referee), at=LATER)

    own, double = variants_of(programme)

    # Alice brought two buyers, Bob nobody: one of two brought somebody.
    assert (own.referrers, double.referrers, double.qualified, double.brought) == (0, 2, 2, 1)
    assert double.success.share == 0.5
    assert points_of(alice, at=LATER).balance == 400
    # Later shares change nothing for who has a code.
    ReferralVariant.objects.update(share_percent=0)
    assert invite_friend(alice, programme, at=NOON).variant.name == "Double"
    assert invite_friend(CustomerFactory(), programme, at=NOON).variant is None


@pytest.mark.django_db
def test_the_limit_of_a_month_ends_with_the_month_in_rome():
    programme, alice = make_programme(maximum_per_month=1), CustomerFactory()
    # 31 March 23:30 in Rome is 21:30 UTC (summer time); half an hour later it is April.
    march, april = datetime(2026, 3, 31, 21, 30, tzinfo=UTC), datetime(2026, 3, 31, 22, 0, tzinfo=UTC)
    for at in (march, march, april):
        referral = refer(programme, referrer=alice)
        Referral.objects.filter(pk=referral.pk).update(registered_at=at)
        qualify_referral(buy(referral.referee, ordered_at=at), at=at)

    reasons = list(Referral.objects.order_by("pk").values_list("reason", flat=True))
    assert reasons == ["", "REFERRER_AT_LIMIT", ""]
    assert Publication.objects.filter(customer=alice).count() == 2


def cancel(order):
    type(order).objects.filter(pk=order.pk).update(status="CANCELLED")


def owed(customer):
    return sum(CashEntry.objects.filter(customer=customer).values_list("amount", flat=True))
