"""Surveys over the API: written, asked by links, answered at tills, and what was answered."""

from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.generics import ListAPIView, RetrieveAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from analytics.api.calls import READ, RUN, validated
from analytics.api.survey_serializers import (
    AnsweredOut,
    ResultsQuery,
    SurveyAnswerIn,
    SurveyAnswerOut,
    SurveyIn,
    SurveyLinkIn,
    SurveyLinkOut,
    SurveyOut,
    SurveyResultsOut,
    answered,
    results,
)
from analytics.errors import SurveyClosed, SurveyNotFound
from analytics.models import Survey, SurveyResponse
from analytics.services.survey_answers import Circumstances, answer_survey
from analytics.services.survey_links import survey_url
from analytics.services.survey_results import results_of
from analytics.services.surveys import close_survey, create_survey, open_survey
from customers.services import find_customer
from operations.api.idempotency import respond_once
from operations.api.serializers import ProblemOut

ANSWER = "events:write"
PERIOD = [
    OpenApiParameter("from", OpenApiTypes.DATE, description="A day, included."),
    OpenApiParameter("to", OpenApiTypes.DATE, description="A day, included."),
    OpenApiParameter("segment", OpenApiTypes.STR, description="Code of a segment: answers of its members."),
]


def shown_surveys() -> QuerySet[Survey]:
    """Return the surveys with all that an answer shows of them."""
    return Survey.objects.select_related("reward_promotion").prefetch_related("questions")


def survey_under(reference: str) -> Survey:
    """Return the survey under an id or code. Raises SurveyNotFound."""
    survey = shown_surveys().by_reference(reference).first()
    if survey is None:
        raise SurveyNotFound
    return survey


class SurveysView(ListAPIView):
    """The surveys, newest first; POST writes one down, and opens it where `open` says so."""

    required_scope = {"GET": READ, "POST": RUN}
    serializer_class = SurveyOut

    def get_queryset(self) -> QuerySet[Survey]:
        return shown_surveys()

    @extend_schema(request=SurveyIn, responses={201: SurveyOut, 409: ProblemOut, 422: ProblemOut})
    def post(self, request: Request) -> HttpResponse:
        def work() -> tuple[int, Any]:
            given = SurveyIn(data=request.data)
            opened = validated(given)["open"]
            with transaction.atomic():
                survey = create_survey(**given.survey(), at=timezone.now())
                if opened:
                    survey = open_survey(survey, at=timezone.now())
            return 201, SurveyOut(shown_surveys().get(pk=survey.pk)).data

        return respond_once(request, work)


class SurveyDetail(RetrieveAPIView):
    """One survey, by its code or id."""

    required_scope = READ
    serializer_class = SurveyOut

    def get_object(self) -> Survey:
        return survey_under(self.kwargs["reference"])


class SurveyOpening(APIView):
    """Let people answer."""

    required_scope = RUN

    @extend_schema(request=None, responses={200: SurveyOut, 422: ProblemOut})
    def post(self, request: Request, reference: str) -> HttpResponse:
        def work() -> tuple[int, Any]:
            return 200, SurveyOut(open_survey(survey_under(reference), at=timezone.now())).data

        return respond_once(request, work)


class SurveyClosing(APIView):
    """Take no more answers."""

    required_scope = RUN

    @extend_schema(request=None, responses={200: SurveyOut, 422: ProblemOut})
    def post(self, request: Request, reference: str) -> HttpResponse:
        def work() -> tuple[int, Any]:
            return 200, SurveyOut(close_survey(survey_under(reference), at=timezone.now())).data

        return respond_once(request, work)


class SurveyLinks(APIView):
    """A customer's own link to a survey, for messages that another system sends."""

    required_scope = ANSWER

    @extend_schema(request=SurveyLinkIn, responses={201: SurveyLinkOut, 404: ProblemOut, 422: ProblemOut})
    def post(self, request: Request, reference: str) -> HttpResponse:
        def work() -> tuple[int, Any]:
            given = validated(SurveyLinkIn(data=request.data))
            survey, at = survey_under(reference), timezone.now()
            if not survey.is_open(at):
                raise SurveyClosed
            url = survey_url(survey, find_customer(given["customer"]), at=at)
            return 201, {"url": url, "expires_at": at + timedelta(days=survey.link_days)}

        return respond_once(request, work)


class SurveyAnswers(ListAPIView):
    """What was answered, newest first; POST brings an answer from a till or an app, once a person.

    The same answer again is 200; a second, other one of the same person 409 `already_answered`, unless the
    survey lets them change it. The reward is given at once and stands in the answer.
    """

    required_scope = {"GET": READ, "POST": ANSWER}
    serializer_class = SurveyAnswerOut

    def get_queryset(self) -> QuerySet[SurveyResponse]:
        if getattr(self, "swagger_fake_view", False):
            return SurveyResponse.objects.none()
        rows = survey_under(self.kwargs["reference"]).responses.select_related("survey", "customer")
        return rows.order_by("-pk")

    @extend_schema(
        request=SurveyAnswerIn,
        responses={
            201: AnsweredOut, 200: AnsweredOut, 404: ProblemOut, 409: ProblemOut, 410: ProblemOut,
            422: ProblemOut,
        },
    )  # fmt: skip
    def post(self, request: Request, reference: str) -> HttpResponse:
        def work() -> tuple[int, Any]:
            given = validated(SurveyAnswerIn(data=request.data))
            survey, at = survey_under(reference), timezone.now()
            named = given.get("customer")
            came = Circumstances(
                origin=SurveyResponse.Origin.API,
                language=given.get("language", ""),
                touchpoint=given.get("touchpoint", ""),
                client=request.auth,
                external_id=given.get("source_id", ""),
            )
            with transaction.atomic():  # An answer that is refused leaves no prospect behind.
                outcome = answer_survey(
                    survey,
                    given["answers"],
                    customer=find_customer(named, create_prospect=True, at=at) if named else None,
                    came=came,
                    at=at,
                )
            return 201 if outcome.new else 200, answered(outcome)

        return respond_once(request, work)


class SurveyResultsView(APIView):
    """What the answers say: the NPS with its interval, and how often each answer was given."""

    required_scope = READ

    @extend_schema(parameters=PERIOD, responses={200: SurveyResultsOut, 404: ProblemOut, 422: ProblemOut})
    def get(self, request: Request, reference: str) -> Response:
        asked = validated(ResultsQuery(data=request.query_params))
        survey = survey_under(reference)
        return Response(results(survey, results_of(survey, **asked)))
