"""What somebody said in surveys, for segment rules; an anonymous answer is nobody's."""

from typing import Any

from django.db.models import Case, CharField, F, QuerySet, TextField, Value, When
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

from analytics.models import Survey, SurveyParticipation, SurveyQuestion, SurveyResponse
from analytics.nps import DETRACTOR, HIGHEST_DETRACTOR, LOWEST_PROMOTER, PASSIVE, PROMOTER
from customers.segments.fields import Column, Field, JsonValue, Kind, Rows
from customers.segments.moments import Moment
from customers.segments.readers import JsonGet, json_of

SURVEYS = _("Surveys")
GROUP = Case(
    When(score__gte=LOWEST_PROMOTER, then=Value(PROMOTER)),
    When(score__lte=HIGHEST_DETRACTOR, then=Value(DETRACTOR)),
    When(score__isnull=False, then=Value(PASSIVE)),
    output_field=CharField(),
)


def _responses(moment: Moment, survey: str) -> QuerySet:
    return SurveyResponse.objects.filter(survey__code=survey, answered_at__lt=moment.until)


def _scores(moment: Moment, survey: str) -> QuerySet:
    return _responses(moment, survey).filter(score__isnull=False).annotate(group=GROUP)


def _answers(moment: Moment, part: str) -> QuerySet:
    survey, _dot, question = part.partition(".")
    member = JsonGet(F("answers"), Value(question, output_field=TextField()))
    return _responses(moment, survey).annotate(answer=Coalesce(member, json_of(None)))


def _participations(moment: Moment, survey: str) -> QuerySet:
    return SurveyParticipation.objects.filter(survey__code=survey)


def _codes() -> list[str]:
    return list(Survey.objects.order_by("code").values_list("code", flat=True))


def _scored() -> list[str]:
    return list(Survey.objects.filter(kind=Survey.Kind.NPS).order_by("code").values_list("code", flat=True))


def _questions() -> list[str]:
    asked = SurveyQuestion.objects.exclude(kind=SurveyQuestion.Kind.RECOMMEND)
    pairs = asked.order_by("survey__code", "position").values_list("survey__code", "code")
    return [f"{survey}.{question}" for survey, question in pairs]


def _groups() -> dict[str, Any]:
    return {DETRACTOR: _("Detractor"), PASSIVE: _("Passive"), PROMOTER: _("Promoter")}


FIELDS = [
    Field(
        "survey.*.score",
        _("Recommendation, 0 to 10"),
        Kind.INTEGER,
        Rows(_scores, Column("score")),
        expand=_scored,
        closed=True,
        group=SURVEYS,
        minimum=0,
        maximum=10,
    ),
    Field(
        "survey.*.group",
        _("Promoter, passive or detractor"),
        Kind.CHOICE,
        Rows(_scores, Column("group")),
        choices=_groups,
        expand=_scored,
        closed=True,
        group=SURVEYS,
    ),
    Field(
        "survey.*.participated_on",
        _("Took part in the survey"),
        Kind.DATE,
        Rows(_participations, Column("participated_on")),
        expand=_codes,
        closed=True,
        group=SURVEYS,
    ),
    Field(
        "survey-answer.*",
        _("Answer to a question"),
        Kind.ANY,
        Rows(_answers, JsonValue("answer")),
        expand=_questions,
        closed=True,
        group=SURVEYS,
    ),
]
