"""What referred friends bring against what it cost to win them."""

from datetime import timedelta

import pytest

from analytics.metrics import metric_value
from customers.models import Segment, SegmentMembership
from customers.services.rollups import refresh_rollups
from referrals.services import qualify_referral, report_of
from referrals.services.programmes import Reward
from tests.factories import NOON, CustomerFactory
from tests.referrals.factories import LATER, buy, make_programme, refer

pytestmark = pytest.mark.django_db
DAY = NOON.date()


def roi(**narrowed):
    return metric_value("referral_roi", start=DAY, end=DAY, **narrowed)


def friend_of(programme, referrer=None):
    referral = refer(programme, referrer=referrer)
    qualify_referral(buy(referral.referee, amount=5000), at=LATER)
    refresh_rollups([referral.referee_id])
    return referral


def test_friends_are_worth_what_they_spend_and_cost_the_points_and_the_programme():
    programme = make_programme(referrer=Reward(points=300), fixed_cost_amount=200)
    friend_of(programme)

    # One friend of one referrer: k = 1; ((5000 * (1 + 1)) - 500) / 500.
    assert roi() == 19.0
    assert report_of(programme).economics.roi == 19


def test_a_period_bears_the_fixed_cost_of_its_own_friends_and_a_segment_that_of_its_members():
    programme = make_programme(referrer=Reward(points=300), fixed_cost_amount=200)
    alice = CustomerFactory()
    friend_of(programme, alice)
    friend_of(programme)
    inner = Segment.objects.create(
        code="inner", name="Inner circle", rules={"combinator": "and", "rules": []}
    )
    SegmentMembership.objects.create(segment=inner, customer=alice, entered_at=NOON)

    # 300 points and half of the fixed cost: (10000 - 400) / 400.
    assert roi(segment=inner) == 24.0
    assert roi() == 24.0


def test_there_is_no_return_where_nobody_came_or_nothing_was_paid():
    assert roi() is None

    friend_of(make_programme())

    assert roi() is None
    assert metric_value("referral_k", start=DAY, end=DAY) == 1
    assert metric_value("referral_roi", start=DAY - timedelta(days=9), end=DAY - timedelta(days=9)) is None
