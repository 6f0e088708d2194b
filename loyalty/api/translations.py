"""Texts by language as the API takes and answers them."""

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers


@extend_schema_field(OpenApiTypes.OBJECT)
class TranslationsField(serializers.JSONField):
    """`{"it": {"name": ..., "description": ...}}`: what members read in these languages."""
