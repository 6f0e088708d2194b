"""Redemptions in the console: what was spent on which order, and why it was allowed; a record."""

from typing import Any

from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.generic import TemplateView
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.views import UnfoldModelAdminViewMixin

from coupons.models import Redemption, RedemptionStack
from coupons.wording import decisions
from operations.figures import Column, Table
from operations.formats import money


class RedemptionView(UnfoldModelAdminViewMixin, TemplateView):
    """The stack that a redemption belongs to: what each line got, and each decision."""

    permission_required = "coupons.view_redemption"
    template_name = "coupons/redemption.html"

    title = gettext_lazy("Redemption")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        redemption = get_object_or_404(Redemption.objects.select_related("stack"), pk=self.kwargs["pk"])
        stack = RedemptionStack.objects.select_related("customer", "order", "client").get(
            pk=redemption.stack_id
        )
        self.title = _("Redemption %(number)s") % {"number": stack.pk}
        spent = stack.redemptions.select_related("promotion", "coupon").prefetch_related("allocations")
        return super().get_context_data(
            **kwargs,
            stack=stack,
            redemptions=spent.order_by("position"),
            lines=_lines(stack),
            decisions=decisions(stack.trace),
        )


@admin.register(Redemption)
class RedemptionAdmin(ModelAdmin):
    """Every incentive that was spent."""

    list_display = ["redeemed_at", "promotion", "coupon", "customer", "discount", "order_number", "state"]
    list_filter = ["status", "kind"]
    list_filter_submit = True
    list_select_related = ["promotion", "coupon", "customer", "stack"]
    list_per_page = 25
    show_full_result_count = False
    search_fields = ["=coupon__code_canonical", "=stack__external_id"]
    search_help_text = gettext_lazy("The whole code, or the number of the order.")
    ordering = ["-redeemed_at"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Redemption | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Redemption | None = None) -> bool:
        return False

    @admin.display(description=gettext_lazy("discount"), ordering="discount_amount")
    def discount(self, redemption: Redemption) -> str:
        return money(redemption.discount_amount, redemption.currency)

    @admin.display(description=gettext_lazy("order"))
    def order_number(self, redemption: Redemption) -> str:
        return redemption.stack.external_id or "–"

    @display(
        description=gettext_lazy("status"),
        ordering="status",
        label={"REDEEMED": "success", "ROLLED_BACK": "warning"},
    )
    def state(self, redemption: Redemption) -> tuple[str, str]:
        return redemption.status, redemption.get_status_display()

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> HttpResponse:
        if not object_id.isdigit():
            raise Http404
        return RedemptionView.as_view(model_admin=self)(request, pk=int(object_id))


def _lines(stack: RedemptionStack) -> Table:
    names = {line.get("line_id"): line.get("sku") or "" for line in stack.cart.get("lines", [])}
    return Table(
        [
            Column(_("Line")),
            Column(_("SKU")),
            Column(_("Price"), numeric=True),
            Column(_("Discount"), numeric=True),
            Column(_("Paid"), numeric=True),
            Column(_("of which VAT"), numeric=True),
        ],
        [
            [
                line["line_id"],
                names.get(line["line_id"], ""),
                *(
                    money(line[name], stack.currency)
                    for name in ("amount", "discount_amount", "total_amount", "tax_amount")
                ),
            ]
            for line in stack.order_totals.get("lines", [])
        ],
        caption=_("What each line got"),
    )
