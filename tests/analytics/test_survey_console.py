"""Surveys in the console: written, opened, read, acted upon."""

import csv
import io
import re
from datetime import timedelta

import pytest
from django.utils import timezone

from analytics.dashboard.decisions import open_decisions
from analytics.models import Survey, SurveyResponse
from analytics.services.survey_answers import answer_survey
from coupons.services import stop_promotion
from customers.models import Segment, SegmentMembership
from loyalty_site.roles import Role
from operations.models import User
from tests.analytics.surveys import delivery_survey, nps_survey
from tests.console_data import staff
from tests.coupons import factories as coupons
from tests.factories import NOON, CustomerFactory

pytestmark = pytest.mark.django_db
LIST = "/console/analytics/survey/"


@pytest.fixture
def marketer(client):
    client.force_login(staff(Role.MARKETER))
    return client


@pytest.fixture
def agent(client):
    client.force_login(staff(Role.AGENT))
    return client


def page(client, url):
    answer = client.get(url)
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", answer.content.decode())


def page_of(survey, ending="change/"):
    return f"{LIST}{survey.pk}/{ending}"


def filled(**fields):
    """The form of a small survey with a scale and a list."""
    return {
        "name": "Delivery",
        "code": "delivery",
        "title_en": "Your delivery",
        "title_it": "La tua consegna",
        "link_days": "14",
        "reward_points": "20",
        "question-0-kind": "CHOICE",
        "question-0-order": "2",
        "question-0-text_en": "Packaging?",
        "question-0-text_it": "Imballo?",
        "question-0-options_en": "Good\nDamaged",
        "question-0-options_it": "Buono\nDanneggiato",
        "question-1-kind": "SCALE",
        "question-1-order": "1",
        "question-1-required": "on",
        "question-1-text_en": "How fast?",
        "question-1-lowest": "1",
        "question-1-highest": "7",
        "question-2-kind": "SCALE",
        "question-2-order": "99",
        **fields,
    }


def test_a_small_survey_is_written_with_questions_in_their_order(marketer):
    answer = marketer.post(f"{LIST}add/?kind=SURVEY", filled())

    survey = Survey.objects.get()
    assert answer["Location"] == page_of(survey)
    assert (survey.kind, survey.status, survey.link_days, survey.reward_points) == ("SURVEY", "DRAFT", 14, 20)
    assert survey.title == {"en": "Your delivery", "it": "La tua consegna"}
    asked = [(one.code, one.kind, one.required, one.highest) for one in survey.questions.all()]
    assert asked == [("how-fast", "SCALE", True, 7), ("packaging", "CHOICE", False, 5)]
    assert survey.questions.get(code="packaging").options == [
        {"code": "good", "label": {"en": "Good", "it": "Buono"}},
        {"code": "damaged", "label": {"en": "Damaged", "it": "Danneggiato"}},
    ]


def test_a_survey_of_recommendation_begins_with_the_usual_question(marketer):
    form = page(marketer, f"{LIST}add/?kind=NPS")

    assert "How likely are you to recommend us to a friend or colleague?" in form
    assert "Quanto è probabile che ci consigli a un amico o a un collega?" in form


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"title_en": "", "title_it": " "}, "Say what it is about, in one language at least."),
        (
            {"question-1-text_en": "", "question-1-low_label_en": "slow"},
            "Write the question, in one language",
        ),
        (
            {"question-0-options_en": "One", "question-0-options_it": ""},
            "Give two to 30 answers to choose from.",
        ),
        ({"question-1-lowest": "5", "question-1-highest": "5"}, "A scale rises from its lowest"),
        ({"code": "2026"}, "Lower-case letters, digits and single hyphens"),
        ({"anonymous": "on", "may_change": "on"}, "An anonymous answer cannot be changed"),
        ({"question-0-kind": "RECOMMEND"}, "A recommendation belongs into a survey of kind NPS."),
        ({"link_days": "0"}, "greater than or equal to 1"),
        ({"closes_at": "soon"}, "Enter a valid date/time."),
    ],
)
def test_a_mistake_is_said_and_nothing_is_written(marketer, fields, message):
    answer = marketer.post(f"{LIST}add/?kind=SURVEY", filled(**fields))

    assert answer.status_code == 200
    assert message in answer.content.decode()
    assert not Survey.objects.exists()


def test_it_is_opened_copied_and_closed(marketer):
    marketer.post(f"{LIST}add/?kind=SURVEY", filled())
    survey = Survey.objects.get()

    marketer.post(page_of(survey, "open/"))
    marketer.post(page_of(survey, "copy/"))
    marketer.post(page_of(survey, "close/"))

    survey.refresh_from_db()
    copy = Survey.objects.exclude(pk=survey.pk).get()
    assert (survey.status, copy.status, copy.code) == ("CLOSED", "DRAFT", "delivery-2")
    assert [one.code for one in copy.questions.all()] == ["how-fast", "packaging"]


def test_with_answers_the_words_may_change_and_the_questions_not(marketer):
    marketer.post(f"{LIST}add/?kind=SURVEY", filled())
    survey = Survey.objects.get()
    marketer.post(page_of(survey, "open/"))
    answer_survey(survey, {"how-fast": 3, "packaging": "damaged"}, customer=None, at=timezone.now())
    same = filled(**{"question-0-code": "packaging", "question-1-code": "how-fast"})

    words = same | {"question-0-options_en": "Fine\nBroken", "title_en": "The delivery"}
    saved = marketer.post(page_of(survey, "edit/"), words)
    refused = marketer.post(page_of(survey, "edit/"), same | {"question-1-highest": "5"})

    assert (saved.status_code, refused.status_code) == (302, 200)
    assert "There are answers already" in refused.content.decode()
    options = survey.questions.get(code="packaging").options
    assert [(one["code"], one["label"]["en"]) for one in options] == [("good", "Fine"), ("damaged", "Broken")]
    assert survey.questions.get(code="how-fast").highest == 7


def test_the_page_shows_score_interval_questions_and_words(marketer):
    survey = nps_survey()
    now = timezone.now()
    for score in [10] * 5 + [8] * 3 + [2] * 2:
        answer_survey(
            survey, {"recommend": score, "reason": f"It is a {score}"}, customer=CustomerFactory(), at=now
        )
    old = answer_survey(survey, {"recommend": 0}, customer=CustomerFactory(), at=now).response
    SurveyResponse.objects.filter(pk=old.pk).update(answered_at=now - timedelta(days=500))

    shown = page(marketer, page_of(survey))

    assert "+30" in shown
    assert "95 % interval −18 to +78" in shown
    assert shown.count('class="fi-said"') == 10
    assert "It is a 2" in shown
    assert "Alice Bianchi" in shown
    file = marketer.get(page_of(survey) + "?csv=question-recommend").content.decode("utf-8-sig")
    assert list(csv.reader(io.StringIO(file)))[1:] == [
        [str(n), str({10: 5, 8: 3, 2: 2}.get(n, 0))] for n in range(11)
    ]


def test_the_answers_of_a_segment_alone(marketer):
    survey, alice, bob = delivery_survey(), CustomerFactory(), CustomerFactory()
    segment = Segment.objects.create(code="best", name="Best", kind="MANUAL")
    SegmentMembership.objects.create(segment=segment, customer=alice, entered_at=NOON)
    answer_survey(survey, {"speed": 5, "else": "Alice says"}, customer=alice, at=timezone.now())
    answer_survey(survey, {"speed": 1, "else": "Bob says"}, customer=bob, at=timezone.now())

    shown = page(marketer, page_of(survey) + "?segment=best")

    assert "Alice says" in shown
    assert "Bob says" not in shown


def test_somebody_unhappy_waits_until_taken_care_of(marketer):
    survey, person = nps_survey(), User.objects.get(username="marketer")
    response = answer_survey(survey, {"recommend": 1}, customer=CustomerFactory(), at=timezone.now()).response

    before = open_decisions(person)
    waiting = page(marketer, page_of(survey) + "?show=waiting")
    marketer.post(f"{LIST}answers/{response.pk}/settle/")

    (decision,) = before
    assert decision.title == "1 unhappy customer waits for an answer"
    assert decision.url == f"{page_of(survey)}?show=waiting#comments"
    assert f"answers/{response.pk}/settle/" in waiting
    assert "Nobody waits" in page(marketer, page_of(survey) + "?show=waiting")
    assert open_decisions(person) == []


def test_rewards_that_failed_are_given_from_the_page(marketer):
    promotion = coupons.promotion(coupon={"pattern": "THX-##########", "max_uses": 1}, at=NOON)
    survey = nps_survey(reward_promotion=promotion)
    stop_promotion(promotion, reason="test", at=NOON)
    answer_survey(survey, {"recommend": 9}, customer=CustomerFactory(), at=timezone.now())

    assert "1 reward could not be given: promotion stopped." in page(marketer, page_of(survey))
    Survey.objects.update(reward_promotion=None, reward_points=5)
    marketer.post(page_of(survey, "rewards/"))

    assert "could not be given" not in page(marketer, page_of(survey))
    assert survey.participations.get().entry.delta == 5


def test_the_preview_is_the_page_of_a_customer_in_both_languages(marketer):
    survey = delivery_survey()

    italian = page(marketer, page_of(survey, "preview/?lang=it"))
    unsaved = marketer.post(f"{LIST}preview/?kind=SURVEY&lang=it", filled()).content.decode()
    wrong = marketer.post(f"{LIST}preview/?kind=SURVEY&lang=it", filled(**{"question-1-lowest": "9"}))

    assert "Quanto siamo stati veloci?" in italian
    assert "inert" in italian
    assert "Imballo?" in unsaved
    assert (wrong.status_code, Survey.objects.count()) == (422, 1)


def test_the_service_desk_neither_sees_nor_changes_surveys(agent):
    survey = nps_survey()
    response = answer_survey(survey, {"recommend": 1}, customer=CustomerFactory(), at=timezone.now()).response

    gets = [LIST, f"{LIST}add/", *(page_of(survey, each) for each in ("change/", "edit/", "preview/"))]
    posts = [f"{LIST}preview/", f"{LIST}answers/{response.pk}/settle/"]
    posts += [page_of(survey, each) for each in ("open/", "close/", "copy/", "rewards/")]

    assert {agent.get(url).status_code for url in gets} == {403}
    assert {agent.post(url).status_code for url in posts} == {403}
    assert Survey.objects.get().status == "OPEN"


def test_a_language_that_is_not_written_to_the_end_is_named(marketer):
    whole, half = nps_survey(), delivery_survey()

    assert "some texts are missing" not in page(marketer, page_of(whole))
    assert "Italian: some texts are missing" in page(marketer, page_of(half))
