"""A survey as a form: its questions as a page shows them, and what was sent read back."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.http import QueryDict

from analytics.models import Survey, SurveyQuestion
from analytics.survey_answers import LONGEST_TEXT
from operations.errors import InvalidInput
from operations.languages import in_language

Kind = SurveyQuestion.Kind
PREFIX = "q-"


@dataclass(frozen=True)
class Choice:
    value: str
    label: str
    chosen: bool


@dataclass(frozen=True)
class Asked:
    """One question in the reader's language, with what was answered so far and what is wrong with it."""

    name: str
    kind: str
    text: str
    required: bool
    choices: list[Choice]
    low_label: str
    high_label: str
    value: str
    problem: str

    @property
    def is_scale(self) -> bool:
        return self.kind in (Kind.RECOMMEND, Kind.SCALE)

    @property
    def longest(self) -> int:
        return LONGEST_TEXT


def asked_of(
    survey: Survey,
    *,
    language: str,
    questions: Iterable[SurveyQuestion] | None = None,
    answers: Mapping[str, Any] | None = None,
    error: InvalidInput | None = None,
) -> list[Asked]:
    """Return the questions of a survey, or those of a draft of it, in a language and filled with answers."""
    mistakes = error.details if error else []
    problems = {mistake.pointer.rpartition("/")[2]: str(mistake.message) for mistake in mistakes}
    given = answers or {}
    return [
        Asked(
            name=PREFIX + question.code,
            kind=question.kind,
            text=in_language(question.text, language),
            required=question.required,
            choices=_choices(question, given.get(question.code), language),
            low_label=in_language(question.low_label, language),
            high_label=in_language(question.high_label, language),
            value=str(given.get(question.code, "")) if question.kind == Kind.TEXT else "",
            problem=problems.get(question.code, ""),
        )
        for question in (survey.questions.all() if questions is None else questions)
    ]


def sent_answers(questions: Iterable[SurveyQuestion], sent: QueryDict) -> dict[str, Any]:
    """Return what a form says, as `read_answers` takes it; what is no number stays a text, to be refused."""
    answers: dict[str, Any] = {}
    for question in questions:
        name = PREFIX + question.code
        if question.kind == Kind.MULTIPLE:
            answers[question.code] = sent.getlist(name)
        elif question.kind in (Kind.RECOMMEND, Kind.SCALE):
            answers[question.code] = _number(sent.get(name, ""))
        else:
            answers[question.code] = sent.get(name, "").replace("\r\n", "\n")
    return answers


def _number(text: str) -> int | str:
    digits = text.removeprefix("-")
    return int(text) if digits.isascii() and digits.isdigit() and len(digits) < 5 else text


def _choices(question: SurveyQuestion, value: Any, language: str) -> list[Choice]:
    if question.kind in SurveyQuestion.LISTS:
        chosen = value if isinstance(value, list) else [value]
        return [
            Choice(option["code"], in_language(option["label"], language), option["code"] in chosen)
            for option in question.options
        ]
    if question.kind in (Kind.RECOMMEND, Kind.SCALE):
        return [Choice(str(step), str(step), step == value) for step in question.steps]
    return []
