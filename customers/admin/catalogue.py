"""Products, stores, channels: few rows, changed by hand."""

from django.contrib import admin
from django.forms import ModelForm
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin

from customers.models import BusinessUnit, Product, SalesChannel, Season, Store
from customers.services.catalogue import upsert_product
from operations import formats


@admin.register(Product)
class ProductAdmin(ModelAdmin):
    list_display = ["sku", "name", "brand", "category", "product_line", "cost", "tax_rate"]
    list_filter = ["product_line"]
    list_per_page = 25
    show_full_result_count = False
    search_fields = ["sku__startswith", "name__istartswith"]
    search_help_text = _("SKU or the beginning of the name")
    fieldsets = [
        (None, {"fields": [("sku", "name")]}),
        (_("Where it belongs"), {"fields": [("brand", "category"), ("product_line", "collection")]}),
        (_("Price, cost and tax"), {"fields": [("unit_price_amount", "unit_cost_amount", "tax_rate")]}),
    ]

    def get_readonly_fields(self, request: HttpRequest, obj: Product | None = None) -> list[str]:
        return ["sku"] if obj else []

    def save_model(self, request: HttpRequest, obj: Product, form: ModelForm, change: bool) -> None:
        """Write what was typed as everybody else does: a price is also noted for its day."""
        names = form.changed_data if change else [name for name in form.cleaned_data if name != "sku"]
        made = upsert_product(obj.sku, **{name: form.cleaned_data[name] for name in names})
        obj.pk = made.row.pk

    def has_delete_permission(self, request: HttpRequest, obj: Product | None = None) -> bool:
        return False  # Orders refer to it for ever.

    @admin.display(description=_("unit cost"), ordering="unit_cost_amount")
    def cost(self, product: Product) -> str:
        return formats.money(product.unit_cost_amount)


class PlaceAdmin(ModelAdmin):
    """A code and a name; facts refer to them for ever."""

    list_display = ["code", "name"]
    list_per_page = 25
    search_fields = ["code__startswith", "name__istartswith"]

    def get_readonly_fields(self, request: HttpRequest, obj: object = None) -> list[str]:
        return ["code"] if obj else []

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


@admin.register(Store)
class StoreAdmin(PlaceAdmin):
    list_display = ["code", "name", "store_group", "city", "region", "country"]
    fieldsets = [
        (None, {"fields": [("code", "name"), "store_group"]}),
        (_("Address"), {"fields": [("country", "region"), ("city", "postcode"), ("latitude", "longitude")]}),
    ]


@admin.register(SalesChannel, BusinessUnit)
class NamedPlaceAdmin(PlaceAdmin):
    fields = [("code", "name")]


@admin.register(Season)
class SeasonAdmin(ModelAdmin):
    """The stretches of the year that rules name; segment rules use them, so that none is ever deleted."""

    list_display = ["name", "code", "first", "last"]
    fieldsets = [
        (None, {"fields": [("name", "code")]}),
        (_("First day"), {"fields": [("first_day", "first_month")]}),
        (_("Last day"), {"fields": [("last_day", "last_month")]}),
    ]

    def get_readonly_fields(self, request: HttpRequest, obj: Season | None = None) -> list[str]:
        return ["code"] if obj else []

    def has_delete_permission(self, request: HttpRequest, obj: Season | None = None) -> bool:
        return False

    @admin.display(description=_("first day"), ordering="first_month")
    def first(self, season: Season) -> str:
        return f"{season.first_day}/{season.first_month}"

    @admin.display(description=_("last day"), ordering="last_month")
    def last(self, season: Season) -> str:
        return f"{season.last_day}/{season.last_month}"
