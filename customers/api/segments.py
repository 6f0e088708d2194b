"""Segments over the API: the catalogue of fields, previews, definitions, refreshes, members, and why."""

from datetime import date, datetime
from typing import Any

from django.http import HttpResponse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from customers import services
from customers.errors import SegmentNotFound
from customers.models import Segment, SegmentMembership
from customers.segments.catalogue import Field, catalogue, listed_fields
from customers.segments.moments import Moment
from customers.services.segments import SegmentPreview
from operations.api.idempotency import respond_once
from operations.api.serializers import LineField, StrictSerializer
from operations.errors import InvalidInput


@extend_schema_field(OpenApiTypes.STR)
class AsOfField(serializers.Field):
    """An instant with its offset, or a whole local day."""

    default_error_messages = {"invalid": "as_of is 2026-11-21T12:00:00+01:00 or 2026-11-21."}

    def to_internal_value(self, data: Any) -> date | datetime:
        try:
            as_of = parse_datetime(data) if "T" in data else date.fromisoformat(data)
        except (TypeError, ValueError):
            self.fail("invalid")
        if as_of is None or not 1900 <= as_of.year <= 2999:
            self.fail("invalid")
        if isinstance(as_of, datetime) and as_of.tzinfo is None:
            self.fail("invalid")
        return as_of

    def to_representation(self, value: date | datetime) -> str:
        return value.isoformat()


@extend_schema_field(OpenApiTypes.OBJECT)
class RulesField(serializers.JSONField):
    """A react-querybuilder tree; the service checks it."""


class SegmentIn(StrictSerializer):
    code = serializers.RegexField(r"\A[A-Za-z0-9_-]{1,120}\Z")
    name = LineField(max_length=120)
    description = serializers.CharField(max_length=300, required=False, allow_blank=True)
    rules = RulesField()


class PreviewIn(StrictSerializer):
    rules = RulesField()
    as_of = AsOfField(required=False)


class RefreshIn(StrictSerializer):
    as_of = AsOfField(required=False)


class SegmentOut(serializers.ModelSerializer):
    id = serializers.CharField()
    rules = RulesField()

    class Meta:
        model = Segment
        fields = [
            "id",
            "code",
            "name",
            "description",
            "kind",
            "rules",
            "version",
            "active",
            "size",
            "refreshed_at",
        ]


class SegmentChangeOut(serializers.Serializer):
    entered = serializers.IntegerField()
    left = serializers.IntegerField()
    size = serializers.IntegerField()


class ReachableOut(serializers.Serializer):
    email = serializers.IntegerField()
    sms = serializers.IntegerField()
    push = serializers.IntegerField()
    post = serializers.IntegerField()
    phone = serializers.IntegerField()


class UnreachableOut(serializers.Serializer):
    no_consent = serializers.IntegerField()
    suppressed = serializers.IntegerField()


class PreviewOut(serializers.Serializer):
    """`unreachable` says for each channel why the rest of `count` cannot be written to."""

    count = serializers.IntegerField()
    reachable = ReachableOut()
    unreachable = serializers.DictField(child=UnreachableOut())
    sample = serializers.ListField(child=serializers.CharField())


class MemberOut(serializers.ModelSerializer):
    customer = serializers.UUIDField(source="customer.public_id")

    class Meta:
        model = SegmentMembership
        fields = ["customer", "entered_at"]


class FieldOut(serializers.Serializer):
    """A field that rules may name; `where` are the fields of an event's own conditions."""

    field = serializers.CharField()
    label = serializers.CharField()
    kind = serializers.CharField()
    operators = serializers.ListField(child=serializers.CharField())
    choices = serializers.DictField(child=serializers.CharField(), allow_null=True)
    where = serializers.ListField(child=serializers.DictField())


class ExplanationOut(serializers.Serializer):
    """The rule tree, each rule with `met` and each condition with its `actual` value."""

    segment = serializers.CharField()
    member = serializers.BooleanField()
    entered_at = serializers.DateTimeField(allow_null=True)
    combinator = serializers.CharField()
    met = serializers.BooleanField()
    rules = serializers.ListField(child=serializers.DictField())


class SegmentFieldList(APIView):
    """The fields that rules may name, with their operators and choices."""

    required_scope = "segments:read"

    @extend_schema(responses=FieldOut(many=True), operation_id="segment_fields_list")
    def get(self, request: Request) -> Response:
        fields = listed_fields(catalogue())
        return Response({"data": [_field(code, field) for code, field in fields], "next": None})


def _field(code: str, field: Field) -> dict[str, Any]:
    choices = field.choices() if field.choices else None
    return {
        "field": code,
        "label": field.label_of(code),
        "kind": field.kind.value,
        "operators": list(field.operators),
        "choices": choices and {value: str(label) for value, label in choices.items()},
        "where": [_field(own.code, own) for own in field.where.values()],
    }


class PreviewView(APIView):
    """Whom rules would hold: counted exactly, nothing written."""

    required_scope = "segments:read"

    @extend_schema(request=PreviewIn, responses=PreviewOut)
    def post(self, request: Request) -> Response:
        given = PreviewIn(data=request.data)
        given.is_valid(raise_exception=True)
        as_of = given.validated_data.get("as_of") or timezone.now()
        return Response(preview_body(services.preview_segment(given.validated_data["rules"], as_of=as_of)))


def preview_body(preview: SegmentPreview) -> dict[str, Any]:
    """Return a preview as the API answers it."""
    reach = preview.reachability
    return {
        "count": preview.count,
        "reachable": {channel: found.reachable for channel, found in reach.items()},
        "unreachable": {
            channel: {"no_consent": found.no_consent, "suppressed": found.suppressed}
            for channel, found in reach.items()
        },
        "sample": [str(customer.public_id) for customer in preview.sample],
    }


class SegmentList(generics.ListAPIView):
    """The segments there are; POST defines one by its rules (empty until it is refreshed)."""

    required_scope = {"GET": "segments:read", "POST": "segments:write"}
    queryset = Segment.objects.all()
    serializer_class = SegmentOut

    @extend_schema(request=SegmentIn, responses={201: SegmentOut})
    def post(self, request: Request) -> HttpResponse:
        def work() -> tuple[int, Any]:
            given = SegmentIn(data=request.data)
            given.is_valid(raise_exception=True)
            return 201, SegmentOut(services.create_segment(**given.validated_data)).data

        return respond_once(request, work)


class SegmentDetail(generics.RetrieveAPIView):
    """One segment, by its code or id."""

    required_scope = "segments:read"
    serializer_class = SegmentOut
    queryset = Segment.objects.all()
    lookup_url_kwarg = "reference"

    def get_object(self) -> Segment:
        return segment_under(self.kwargs["reference"])


class SegmentRefresh(APIView):
    """Bring a segment's members up to date."""

    required_scope = "segments:write"

    @extend_schema(request=RefreshIn, responses=SegmentChangeOut)
    def post(self, request: Request, reference: str) -> HttpResponse:
        def work() -> tuple[int, Any]:
            given = RefreshIn(data=request.data or {})
            given.is_valid(raise_exception=True)
            now = timezone.now()
            as_of = given.validated_data.get("as_of") or now
            # Looking back, people entered and left when the past says so; nobody enters in the future.
            at = min(Moment.of(as_of).last_instant, now)
            change = services.refresh_segment(segment_under(reference), at=at, as_of=as_of)
            return 200, SegmentChangeOut(change).data

        return respond_once(request, work)


class SegmentMembers(generics.ListAPIView):
    """Who is in a segment now."""

    required_scope = "segments:read"
    serializer_class = MemberOut
    queryset = SegmentMembership.objects.current()

    def get_queryset(self) -> Any:
        members = super().get_queryset().select_related("customer")
        return members.filter(segment=segment_under(self.kwargs["reference"]))


class CustomerExplanation(APIView):
    """Why a customer is in a segment, or is not."""

    required_scope = "segments:read"

    @extend_schema(
        parameters=[
            OpenApiParameter("segment", str, required=True, description="Code of the segment."),
            OpenApiParameter("as_of", str, description="An instant, or a whole local day; default now."),
        ],
        responses=ExplanationOut,
    )
    def get(self, request: Request, public_id: str) -> Response:
        customer = services.find_customer({"id": str(public_id)})
        if "segment" not in request.query_params:
            raise InvalidInput.at("/segment", "Name a segment by its code.")
        segment = segment_under(request.query_params["segment"])
        as_of = timezone.now()
        if "as_of" in request.query_params:
            as_of = AsOfField().run_validation(request.query_params["as_of"])
        return Response(services.explain_membership(segment, customer, as_of=as_of))


def segment_under(reference: str) -> Segment:
    """Return the segment under a code, or under an id. Raises SegmentNotFound."""
    segment = Segment.objects.filter(code=reference).first()
    if segment is None and reference.isascii() and reference.isdigit() and len(reference) < 19:
        segment = Segment.objects.filter(pk=int(reference)).first()
    if segment is None:
        raise SegmentNotFound
    return segment
