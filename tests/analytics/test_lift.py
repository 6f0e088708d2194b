"""Lift against a holdout, with the design's numbers."""

from datetime import date, timedelta
from itertools import pairwise
from uuid import uuid4

import pytest
from django.utils import timezone

from analytics.campaign_effects import campaign_effects
from analytics.models import ValueModel, ValueRun
from analytics.services.kpis.worth import ProgrammeFacts, prediction_facts
from analytics.windows import Window
from campaigns.errors import NoRandomHoldout
from campaigns.models import CampaignRun, Message, MessageReason, MessageState
from campaigns.results.lift import lift_of_campaign, lifts_of_campaigns
from campaigns.services.outbox import leave_out
from operations.differences import Arm, conversion_lift, pooled_lift, revenue_lift
from tests.analytics.factories import purchase
from tests.campaigns.factories import draft, running, segment_of, subscribers
from tests.factories import CustomerFactory


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
def test_whoever_is_left_out_after_the_draw_stays_among_the_treated():
    now = timezone.now()
    people = subscribers(6)
    unwilling = CustomerFactory()
    campaign = running(segment_of([*people, unwilling]), now, holdout_percent=50)
    held_out = campaign.messages.filter(state=MessageState.HOLDOUT).count()
    assert 0 < held_out < 6
    first = campaign.messages.filter(state=MessageState.PENDING).first()
    lease = {"owner": "me", "lease_until": now + timedelta(hours=1)}
    Message.objects.filter(pk=first.pk).update(state=MessageState.CLAIMED, **lease)

    leave_out(first.pk, owner="me", reason=MessageReason.NO_CONSENT)

    lift = lift_of_campaign(campaign)
    assert (lift.treated.people, lift.holdout.people) == (6 - held_out, held_out)


@pytest.mark.django_db
def test_each_span_has_the_campaigns_whose_audience_was_taken_in_it(django_assert_num_queries):
    now = timezone.now()
    campaign = running(segment_of(subscribers(24)), now, holdout_percent=50)
    hour = timedelta(hours=1)
    spans = [(now - 3 * hour, now - hour), (now - hour, now + hour), (now + hour, now + 2 * hour)]

    with django_assert_num_queries(1):
        before, there, after = lifts_of_campaigns([campaign], spans)

    assert [len(before), len(there), len(after)] == [0, 1, 0]


@pytest.mark.django_db
def test_the_value_predicted_by_the_end_of_many_spans_is_one_question(django_assert_num_queries):
    model = ValueModel.objects.first() or ValueModel.objects.create()
    for day, total in ((date(2026, 3, 1), 500.0), (date(2026, 5, 1), 900.0)):
        ValueRun.objects.create(
            model=model, as_of=day, status="DONE", started_at=timezone.now(), population=10,
            totals={"clv": total},
        )  # fmt: skip
    ends = [date(2026, month, 1) for month in range(1, 7)]
    windows = [Window(start, end) for start, end in pairwise(ends)]

    with django_assert_num_queries(1):
        found = prediction_facts(windows)

    assert [one.predicted for one in found] == [None, 50, 50, 90, 90]


@pytest.mark.django_db
def test_without_a_holdout_lift_is_refused():
    with pytest.raises(NoRandomHoldout):
        lift_of_campaign(draft(segment_of([]), timezone.now()))


def test_the_return_on_the_programme_takes_discounts_off_once():
    # Holdouts lack 6.00 of margin, after 2.00 of discounts: 8.00 before them, for 4.00 in all.
    facts = ProgrammeFacts(
        incentive_amount=300, discount_amount=200, messages_amount=50, fixed_amount=50, extra_margin=600
    )

    assert facts.cost == 400
    assert facts.roi == 1.0
