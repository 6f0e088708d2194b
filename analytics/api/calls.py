"""What the calls of every topic share: scopes, the query of a call over time, reading a body."""

from datetime import date
from typing import Any

from django.core.validators import MaxValueValidator, MinValueValidator
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers

READ, RUN = "analytics:read", "analytics:run"
FROM_TO = [
    OpenApiParameter(name, OpenApiTypes.DATE, required=True, description="A day, included.")
    for name in ("from", "to")
]
# Days outside of these are typing mistakes, and calendars end.
CALENDAR = [MinValueValidator(date(1970, 1, 1)), MaxValueValidator(date(2199, 12, 31))]


class PeriodIn(serializers.Serializer):
    """The query of a call over time: `from` and `to` are days, both included."""

    to = serializers.DateField(validators=CALENDAR)

    def get_fields(self) -> dict[str, serializers.Field]:
        return {"from": serializers.DateField(validators=CALENDAR, source="start")} | super().get_fields()


def validated(serializer: serializers.Serializer) -> dict[str, Any]:
    """Return what a call sent, checked. Raises ValidationError."""
    serializer.is_valid(raise_exception=True)
    return serializer.validated_data
