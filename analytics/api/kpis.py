"""Key figures over the API."""

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from analytics import services
from analytics.api.calls import FROM_TO, READ, PeriodIn, validated
from analytics.periods import Grain
from operations.api.serializers import ProblemOut


class KpiIn(PeriodIn):
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


class KpisView(APIView):
    """The key figures of each period that holds a day from `from` to `to`."""

    required_scope = READ

    @extend_schema(
        parameters=[*FROM_TO, OpenApiParameter("grain", enum=Grain.values, default=Grain.MONTH.value)],
        responses={200: KpiOut(many=True), 422: ProblemOut},
    )
    def get(self, request: Request) -> Response:
        values = validated(KpiIn(data=request.query_params))
        figures = services.kpis(values["start"], values["to"], values["grain"])
        return Response(KpiOut(figures, many=True).data)
