"""Segments over the API: previews, definitions, refreshes, and why somebody is in one."""

from datetime import date, datetime
from typing import Any

from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from customers import services
from customers.errors import SegmentNotFound
from customers.models import Segment
from customers.segments.dependencies import segments_named_by, segments_naming
from customers.segments.moments import Moment
from customers.services.segments import SegmentPreview
from operations.api.idempotency import respond_once
from operations.api.serializers import LineField, StrictSerializer
from operations.errors import InvalidInput
from operations.instants import YEARS, parse_instant


@extend_schema_field(OpenApiTypes.STR)
class AsOfField(serializers.Field):
    """An instant with its offset, or a whole local day."""

    default_error_messages = {"invalid": "as_of is 2026-11-21T12:00:00+01:00 or 2026-11-21."}

    def to_internal_value(self, data: Any) -> date | datetime:
        try:
            as_of = parse_instant(data) if "T" in data else date.fromisoformat(data)
        except (TypeError, ValueError):
            self.fail("invalid")
        if as_of.year not in YEARS:
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
    refresh = serializers.ChoiceField(choices=Segment.Refresh.choices, required=False)


class SegmentChangeIn(StrictSerializer):
    """What is absent stays as it is; with `announce`, campaigns hear of who enters through new rules."""

    name = LineField(max_length=120, required=False)
    description = serializers.CharField(max_length=300, required=False, allow_blank=True)
    rules = RulesField(required=False)
    active = serializers.BooleanField(required=False)
    refresh = serializers.ChoiceField(choices=Segment.Refresh.choices, required=False)
    announce = serializers.BooleanField(required=False)


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
            "refresh",
            "size",
            "refreshed_at",
            "problem",
        ]


class SegmentWithNeighboursOut(SegmentOut):
    """A segment with the segments its rules name, and those whose rules name it."""

    depends_on = serializers.SerializerMethodField()
    used_by = serializers.SerializerMethodField()

    class Meta(SegmentOut.Meta):
        fields = [*SegmentOut.Meta.fields, "depends_on", "used_by"]

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_depends_on(self, segment: Segment) -> list[str]:
        return [one.code for one in segments_named_by(segment)]

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_used_by(self, segment: Segment) -> list[str]:
        return [one.code for one in segments_naming(segment)]


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


class ExplanationOut(serializers.Serializer):
    """The rule tree, each rule with `met` and each condition with its `actual` value."""

    segment = serializers.CharField()
    member = serializers.BooleanField()
    entered_at = serializers.DateTimeField(allow_null=True)
    decision = serializers.CharField(help_text="INCLUDE or EXCLUDE by hand; empty: the rules decide.")
    decision_reason = serializers.CharField()
    combinator = serializers.CharField()
    met = serializers.BooleanField()
    rules = serializers.ListField(child=serializers.DictField())


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
    """One segment, by its code or id; PATCH changes what it names, new rules wait for the next refresh."""

    required_scope = {"GET": "segments:read", "PATCH": "segments:write"}
    serializer_class = SegmentWithNeighboursOut
    queryset = Segment.objects.all()
    lookup_url_kwarg = "reference"

    def get_object(self) -> Segment:
        return segment_under(self.kwargs["reference"])

    @extend_schema(request=SegmentChangeIn, responses=SegmentOut)
    def patch(self, request: Request, reference: str) -> HttpResponse:
        def work() -> tuple[int, Any]:
            given = SegmentChangeIn(data=request.data)
            given.is_valid(raise_exception=True)
            segment = services.edit_segment(segment_under(reference), **given.validated_data)
            return 200, SegmentOut(segment).data

        return respond_once(request, work)


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
