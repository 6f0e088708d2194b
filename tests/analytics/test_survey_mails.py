"""Campaigns ask: each recipient gets a link of their own."""

import re

import pytest
from django.utils import timezone

from analytics.models import SurveyResponse
from analytics.services.surveys import close_survey
from analytics.survey_mails import SOURCE, starter_for
from campaigns.content import compile_content
from campaigns.content.contributed import offered_variables
from campaigns.errors import ContentInvalid
from campaigns.models import Campaign
from campaigns.services import preview_content, pump
from operations.models import User
from tests.analytics.surveys import delivery_survey, nps_survey
from tests.campaigns.conftest import sink  # noqa: F401
from tests.campaigns.factories import running, segment_of, subscriber
from tests.factories import NOON, CustomerFactory


def test_everybody_gets_a_link_of_their_own_and_can_answer_by_it(db, sink, client):  # noqa: F811
    starter = starter_for(nps_survey("nps-2026"))
    people = [
        subscriber("anna@mail.example", language="it"),
        subscriber("bob@mail.example", language="en"),
    ]
    running(segment_of(people), timezone.now(), subject=starter.subject, body=starter.body)

    pump("BULK")

    mails = {mail["To"]: mail for mail in sink.messages}
    assert mails["anna@mail.example"]["Subject"].startswith("Quanto è probabile")
    assert mails["bob@mail.example"]["Subject"].startswith("How likely are you")
    body = mails["bob@mail.example"].get_body(("html",)).get_content()
    links = re.findall(r"/s/[^\"\s]+", body)
    assert [link.rpartition("=")[2] for link in links] == [str(step) for step in range(11)]
    page = client.get(links[7])
    assert re.search(r'value="7" checked', page.content.decode())
    client.post(links[7].partition("?")[0], {"q-recommend": "7"})
    assert SurveyResponse.objects.get().customer == people[1]


def test_a_preview_brings_a_link_that_is_nobodys(db):
    starter = starter_for(delivery_survey())

    rendered = preview_content(
        subject=starter.subject, body=starter.body, promotion=None, customer=CustomerFactory(), at=NOON
    )

    assert "http://127.0.0.1:8000/s/preview" in rendered.html
    assert "Rispondi" in rendered.html


def test_a_survey_that_does_not_exist_is_no_variable(db):
    nps_survey()

    with pytest.raises(ContentInvalid) as refused:
        compile_content(
            subject="Hello", body="<p>{{ survey.other.url }}{{ survey.nps }}</p>", with_coupon=False
        )

    assert [mistake.message for mistake in refused.value.details] == [
        "Line 1: there is no variable “survey.other.url”.",
        "Line 1: there is no variable “survey.nps”.",
    ]


def test_the_titles_of_a_merchant_run_nothing_in_a_mail(db):
    survey = delivery_survey(title={"en": "{{ customer.last_name }} <b>5 < 6</b> {% if %}"})

    starter = starter_for(survey)

    compile_content(subject=starter.subject, body=starter.body, with_coupon=False)
    assert "<b>" not in starter.body


def test_open_surveys_and_drafts_are_offered(db):
    nps_survey()
    close_survey(delivery_survey(), at=NOON)

    offered = {name: words for name, words in offered_variables().items() if name.startswith("survey.")}
    assert offered == {"survey.nps.url": "The recipient's own link to the survey “Nps”"}
    assert [starter.code for starter in SOURCE.starters()] == ["survey-nps"]


def test_a_campaign_begins_with_the_mail(client, db):
    nps_survey()
    client.force_login(User.objects.create_superuser("root"))

    page = client.get("/console/campaigns/campaign/add/?starter=survey-nps").content.decode()
    client.post("/console/campaigns/campaign/add/", {"starter": "survey-nps"})

    content = Campaign.objects.get().version.content
    assert 'name="starter" value="survey-nps"' in page
    assert "survey.nps.url" in content.body
    assert "How likely are you to recommend us" in content.subject
