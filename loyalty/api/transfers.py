"""Points that members of a household give each other, over the API."""

import hashlib
from typing import Any

from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from customers.api.references import CustomerReference
from customers.services import find_customer
from loyalty import services
from loyalty.api.serializers import MOST_POINTS
from loyalty.models import PointsTransfer, TransferConsent
from operations.api.idempotency import respond_once
from operations.api.serializers import StrictSerializer


class TransferIn(StrictSerializer):
    """To whom of the household, and how many points."""

    to = CustomerReference()
    points = serializers.IntegerField(min_value=1, max_value=MOST_POINTS)


class TransferOut(serializers.ModelSerializer):
    id = serializers.CharField()
    giver = serializers.CharField(source="giver.public_id")
    receiver = serializers.CharField(source="receiver.public_id")

    class Meta:
        model = PointsTransfer
        fields = ["id", "giver", "receiver", "points", "transferred_at"]


class TransferConsentIn(StrictSerializer):
    """Whether the customer agrees to transfers within their household; `source` says how they told it."""

    agreed = serializers.BooleanField()
    source = serializers.CharField(max_length=80, required=False, default="")


class TransferConsentOut(serializers.Serializer):
    agreed = serializers.BooleanField()


class CustomerTransfers(APIView):
    """Give points of a customer to a member of their household; each part keeps its expiry.

    Both have to have agreed. Refusals: transfers_not_allowed, not_in_household, no_transfer_consent,
    points_exceeded.
    """

    required_scope = "loyalty:write"

    @extend_schema(request=TransferIn, responses={201: TransferOut})
    def post(self, request: Request, public_id: str) -> HttpResponse:
        def work() -> tuple[int, Any]:
            given = TransferIn(data=request.data)
            given.is_valid(raise_exception=True)
            giver, to = find_customer({"id": public_id}), find_customer(given.validated_data["to"])
            key = hashlib.sha256(request.headers["Idempotency-Key"].encode()).hexdigest()
            transfer = services.transfer_points(
                giver,
                to=to,
                points=given.validated_data["points"],
                source_key=f"api:{request.auth.pk}:{key}",
                at=timezone.now(),
            )
            return 201, TransferOut(transfer).data

        return respond_once(request, work, required=True)


class CustomerTransferConsent(APIView):
    """Whether a customer agrees that points go from and to them within their household."""

    required_scope = {"GET": "loyalty:read", "PUT": "loyalty:write"}

    @extend_schema(responses=TransferConsentOut)
    def get(self, request: Request, public_id: str) -> Response:
        return Response(_agreed(find_customer({"id": public_id})))

    @extend_schema(request=TransferConsentIn, responses=TransferConsentOut)
    def put(self, request: Request, public_id: str) -> HttpResponse:
        def work() -> tuple[int, Any]:
            given = TransferConsentIn(data=request.data)
            given.is_valid(raise_exception=True)
            customer = find_customer({"id": public_id})
            agrees = given.validated_data["agreed"]
            change = services.allow_transfers if agrees else services.forbid_transfers
            told = given.validated_data["source"] or request.auth.name
            change(customer, source=f"API: {told}", at=timezone.now())
            return 200, _agreed(customer)

        return respond_once(request, work)


def _agreed(customer: Any) -> dict[str, bool]:
    return {"agreed": TransferConsent.objects.filter(customer=customer).exists()}
