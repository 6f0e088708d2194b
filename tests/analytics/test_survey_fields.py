"""Segment rules over what people said in surveys."""

import pytest

from analytics.services.survey_answers import answer_survey
from customers.segments.catalogue import catalogue, listed_fields
from customers.segments.compiler import compile_rules
from customers.services import create_segment, explain_membership
from operations.errors import InvalidInput
from tests.analytics.surveys import delivery_survey, nps_survey
from tests.factories import NOON, CustomerFactory

pytestmark = pytest.mark.django_db


def holders(field, operator, value=None):
    leaf = {"field": field, "operator": operator, "value": value}
    return set(compile_rules({"combinator": "and", "rules": [leaf]}, as_of=NOON.replace(hour=23)))


@pytest.fixture
def people():
    survey = nps_survey()
    alice, bob, charlie, stranger = (CustomerFactory() for _ in range(4))
    for customer, score in ((alice, 9), (bob, 7), (charlie, 6)):
        answer_survey(survey, {"recommend": score}, customer=customer, at=NOON)
    return alice, bob, charlie, stranger


def test_a_rule_can_ask_for_the_score_and_the_group(people):
    alice, bob, charlie, stranger = people

    assert holders("survey.nps.score", ">=", 7) == {alice, bob}
    assert holders("survey.nps.score", "null") == {stranger}
    assert holders("survey.nps.group", "=", "DETRACTOR") == {charlie}
    assert holders("survey.nps.group", "!=", "PROMOTER") == {bob, charlie, stranger}


def test_a_rule_can_ask_who_took_part_though_the_answer_is_nobodys(people):
    alice, bob, *_others = people
    survey = delivery_survey(anonymous=True)
    answer_survey(survey, {"speed": 5}, customer=alice, at=NOON)

    assert holders("survey.delivery.participated_on", "notNull") == {alice}
    assert holders("survey-answer.delivery.speed", "notNull") == set()
    assert bob in holders("survey.delivery.participated_on", "null")


def test_a_rule_can_ask_for_the_answer_to_a_question(people):
    alice, bob, *_others = people
    survey = delivery_survey()
    answer_survey(survey, {"speed": 2, "packaging": "damaged", "bought": ["food"]}, customer=alice, at=NOON)
    answer_survey(survey, {"speed": 5, "bought": ["food", "drinks"]}, customer=bob, at=NOON)

    assert holders("survey-answer.delivery.speed", "<", 3) == {alice}
    assert holders("survey-answer.delivery.packaging", "=", "damaged") == {alice}
    assert holders("survey-answer.delivery.bought", "contains", "drinks") == {bob}


def test_the_rule_is_explained_with_what_was_said(people):
    alice, *_others = people
    leaf = {"field": "survey.nps.score", "operator": "<", "value": 7}
    segment = create_segment(code="unhappy", name="Unhappy", rules={"combinator": "and", "rules": [leaf]})

    explained = explain_membership(segment, alice, as_of=NOON.replace(hour=23))

    assert (explained["rules"][0]["actual"], explained["rules"][0]["met"]) == (9, False)


def test_the_fields_are_listed_for_each_survey_and_no_other_can_be_written(people):
    listed = [code for code, _field in listed_fields(catalogue()) if code.startswith("survey")]

    assert listed == [
        "survey.nps.score",
        "survey.nps.group",
        "survey.nps.participated_on",
        "survey-answer.nps.reason",
    ]
    with pytest.raises(InvalidInput):
        holders("survey.nowhere.score", "=", 9)
