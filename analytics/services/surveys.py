"""Surveys: written, opened, closed, copied. Their answers are in survey_answers.py."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils.text import slugify
from django.utils.translation import gettext as _

from analytics.errors import SurveyInUse, SurveyMoveNotPossible
from analytics.models import Survey, SurveyQuestion
from coupons.models import Promotion
from operations.errors import InvalidInput, Mistake
from operations.languages import in_language

Kind, Status = SurveyQuestion.Kind, Survey.Status
MOST_QUESTIONS, MOST_OPTIONS, WIDEST_SCALE = 20, 30, 11
CODE_LENGTH = 40
Texts = dict[str, str]


@dataclass(frozen=True)
class Question:
    """A question as it is written down; `options` are texts by language, in order."""

    kind: str
    text: Texts
    code: str = ""
    required: bool = False
    lowest: int = 1
    highest: int = 5
    low_label: Texts = field(default_factory=dict)
    high_label: Texts = field(default_factory=dict)
    options: tuple[Texts, ...] = ()


@dataclass(frozen=True)
class SurveyTerms:
    """What the customer is told, who may answer how long, and what taking part brings."""

    title: Texts
    introduction: Texts = field(default_factory=dict)
    thanks: Texts = field(default_factory=dict)
    touchpoint: str = ""
    anonymous: bool = False
    may_change: bool = False
    link_days: int = 30
    closes_at: datetime | None = None
    reward_promotion: Promotion | None = None
    reward_points: int | None = None


def create_survey(
    code: str, *, name: str, kind: str, terms: SurveyTerms, questions: Sequence[Question], at: datetime
) -> Survey:
    """Write a survey down as a draft.

    One of kind NPS begins with the one question of kind RECOMMEND, which is always to be answered; without
    questions it asks that one and for a comment. Raises InvalidInput for what cannot be asked.
    """
    survey = Survey(code=code, name=name, kind=kind, created_at=at, **_columns(terms))
    rows = question_rows(survey, questions or usual_questions(kind))
    _check(survey, terms)
    try:
        with transaction.atomic():
            survey.save()
            SurveyQuestion.objects.bulk_create(rows)
    except IntegrityError as error:
        raise InvalidInput.at("/code", _("There is a survey with this code already.")) from error
    return survey


def edit_survey(survey: Survey, *, name: str, terms: SurveyTerms, questions: Sequence[Question]) -> Survey:
    """Write a survey anew. Once there are answers the questions stay, and only their words may change.

    Waits for answers that are being written. Raises InvalidInput, SurveyInUse.
    """
    with transaction.atomic():
        survey = Survey.objects.select_for_update().get(pk=survey.pk)
        known = list(survey.questions.all())
        rows = question_rows(survey, questions or usual_questions(survey.kind))
        survey.name = name
        for column, value in _columns(terms).items():
            setattr(survey, column, value)
        _check(survey, terms)
        if survey.responses.exists():
            _keep_structure(known, rows, survey, terms)
        survey.save()
        survey.questions.all().delete()
        SurveyQuestion.objects.bulk_create(rows)
    return survey


def open_survey(survey: Survey, *, at: datetime) -> Survey:
    """Let people answer. Raises SurveyMoveNotPossible, also when its last day is over."""
    with transaction.atomic():
        survey = _moved(survey, Status.OPEN)
        if survey.closes_at and survey.closes_at <= at:
            raise SurveyMoveNotPossible(_("Its last day is over: choose a later one first."))
        survey.opened_at, survey.closed_at = survey.opened_at or at, None
        survey.save(update_fields=["status", "opened_at", "closed_at"])
    return survey


def close_survey(survey: Survey, *, at: datetime) -> Survey:
    """Take no more answers; links lead to a page that says so. Raises SurveyMoveNotPossible."""
    with transaction.atomic():
        survey = _moved(survey, Status.CLOSED)
        survey.closed_at = at
        survey.save(update_fields=["status", "closed_at"])
    return survey


def copy_survey(survey: Survey, *, at: datetime) -> Survey:
    """Return a draft that asks the same, under the next free code: `delivery-2` after `delivery`."""
    stem = re.sub(r"-\d+\Z", "", survey.code)[: CODE_LENGTH + 16].rstrip("-")
    for number in range(2, 1000):
        code = f"{stem}-{number}"
        if not Survey.objects.filter(code=code).exists():
            break
    terms = SurveyTerms(**{name: getattr(survey, name) for name in SurveyTerms.__dataclass_fields__})
    return create_survey(
        code,
        name=_("Copy of %(name)s") % {"name": survey.name[:100]},
        kind=survey.kind,
        terms=terms,
        questions=questions_of(survey),
        at=at,
    )


def questions_of(survey: Survey) -> list[Question]:
    """Return the questions as they are written down."""
    return [
        Question(
            kind=row.kind,
            text=row.text,
            code=row.code,
            required=row.required,
            lowest=row.lowest,
            highest=row.highest,
            low_label=row.low_label,
            high_label=row.high_label,
            options=tuple(option["label"] for option in row.options),
        )
        for row in survey.questions.all()
    ]


def _moved(survey: Survey, status: str) -> Survey:
    survey = Survey.objects.select_for_update(no_key=True).get(pk=survey.pk)
    if status not in Survey.MOVES[Status(survey.status)]:
        raise SurveyMoveNotPossible
    survey.status = status
    return survey


def _columns(terms: SurveyTerms) -> dict[str, Any]:
    columns = {name: getattr(terms, name) for name in SurveyTerms.__dataclass_fields__}
    for name in ("title", "introduction", "thanks"):
        columns[name] = _trimmed(columns[name])
    return columns


def _trimmed(texts: Texts) -> Texts:
    return {language: text.strip() for language, text in texts.items() if text.strip()}


def _check(survey: Survey, terms: SurveyTerms) -> None:
    mistakes = []
    if not in_language(survey.title):
        mistakes.append(Mistake("/title", _("Say what it is about, in one language at least.")))
    if terms.reward_promotion and terms.reward_promotion.trigger == Promotion.Trigger.AUTOMATIC:
        mistakes.append(Mistake("/reward", _("This promotion has no coupons to give.")))
    try:
        survey.full_clean(exclude=["title"], validate_unique=False)
    except ValidationError as error:
        for name, messages in error.message_dict.items():
            mistakes += [Mistake("" if name == "__all__" else f"/{name}", text) for text in messages]
    if mistakes:
        raise InvalidInput(details=mistakes)


def usual_questions(kind: str) -> list[Question]:
    """Return what a survey of this kind asks where nobody says otherwise."""
    if kind != Survey.Kind.NPS:
        return []
    return [
        Question(
            Kind.RECOMMEND,
            {
                "en": "How likely are you to recommend us to a friend or colleague?",
                "it": "Quanto è probabile che ci consigli a un amico o a un collega?",
            },
            code="recommend",
            required=True,
            low_label={"en": "not at all likely", "it": "per niente probabile"},
            high_label={"en": "extremely likely", "it": "estremamente probabile"},
        ),
        Question(
            Kind.TEXT,
            {"en": "What is the main reason for your score?", "it": "Qual è il motivo del tuo voto?"},
            code="reason",
        ),
    ]


def question_rows(survey: Survey, questions: Sequence[Question]) -> list[SurveyQuestion]:
    """Return the questions as rows of a survey, not written yet. Raises InvalidInput."""
    mistakes = _mistakes(survey.kind, questions)
    if mistakes:
        raise InvalidInput(details=mistakes)
    rows: list[SurveyQuestion] = []
    for position, question in enumerate(questions):
        scale = (0, 10) if question.kind == Kind.RECOMMEND else (question.lowest, question.highest)
        rows.append(
            SurveyQuestion(
                survey=survey,
                code=question.code or _code_for(question.text, [row.code for row in rows], "q"),
                position=position,
                kind=question.kind,
                text=_trimmed(question.text),
                required=question.required or question.kind == Kind.RECOMMEND,
                lowest=scale[0],
                highest=scale[1],
                low_label=_trimmed(question.low_label),
                high_label=_trimmed(question.high_label),
                options=_options(question) if question.kind in SurveyQuestion.LISTS else [],
            )
        )
    return rows


def _options(question: Question) -> list[dict[str, Any]]:
    options: list[dict[str, Any]] = []
    for texts in question.options:
        code = _code_for(texts, [option["code"] for option in options], "option")
        options.append({"code": code, "label": _trimmed(texts)})
    return options


def _code_for(texts: Texts, taken: Sequence[str], stem: str) -> str:
    """Return a code made of the text, in English if there is one, that nobody has."""
    code = slugify(in_language(texts, "en"))[:CODE_LENGTH].strip("-") or f"{stem}-{len(taken) + 1}"
    number = 2
    while code in taken:
        ending = f"-{number}"
        code, number = code[: CODE_LENGTH - len(ending)] + ending, number + 1
    return code


def _mistakes(kind: str, questions: Sequence[Question]) -> list[Mistake]:
    mistakes = [
        Mistake(f"/questions/{place}{pointer}", message)
        for place, question in enumerate(questions)
        for pointer, message in _mistakes_in(question)
    ]
    asked = [question.kind for question in questions]
    if kind == Survey.Kind.NPS and asked and asked.count(Kind.RECOMMEND) != 1:
        mistakes.append(Mistake("/questions", _("An NPS survey asks exactly one recommendation.")))
    elif kind == Survey.Kind.NPS and asked and asked[0] != Kind.RECOMMEND:
        mistakes.append(Mistake("/questions", _("The recommendation is the first question.")))
    elif kind == Survey.Kind.SURVEY and Kind.RECOMMEND in asked:
        mistakes.append(Mistake("/questions", _("A recommendation belongs into a survey of kind NPS.")))
    if not asked:
        mistakes.append(Mistake("/questions", _("Ask at least one question.")))
    if len(asked) > MOST_QUESTIONS:
        mistakes.append(Mistake("/questions", _("At most %(count)d questions.") % {"count": MOST_QUESTIONS}))
    codes = [question.code for question in questions if question.code]
    if len(set(codes)) < len(codes):
        mistakes.append(Mistake("/questions", _("Two questions have the same code.")))
    return mistakes


def _mistakes_in(question: Question) -> list[tuple[str, str]]:
    mistakes = []
    if not in_language(question.text).strip():
        mistakes.append(("/text", _("Write the question, in one language at least.")))
    if question.code and not re.fullmatch(r"[a-zA-Z0-9_-]{1,40}", question.code):
        mistakes.append(("/code", _("Letters, digits, - and _, at most 40.")))
    if question.kind == Kind.SCALE:
        if not -100 <= question.lowest < question.highest <= 100:
            mistakes.append(("/highest", _("A scale rises from its lowest to its highest number.")))
        elif question.highest - question.lowest >= WIDEST_SCALE:
            mistakes.append(("/highest", _("A scale has at most %(count)d steps.") % {"count": WIDEST_SCALE}))
    if question.kind in SurveyQuestion.LISTS:
        if not 2 <= len(question.options) <= MOST_OPTIONS:
            mistakes.append(
                ("/options", _("Give two to %(count)d answers to choose from.") % {"count": MOST_OPTIONS})
            )
        elif not all(in_language(texts).strip() for texts in question.options):
            mistakes.append(("/options", _("Each answer needs a text, in one language at least.")))
    return mistakes


def _keep_structure(
    known: Sequence[SurveyQuestion], rows: Sequence[SurveyQuestion], survey: Survey, terms: SurveyTerms
) -> None:
    """Let the words of the questions change, and nothing that answers already given refer to."""
    for before, after in zip(known, rows, strict=False):
        after.code = before.code
        if len(before.options) == len(after.options):
            for old, new in zip(before.options, after.options, strict=True):
                new["code"] = old["code"]
    was_anonymous = Survey.objects.filter(pk=survey.pk, anonymous=True).exists()
    if [_structure(row) for row in known] != [_structure(row) for row in rows]:
        raise SurveyInUse
    if was_anonymous != terms.anonymous:
        raise SurveyInUse(_("Whether answers are anonymous cannot change once there are some."))


def _structure(question: SurveyQuestion) -> tuple:
    return (question.code, question.kind, question.lowest, question.highest, tuple(question.option_codes))
