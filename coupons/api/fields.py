"""Fields that several calls share."""

from typing import Any

from babel import Locale
from django.utils.translation import gettext_lazy as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from coupons.errors import CouponNotFound
from coupons.models import Promotion
from customers.models import Channel
from operations.api.readers import NotPlain, Reader, reads, regex_reader
from operations.api.serializers import CurrencyField

CURRENCIES = frozenset(Locale("en").currencies)


@extend_schema_field(OpenApiTypes.OBJECT)
class DefinitionField(serializers.JSONField):
    """A part of a promotion's definition that is an object; the service checks what is in it (api.md)."""

    default_error_messages = {"no_object": _("This is not an object.")}

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if not isinstance(data, dict):
            self.fail("no_object")
        return super().to_internal_value(data)


@extend_schema_field({"type": "array", "items": {"type": "object", "additionalProperties": {}}})
class DefinitionsField(serializers.JSONField):
    """A part of a promotion's definition that is a list; the service checks what is in it."""

    default_error_messages = {"no_list": _("This is not a list.")}

    def to_internal_value(self, data: Any) -> list[Any]:
        if not isinstance(data, list):
            self.fail("no_list")
        return super().to_internal_value(data)


class KnownCurrencyField(CurrencyField):
    """An ISO 4217 code that exists: amounts are in its minor unit."""

    default_error_messages = {"unknown_currency": _("There is no such currency.")}

    def to_internal_value(self, data: Any) -> str:
        code = super().to_internal_value(data)
        if code not in CURRENCIES:
            self.fail("unknown_currency")
        return code


@reads(KnownCurrencyField)
def _currency(field: KnownCurrencyField) -> Reader:
    read_text = regex_reader(field)

    def read(data: Any) -> str:
        code = read_text(data)
        if code not in CURRENCIES:
            raise NotPlain
        return code

    return read


# Through what codes reach people; the rest is known and has no way of its own yet.
DELIVERED_BY = [Channel.EMAIL, Channel.SMS, Channel.PUSH]
LATER_CHANNELS = (Channel.POST.value, Channel.PHONE.value)


class LaterChoiceField(serializers.ChoiceField):
    """A choice of which some values are known and not supported yet; those are refused in so many words."""

    default_error_messages = {"later": _("{input} is not supported yet.")}

    def __init__(self, choices: Any, *, later: tuple[str, ...] = (), **kwargs: Any) -> None:
        self.later = later
        super().__init__(choices, **kwargs)

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, str) and data in self.later:
            self.fail("later", input=data)
        return super().to_internal_value(data)


def find_promotion(reference: str) -> Promotion:
    """Return the promotion under an id or a code. Raises CouponNotFound (404)."""
    promotion = Promotion.objects.by_reference(reference).first()
    if promotion is None:
        raise CouponNotFound(str(_("There is no promotion under this id or code.")))
    return promotion
