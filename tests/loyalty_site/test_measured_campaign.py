"""The demo's finished campaign: drawn as ever, written once."""

import pytest
from django.utils import timezone

from campaigns.models import Campaign, Engagement, GlobalHoldout, Message
from campaigns.results.report import campaign_report
from loyalty_site.demo.measured_campaign import write_measured_campaign
from tests.campaigns.factories import subscribers


@pytest.mark.django_db
def test_the_demo_has_a_campaign_with_results():
    now = timezone.now()
    subscribers(120)

    campaign = write_measured_campaign(at=now)

    report = campaign_report(campaign)
    states = set(campaign.messages.values_list("state", flat=True))
    assert (campaign.status, states) == ("FINISHED", {"SENT", "HOLDOUT"})
    assert report.lift.treated.people == report.figures.sent > 70
    assert [one.code for one in report.variants] == ["A", "B"]
    assert report.decision.outcome == "TOO_FEW"
    assert report.figures.clicked > 0
    assert Engagement.objects.filter(settled=False).count() == 0
    assert not GlobalHoldout.objects.at(now).exists()
    assert not Message.objects.filter(sent_at__gt=now).exists()


@pytest.mark.django_db
def test_a_second_load_writes_nothing():
    now = timezone.now()
    subscribers(5)
    write_measured_campaign(at=now)
    before = Campaign.objects.count(), Message.objects.count(), Engagement.objects.count()

    write_measured_campaign(at=now)

    assert (Campaign.objects.count(), Message.objects.count(), Engagement.objects.count()) == before
