"""What rules may name: everything a user interface needs to build one."""

from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from customers.models import Season
from customers.segments.catalogue import Field, catalogue, listed_fields
from customers.segments.event_values import COMPARISONS, MODES, MOST_STEPS
from customers.segments.rules import DEEPEST, MOST_LEAVES
from customers.segments.seasons import Which
from customers.segments.values import MOST_VALUES


class FieldOut(serializers.Serializer):
    """A field that rules may name; `where` are the fields of an event's own conditions.

    `functions` are the figures that an event's `aggregate` can ask of this where-field. A field whose code
    can be written freely has a `*` in `pattern`; `parameter` says what stands for it.
    """

    field = serializers.CharField()
    label = serializers.CharField()
    kind = serializers.CharField()
    group = serializers.CharField()
    operators = serializers.ListField(child=serializers.CharField())
    functions = serializers.ListField(child=serializers.CharField())
    choices = serializers.DictField(child=serializers.CharField(), allow_null=True)
    unit = serializers.CharField()
    minimum = serializers.IntegerField(allow_null=True)
    maximum = serializers.IntegerField(allow_null=True)
    pattern = serializers.CharField(allow_null=True)
    parameter = serializers.CharField()
    where = serializers.ListField(child=serializers.DictField())


class SegmentFieldsOut(serializers.Serializer):
    """The fields, and what the values of events are made of."""

    data = FieldOut(many=True)
    next = serializers.CharField(allow_null=True)
    parameters = serializers.DictField()


class SegmentFieldList(APIView):
    """The fields that rules may name, with their operators, choices and limits."""

    required_scope = "segments:read"

    @extend_schema(responses=SegmentFieldsOut, operation_id="segment_fields_list")
    def get(self, request: Request) -> Response:
        fields = listed_fields(catalogue())
        data = [field_body(code, field) for code, field in fields]
        return Response({"data": data, "next": None, "parameters": parameters()})


def field_body(code: str, field: Field) -> dict[str, Any]:
    """Return a field as the API answers it, under one of the codes it can be written with."""
    choices = field.choices() if field.choices else None
    free = "*" in field.code and not field.closed
    return {
        "field": code,
        "label": field.label_of(code) if "*" not in code else str(field.label),
        "kind": field.kind.value,
        "group": str(field.group),
        "operators": list(field.operators),
        "functions": list(field.functions),
        "choices": choices and {value: str(label) for value, label in choices.items()},
        "unit": field.unit,
        "minimum": field.minimum,
        "maximum": field.maximum,
        "pattern": field.code if free else None,
        "parameter": str(field.parameter),
        "where": [field_body(own.code, own) for own in field.where.values()],
    }


def parameters() -> dict[str, Any]:
    """Return what the values of events are made of, each with its name, and how large a tree may be."""
    return {
        "modes": list(MODES),
        "comparisons": list(COMPARISONS),
        "functions": {
            "sum": _("Sum"),
            "avg": _("Average"),
            "max": _("Highest"),
            "min": _("Lowest"),
            "distinct": _("Number of different values"),
        },
        "windows": {
            "last_days": _("In the last days"),
            "days_ago": _("Between days ago"),
            "from_until": _("Between two dates"),
            "season": _("In a season"),
            "since_event": _("Since another event"),
        },
        "seasons": {season.code: season.name for season in Season.objects.all()},
        "season": {
            Which.CURRENT: _("The current one"),
            Which.PREVIOUS: _("The one before"),
            Which.PREVIOUS_SAME: _("The same one a year ago"),
        },
        "within": ["days", "hours"],
        "limits": {
            "depth": DEEPEST,
            "leaves": MOST_LEAVES,
            "values": MOST_VALUES,
            "steps": MOST_STEPS,
        },
    }
