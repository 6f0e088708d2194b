"""What may be answered to the questions of a survey, without a database."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.utils.translation import gettext as _

from analytics.models.survey import SurveyQuestion
from operations.errors import InvalidInput, Mistake

LONGEST_TEXT = 4000
Kind = SurveyQuestion.Kind
RECOMMENDATION = range(11)


def read_answers(questions: Iterable[SurveyQuestion], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the answers by code of question, in the order asked; what was left empty is left out.

    Raises InvalidInput, every mistake with its question: one not known, one required and missing, a value
    that cannot be chosen.
    """
    questions = list(questions)
    mistakes = [
        Mistake(f"/answers/{code}", _("This question is not asked."))
        for code in given.keys() - {question.code for question in questions}
    ]
    answers: dict[str, Any] = {}
    for question in questions:
        value = given.get(question.code)
        if _is_empty(value):
            if question.required:
                mistakes.append(Mistake(f"/answers/{question.code}", _("Please answer this question.")))
            continue
        problem = _problem(question, value)
        if problem:
            mistakes.append(Mistake(f"/answers/{question.code}", problem))
        else:
            answers[question.code] = _written(question, value)
    if mistakes:
        raise InvalidInput(details=mistakes)
    return answers


def recommendation_in(questions: Iterable[SurveyQuestion], answers: Mapping[str, Any]) -> int | None:
    """Return how likely they are to recommend us, 0 to 10."""
    return _first(questions, answers, Kind.RECOMMEND)


def comment_in(questions: Iterable[SurveyQuestion], answers: Mapping[str, Any]) -> str:
    """Return the first free text."""
    return _first(questions, answers, Kind.TEXT) or ""


def _first(questions: Iterable[SurveyQuestion], answers: Mapping[str, Any], kind: str) -> Any:
    return next((answers[one.code] for one in questions if one.kind == kind and one.code in answers), None)


def _is_empty(value: Any) -> bool:
    return value is None or value == [] or (isinstance(value, str) and not value.strip())


def _problem(question: SurveyQuestion, value: Any) -> str:
    match question.kind:
        case Kind.RECOMMEND | Kind.SCALE:
            steps = RECOMMENDATION if question.kind == Kind.RECOMMEND else question.steps
            if type(value) is not int or value not in steps:
                return _("Choose a whole number from %(low)d to %(high)d.") % {
                    "low": steps[0],
                    "high": steps[-1],
                }
        case Kind.CHOICE:
            if value not in question.option_codes:
                return _("Choose one of the answers.")
        case Kind.MULTIPLE:
            options = question.option_codes
            if not isinstance(value, list) or any(each not in options for each in value):
                return _("Choose among the answers.")
        case Kind.TEXT:
            if not isinstance(value, str) or "\0" in value:
                return _("Answer with a text.")
            if len(value.strip()) > LONGEST_TEXT:
                return _("At most %(count)d characters.") % {"count": LONGEST_TEXT}
    return ""


def _written(question: SurveyQuestion, value: Any) -> Any:
    if question.kind == Kind.MULTIPLE:
        return [code for code in question.option_codes if code in value]
    return value.strip() if isinstance(value, str) else value
