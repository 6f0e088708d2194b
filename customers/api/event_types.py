"""What kinds of events are taken, with the schema of each."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from customers.api.fields import ObjectField
from customers.event_types import TYPES, EventType


class EventTypeOut(serializers.Serializer):
    """A kind of event: `family.*` is any other type of its family."""

    type = serializers.CharField(source="code")
    description = serializers.CharField()
    told_by_sources = serializers.BooleanField(
        help_text="False: for Fidelio to tell. A source may report its own, for the timeline only."
    )
    uses = serializers.ListField(
        child=serializers.CharField(), help_text="Fields of the event that say most, beside the payload."
    )
    schema = ObjectField(help_text="The JSON schema of the payload; fields of your own may be added.")
    example = serializers.SerializerMethodField()

    def get_example(self, kind: EventType) -> dict[str, Any]:
        return dict(kind.example)


class EventTypesOut(serializers.Serializer):
    data = EventTypeOut(many=True)
    next = serializers.CharField(allow_null=True, help_text="Always null: there is one page.")


class EventTypesView(APIView):
    """The kinds of events that POST /events takes; anything else goes to quarantine."""

    required_scope = "events:write"

    @extend_schema(responses=EventTypesOut, operation_id="event_types_list")
    def get(self, request: Request) -> Response:
        return Response(EventTypesOut({"data": TYPES, "next": None}).data)
