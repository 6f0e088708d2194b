"""Key figures and cohorts over the API."""

from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from analytics import services
from analytics.api.calls import CALENDAR, FROM_TO, READ, PeriodIn, validated
from analytics.metrics import METRICS, Better, Metric, Unit, metric_series
from analytics.periods import Grain, period_name
from analytics.services.cohorts import Cohort
from analytics.windows import SCOPES, Scope
from customers.models import RollupScope, Segment
from operations.api.serializers import ProblemOut
from operations.errors import NotFound

GRAIN = OpenApiParameter("grain", enum=Grain.values, default=Grain.MONTH.value)
NARROWED = [
    OpenApiParameter(
        "scope", enum=list(SCOPES), default=RollupScope.ALL.value, description="A kind of part."
    ),
    OpenApiParameter("scope_value", description="The code of the part: a channel's, a store's, a line's ..."),
    OpenApiParameter("segment", description="A segment's code: only who is in it now."),
]
MOST_MONTHS = 60


class NarrowedIn(serializers.Serializer):
    """To which part of the business and to whose purchases a call is narrowed."""

    scope = serializers.ChoiceField(choices=list(SCOPES.items()), default=RollupScope.ALL)
    scope_value = serializers.CharField(max_length=120, required=False, allow_blank=True, default="")
    segment = serializers.SlugRelatedField(
        slug_field="code", queryset=Segment.objects.all(), required=False, default=None
    )

    def validate(self, values: dict[str, Any]) -> dict[str, Any]:
        kind, value = values.pop("scope"), values.pop("scope_value")
        if (kind == RollupScope.ALL) != (not value):
            raise serializers.ValidationError({"scope_value": _("A part has a kind and a value.")})
        return values | {"scope": Scope(kind, value)}


class KpiIn(PeriodIn, NarrowedIn):
    grain = serializers.ChoiceField(choices=Grain.choices, default=Grain.MONTH)


class KpiOut(serializers.Serializer):
    """The figures of one period: rates 0..1 or null, amounts in minor units of the programme's currency."""

    period = serializers.CharField()
    retention_rate = serializers.FloatField(allow_null=True)
    repeat_rate = serializers.FloatField(allow_null=True)
    average_transaction_value = serializers.IntegerField(allow_null=True)
    purchase_frequency = serializers.FloatField(allow_null=True)
    orders = serializers.IntegerField()
    net_amount = serializers.IntegerField()
    buyers = serializers.IntegerField()
    nps = serializers.IntegerField(allow_null=True)
    redemption_rate = serializers.FloatField(allow_null=True)


class MetricPointOut(serializers.Serializer):
    """One period; null where it has no such figure."""

    period = serializers.CharField()
    value = serializers.FloatField(allow_null=True)


class MetricSeriesOut(serializers.Serializer):
    """A key figure by period. `unit`: number, percent (0..1) or money (minor units)."""

    code = serializers.CharField()
    label = serializers.CharField()
    meaning = serializers.CharField()
    unit = serializers.ChoiceField(choices=[unit.value for unit in Unit])
    better = serializers.ChoiceField(choices=[way.value for way in Better])
    values = MetricPointOut(many=True)


class CohortIn(NarrowedIn):
    until = serializers.DateField(validators=CALENDAR)
    months = serializers.IntegerField(min_value=1, max_value=MOST_MONTHS, default=12)


class CohortOut(serializers.Serializer):
    """Who ordered first in `month`: how many bought 0, 1, 2 ... months later, how often and for how much."""

    month = serializers.SerializerMethodField()
    size = serializers.IntegerField()
    active = serializers.ListField(child=serializers.IntegerField())
    rates = serializers.ListField(child=serializers.FloatField())
    orders = serializers.ListField(child=serializers.IntegerField())
    net_amounts = serializers.ListField(child=serializers.IntegerField())

    def get_month(self, cohort: Cohort) -> str:
        return period_name(cohort.month, Grain.MONTH)


class KpisView(APIView):
    """The key figures of each period that holds a day from `from` to `to`."""

    required_scope = READ

    @extend_schema(
        parameters=[*FROM_TO, GRAIN, *NARROWED],
        responses={200: KpiOut(many=True), 422: ProblemOut},
    )
    def get(self, request: Request) -> Response:
        values = validated(KpiIn(data=request.query_params))
        figures = services.kpis(
            values["start"], values["to"], values["grain"], scope=values["scope"], segment=values["segment"]
        )
        return Response(KpiOut(figures, many=True).data)


class MetricView(APIView):
    """One key figure, of any code, by period."""

    required_scope = READ

    @extend_schema(
        parameters=[
            OpenApiParameter("code", OpenApiTypes.STR, OpenApiParameter.PATH, enum=sorted(METRICS)),
            *FROM_TO,
            GRAIN,
            *NARROWED,
        ],
        responses={200: MetricSeriesOut, 404: ProblemOut, 422: ProblemOut},
    )
    def get(self, request: Request, code: str) -> Response:
        metric = _metric(code)
        values = validated(KpiIn(data=request.query_params))
        if values["to"] < values["start"]:
            raise serializers.ValidationError({"to": _("The period ends before it starts.")})
        series = metric_series(
            code,
            start=values["start"],
            end=values["to"],
            grain=values["grain"],
            scope=values["scope"],
            segment=values["segment"],
        )
        points = [{"period": period_name(start, values["grain"]), "value": value} for start, value in series]
        told = {name: getattr(metric, name) for name in ("code", "label", "meaning", "unit", "better")}
        return Response(MetricSeriesOut({**told, "values": points}).data)


class CohortsView(APIView):
    """Customers by the month of their first order of all time, and what came of them since."""

    required_scope = READ

    @extend_schema(
        parameters=[
            OpenApiParameter(
                "until", OpenApiTypes.DATE, required=True, description="A day of the last month."
            ),
            OpenApiParameter("months", int, default=12),
            *NARROWED,
        ],
        responses={200: CohortOut(many=True), 422: ProblemOut},
    )
    def get(self, request: Request) -> Response:
        values = validated(CohortIn(data=request.query_params))
        return Response(CohortOut(services.monthly_cohorts(values.pop("months"), **values), many=True).data)


def _metric(code: str) -> Metric:
    if code not in METRICS:
        raise NotFound
    return METRICS[code]
