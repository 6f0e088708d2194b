"""Products, stores, channels: few rows, changed by hand."""

from typing import Any

from django.conf import settings
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.forms import DecimalField, ModelForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.text import format_lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.decorators import action
from unfold.widgets import UnfoldAdminDecimalFieldWidget, UnfoldAdminTextInputWidget

from customers.admin.filters import PriceFilter
from customers.admin.periods import chosen_days
from customers.admin.price_history import PERIODS, price_context
from customers.models import BusinessUnit, Product, SalesChannel, Season, Store
from customers.services.catalogue import upsert_product
from customers.services.prices import with_prices
from operations import formats
from operations.admin.pages import PageMixin
from operations.figure_files import wanted_file
from operations.number_fields import MoneyField

CURRENCY = settings.PROGRAMME_CURRENCY


def amount_field(**kwargs: Any) -> MoneyField:
    widget = UnfoldAdminTextInputWidget(attrs={"inputmode": "decimal"})
    return MoneyField(required=False, min_value=0, widget=widget, **kwargs)


class ProductForm(ModelForm):
    """An article, with its amounts as people write them."""

    unit_price_amount = amount_field(label=_("Price"))
    unit_cost_amount = amount_field(label=_("Unit cost"))
    tax_rate = DecimalField(
        label=_("Tax rate, percent"),
        required=False,
        min_value=0,
        max_value=100,
        decimal_places=2,
        widget=UnfoldAdminDecimalFieldWidget,
    )


@admin.register(Product)
class ProductAdmin(PageMixin, ModelAdmin):
    form = ProductForm
    list_display = ["sku", "name", "brand", "category", "price", "lowest_price", "cost", "tax_rate"]
    list_filter = ["product_line", PriceFilter]
    actions_detail = ["prices"]
    list_per_page = 25
    show_full_result_count = False
    search_fields = ["sku__startswith", "name__istartswith"]
    search_help_text = _("SKU or the beginning of the name")
    fieldsets = [
        (None, {"fields": [("sku", "name")]}),
        (_("Where it belongs"), {"fields": [("brand", "category"), ("product_line", "collection")]}),
        (
            _("Price, cost and tax"),
            {
                "fields": [("unit_price_amount", "unit_cost_amount", "tax_rate")],
                "description": format_lazy(
                    _("In {currency}; the price with VAT, the cost without."), currency=CURRENCY
                ),
            },
        ),
    ]

    def get_fieldsets(self, request: HttpRequest, obj: Product | None = None) -> list[Any]:
        if obj is None or self.has_change_permission(request, obj):
            return super().get_fieldsets(request, obj)
        *others, (heading, _fields) = self.fieldsets
        return [*others, (heading, {"fields": [("price", "cost", "tax_rate")]})]

    def get_readonly_fields(self, request: HttpRequest, obj: Product | None = None) -> list[str]:
        return ["sku", "price", "cost"] if obj else []

    def save_model(self, request: HttpRequest, obj: Product, form: ModelForm, change: bool) -> None:
        """Write what was typed as everybody else does: a price is also noted for its day."""
        names = form.changed_data if change else [name for name in form.cleaned_data if name != "sku"]
        made = upsert_product(obj.sku, **{name: form.cleaned_data[name] for name in names})
        obj.pk = made.row.pk

    def has_delete_permission(self, request: HttpRequest, obj: Product | None = None) -> bool:
        return False  # Orders refer to it for ever.

    def get_queryset(self, request: HttpRequest) -> QuerySet[Product]:
        return with_prices(super().get_queryset(request), at=timezone.now())

    def get_urls(self) -> list[URLPattern]:
        prices = self.admin_site.admin_view(self.prices_view)
        return [path("<int:pk>/prices/", prices, name="customers_product_prices"), *super().get_urls()]

    @action(description=_("Prices by day"), permissions=["view"], icon="sell")
    def prices(self, request: HttpRequest, object_id: int) -> HttpResponse:
        return redirect("admin:customers_product_prices", object_id)

    def prices_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Show what the article was offered for, and the lowest price of the 30 days before each day."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        product = get_object_or_404(Product, pk=pk)
        days = chosen_days(request.GET.get("days", ""), PERIODS)
        context = price_context(product, today=timezone.localdate(), days=days)
        title = gettext("Prices of %(article)s") % {"article": product}
        return wanted_file(request, context) or self._page(
            request, "customers/product_prices.html", title, context, product
        )

    @admin.display(description=_("price"))
    def price(self, product: Product) -> str:
        return formats.money(product.price_amount)

    @admin.display(description=_("lowest in 30 days"))
    def lowest_price(self, product: Product) -> str:
        return formats.money(product.lowest_amount)

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
