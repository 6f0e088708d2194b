"""Consents over the API."""

from typing import Any

from django.http import HttpResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.views import APIView

from customers import services
from customers.api.fields import ObjectField
from customers.api.partners import admit
from customers.api.references import CustomerReference, SourceCodeField
from customers.api.told import address_as_told
from customers.models import Consent, Purpose
from customers.models.consent import CONSENT_CHOICES, ConsentState
from operations.api.bulk import BulkWrite, bulk_schema
from operations.api.serializers import InstantField, LineField, StrictSerializer
from operations.models import ApiClient


class ConsentItemIn(StrictSerializer):
    """What a person said about one contact point; a GRANTED needs a `proof`."""

    channel = serializers.ChoiceField(CONSENT_CHOICES)
    purpose = serializers.ChoiceField(Purpose.choices)
    state = serializers.ChoiceField(ConsentState.choices)
    address = LineField(max_length=254, required=False, allow_null=True)
    text_version = LineField(max_length=64, required=False, allow_null=True, allow_blank=True)
    occurred_at = InstantField(required=False, allow_null=True)
    proof = ObjectField(required=False, allow_null=True)


class ConsentIn(ConsentItemIn):
    """A consent of a customer named by reference, or of whoever has an e-mail address."""

    customer = CustomerReference(required=False)
    email = LineField(max_length=254, required=False)
    source = SourceCodeField(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("customer" in attrs) == ("email" in attrs):
            raise serializers.ValidationError(_("Name the person by customer or by email, one of them."))
        return attrs


class ConsentStateOut(serializers.ModelSerializer):
    """The state that holds for one contact point, channel and purpose."""

    class Meta:
        model = Consent
        fields = ["channel", "purpose", "state", "address"]


class ConsentOut(serializers.ModelSerializer):
    """The state that holds after a consent was entered."""

    id = serializers.CharField()
    customer = serializers.UUIDField(source="customer.public_id")

    class Meta:
        model = Consent
        fields = ["id", "customer", "channel", "purpose", "state", "address", "changed_at"]


def _show(consent: Consent, client: ApiClient) -> dict[str, Any]:
    return ConsentOut(consent).data | {"address": address_as_told(client, consent)}


def _entries(client: ApiClient) -> BulkWrite:
    return BulkWrite(
        admit=admit,
        item=ConsentIn,
        write=lambda items: services.record_external_consents(items, at=timezone.now()),
        show=lambda consent: _show(consent, client),
    )


class ConsentsView(APIView):
    """Enter what people said into the ledger; the latest statement about a contact point holds."""

    required_scope = "consents:write"
    open_to_partners = True

    @bulk_schema(ConsentIn, ConsentOut, operation_id="consents_create")
    def post(self, request: Request) -> HttpResponse:
        return _entries(request.auth).respond(request)
