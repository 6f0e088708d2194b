"""How the API names a customer: `{"id"}`, `{"source", "source_id"}`, `{"email"}` or null."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from operations.api.readers import NotPlain, Reader, reads, regex_reader
from operations.api.serializers import LineField, StrictSerializer

SHAPES = [{"id"}, {"source", "source_id"}, {"email"}]


class SourceCodeField(serializers.RegexField):
    """The code of a source; `fidelio` is our own and nobody else's."""

    default_error_messages = {"reserved": _("This source is Fidelio's own.")}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(r"\A[A-Za-z0-9_-]{1,64}\Z", **kwargs)

    def to_internal_value(self, data: Any) -> str:
        code = super().to_internal_value(data)
        if code == "fidelio":
            self.fail("reserved")
        return code


@reads(SourceCodeField)
def _source_code(field: SourceCodeField) -> Reader:
    read_text = regex_reader(field)

    def read(data: Any) -> str:
        code = read_text(data)
        if code == "fidelio":
            raise NotPlain
        return code

    return read


class CustomerReference(StrictSerializer):
    """One customer, by one of the three references; give it to `find_customer` as it is."""

    id = LineField(max_length=64, required=False)
    source = SourceCodeField(required=False)
    source_id = LineField(max_length=128, required=False)
    email = LineField(max_length=254, required=False)

    def validate(self, attrs: dict[str, str]) -> dict[str, str]:
        if set(attrs) not in SHAPES:
            raise serializers.ValidationError(
                _("A customer is {id}, {source, source_id} or {email}, one of them alone.")
            )
        return attrs
