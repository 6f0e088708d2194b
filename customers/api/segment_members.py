"""Who is in a segment: the members, their history, what two segments share, and decisions by hand."""

from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from customers import services
from customers.api.references import CustomerReference
from customers.api.segments import segment_under
from customers.models import SegmentMembership, SegmentOverride
from customers.segments.history import LONGEST_HISTORY, days_of
from operations.api.idempotency import respond_once
from operations.api.serializers import LineField, StrictSerializer
from operations.errors import InvalidInput

DECISIONS = [*SegmentOverride.Kind.values, "NONE"]


class MemberOut(serializers.ModelSerializer):
    customer = serializers.UUIDField(source="customer.public_id")

    class Meta:
        model = SegmentMembership
        fields = ["customer", "entered_at", "entered_because"]


class DayOut(serializers.Serializer):
    """One local day: who entered, who left, and how many were in the segment at its end."""

    day = serializers.DateField(source="on")
    entered = serializers.IntegerField()
    left = serializers.IntegerField()
    size = serializers.IntegerField()


class HistoryOut(serializers.Serializer):
    data = DayOut(many=True)
    next = serializers.CharField(allow_null=True)


class OverlapOut(serializers.Serializer):
    """How many customers two segments share; `share` is the part of all of them that is in both."""

    segment = serializers.CharField()
    other = serializers.CharField()
    size = serializers.IntegerField(source="overlap.first")
    other_size = serializers.IntegerField(source="overlap.second")
    both = serializers.IntegerField(source="overlap.both")
    only = serializers.IntegerField(source="overlap.first_only")
    other_only = serializers.IntegerField(source="overlap.second_only")
    share = serializers.FloatField(source="overlap.share", allow_null=True)


class DecisionIn(StrictSerializer):
    """INCLUDE puts a customer in for good, EXCLUDE keeps them out; NONE lets the rules decide again."""

    customer = CustomerReference()
    decision = serializers.ChoiceField(choices=DECISIONS)
    reason = LineField(max_length=300, required=False, allow_blank=True)


class DecisionOut(serializers.Serializer):
    segment = serializers.CharField()
    customer = serializers.UUIDField()
    decision = serializers.CharField()
    member = serializers.BooleanField()


class SegmentMembers(generics.ListAPIView):
    """Who is in a segment now, and why."""

    required_scope = "segments:read"
    serializer_class = MemberOut
    queryset = SegmentMembership.objects.current()

    def get_queryset(self):
        members = super().get_queryset().select_related("customer")
        return members.filter(segment=segment_under(self.kwargs["reference"]))


class SegmentHistory(APIView):
    """How a segment grew and shrank over the last days, the oldest first."""

    required_scope = "segments:read"

    @extend_schema(
        parameters=[OpenApiParameter("days", int, description=f"1 to {LONGEST_HISTORY}; default 60.")],
        responses=HistoryOut,
    )
    def get(self, request: Request, reference: str) -> Response:
        days = _whole(request.query_params.get("days", "60"), LONGEST_HISTORY)
        history = days_of(segment_under(reference), today=timezone.localdate(), days=days)
        return Response(HistoryOut({"data": history, "next": None}).data)


class SegmentOverlapView(APIView):
    """What two segments share."""

    required_scope = "segments:read"

    @extend_schema(
        parameters=[OpenApiParameter("with", str, required=True, description="Code of the other segment.")],
        responses=OverlapOut,
    )
    def get(self, request: Request, reference: str) -> Response:
        if "with" not in request.query_params:
            raise InvalidInput.at("/with", "Name the other segment by its code.")
        first, second = segment_under(reference), segment_under(request.query_params["with"])
        body = {"segment": first.code, "other": second.code, "overlap": services.overlap_of(first, second)}
        return Response(OverlapOut(body).data)


class SegmentDecision(APIView):
    """Decide by hand whether a customer is in a segment; no refresh changes that."""

    required_scope = "segments:write"

    @extend_schema(request=DecisionIn, responses=DecisionOut)
    def post(self, request: Request, reference: str) -> HttpResponse:
        def work() -> tuple[int, dict]:
            given = DecisionIn(data=request.data)
            given.is_valid(raise_exception=True)
            segment, values = segment_under(reference), given.validated_data
            customer = services.find_customer(dict(values["customer"]))
            now, reason = timezone.now(), values.get("reason", "")
            if values["decision"] == SegmentOverride.Kind.INCLUDE:
                services.include_customer(segment, customer, at=now, reason=reason)
            elif values["decision"] == SegmentOverride.Kind.EXCLUDE:
                services.exclude_customer(segment, customer, at=now, reason=reason)
            else:
                services.forget_decision(segment, customer, at=now)
            member = SegmentMembership.objects.current().filter(segment=segment, customer=customer).exists()
            body = {"segment": segment.code, "customer": customer.public_id}
            return 200, DecisionOut(body | {"decision": values["decision"], "member": member}).data

        return respond_once(request, work)


def _whole(text: str, most: int) -> int:
    if not (text.isascii() and text.isdigit()) or not 1 <= int(text[:9]) <= most:
        raise InvalidInput.at("/days", f"A whole number from 1 to {most}.")
    return int(text)
