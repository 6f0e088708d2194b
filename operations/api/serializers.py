"""What every serializer of the API is made of: input that refuses what it does not know, and errors."""

import unicodedata
from datetime import UTC, datetime
from typing import Any

from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from operations.amounts import MAXIMUM_AMOUNT
from operations.models import JobRun

EARLIEST, LATEST = datetime(1900, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


class StrictSerializer(serializers.Serializer):
    """Base of every `*In`: a field it does not know is an error, so that a typo is never silently ignored."""

    default_error_messages = {"unknown": _("This field is not known.")}

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        unknown = [name for name in data if name not in self.fields] if isinstance(data, dict) else []
        if not unknown:
            return super().to_internal_value(data)
        mistakes = {name: [self.error_messages["unknown"]] for name in unknown}
        try:
            super().to_internal_value(data)
        except serializers.ValidationError as error:
            mistakes = error.detail | mistakes
        raise serializers.ValidationError(mistakes)


class LineField(serializers.CharField):
    """A text of one line: a line break, a tab or another control character is refused."""

    default_error_messages = {"control": _("Control characters are not allowed here.")}

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        if any(unicodedata.category(character) == "Cc" for character in text):
            self.fail("control")
        return text


class AmountField(serializers.IntegerField):
    """Money in minor units; not negative unless `min_value` says so."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"min_value": 0, "max_value": MAXIMUM_AMOUNT} | kwargs)


class CurrencyField(serializers.RegexField):
    """An ISO 4217 code."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(r"\A[A-Z]{3}\Z", **kwargs)


class InstantField(serializers.DateTimeField):
    """An instant of ISO 8601; without an offset it would be ambiguous, so that is refused."""

    default_error_messages = {
        "offset": _("An instant needs an offset, as in 2026-11-21T12:00:00+01:00."),
        "range": _("This instant is too far from today."),
    }

    def to_internal_value(self, value: Any) -> datetime:
        if isinstance(value, str) and _is_without_offset(value):
            self.fail("offset")
        instant = super().to_internal_value(value)
        if not EARLIEST <= instant < LATEST:
            self.fail("range")
        return instant


def _is_without_offset(value: str) -> bool:
    try:
        parsed = parse_datetime(value.strip())
    except ValueError:
        return False
    return parsed is not None and parsed.tzinfo is None


class JobOut(serializers.ModelSerializer):
    """A long job, as `GET /jobs/{id}` answers it."""

    id = serializers.CharField()

    class Meta:
        model = JobRun
        fields = ["id", "kind", "status", "done", "total", "result", "error"]


class MistakeOut(serializers.Serializer):
    pointer = serializers.CharField()
    message = serializers.CharField()


class ProblemOut(serializers.Serializer):
    """How every error is answered."""

    key = serializers.CharField()
    message = serializers.CharField()
    details = MistakeOut(many=True)
    request_id = serializers.CharField()
