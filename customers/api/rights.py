"""People's rights over the API: everything known of them, and their erasure."""

from typing import Any

from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from customers import services
from customers.api.fields import ObjectField
from operations.api.idempotency import respond_once
from operations.api.serializers import LineField, ProblemOut, StrictSerializer


class ErasureIn(StrictSerializer):
    """Why somebody is erased; it is forgotten with them."""

    reason = LineField(max_length=300, required=False, allow_null=True, allow_blank=True)


class PromisedJobOut(serializers.Serializer):
    """The job that was promised; `GET /jobs/{id}` tells how far it is."""

    job = serializers.CharField()


class ErasureView(APIView):
    """Erase a customer, as a job; afterwards their id answers 410."""

    required_scope = "customers:erase"

    @extend_schema(
        request=ErasureIn,
        responses={202: PromisedJobOut, 404: ProblemOut, 410: ProblemOut, 422: ProblemOut},
        operation_id="customers_erase",
    )
    def post(self, request: Request, public_id: str) -> HttpResponse:
        return respond_once(request, lambda: self._promise(request, public_id))

    def _promise(self, request: Request, public_id: str) -> tuple[int, dict[str, Any]]:
        asked = ErasureIn(data=request.data or {})
        asked.is_valid(raise_exception=True)
        promised = services.request_erasure(
            services.find_customer({"id": public_id}),
            reason=asked.validated_data.get("reason") or "",
            client=request.auth,
            at=timezone.now(),
        )
        return 202, {"job": str(promised.job_id)}


class ExportOut(serializers.Serializer):
    """Everything known of a customer: the rows of every table, by its name."""

    id = serializers.CharField()
    tables = ObjectField()


class ExportView(APIView):
    """Everything known of a customer; that somebody read it is noted."""

    required_scope = "customers:export"

    @extend_schema(
        responses={200: ExportOut, 404: ProblemOut, 410: ProblemOut}, operation_id="customers_export"
    )
    def get(self, request: Request, public_id: str) -> Response:
        customer = services.find_customer({"id": public_id})
        services.note_export(customer, client=request.auth, at=timezone.now())
        return Response(services.export_customer(customer))
