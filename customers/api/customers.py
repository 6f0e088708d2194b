"""Customers over the API: upserts, look-ups, timelines."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from customers import services
from customers.api.consents import ConsentItemIn, ConsentStateOut
from customers.api.fields import CountryField, ObjectField, TimeZoneField
from customers.api.partners import admit, find_reachable, reachable
from customers.api.references import SourceCodeField
from customers.api.told import CONCLUSIONS, StatsOut, as_told
from customers.models import Customer, Event, Identity, Namespace
from customers.panels import customer_details
from customers.survivorship import GOLDEN_FIELDS
from customers.timeline import Position, timeline_page
from operations.api.bulk import BulkWrite, bulk_schema
from operations.api.readers import line_reader, reads
from operations.api.serializers import LineField, StrictSerializer
from operations.errors import InvalidInput
from operations.models import ApiClient


class OptionalText(LineField):
    """A text that may be cleared by null or an empty string."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"required": False, "allow_null": True, "allow_blank": True} | kwargs)


reads(OptionalText)(line_reader)


class BirthDateField(serializers.DateField):
    """A day between 1900 and today."""

    default_error_messages = {"range": _("A birth date lies between 1900 and today.")}

    def to_internal_value(self, value: Any):
        day = super().to_internal_value(value)
        if day.year < 1900 or day > timezone.localdate():
            self.fail("range")
        return day


class VisitorIn(StrictSerializer):
    """The browser or device of a person; what it did as an anonymous visitor becomes theirs."""

    namespace = serializers.ChoiceField([Namespace.COOKIE.value, Namespace.DEVICE.value])
    value = LineField(max_length=254)


class CustomerIn(StrictSerializer):
    """What a source knows of a person; a field left out stays as it is, null clears it."""

    source = SourceCodeField()
    source_id = LineField(max_length=128)
    kind = serializers.ChoiceField(Customer.Kind.choices, required=False)
    email = OptionalText(max_length=254)
    phone = OptionalText(max_length=40)
    loyalty_card = OptionalText(max_length=64)
    tax_code = OptionalText(max_length=32)
    first_name = OptionalText(max_length=120)
    last_name = OptionalText(max_length=120)
    birth_date = BirthDateField(required=False, allow_null=True)
    language = serializers.RegexField(
        r"\A[a-z]{2,3}(-[A-Za-z0-9]{2,4})?\Z", required=False, allow_null=True, allow_blank=True
    )
    timezone = TimeZoneField(required=False, allow_null=True, allow_blank=True, source="time_zone")
    country = CountryField(required=False, allow_null=True, allow_blank=True)
    region = OptionalText(max_length=120)
    city = OptionalText(max_length=120)
    postcode = OptionalText(max_length=16)
    street = OptionalText(max_length=200)
    attributes = ObjectField(required=False, allow_null=True)
    verified = serializers.ListField(
        child=serializers.ChoiceField([*GOLDEN_FIELDS, *Namespace.values[:4]]),
        required=False,
        max_length=len(GOLDEN_FIELDS) + 4,
        help_text="Fields that the source has checked with a document or the person; believed first.",
    )
    visitor = VisitorIn(required=False, allow_null=True)
    consents = ConsentItemIn(many=True, required=False, max_length=50)


class IdentityOut(serializers.ModelSerializer):
    verified = serializers.SerializerMethodField()

    class Meta:
        model = Identity
        fields = ["namespace", "value", "verified"]

    def get_verified(self, identity: Identity) -> bool:
        return identity.verified_at is not None


class CustomerSummaryOut(serializers.ModelSerializer):
    """A customer without what other apps add."""

    id = serializers.UUIDField(source="public_id")
    timezone = serializers.CharField(source="time_zone")
    country = CountryField()
    attributes = ObjectField()
    identities = IdentityOut(many=True)
    consents = ConsentStateOut(many=True)
    stats = serializers.SerializerMethodField()
    merged_from = serializers.ListField(
        child=serializers.CharField(), source="merged_ids", help_text="Ids that lead here since a merge."
    )

    class Meta:
        model = Customer
        fields = [
            "id", "status", "kind", "first_name", "last_name", "birth_date", "language", "timezone",
            "country", "region", "city", "postcode", "street", "attributes", "identities", "consents",
            "stats", "merged_from", "created_at",
        ]  # fmt: skip

    @extend_schema_field(StatsOut)
    def get_stats(self, customer: Customer) -> dict[str, Any]:
        return StatsOut(customer.lifetime[0] if customer.lifetime else {}).data


class RfmOut(serializers.Serializer):
    r = serializers.IntegerField()
    f = serializers.IntegerField()
    m = serializers.IntegerField()
    sum = serializers.IntegerField()
    segment = serializers.CharField(allow_null=True)


class CustomerOut(CustomerSummaryOut):
    """A customer with everything every app knows."""

    tier = serializers.CharField(allow_null=True)
    points = serializers.IntegerField()
    segments = serializers.ListField(child=serializers.CharField())
    rfm = serializers.DictField(child=RfmOut())

    class Meta(CustomerSummaryOut.Meta):
        fields = [*CustomerSummaryOut.Meta.fields, "tier", "points", "segments", "rfm"]


def show_customer(customer: Customer, client: ApiClient) -> dict[str, Any]:
    """Return a customer as `GET /customers/{id}` answers this client."""
    whole = Customer.objects.with_summary().get(pk=customer.pk)
    (shown,) = as_told(client, [CustomerSummaryOut(whole).data | CONCLUSIONS | customer_details(whole)])
    return shown


def _upserts(client: ApiClient) -> BulkWrite:
    return BulkWrite(
        admit=admit,
        item=CustomerIn,
        write=lambda items: services.upsert_customers(items, at=timezone.now()),
        show=lambda customer: show_customer(customer, client),
        identify=lambda customer: str(customer.public_id),
    )


class CustomersView(generics.ListAPIView):
    """The customers, newest first; and what sources know of people."""

    required_scope = {"GET": "customers:read", "POST": "customers:write"}
    open_to_partners = True
    serializer_class = CustomerSummaryOut

    def get_queryset(self) -> QuerySet[Customer]:
        return reachable(self.request.auth, Customer.objects.present()).with_summary()

    @bulk_schema(CustomerIn, CustomerOut, operation_id="customers_create")
    def post(self, request: Request) -> HttpResponse:
        return _upserts(request.auth).respond(request)

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        page = CustomerSummaryOut(self.paginate_queryset(self.get_queryset()), many=True).data
        return self.get_paginated_response(as_told(request.auth, page))


class CustomerView(APIView):
    """One customer; the id of somebody merged answers the survivor, of somebody erased 410."""

    required_scope = "customers:read"
    open_to_partners = True

    @extend_schema(responses=CustomerOut, operation_id="customers_retrieve")
    def get(self, request: Request, public_id: str) -> Response:
        return Response(show_customer(find_reachable(request.auth, {"id": public_id}), request.auth))


class SearchIn(StrictSerializer):
    """One key; `country` is where a phone number without prefix is dialled."""

    email = LineField(max_length=254, required=False)
    phone = LineField(max_length=40, required=False)
    loyalty_card = LineField(max_length=64, required=False)
    tax_code = LineField(max_length=32, required=False)
    source = SourceCodeField(required=False)
    source_id = LineField(max_length=128, required=False)
    country = CountryField(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        keys = set(attrs) - {"country"}
        if keys != {"source", "source_id"} and (len(keys) != 1 or keys & {"source", "source_id"}):
            raise serializers.ValidationError(
                _("Search by email, phone, loyalty_card, tax_code, or source with source_id.")
            )
        return attrs


class CustomerListOut(serializers.Serializer):
    data = CustomerSummaryOut(many=True)
    next = serializers.CharField(allow_null=True)


class CustomerSearchView(APIView):
    """Customers by a key that is personal data, and so has no place in an address."""

    required_scope = "customers:read"
    open_to_partners = True

    @extend_schema(request=SearchIn, responses=CustomerListOut, operation_id="customers_search")
    def post(self, request: Request) -> Response:
        searched = SearchIn(data=request.data)
        searched.is_valid(raise_exception=True)
        found = reachable(request.auth, services.search_customers(**searched.validated_data))
        shown = CustomerSummaryOut(found.with_summary(), many=True).data
        return Response({"data": as_told(request.auth, shown), "next": None})


class TimelineEventOut(serializers.ModelSerializer):
    """One thing that happened to a customer."""

    id = serializers.CharField()
    source = serializers.CharField(source="source.code")
    sales_channel = serializers.CharField(source="sales_channel.code", default=None, allow_null=True)
    store = serializers.CharField(source="store.code", default=None, allow_null=True)
    business_unit = serializers.CharField(source="business_unit.code", default=None, allow_null=True)
    sku = serializers.CharField(source="product.sku", default=None, allow_null=True)
    payload = ObjectField()

    class Meta:
        model = Event
        fields = [
            "id", "type", "occurred_at", "source", "external_id", "sales_channel", "store", "business_unit",
            "sku", "amount", "currency", "payload",
        ]  # fmt: skip


class TimelineOut(serializers.Serializer):
    data = TimelineEventOut(many=True)
    next = serializers.CharField(allow_null=True, help_text="The `before` of the next page.")


class TimelineView(APIView):
    """What happened to a customer, newest first."""

    required_scope = "customers:read"
    open_to_partners = True

    @extend_schema(
        responses=TimelineOut,
        operation_id="customers_timeline",
        parameters=[
            OpenApiParameter(
                "kind", OpenApiTypes.STR, description="A type (order.recorded) or family (order)."
            ),
            OpenApiParameter("before", OpenApiTypes.STR, description="An instant, or `next` of a page."),
            OpenApiParameter("limit", OpenApiTypes.INT, description="1 to 500, 100 by default."),
        ],
    )
    def get(self, request: Request, public_id: str) -> Response:
        customer = find_reachable(request.auth, {"id": public_id})
        own = request.auth.partner_source
        page = timeline_page(
            customer,
            among=customer.events.filter(source__code=own) if own else None,
            kind=request.query_params.get("kind", ""),
            before=_position(request.query_params.get("before")),
            limit=_limit(request.query_params.get("limit", "100")),
        )
        following = str(page.next) if page.next else None
        return Response({"data": TimelineEventOut(page.events, many=True).data, "next": following})


def _position(text: str | None) -> Position | None:
    try:
        return Position.parse(text) if text else None
    except ValueError as error:
        raise InvalidInput.at(
            "/before", "before is an instant with its offset, or `next` of a page."
        ) from error


def _limit(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 500):
        raise InvalidInput.at("/limit", "limit is a whole number from 1 to 500.")
    return int(text)
