"""Fields that the customers' serializers share."""

import zoneinfo
from decimal import Decimal
from functools import cache
from typing import Any

from django.utils.translation import gettext_lazy as _
from django_countries import countries
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from operations.api.readers import decimal_reader, object_reader, reads, regex_reader


@cache
def _time_zones() -> set[str]:
    """Reading the names from the disk each time would take longer than all the rest of a request."""
    return zoneinfo.available_timezones()


class CodeField(serializers.RegexField):
    """The code of a store, sales channel or business unit."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(r"\A\S(.{0,62}\S)?\Z", **kwargs)


class CountryField(serializers.CharField):
    """ISO 3166, two letters; empty or null for none."""

    default_error_messages = {"unknown": _("This is no country of ISO 3166.")}

    def to_internal_value(self, data: Any) -> str:
        code = super().to_internal_value(data).upper()
        if code and code not in countries:
            self.fail("unknown")
        return code

    def to_representation(self, value: Any) -> str:
        return str(value.code if hasattr(value, "code") else value)


class TimeZoneField(serializers.CharField):
    """A name of the IANA database, such as Europe/Rome."""

    default_error_messages = {"unknown": _("This is no time zone of the IANA database.")}

    def to_internal_value(self, data: Any) -> str:
        name = super().to_internal_value(data)
        if name and name not in _time_zones():
            self.fail("unknown")
        return name


class PercentField(serializers.DecimalField):
    """A rate in percent, as a string: "22"."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"max_digits": 5, "decimal_places": 2, "min_value": 0, "max_value": 100} | kwargs)

    def to_representation(self, value: Decimal) -> str:
        return f"{Decimal(value).normalize():f}"


@extend_schema_field(OpenApiTypes.NUMBER)
class QuantityField(serializers.DecimalField):
    """How many, or how much by weight, with up to three places; not negative unless `min_value` says more."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"max_digits": 12, "decimal_places": 3, "min_value": Decimal(0)} | kwargs)

    def to_representation(self, value: Decimal) -> int | float:
        return int(value) if value == int(value) else float(value)


@extend_schema_field(OpenApiTypes.OBJECT)
class ObjectField(serializers.DictField):
    """A JSON object of the sender's own."""


reads(CodeField)(regex_reader)
reads(PercentField, QuantityField)(decimal_reader)
reads(ObjectField)(object_reader)
