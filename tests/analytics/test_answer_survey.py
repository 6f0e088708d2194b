"""Answers to surveys: once a person, told as an event, rewarded once."""

from datetime import timedelta

import pytest
from django.utils import timezone

from analytics.errors import AlreadyAnswered, SurveyClosed
from analytics.models import SurveyParticipation, SurveyResponse
from analytics.services import kpis
from analytics.services.survey_answers import (
    Circumstances,
    answer_survey,
    give_missing_rewards,
    settle_response,
)
from analytics.services.surveys import SurveyTerms as Terms
from analytics.services.surveys import close_survey, edit_survey, open_survey, questions_of
from coupons.models import Coupon, LedgerEntry
from coupons.services import stop_promotion
from customers.models import Event
from customers.services import erase_customer, merge_customers, undo_merge
from loyalty.services import points_of
from operations.errors import Conflict, InvalidInput
from tests.analytics.surveys import TITLE, delivery_survey, nps_survey
from tests.coupons import factories as coupons
from tests.factories import NOON, ApiClientFactory, CustomerFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice():
    return CustomerFactory()


def nps_events(customer=None):
    return list(Event.objects.filter(type="nps.answered", customer=customer).order_by("pk"))


def test_an_answer_is_kept_and_told(alice):
    survey = nps_survey(touchpoint="shop")

    answered = answer_survey(
        survey,
        {"recommend": 9, "reason": "  Quick. "},
        customer=alice,
        came=Circumstances(language="it"),
        at=NOON,
    )

    response = answered.response
    assert (answered.new, response.score, response.comment, response.language) == (True, 9, "Quick.", "it")
    (event,) = nps_events(alice)
    assert event.occurred_at == NOON
    assert event.payload == {
        "survey": "nps",
        "name": "Nps",
        "response": str(response.public_id),
        "version": 1,
        "touchpoint": "shop",
        "comment": "Quick.",
        "score": 9,
        "answers": {"recommend": 9, "reason": "Quick."},
    }


def test_a_small_survey_tells_its_answers(alice):
    survey = delivery_survey()
    answers = {"speed": 4, "packaging": "damaged", "bought": ["drinks", "food"], "else": ""}

    answer_survey(survey, answers, customer=alice, at=NOON)

    (event,) = Event.objects.filter(type="survey.answered")
    assert event.payload["answers"] == {"speed": 4, "packaging": "damaged", "bought": ["food", "drinks"]}
    assert "score" not in event.payload


@pytest.mark.parametrize(
    ("answers", "pointer", "message"),
    [
        ({}, "/answers/speed", "Please answer this question."),
        ({"speed": " "}, "/answers/speed", "Please answer this question."),
        ({"speed": 6}, "/answers/speed", "Choose a whole number from 1 to 5."),
        ({"speed": True}, "/answers/speed", "Choose a whole number from 1 to 5."),
        ({"speed": 4.0}, "/answers/speed", "Choose a whole number from 1 to 5."),
        ({"speed": 5, "packaging": "lovely"}, "/answers/packaging", "Choose one of the answers."),
        ({"speed": 5, "packaging": ["good"]}, "/answers/packaging", "Choose one of the answers."),
        ({"speed": 5, "bought": "food"}, "/answers/bought", "Choose among the answers."),
        ({"speed": 5, "bought": [{}]}, "/answers/bought", "Choose among the answers."),
        ({"speed": 5, "else": 5}, "/answers/else", "Answer with a text."),
        ({"speed": 5, "else": "x" * 4001}, "/answers/else", "At most 4000 characters."),
        ({"speed": 5, "price": 1}, "/answers/price", "This question is not asked."),
    ],
)
def test_what_cannot_be_answered_is_refused_and_nothing_is_written(alice, answers, pointer, message):
    survey = delivery_survey(reward_points=10)

    with pytest.raises(InvalidInput) as refused:
        answer_survey(survey, answers, customer=alice, at=NOON)

    (mistake,) = refused.value.details
    assert (mistake.pointer, mistake.message) == (pointer, message)
    assert not SurveyResponse.objects.exists()
    assert not SurveyParticipation.objects.exists()
    assert not LedgerEntry.objects.exists()


def test_a_person_answers_once(alice):
    survey = nps_survey(reward_points=50)
    answer_survey(survey, {"recommend": 9}, customer=alice, at=NOON)

    again = answer_survey(survey, {"recommend": 9}, customer=alice, at=NOON)
    with pytest.raises(AlreadyAnswered):
        answer_survey(survey, {"recommend": 3}, customer=alice, at=NOON)

    assert (again.new, again.response.score) == (False, 9)
    assert (SurveyResponse.objects.count(), len(nps_events(alice))) == (1, 1)
    assert points_of(alice, at=NOON).balance == 50


def test_who_may_change_their_mind_is_told_again_and_rewarded_once(alice):
    survey = nps_survey(may_change=True, reward_points=50)
    answer_survey(survey, {"recommend": 9}, customer=alice, at=NOON)

    later = NOON + timedelta(hours=2)
    answer_survey(survey, {"recommend": 3, "reason": "Broken"}, customer=alice, at=later)

    response = SurveyResponse.objects.get()
    assert (response.score, response.version) == (3, 2)
    assert (response.answered_at, response.changed_at) == (NOON, later)
    told = [(event.payload["score"], event.payload["version"]) for event in nps_events(alice)]
    assert told == [(9, 1), (3, 2)]
    assert kpis(NOON.date(), NOON.date())[0].nps == -100
    assert points_of(alice, at=later).balance == 50


def test_an_anonymous_answer_does_not_name_the_person_and_is_rewarded_all_the_same(alice):
    survey = nps_survey(anonymous=True, reward_points=50)

    answer_survey(survey, {"recommend": 2}, customer=alice, at=NOON)

    response = SurveyResponse.objects.get()
    midnight = timezone.localtime(NOON).replace(hour=0, minute=0)
    assert (response.customer, response.score, response.answered_at) == (None, 2, midnight)
    assert not nps_events(alice)
    assert [event.occurred_at for event in nps_events()] == [midnight]
    assert survey.participations.get().customer == alice
    assert points_of(alice, at=NOON).balance == 50
    with pytest.raises(AlreadyAnswered):
        answer_survey(survey, {"recommend": 2}, customer=alice, at=NOON)


@pytest.mark.parametrize("close", ["by hand", "by its last day"])
def test_a_closed_survey_takes_no_answer(alice, close):
    survey = nps_survey(closes_at=NOON + timedelta(days=1))
    at = NOON + timedelta(days=1) if close == "by its last day" else NOON
    if close == "by hand":
        close_survey(survey, at=NOON)

    with pytest.raises(SurveyClosed):
        answer_survey(survey, {"recommend": 9}, customer=alice, at=at)

    assert not SurveyParticipation.objects.exists()


def test_a_coupon_is_given_once_and_asked_to_be_sent_as_an_offer(alice):
    promotion = coupons.promotion(coupon={"pattern": "THX-##########", "max_uses": 1}, at=NOON)
    survey = nps_survey(may_change=True, reward_promotion=promotion)
    answer_survey(survey, {"recommend": 9}, customer=alice, at=NOON)
    answer_survey(survey, {"recommend": 8}, customer=alice, at=NOON)

    coupon = Coupon.objects.get()
    participation = survey.participations.get()
    assert (coupon.holder, coupon.reason) == (alice, "REWARD")
    assert (participation.reward, participation.publication.coupon) == ("GIVEN", coupon)
    published = Event.objects.get(type="coupon.published")
    assert (published.payload["channel"], published.payload["purpose"]) == ("email", "MARKETING")


def test_a_reward_that_cannot_be_given_does_not_cost_the_answer_and_is_given_later(alice):
    promotion = coupons.promotion(coupon={"pattern": "THX-##########", "max_uses": 1}, at=NOON)
    survey = nps_survey(reward_promotion=promotion)
    stop_promotion(promotion, reason="test", at=NOON)

    answer_survey(survey, {"recommend": 9}, customer=alice, at=NOON)

    participation = survey.participations.get()
    assert (participation.reward, participation.reward_problem) == ("NOT_POSSIBLE", "promotion_stopped")
    assert not Coupon.objects.exists()
    edit_survey(survey, name="NPS", terms=Terms(TITLE, reward_points=20), questions=questions_of(survey))
    survey.refresh_from_db()
    assert give_missing_rewards(survey, at=NOON) == 1
    assert give_missing_rewards(survey, at=NOON) == 0
    assert points_of(alice, at=NOON).balance == 20


def test_nobodys_answer_counts_once_under_the_id_of_its_source():
    survey, client = nps_survey(), ApiClientFactory()
    came = Circumstances(origin="API", client=client, external_id="t-1", touchpoint="till 4")

    first = answer_survey(survey, {"recommend": 9}, customer=None, came=came, at=NOON)
    again = answer_survey(survey, {"recommend": 9}, customer=None, came=came, at=NOON)
    with pytest.raises(Conflict):
        answer_survey(survey, {"recommend": 1}, customer=None, came=came, at=NOON)

    assert (first.new, again.new, again.response) == (True, False, first.response)
    assert [event.payload["touchpoint"] for event in nps_events()] == ["till 4"]


def test_two_records_of_one_person_keep_one_answer_and_get_theirs_back(alice):
    survey, twin = nps_survey(), CustomerFactory()
    answer_survey(survey, {"recommend": 9}, customer=alice, at=NOON)
    answer_survey(survey, {"recommend": 2}, customer=twin, at=NOON)

    merge = merge_customers(alice, [twin], reason="same person", at=NOON)
    scores = list(survey.responses.values_list("customer", "score"))
    undo_merge(merge, at=NOON)

    assert scores == [(alice.pk, 9)]
    assert set(survey.responses.values_list("customer", "score")) == {(alice.pk, 9), (twin.pk, 2)}
    assert survey.participations.count() == 2


def test_erasing_a_person_leaves_the_score_and_none_of_their_words(alice):
    survey = nps_survey()
    answer_survey(survey, {"recommend": 2, "reason": "My name is Alice"}, customer=alice, at=NOON)

    erase_customer(alice, at=NOON)

    response = survey.responses.get()
    assert (response.score, response.comment, response.answers) == (2, "", {})


def test_the_first_to_take_care_of_somebody_unhappy_stands(alice):
    survey, anna, berta = nps_survey(), UserFactory(), UserFactory()
    response = answer_survey(survey, {"recommend": 2}, customer=alice, at=NOON).response

    settle_response(response, by=anna, at=NOON)
    settle_response(response, by=berta, at=NOON + timedelta(days=1))

    response.refresh_from_db()
    assert (response.settled_by, response.settled_at) == (anna, NOON)


def test_a_survey_that_was_closed_can_be_opened_again(alice):
    survey = close_survey(nps_survey(), at=NOON)

    open_survey(survey, at=NOON)

    assert answer_survey(survey, {"recommend": 9}, customer=alice, at=NOON).new
