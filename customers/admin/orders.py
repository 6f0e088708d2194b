"""Orders in the console: facts, to be read with their lines and returns."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline
from unfold.contrib.filters.admin import RangeDateTimeFilter, RangeNumericFilter
from unfold.decorators import display

from customers.admin.lists import FactAdmin
from customers.models import Order, OrderLine, Return
from customers.panels import order_actions
from operations import formats

TONES = {"PAID": "success", "PENDING": "info", "REFUNDED": "warning", "CANCELLED": "danger"}


class FactInline(TabularInline):
    """Rows that belong to a fact; shown, never changed."""

    extra = 0
    can_delete = False
    show_count = True
    hide_title = True  # The first column says it.

    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


class LineInline(FactInline):
    model = OrderLine
    verbose_name_plural = _("lines")
    fields = readonly_fields = ["line_id", "article", "how_many", "before", "discount", "paid", "tax_rate"]
    ordering = ["pk"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[OrderLine]:
        return super().get_queryset(request).select_related("product", "order")

    @admin.display(description=_("article"))
    def article(self, line: OrderLine) -> str:
        return f"{line.product} · {line.product.sku}" if line.product.name else line.product.sku

    @admin.display(description=_("quantity"))
    def how_many(self, line: OrderLine) -> str:
        return formats.number(line.quantity, 0 if line.quantity == int(line.quantity) else 3)

    @admin.display(description=_("amount"))
    def before(self, line: OrderLine) -> str:
        return formats.money(line.amount, line.order.currency)

    @admin.display(description=_("discount"))
    def discount(self, line: OrderLine) -> str:
        return formats.money(line.discount_amount, line.order.currency) if line.discount_amount else "–"

    @admin.display(description=_("paid"))
    def paid(self, line: OrderLine) -> str:
        return formats.money(line.total_amount, line.order.currency)


class ReturnInline(FactInline):
    model = Return
    verbose_name_plural = _("returns")
    fields = readonly_fields = ["external_id", "returned_at", "what", "refund"]
    ordering = ["pk"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Return]:
        return super().get_queryset(request).select_related("order").prefetch_related("lines__line__product")

    @admin.display(description=_("what came back"))
    def what(self, row: Return) -> str:
        return ", ".join(f"{line.quantity.normalize():f} × {line.line.product}" for line in row.lines.all())

    @admin.display(description=_("refund"))
    def refund(self, row: Return) -> str:
        return formats.money(row.refund_amount, row.order.currency)


@admin.register(Order)
class OrderAdmin(FactAdmin):
    list_display = ["number", "buyer", "ordered_at", "where", "total", "refunded", "state"]
    list_select_related = ["customer", "store", "sales_channel"]
    list_filter = [
        "status",
        "sales_channel",
        ("ordered_at", RangeDateTimeFilter),
        ("total_amount", RangeNumericFilter),
    ]
    list_filter_submit = True
    search_fields = ["external_id__exact"]
    search_help_text = _("the whole number of an order")
    ordering = ["-ordered_at"]
    change_form_before_template = "customers/order_actions.html"
    inlines = [LineInline, ReturnInline]
    fieldsets = [
        (
            None,
            {
                "fields": [
                    ("number", "status"),
                    ("buyer", "ordered_at"),
                    ("source", "created_at"),
                    ("store", "sales_channel", "business_unit"),
                ]
            },
        ),
        (_("Amounts"), {"fields": [("total", "shipping"), ("refunded", "revenue")]}),
    ]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        order = self.get_object(request, unquote(object_id))
        actions = order_actions(order, request) if order else []
        return super().change_view(
            request, object_id, form_url, {**(extra_context or {}), "order_actions": actions}
        )

    @admin.display(description=_("order"), ordering="external_id")
    def number(self, order: Order) -> str:
        return order.external_id

    @admin.display(description=_("customer"))
    def buyer(self, order: Order) -> SafeString | str:
        if order.customer is None:
            return "–"
        url = reverse("admin:customers_customer_change", args=[order.customer_id])
        return format_html('<a class="fi-link" href="{}">{}</a>', url, order.customer)

    @admin.display(description=_("where"))
    def where(self, order: Order) -> str:
        return str(order.store or order.sales_channel or "–")

    @admin.display(description=_("total"), ordering="total_amount")
    def total(self, order: Order) -> str:
        return formats.money(order.total_amount, order.currency)

    @admin.display(description=_("shipping"))
    def shipping(self, order: Order) -> str:
        return formats.money(order.shipping_amount, order.currency)

    @admin.display(description=_("refunded"))
    def refunded(self, order: Order) -> str:
        return formats.money(order.refunded_amount, order.currency) if order.refunded_amount else "–"

    @admin.display(description=_("revenue"))
    def revenue(self, order: Order) -> str:
        return formats.money(order.net_amount, order.currency)

    @display(description=_("status"), label=TONES, ordering="status")
    def state(self, order: Order) -> tuple[str, str]:
        return order.status, order.get_status_display()
