"""Merging customers over the API, and taking a merge back."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.views import APIView

from customers import services
from customers.api.references import CustomerReference
from customers.errors import MergeNotFound
from customers.models import Customer, MergeOperation
from operations.api.idempotency import respond_once
from operations.api.serializers import LineField, ProblemOut, StrictSerializer
from operations.errors import InvalidInput

MOST_LOSERS = 50


@extend_schema_field(OpenApiTypes.STR)
class AnyReferenceField(serializers.Field):
    """A customer's id, or a reference as everywhere else."""

    default_error_messages = {"invalid": _("This is neither an id of a customer nor a reference to one.")}

    def to_internal_value(self, data: Any) -> dict[str, str]:
        if isinstance(data, str):
            data = {"id": data}
        if not isinstance(data, dict):
            self.fail("invalid")
        reference = CustomerReference(data=data)
        reference.is_valid(raise_exception=True)
        return dict(reference.validated_data)

    def to_representation(self, value: Any) -> Any:
        return value


class MergeIn(StrictSerializer):
    """Who stays, who becomes part of them, and why."""

    survivor = AnyReferenceField()
    losers = serializers.ListField(child=AnyReferenceField(), min_length=1, max_length=MOST_LOSERS)
    reason = LineField(max_length=300, required=False, allow_null=True, allow_blank=True)


class MergeOut(serializers.ModelSerializer):
    """A merge; `undone_at` is null while it stands."""

    id = serializers.CharField()
    survivor = serializers.CharField(source="survivor.public_id")
    losers = serializers.SerializerMethodField()

    class Meta:
        model = MergeOperation
        fields = ["id", "survivor", "losers", "reason", "merged_at", "undone_at"]

    def get_losers(self, operation: MergeOperation) -> list[str]:
        return [str(loser.public_id) for loser in sorted(operation.losers.all(), key=lambda one: one.pk)]


class MergesView(generics.ListAPIView):
    """The merges, the latest first; POST makes one."""

    required_scope = {"GET": "customers:read", "POST": "customers:write"}
    serializer_class = MergeOut

    def get_queryset(self) -> QuerySet[MergeOperation]:
        return _merges()

    @extend_schema(
        request=MergeIn,
        responses={201: MergeOut, 200: MergeOut, 404: ProblemOut, 410: ProblemOut, 422: ProblemOut},
        operation_id="customers_merges_create",
    )
    def post(self, request: Request) -> HttpResponse:
        return respond_once(request, lambda: self._merge(request))

    def _merge(self, request: Request) -> tuple[int, Any]:
        asked = MergeIn(data=request.data)
        asked.is_valid(raise_exception=True)
        given, now = asked.validated_data, timezone.now()
        survivor = _customer(given["survivor"], "/survivor")
        losers = [_customer(reference, f"/losers/{index}") for index, reference in enumerate(given["losers"])]
        operation = services.merge_customers(
            survivor, losers, reason=given.get("reason") or "", at=now, client=request.auth
        )
        return (201 if operation.merged_at == now else 200), MergeOut(operation).data


class MergeView(generics.RetrieveAPIView):
    """One merge."""

    required_scope = "customers:read"
    serializer_class = MergeOut

    def get_queryset(self) -> QuerySet[MergeOperation]:
        return _merges()


class UndoView(APIView):
    """Take a merge back: everybody has again what was theirs, and the pair is kept apart."""

    required_scope = "customers:write"

    @extend_schema(
        request=None, responses={200: MergeOut, 404: ProblemOut}, operation_id="customers_merges_undo"
    )
    def post(self, request: Request, pk: int) -> HttpResponse:
        def work() -> tuple[int, Any]:
            operation = MergeOperation.objects.filter(pk=pk).first()
            if operation is None:
                raise MergeNotFound
            return 200, MergeOut(services.undo_merge(operation, at=timezone.now(), client=request.auth)).data

        return respond_once(request, work)


def _merges() -> QuerySet[MergeOperation]:
    return MergeOperation.objects.select_related("survivor").prefetch_related("losers")


def _customer(reference: dict[str, str], pointer: str) -> Customer:
    """Return who is named, by an id also somebody merged before: the same merge again is the first one."""
    try:
        customer = services.find_customer(reference)
        named = Customer.objects.filter(public_id=reference["id"]).first() if "id" in reference else None
        return named or customer
    except InvalidInput as error:
        raise error.under(pointer) from error
