"""Many at once: one answer and one reward a person, whatever arrives together."""

import pytest

from analytics.models import SurveyParticipation, SurveyResponse
from analytics.services.survey_answers import Circumstances, answer_survey, give_missing_rewards
from analytics.services.surveys import SurveyTerms as Terms
from analytics.services.surveys import edit_survey, questions_of
from coupons.models import Coupon, LedgerEntry
from customers.models import Event
from customers.services import merge_customers
from operations.locks import retry_deadlocks
from tests.analytics.surveys import TITLE, delivery_survey, nps_survey
from tests.coupons import factories as coupons
from tests.coupons.races import at_once
from tests.factories import NOON, ApiClientFactory, CustomerFactory

pytestmark = pytest.mark.django_db(transaction=True)


def test_one_person_sends_eight_times_at_once():
    promotion = coupons.promotion(coupon={"pattern": "THX-##########", "max_uses": 1}, at=NOON)
    survey, alice = nps_survey(reward_promotion=promotion), CustomerFactory()

    def send():
        return retry_deadlocks(lambda: answer_survey(survey, {"recommend": 9}, customer=alice, at=NOON)).new

    results = at_once([send] * 8)

    assert sorted(results) == [False] * 7 + [True]
    assert (SurveyResponse.objects.count(), Coupon.objects.count()) == (1, 1)
    assert Event.objects.filter(type="nps.answered").count() == 1


def test_of_different_answers_at_once_the_first_stands():
    survey, alice = nps_survey(reward_points=10), CustomerFactory()

    results = at_once(
        [
            lambda score=score: answer_survey(survey, {"recommend": score}, customer=alice, at=NOON).new
            for score in range(6)
        ]
    )

    assert sorted(map(str, results)) == ["True"] + ["already_answered"] * 5
    assert (SurveyResponse.objects.count(), LedgerEntry.objects.count()) == (1, 1)


def test_a_till_sends_the_same_number_several_times_at_once():
    survey, client = nps_survey(), ApiClientFactory()
    came = Circumstances(origin="API", client=client, external_id="7")

    results = at_once(
        [lambda: answer_survey(survey, {"recommend": 9}, customer=None, came=came, at=NOON).new] * 6
    )

    assert sorted(results) == [False] * 5 + [True]
    assert SurveyResponse.objects.count() == 1


def test_two_records_answer_while_they_are_merged():
    survey, alice, twin = nps_survey(reward_points=10), CustomerFactory(), CustomerFactory()

    def send(customer):
        return retry_deadlocks(
            lambda: answer_survey(survey, {"recommend": 9}, customer=customer, at=NOON).new
        )

    at_once(
        [
            lambda: send(alice),
            lambda: send(twin),
            lambda: retry_deadlocks(lambda: merge_customers(alice, [twin], reason="same", at=NOON)) and None,
        ]
    )

    assert list(SurveyResponse.objects.values_list("customer", flat=True)) == [alice.pk]
    assert list(SurveyParticipation.objects.values_list("customer", flat=True)) == [alice.pk]


def test_questions_do_not_change_under_an_answer():
    survey = delivery_survey()
    fewer = questions_of(survey)[:1]

    def edit():
        return edit_survey(survey, name="Fewer", terms=Terms(TITLE), questions=fewer) and "edited"

    results = at_once(
        [lambda: answer_survey(survey, {"speed": 5, "packaging": "good"}, customer=None, at=NOON).new, edit]
    )

    asked = set(survey.questions.values_list("code", flat=True))
    given = {code for response in SurveyResponse.objects.all() for code in response.answers}
    assert given <= asked
    assert sorted(map(str, results)) in (["True", "survey_in_use"], ["edited", "invalid_input"])


def test_missing_rewards_are_given_once():
    survey, alice = nps_survey(reward_points=10), CustomerFactory()
    SurveyParticipation.objects.create(
        survey=survey, customer=alice, participated_on=NOON.date(), reward="NOT_POSSIBLE"
    )

    results = at_once([lambda: give_missing_rewards(survey, at=NOON)] * 4)

    assert sorted(results) == [0, 0, 0, 1]
    assert LedgerEntry.objects.count() == 1
