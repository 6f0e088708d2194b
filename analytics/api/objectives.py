"""Objectives over the API: how each stands, for dashboards elsewhere."""

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.generics import ListAPIView, RetrieveAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from analytics.api.calls import READ
from analytics.models import Objective, ObjectiveCheck
from operations.errors import NotFound


class ObjectiveCheckOut(serializers.ModelSerializer):
    """How an objective stood at the end of a day."""

    class Meta:
        model = ObjectiveCheck
        fields = ["day", "value", "expected", "forecast", "gap", "standing"]


class ObjectiveScopeOut(serializers.Serializer):
    """A part of the business; of ALL the value is empty."""

    kind = serializers.CharField(source="scope")
    value = serializers.CharField(source="scope_value")


class ObjectiveOut(serializers.ModelSerializer):
    """An objective; values are in the key figure's unit: amounts in minor units, rates 0..1."""

    scope = ObjectiveScopeOut(source="*")
    segment = serializers.SlugRelatedField("code", read_only=True, allow_null=True)
    owner = serializers.SlugRelatedField("username", read_only=True)
    target = serializers.FloatField()
    baseline = serializers.FloatField(allow_null=True)

    class Meta:
        model = Objective
        fields = [
            "code", "name", "metric", "scope", "segment", "target", "baseline", "starts_on", "ends_on",
            "cadence", "next_review_on", "owner", "standing", "value", "checked_on", "closed_at",
        ]  # fmt: skip


class ObjectiveDetailOut(ObjectiveOut):
    """An objective with its checks, oldest first."""

    checks = ObjectiveCheckOut(many=True)

    class Meta(ObjectiveOut.Meta):
        fields = [*ObjectiveOut.Meta.fields, "checks"]


class ObjectivesView(ListAPIView):
    """The objectives that are followed, and those that were closed."""

    required_scope = READ
    queryset = Objective.objects.select_related("segment", "owner").order_by("pk")
    serializer_class = ObjectiveOut


class ObjectiveView(RetrieveAPIView):
    """One objective by its code, with its checks."""

    required_scope = READ
    queryset = Objective.objects.select_related("segment", "owner").prefetch_related("checks")
    serializer_class = ObjectiveDetailOut

    @extend_schema(responses={200: ObjectiveDetailOut})
    def get(self, request: Request, code: str) -> Response:
        return self.retrieve(request)

    def get_object(self) -> Objective:
        found = self.queryset.filter(code=self.kwargs["code"]).first()
        if found is None:
            raise NotFound
        return found
