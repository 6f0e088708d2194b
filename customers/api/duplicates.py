"""Possible duplicates over the API: the pairs with their explanation, and the decision against one."""

from decimal import Decimal, InvalidOperation
from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from customers import services
from customers.models import DuplicateCandidate, Evidence
from operations.api.idempotency import respond_once
from operations.api.pagination import CursorPagination
from operations.api.serializers import LineField, ProblemOut, StrictSerializer
from operations.errors import InvalidInput


class EvidenceOut(serializers.Serializer):
    """One thing that speaks for (positive) or against the two being one person."""

    evidence = serializers.ChoiceField(Evidence.choices)
    weight = serializers.FloatField()
    message = serializers.CharField()


class DuplicateOut(serializers.ModelSerializer):
    """Two customers that may be one person."""

    customers = serializers.SerializerMethodField()
    weight = serializers.FloatField()
    explanation = serializers.SerializerMethodField()
    strong_key = serializers.BooleanField(source="strong")

    class Meta:
        model = DuplicateCandidate
        fields = [
            "id", "status", "customers", "weight", "strong_key", "contradicted", "explanation", "found_at",
            "decided_at",
        ]  # fmt: skip

    @extend_schema_field(serializers.ListField(child=serializers.UUIDField(), min_length=2, max_length=2))
    def get_customers(self, candidate: DuplicateCandidate) -> list[str]:
        return [str(candidate.first.public_id), str(candidate.second.public_id)]

    @extend_schema_field(EvidenceOut(many=True))
    def get_explanation(self, candidate: DuplicateCandidate) -> list[dict[str, Any]]:
        return [
            {"evidence": code, "weight": weight, "message": str(Evidence(code).label)}
            for code, weight in candidate.explanation
        ]


class ByWeight(CursorPagination):
    """The likeliest pair first."""

    ordering = ("-weight", "-pk")


class DuplicatesView(generics.ListAPIView):
    """The pairs that wait for a decision."""

    required_scope = "customers:read"
    serializer_class = DuplicateOut
    pagination_class = ByWeight

    @extend_schema(
        operation_id="customers_duplicates",
        parameters=[
            OpenApiParameter("minimum_weight", OpenApiTypes.NUMBER, description="Only pairs of this weight.")
        ],
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    def get_queryset(self) -> QuerySet[DuplicateCandidate]:
        pairs = DuplicateCandidate.objects.open().select_related("first", "second")
        minimum = self.request.query_params.get("minimum_weight")
        return pairs.filter(weight__gte=_weight(minimum)) if minimum else pairs


def _weight(text: str) -> Decimal:
    try:
        weight = Decimal(text)
    except InvalidOperation:
        weight = Decimal("NaN")
    if not weight.is_finite() or abs(weight) >= 10_000:
        raise InvalidInput.at("/minimum_weight", "minimum_weight is a number.")
    return weight


class DismissIn(StrictSerializer):
    """Why the two are not one person."""

    reason = LineField(max_length=300, required=False, allow_null=True, allow_blank=True)


class DismissView(APIView):
    """Decide that the two are two people: they are neither proposed nor merged again."""

    required_scope = "customers:write"

    @extend_schema(
        request=DismissIn,
        responses={200: DuplicateOut, 404: ProblemOut, 409: ProblemOut},
        operation_id="customers_duplicates_dismiss",
    )
    def post(self, request: Request, pk: int) -> HttpResponse:
        def work() -> tuple[int, Any]:
            said = DismissIn(data=request.data or {})
            said.is_valid(raise_exception=True)
            reason = said.validated_data.get("reason") or ""
            candidate = services.dismiss_candidate(pk, at=timezone.now(), reason=reason, client=request.auth)
            return 200, DuplicateOut(candidate).data

        return respond_once(request, work)
