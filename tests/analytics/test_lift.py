"""Lift against a holdout, with the design's numbers."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from analytics.campaign_effects import campaign_effects
from analytics.errors import NoRandomHoldout
from analytics.lift import Arm, conversion_lift, pooled_lift, revenue_lift
from analytics.services.lift import lift_of_campaign
from campaigns.models import CampaignRun, Message, MessageState
from tests.analytics.factories import purchase
from tests.campaigns.factories import draft, segment_of, subscribers


def test_six_percent_against_less_than_five_is_not_significant():
    lift = conversion_lift(Arm(10_000, 620), Arm(1_000, 48))

    assert [round(100 * each, 2) for each in (lift.difference, lift.low, lift.high)] == [1.4, -0.01, 2.81]
    assert not lift.significant


def test_against_four_percent_it_is():
    assert conversion_lift(Arm(10_000, 620), Arm(1_000, 40)).significant


def test_revenue_is_compared_by_welch():
    # scipy.stats.ttest_ind(equal_var=False).confidence_interval() on the same samples.
    treated, holdout = Arm(5, 5, 30.0, 250.0), Arm(3, 3, 20.0, 100.0)

    lift = revenue_lift(treated, holdout)

    assert [round(each, 4) for each in (lift.difference, lift.low, lift.high)] == [10.0, -12.4459, 32.4459]


def test_an_arm_without_people_says_nothing():
    assert conversion_lift(Arm(0, 0), Arm(10, 1)) is None
    assert revenue_lift(Arm(1, 1), Arm(10, 1)) is None
    assert pooled_lift([]) is None


def test_several_campaigns_weigh_by_their_people():
    one, other = conversion_lift(Arm(100, 20), Arm(100, 10)), conversion_lift(Arm(300, 30), Arm(300, 30))

    pooled = pooled_lift([(one, 100), (other, 300)])

    assert round(pooled.difference, 4) == 0.025
    assert pooled.low < 0 < pooled.high


@pytest.mark.django_db
def test_a_campaign_is_measured_against_whom_it_held_out():
    now = timezone.now()
    people = subscribers(5)
    campaign = draft(segment_of(people), now, holdout_percent=40)
    run = CampaignRun.objects.create(
        campaign=campaign, version=campaign.version, occurrence="once", not_before=now
    )
    states = [*[MessageState.SENT] * 2, *[MessageState.HOLDOUT] * 2, MessageState.SUPPRESSED]
    for person, state in zip(people, states, strict=True):
        Message.objects.create(
            run=run, campaign=campaign, version=campaign.version, customer=person, channel="email",
            occurrence="once", purpose="MARKETING", lane="BULK", token=uuid4(), state=state, not_before=now,
            address=f"{person.pk}@example.com", address_hash=str(person.pk),
            sent_at=now if state == MessageState.SENT else None,
        )  # fmt: skip
    purchase(people[0], at=now + timedelta(days=1), amount=3000)
    purchase(people[1], at=now + timedelta(days=2), amount=1000)
    purchase(people[2], at=now + timedelta(days=3), amount=500)
    purchase(people[3], at=now + timedelta(days=40), amount=9000)

    lift = lift_of_campaign(campaign)

    assert (lift.treated.people, lift.treated.bought, lift.treated.mean_amount) == (2, 2, 2000.0)
    assert (lift.holdout.people, lift.holdout.bought, lift.holdout.mean_amount) == (2, 1, 250.0)
    assert (lift.conversion.difference, lift.extra_buyers, lift.extra_amount) == (0.5, 1.0, 3500.0)
    assert campaign_effects([lift])["table"].rows[0][7].text == "Not significant"


@pytest.mark.django_db
def test_without_a_holdout_lift_is_refused():
    with pytest.raises(NoRandomHoldout):
        lift_of_campaign(draft(segment_of([]), timezone.now()))
