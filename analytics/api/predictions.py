"""What is expected of customers, over the API."""

from typing import Any

from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from analytics.api.calls import CALENDAR, READ, RUN, validated
from analytics.models import RunStatus, ValueRun
from analytics.services.value import edit_value_model, ensure_value_model, start_value_run
from customers.services.references import find_customer
from operations.api.idempotency import respond_once
from operations.api.serializers import ProblemOut
from operations.errors import NotFound

NUMBERS = ["probability_active", "expected_orders_30", "expected_orders_90", "expected_orders_365"]
AMOUNTS = ["predicted_value_30", "predicted_value_90", "predicted_value_365", "predicted_clv"]
BEHAVIOUR = ["buy_probability_7", "buy_probability_14", "buy_probability_30", "next_order_window"]


class WindowOut(serializers.Serializer):
    """The days between which the next order is expected."""

    def get_fields(self) -> dict[str, serializers.Field]:
        return {"from": serializers.DateField(), "until": serializers.DateField()}


class PredictionOut(serializers.Serializer):
    """What is expected of a customer; null where nothing was predicted: nobody predicts without an order.

    Probabilities 0..1; amounts in minor units of the programme's currency: values are net sales, `clv` the
    margin of the months ahead in today's money.
    """

    probability_active = serializers.FloatField(allow_null=True)
    expected_orders_30 = serializers.FloatField(allow_null=True)
    expected_orders_90 = serializers.FloatField(allow_null=True)
    expected_orders_365 = serializers.FloatField(allow_null=True)
    predicted_value_30 = serializers.IntegerField(allow_null=True)
    predicted_value_90 = serializers.IntegerField(allow_null=True)
    predicted_value_365 = serializers.IntegerField(allow_null=True)
    predicted_clv = serializers.IntegerField(allow_null=True)
    buy_probability_7 = serializers.FloatField(allow_null=True)
    buy_probability_14 = serializers.FloatField(allow_null=True)
    buy_probability_30 = serializers.FloatField(allow_null=True)
    next_order_window = WindowOut(allow_null=True)


class CustomerPrediction(APIView):
    """What is expected of one customer."""

    required_scope = READ

    @extend_schema(responses={200: PredictionOut, 404: ProblemOut, 410: ProblemOut})
    def get(self, request: Request, public_id: str) -> Response:
        customer = find_customer({"id": public_id})
        codes = NUMBERS + AMOUNTS + BEHAVIOUR
        known = dict(customer.traits.filter(code__in=codes).values_list("code", "value"))
        return Response({code: known.get(code) for code in codes})


class ValueModelIn(serializers.Serializer):
    """What to change of the value model's settings."""

    margin_percent = serializers.DecimalField(max_digits=5, decimal_places=2, required=False)
    discount_rate_percent = serializers.DecimalField(max_digits=5, decimal_places=2, required=False)
    months = serializers.IntegerField(required=False)
    test_days = serializers.IntegerField(required=False)
    minimum_population = serializers.IntegerField(min_value=2, max_value=10**9, required=False)
    schedule = serializers.ChoiceField(choices=["NIGHTLY", "WEEKLY", "MANUAL"], required=False)


class ValueModelOut(serializers.Serializer):
    """The settings of the value model; shares in percent, the discount rate of a year."""

    margin_percent = serializers.DecimalField(max_digits=5, decimal_places=2)
    discount_rate_percent = serializers.DecimalField(max_digits=5, decimal_places=2)
    months = serializers.IntegerField()
    test_days = serializers.IntegerField()
    minimum_population = serializers.IntegerField()
    schedule = serializers.CharField()


class ValueRunOut(serializers.ModelSerializer):
    """A run: what was fitted, what it came to over everybody and by segment, and its back-test."""

    id = serializers.CharField()
    job = serializers.CharField(source="job_id", allow_null=True)
    parameters = serializers.DictField()
    totals = serializers.DictField()
    segments = serializers.ListField(child=serializers.DictField())
    holdout = serializers.DictField(allow_null=True)

    class Meta:
        model = ValueRun
        fields = [
            "id", "as_of", "status", "job", "population", "repeat_buyers", "parameters", "log_likelihood",
            "fallback", "fallback_reason", "totals", "segments", "holdout", "changed_rows", "duration_ms",
            "started_at", "finished_at", "error",
        ]  # fmt: skip


class ValueRunIn(serializers.Serializer):
    as_of = serializers.DateField(validators=CALENDAR, required=False)


class ValueModelView(APIView):
    """The settings of the value model; PATCH changes those it names."""

    required_scope = {"GET": READ, "PATCH": RUN}

    @extend_schema(responses=ValueModelOut)
    def get(self, request: Request) -> Response:
        return Response(ValueModelOut(ensure_value_model()).data)

    @extend_schema(request=ValueModelIn, responses={200: ValueModelOut, 422: ProblemOut})
    def patch(self, request: Request) -> Response:
        settings = validated(ValueModelIn(data=request.data))
        return Response(ValueModelOut(edit_value_model(ensure_value_model(), **settings)).data)


class ValueRunsView(ListAPIView):
    """The runs of the value model, newest first; POST fits and predicts as of a day (today without one)."""

    required_scope = {"GET": READ, "POST": RUN}
    queryset = ValueRun.objects.order_by("-pk")
    serializer_class = ValueRunOut

    @extend_schema(
        request=ValueRunIn, responses={200: ValueRunOut, 202: ValueRunOut, 409: ProblemOut, 422: ProblemOut}
    )
    def post(self, request: Request) -> HttpResponse:
        def work() -> tuple[int, Any]:
            as_of = validated(ValueRunIn(data=request.data)).get("as_of") or timezone.localdate()
            run = start_value_run(ensure_value_model(), as_of=as_of, client=request.auth)
            return 200 if run.status == RunStatus.DONE else 202, ValueRunOut(run).data

        return respond_once(request, work)


class ValueRunView(APIView):
    """One run of the value model."""

    required_scope = READ

    @extend_schema(responses={200: ValueRunOut, 404: ProblemOut})
    def get(self, request: Request, pk: int) -> Response:
        run = ValueRun.objects.filter(pk=pk).first() if pk < 2**63 else None
        if run is None:
            raise NotFound
        return Response(ValueRunOut(run).data)
