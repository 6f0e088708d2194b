"""Segment maps over the API."""

from typing import Any

from django.core.validators import RegexValidator
from django.db.models import QuerySet
from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.generics import ListAPIView, RetrieveAPIView
from rest_framework.request import Request

from analytics import services
from analytics.api.calls import READ, RUN, validated
from analytics.models import RfmMapSegment, RfmSegmentMap
from analytics.services.segment_maps import SegmentDraft
from operations.api.idempotency import respond_once
from operations.api.serializers import ProblemOut, StrictSerializer
from operations.errors import NotFound

CODE = RegexValidator(
    r"^(?=.*[a-z])[a-z0-9]+(-[a-z0-9]+)*$",
    "Lower-case letters, digits and single hyphens, with at least one letter.",
)


class MapSegmentIn(StrictSerializer):
    """A segment of a map and the codes it holds; `code` is made from the name when left out."""

    code = serializers.CharField(max_length=32, required=False, default="")
    name = serializers.CharField(max_length=60)
    colour = serializers.CharField(max_length=7, required=False, default="#64748b")
    advice = serializers.CharField(max_length=300, allow_blank=True, required=False, default="")
    action = serializers.CharField(max_length=120, allow_blank=True, required=False, default="")
    codes = serializers.ListField(child=serializers.CharField(max_length=3), max_length=125)


class SegmentMapIn(StrictSerializer):
    """A map: every code of its kind in one segment, and in one only (111 to 555, or 11 to 55)."""

    code = serializers.CharField(max_length=64, validators=[CODE])
    name = serializers.CharField(max_length=100)
    kind = serializers.ChoiceField(choices=RfmSegmentMap.Kind.choices, default=RfmSegmentMap.Kind.CODES)
    segments = MapSegmentIn(many=True)


class MapSegmentOut(serializers.ModelSerializer):
    class Meta:
        model = RfmMapSegment
        fields = ["code", "name", "colour", "advice", "action", "codes"]


class SegmentMapOut(serializers.ModelSerializer):
    id = serializers.CharField()
    segments = MapSegmentOut(many=True, source="parts")

    class Meta:
        model = RfmSegmentMap
        fields = ["id", "code", "name", "kind", "built_in", "segments", "created_at"]


class SegmentMapsView(ListAPIView):
    """The maps, those that come with the product too; POST writes one down."""

    required_scope = {"GET": READ, "POST": RUN}
    queryset = RfmSegmentMap.objects.prefetch_related("parts")
    serializer_class = SegmentMapOut

    @extend_schema(request=SegmentMapIn, responses={201: SegmentMapOut, 409: ProblemOut, 422: ProblemOut})
    def post(self, request: Request) -> HttpResponse:
        def work() -> tuple[int, Any]:
            values = validated(SegmentMapIn(data=request.data))
            drafts = [SegmentDraft(**segment) for segment in values.pop("segments")]
            return 201, SegmentMapOut(services.create_segment_map(**values, segments=drafts)).data

        return respond_once(request, work)


class SegmentMapView(RetrieveAPIView):
    """One map, by id or code."""

    required_scope = READ
    queryset = RfmSegmentMap.objects.prefetch_related("parts")
    serializer_class = SegmentMapOut

    def get_object(self) -> RfmSegmentMap:
        row = self._found(self.kwargs["reference"]).first()
        if row is None:
            raise NotFound
        return row

    def _found(self, reference: str) -> QuerySet[RfmSegmentMap]:
        if reference.isascii() and reference.isdigit():
            return self.queryset.filter(pk=int(reference)) if len(reference) < 19 else self.queryset.none()
        return self.queryset.filter(code=reference)
