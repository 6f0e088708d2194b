"""Prospects over the API: people known by one key, with where they came from and how far they are."""

from typing import Any

from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from customers import services
from customers.api.events import IdentityReference
from customers.api.references import SourceCodeField
from customers.errors import NotAProspect
from customers.models import Lead, LeadStage
from customers.services.references import ensure_sources, key_in, key_of
from operations.api.idempotency import respond_once
from operations.api.serializers import LineField, StrictSerializer
from operations.errors import InvalidInput

SETTABLE = [stage for stage in LeadStage.values if stage != LeadStage.CONVERTED]


class ProspectIn(StrictSerializer):
    """Somebody who is no customer yet, by an e-mail address or another key."""

    source = SourceCodeField()
    email = LineField(max_length=254, required=False)
    identity = IdentityReference(required=False)
    first_name = LineField(max_length=120, required=False, allow_blank=True)
    last_name = LineField(max_length=120, required=False, allow_blank=True)
    lead_source = LineField(max_length=120, required=False, allow_blank=True)
    stage = serializers.ChoiceField(SETTABLE, required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("email" in attrs) == ("identity" in attrs):
            raise serializers.ValidationError("Name the person by email or by identity.")
        return attrs


class StageIn(StrictSerializer):
    """Where a prospect stands now, and why."""

    stage = serializers.ChoiceField(SETTABLE)
    reason = LineField(max_length=300, required=False, allow_blank=True)


class ProspectOut(serializers.ModelSerializer):
    """A prospect's way to becoming a customer."""

    id = serializers.UUIDField(source="customer.public_id")
    status = serializers.CharField(source="customer.status")
    lead_source = serializers.CharField(source="origin")
    source = serializers.CharField(source="source.code", default=None, allow_null=True)

    class Meta:
        model = Lead
        fields = ["id", "status", "stage", "lead_source", "source", "became_at", "moved_at", "converted_at"]


class ProspectsView(APIView):
    """Take somebody as a prospect; known already, what is empty is filled."""

    required_scope = "customers:write"

    @extend_schema(
        request=ProspectIn, responses={200: ProspectOut, 201: ProspectOut}, operation_id="prospects_create"
    )
    def post(self, request: Request) -> HttpResponse:
        def work() -> tuple[int, Any]:
            given = ProspectIn(data=request.data)
            given.is_valid(raise_exception=True)
            lead, created = _register(given.validated_data)
            return 201 if created else 200, ProspectOut(lead).data

        return respond_once(request, work)


def _register(item: dict[str, Any]) -> tuple[Lead, bool]:
    key = key_in(item, "identity") if "identity" in item else key_of({"email": item["email"]})
    if key is None:
        raise InvalidInput.at("/identity", "Name the person by email or by identity.")
    return services.register_prospect(
        key,
        source=ensure_sources([item["source"]])[item["source"]],
        origin=item.get("lead_source") or "",
        stage=item.get("stage"),
        first_name=item.get("first_name") or "",
        last_name=item.get("last_name") or "",
        at=timezone.now(),
    )


class ProspectStageView(APIView):
    """Put a prospect into another stage."""

    required_scope = "customers:write"

    @extend_schema(request=StageIn, responses=ProspectOut, operation_id="prospects_stage")
    def post(self, request: Request, public_id: str) -> HttpResponse:
        def work() -> tuple[int, Any]:
            given = StageIn(data=request.data)
            given.is_valid(raise_exception=True)
            customer = services.find_customer({"id": public_id})
            lead = Lead.objects.filter(customer=customer).first()
            if lead is None:
                raise NotAProspect
            stage, reason = given.validated_data["stage"], given.validated_data.get("reason") or ""
            moved = services.move_lead(lead, stage, reason=reason, at=timezone.now())
            return 200, ProspectOut(moved).data

        return respond_once(request, work)


class ProspectView(APIView):
    """One prospect's way, of a customer of today too."""

    required_scope = "customers:read"

    @extend_schema(responses=ProspectOut, operation_id="prospects_retrieve")
    def get(self, request: Request, public_id: str) -> Response:
        customer = services.find_customer({"id": public_id})
        lead = Lead.objects.filter(customer=customer).select_related("customer", "source").first()
        if lead is None:
            raise NotAProspect
        return Response(ProspectOut(lead).data)
