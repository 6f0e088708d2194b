"""Events over the API."""

from typing import Any

from django.http import HttpResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.views import APIView

from customers import services
from customers.api.customers import TimelineEventOut
from customers.api.fields import CodeField, ObjectField
from customers.api.partners import admit, reachable
from customers.api.references import CustomerReference, SourceCodeField
from customers.models import Customer, Event, Namespace, Source
from customers.services.intake import reason_of
from customers.services.visitors import NOBODY_YET
from operations.amounts import MAXIMUM_AMOUNT
from operations.api.bulk import BulkWrite, bulk_schema
from operations.api.problems import mistakes
from operations.api.serializers import (
    AmountField,
    CurrencyField,
    InstantField,
    LineField,
    StrictSerializer,
)
from operations.errors import InvalidInput
from operations.models import ApiClient


class IdentityReference(StrictSerializer):
    """A person by one of their keys."""

    namespace = serializers.ChoiceField(Namespace.choices)
    value = LineField(max_length=254)


class EventIn(StrictSerializer):
    """Something that happened, in the past tense: `product.viewed`."""

    source = SourceCodeField()
    external_id = LineField(max_length=200)
    type = serializers.RegexField(r"\A[a-z0-9_]+(\.[a-z0-9_]+)*\Z", max_length=64)
    occurred_at = InstantField()
    customer = CustomerReference(required=False, allow_null=True)
    identity = IdentityReference(required=False, allow_null=True)
    sales_channel = CodeField(required=False, allow_null=True)
    store = CodeField(required=False, allow_null=True)
    business_unit = CodeField(required=False, allow_null=True)
    sku = LineField(max_length=64, required=False, allow_null=True)
    amount = AmountField(min_value=-MAXIMUM_AMOUNT, required=False, allow_null=True)
    currency = CurrencyField(required=False, allow_null=True)
    payload = ObjectField(required=False, allow_null=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        identity = attrs.get("identity")
        if attrs.get("customer") and identity and identity["namespace"] not in NOBODY_YET:
            raise serializers.ValidationError(
                _("Name the person by customer or by identity; both, when that is a cookie or device.")
            )
        if attrs.get("amount") is not None and not attrs.get("currency"):
            raise serializers.ValidationError({"currency": _("An amount needs its currency.")})
        return attrs


class EventOut(TimelineEventOut):
    """An event as it was recorded."""

    customer = serializers.UUIDField(source="customer.public_id", default=None, allow_null=True)

    class Meta(TimelineEventOut.Meta):
        fields = [*TimelineEventOut.Meta.fields, "customer", "received_at"]


def _set_aside(item: Any, error: InvalidInput) -> None:
    """Keep what was sent as an event and could not be read, with the first reason."""
    if item is None:
        return
    code = item.get("source") if isinstance(item, dict) else None
    source = Source.objects.filter(code=code).first() if isinstance(code, str) else None
    services.quarantine_event(item, reason=reason_of(error), source=source)


def read_event(content: Any) -> dict[str, Any]:
    """Return what was sent as an event as the item that the intake takes. Raises InvalidInput."""
    given = EventIn(data=content)
    if given.is_valid():
        return given.validated_data
    raise InvalidInput(details=list(mistakes(given.errors)))


def _show(event: Event, client: ApiClient) -> dict[str, Any]:
    """Return an event; whose product told it is nothing to a partner who does not know them."""
    event = Event.objects.timeline().select_related("customer").get(pk=event.pk)
    owner = Customer.objects.filter(pk=event.customer_id)
    if client.partner_source and not reachable(client, owner).exists():
        event.customer = None
    return EventOut(event).data


def _intake(client: ApiClient) -> BulkWrite:
    return BulkWrite(
        admit=admit,
        item=EventIn,
        write=lambda items: services.record_external_events(items, at=timezone.now()),
        show=lambda event: _show(event, client),
        reject=_set_aside,
    )


class EventsView(APIView):
    """Take what happened; what cannot be understood is set aside, never lost."""

    required_scope = "events:write"
    open_to_partners = True

    @bulk_schema(EventIn, EventOut, operation_id="events_create")
    def post(self, request: Request) -> HttpResponse:
        return _intake(request.auth).respond(request)
