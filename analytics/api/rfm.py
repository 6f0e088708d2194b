"""RFM models, runs, scores and migration over the API."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.generics import ListAPIView, RetrieveAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from analytics import services
from analytics.api.calls import FROM_TO, READ, RUN, PeriodIn, validated
from analytics.api.rfm_serializers import (
    MigrationOut,
    RfmModelIn,
    RfmModelOut,
    RfmPreviewIn,
    RfmPreviewOut,
    RfmRunIn,
    RfmRunOut,
    RfmScoreOut,
)
from analytics.models import RfmModel, RfmRun, RfmScore
from customers.services.references import find_customer
from operations.api.idempotency import respond_once
from operations.api.serializers import ProblemOut
from operations.errors import InvalidInput, NotFound


def find_model(reference: str) -> RfmModel:
    """Return the model under an id or code. Raises NotFound."""
    model = RfmModel.objects.select_related("season", "segment_map").by_reference(reference).first()
    if model is None:
        raise NotFound
    return model


@contextmanager
def in_the_requests_places() -> Iterator[None]:
    """Point at what is wrong where it stands in the request, not at the model's field."""
    try:
        yield
    except InvalidInput as error:
        raise error.elsewhere(RfmModelIn.POINTERS) from error


class RfmModelsView(ListAPIView):
    """The models; POST creates one, still without scores until its first run."""

    required_scope = {"GET": READ, "POST": RUN}
    queryset = RfmModel.objects.select_related("season", "segment_map")
    serializer_class = RfmModelOut

    @extend_schema(request=RfmModelIn, responses={201: RfmModelOut, 409: ProblemOut, 422: ProblemOut})
    def post(self, request: Request) -> HttpResponse:
        def work() -> tuple[int, Any]:
            values = validated(RfmModelIn(data=request.data))
            with in_the_requests_places():
                return 201, RfmModelOut(services.create_rfm_model(**values)).data

        return respond_once(request, work)


class RfmModelView(RetrieveAPIView):
    """One model, by id or code."""

    required_scope = READ
    queryset = RfmModel.objects.select_related("season", "segment_map")
    serializer_class = RfmModelOut

    def get_object(self) -> RfmModel:
        return find_model(self.kwargs["reference"])


class RfmPreviewView(APIView):
    """What a model would come to: who counts, thresholds and sizes, without anything being written."""

    required_scope = RUN

    @extend_schema(request=RfmPreviewIn, responses={200: RfmPreviewOut, 422: ProblemOut})
    def post(self, request: Request) -> Response:
        values = validated(RfmPreviewIn(data=request.data))
        as_of = values.pop("as_of", None) or timezone.localdate()
        with in_the_requests_places():
            model = services.draft_rfm_model(**values)
        preview = services.preview_rfm_model(model, as_of=as_of)
        return Response(RfmPreviewOut.body(model, preview))


class RfmRunsView(ListAPIView):
    """A model's runs; POST scores its population as of a day and answers the run, done or under way."""

    required_scope = {"GET": READ, "POST": RUN}
    queryset = RfmRun.objects.select_related("model")
    serializer_class = RfmRunOut

    def get_queryset(self):
        if getattr(self, "swagger_fake_view", False):
            return self.queryset.none()
        return self.queryset.filter(model=find_model(self.kwargs["reference"]))

    @extend_schema(
        request=RfmRunIn, responses={200: RfmRunOut, 202: RfmRunOut, 409: ProblemOut, 422: ProblemOut}
    )
    def post(self, request: Request, reference: str) -> HttpResponse:
        def work() -> tuple[int, Any]:
            model = find_model(reference)
            fields = validated(RfmRunIn(data=request.data))
            run = services.start_rfm_run(model, client=request.auth, **fields)
            return 200 if run.status == RfmRun.Status.DONE else 202, RfmRunOut(run).data

        return respond_once(request, work)


class RfmRunView(RetrieveAPIView):
    """One run of a model."""

    required_scope = READ
    queryset = RfmRun.objects.select_related("model")
    serializer_class = RfmRunOut

    def get_object(self) -> RfmRun:
        model = find_model(self.kwargs["reference"])
        run = self.queryset.filter(model=model, pk=self.kwargs["pk"]).first()
        if run is None:
            raise NotFound
        return run


class RfmScoresView(ListAPIView):
    """The current scores of a model, or of one customer: an empty list for whoever did not buy."""

    required_scope = READ
    queryset = RfmScore.objects.select_related("customer")
    serializer_class = RfmScoreOut

    @extend_schema(parameters=[OpenApiParameter("customer", description="A customer's id.")])
    def get(self, request: Request, reference: str) -> Response:
        return self.list(request)

    def get_queryset(self):
        if getattr(self, "swagger_fake_view", False):
            return self.queryset.none()
        scores = self.queryset.filter(model=self._model())
        if customer := self.request.query_params.get("customer"):
            scores = scores.filter(customer=find_customer({"id": customer}))
        return scores

    def get_serializer_context(self) -> dict[str, Any]:
        return super().get_serializer_context() | {"model": self._model()}

    def _model(self) -> RfmModel:
        if not hasattr(self, "_found"):
            self._found = find_model(self.kwargs["reference"])
        return self._found


class RfmMigrationView(APIView):
    """How many moved from which segment to which between two dates."""

    required_scope = READ

    @extend_schema(parameters=FROM_TO, responses={200: MigrationOut, 422: ProblemOut})
    def get(self, request: Request, reference: str) -> Response:
        model = find_model(reference)
        values = validated(PeriodIn(data=request.query_params))
        migration = services.segment_migration(model, from_=values["start"], to=values["to"])
        return Response(MigrationOut.body(model, migration))
