"""What the builder of rules needs from us: the fields with their groups, choices and known values."""

from typing import Any

from babel import numbers
from django import forms
from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest, JsonResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from customers.admin.segment_words import builder_words
from customers.models import BusinessUnit, Customer, Product, SalesChannel, Season, Store
from customers.segments.catalogue import Field, catalogue, listed_fields
from customers.segments.known import known_values
from customers.segments.rules import DEEPEST, MOST_LEAVES
from operations import formats

# Fields of free text whose known values are offered while somebody types: where those stand.
KNOWN = {
    "customer.city": (Customer, "city"),
    "sales_channel": (SalesChannel, "code"),
    "store": (Store, "code"),
    "business_unit": (BusinessUnit, "code"),
    "sku": (Product, "sku"),
    "product_line": (Product, "product_line"),
    "category": (Product, "category"),
    "brand": (Product, "brand"),
}
MOST_SUGGESTIONS = 1000
SUGGESTIONS_SECONDS = 300


class RulesWidget(forms.Textarea):
    """The builder, with the rules as JSON below it: that text is the form's field, also without scripts."""

    template_name = "customers/rules_widget.html"

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        return super().get_context(name, value, attrs) | {"config": builder_config()}


def builder_config() -> dict[str, Any]:
    """Return what the builder is started with, as JSON can hold it, in the active language."""
    fields = [field_option(code, field) for code, field in listed_fields(catalogue())]
    # A code that is known today is not the only one that can be written: a trait may come tomorrow.
    fields += [field_option(each.code, each) for each in catalogue() if each.expand and not each.closed]
    return {
        "fields": fields,
        "words": builder_words(),
        "money": _money(),
        "seasons": list(Season.objects.values("code", "name")),
        "maxDepth": DEEPEST,
        "maxLeaves": MOST_LEAVES,
        "checkUrl": reverse("admin:customers_segment_check"),
        "valuesUrl": reverse("admin:customers_segment_values"),
    }


def field_option(code: str, field: Field) -> dict[str, Any]:
    """Return one field as the builder offers it; under its pattern a person fills in the `parameter`."""
    choices = field.choices() if field.choices else None
    is_pattern = "*" in code
    return {
        "field": code,
        "label": str(field.label) if is_pattern else field.label_of(code),
        "kind": field.kind.value,
        "group": str(field.group),
        "operators": list(field.operators),
        "functions": list(field.functions),
        "choices": choices and {value: str(label) for value, label in choices.items()},
        "suggests": code if code in KNOWN else None,
        "unit": field.unit,
        "minimum": field.minimum,
        "maximum": field.maximum,
        "parameter": str(field.parameter or _("Name")) if is_pattern else "",
        "where": [field_option(own.code, own) for own in field.where.values()],
    }


def known_values_view(request: HttpRequest) -> JsonResponse:
    """Answer the values that a field of free text is known to hold; none for a field nobody offers."""
    field = request.GET.get("field", "")
    if field not in KNOWN:
        return JsonResponse({"values": []})
    key = f"segment-values:{field}"
    values = cache.get(key)
    if values is None:
        values = [value for value in known_values(*KNOWN[field]) if value][:MOST_SUGGESTIONS]
        cache.set(key, values, SUGGESTIONS_SECONDS)
    return JsonResponse({"values": values})


def _money() -> dict[str, Any]:
    currency = settings.PROGRAMME_CURRENCY
    return {
        "code": currency,
        "symbol": numbers.get_currency_symbol(currency, locale=formats.locale()),
        "digits": numbers.get_currency_precision(currency),
    }
