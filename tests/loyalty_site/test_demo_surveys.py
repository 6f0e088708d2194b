"""What customers of the demo said in surveys."""

from datetime import timedelta

import pytest

from analytics.models import Survey, SurveyParticipation, SurveyResponse
from analytics.services.survey_results import results_of
from analytics.survey_answers import read_answers
from customers.models import Event
from loyalty_site.demo.surveys import write_surveys
from tests.analytics.factories import buyer
from tests.factories import NOON

pytestmark = pytest.mark.django_db


def test_buyers_answer_both_surveys_and_nobody_twice():
    for number in range(12):
        buyer(3 + 14 * number, at=NOON)

    first, again = write_surveys(at=NOON), write_surveys(at=NOON)

    assert (
        first
        == again
        == SurveyResponse.objects.count()
        == Event.objects.filter(payload__has_key="response").count()
    )
    assert first == SurveyParticipation.objects.count()
    assert set(SurveyResponse.objects.values_list("survey__code", flat=True)) == {"nps", "shop-visit"}
    assert not SurveyResponse.objects.filter(answered_at__gt=NOON).exists()
    for survey in Survey.objects.all():
        assert survey.is_open(NOON + timedelta(days=1))
        assert results_of(survey).answers == survey.responses.count()
        for response in survey.responses.all():
            assert read_answers(survey.questions.all(), response.answers) == response.answers
