"""The demo's placements, landing page and journey: there once, and in use."""

import pytest
from django.utils import timezone

from campaigns.models import Campaign, LandingPage, LocalEvent, Message, Placement, ShareLink
from campaigns.services.showings import show_placement
from coupons.models import CodeBatch
from customers.services import create_segment, refresh_segment
from loyalty_site.demo.meeting_points import JOURNEY, write_meeting_points
from loyalty_site.demo.stages import SEGMENTS
from tests.campaigns.factories import subscribers


@pytest.mark.django_db
def test_the_demo_meets_people_in_placements_on_a_page_and_on_a_journey():
    now = timezone.now()
    [anna, *_others] = subscribers(20)
    name, rules = SEGMENTS["quiet-but-reachable"]
    refresh_segment(create_segment(code="quiet-but-reachable", name=name, rules=rules), at=now)

    for _load in range(2):
        write_meeting_points(at=now)

    assert Placement.objects.filter(status="ACTIVE").count() == 3
    assert show_placement("popup", customer=anna, at=now).coupon["code"].startswith("SITO-")
    assert (LandingPage.objects.get().status, ShareLink.objects.count()) == ("OPEN", 2)
    assert [batch.made for batch in CodeBatch.objects.all()] == [120]
    assert set(LocalEvent.objects.values_list("city", flat=True)) == {"Milano", "Torino"}
    journey = Campaign.objects.get(code=JOURNEY)
    steps = set(journey.positions.values_list("step", "state"))
    held_out = Message.objects.filter(state="HOLDOUT").count()
    assert (journey.status, journey.positions.count() + held_out) == ("RUNNING", 20)
    assert ("pause", "ON_THE_WAY") in steps
    assert not Message.objects.exclude(state="HOLDOUT").exists()
