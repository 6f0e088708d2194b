"""Redemptions in the console: what was spent on which order, and why it was allowed; a record."""

from typing import Any

from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.generic import TemplateView
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.views import UnfoldModelAdminViewMixin

from coupons import services
from coupons.admin.returns import (
    MAY_RETURN,
    MAY_UNDO,
    RefundQuoteView,
    RollBackView,
    TakeBackView,
    line_names,
    untold_returns,
)
from coupons.answers import plain_number
from coupons.models import Redemption, RedemptionStack
from coupons.wording import decisions
from operations.figures import Column, Table
from operations.formats import moment, money, number


class RedemptionView(UnfoldModelAdminViewMixin, TemplateView):
    """The stack that a redemption belongs to: what each line got, what came back, and each decision."""

    permission_required = "coupons.view_redemption"
    template_name = "coupons/redemption.html"

    title = gettext_lazy("Redemption")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        redemption = get_object_or_404(Redemption.objects.select_related("stack"), pk=self.kwargs["pk"])
        stack = RedemptionStack.objects.select_related("customer", "order", "client").get(
            pk=redemption.stack_id
        )
        self.title = _("Redemption %(number)s") % {"number": stack.pk}
        spent = stack.redemptions.select_related("promotion", "coupon", "entry__account__gift_card")
        return super().get_context_data(
            **kwargs,
            redemption=redemption,
            stack=stack,
            redemptions=spent.order_by("position"),
            lines=_lines(stack),
            returns=_returns(stack),
            refunded=sum(one.refund_amount for one in stack.returns.all()),
            untold=untold_returns(stack),
            may_return=self._may(MAY_RETURN) and any(one.left > 0 for one in services.paid_lines(stack)),
            may_undo=self._may(MAY_UNDO),
            open=stack.status != RedemptionStack.Status.ROLLED_BACK,
            decisions=decisions(stack.trace, stack.currency),
        )

    def _may(self, permission: str) -> bool:
        return self.request.user.has_perm(permission)


@admin.register(Redemption)
class RedemptionAdmin(ModelAdmin):
    """Every incentive that was spent."""

    list_display = ["redeemed_at", "what", "coupon", "customer", "discount", "paid", "order_number", "state"]
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

    @admin.display(description=gettext_lazy("What"), ordering="promotion__name")
    def what(self, redemption: Redemption) -> str:
        return redemption.promotion.name if redemption.promotion else redemption.get_kind_display()

    @admin.display(description=gettext_lazy("discount"), ordering="discount_amount")
    def discount(self, redemption: Redemption) -> str:
        return money(redemption.discount_amount, redemption.currency) if redemption.promotion else "–"

    @admin.display(description=gettext_lazy("Paid with it"), ordering="tender_amount")
    def paid(self, redemption: Redemption) -> str:
        return money(redemption.tender_amount, redemption.currency) if redemption.tender_amount else "–"

    @admin.display(description=gettext_lazy("order"))
    def order_number(self, redemption: Redemption) -> str:
        return redemption.stack.external_id or "–"

    @display(
        description=gettext_lazy("status"),
        ordering="status",
        label={"REDEEMED": "success", "RETURNED": "info", "ROLLED_BACK": "warning"},
    )
    def state(self, redemption: Redemption) -> tuple[str, str]:
        return redemption.status, redemption.get_status_display()

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> HttpResponse:
        if not object_id.isdigit():
            raise Http404
        return RedemptionView.as_view(model_admin=self)(request, pk=int(object_id))

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        views = {"return": TakeBackView, "quote": RefundQuoteView, "undo": RollBackView}
        return [
            *(
                path(
                    f"<int:pk>/{name}/",
                    wrap(view.as_view(model_admin=self)),
                    name=f"coupons_redemption_{name}",
                )
                for name, view in views.items()
            ),
            *super().get_urls(),
        ]


def _lines(stack: RedemptionStack) -> Table:
    names = line_names(stack)
    back = {line.line_id: line.returned for line in services.paid_lines(stack)}
    return Table(
        [
            Column(_("Line")),
            Column(_("Article")),
            Column(_("Price"), numeric=True),
            Column(_("Discount"), numeric=True),
            Column(_("Paid"), numeric=True),
            Column(_("of which VAT"), numeric=True),
            Column(_("Came back"), numeric=True),
        ],
        [
            [
                line["line_id"],
                names.get(line["line_id"], ""),
                *(
                    money(line[name], stack.currency)
                    for name in ("amount", "discount_amount", "total_amount", "tax_amount")
                ),
                str(plain_number(back[line["line_id"]])) if back.get(line["line_id"]) else "–",
            ]
            for line in stack.order_totals.get("lines", [])
        ],
        caption=_("What each line got"),
    )


def _returns(stack: RedemptionStack) -> Table:
    names = line_names(stack)
    rows = stack.returns.select_related("recorded_by", "client").prefetch_related("lines")
    return Table(
        [
            Column(_("When")),
            Column(_("Number")),
            Column(_("Goods")),
            Column(_("Refund"), numeric=True),
            Column(_("In money"), numeric=True),
            Column(_("On gift cards"), numeric=True),
            Column(_("In points"), numeric=True),
            Column(_("By")),
        ],
        [
            [
                moment(row.returned_at),
                row.external_id,
                ", ".join(
                    f"{plain_number(line.quantity)} × {names.get(line.line_id) or line.line_id}"
                    for line in row.lines.all()
                ),
                *(
                    money(amount, stack.currency) if amount else "–"
                    for amount in (row.refund_amount, row.cash_amount, row.gift_card_amount)
                ),
                f"{money(row.points_amount, stack.currency)} · {number(row.points)}" if row.points else "–",
                str(row.recorded_by or row.client or "–"),
            ]
            for row in rows
        ],
        caption=_("What came back"),
        empty_title=_("Nothing came back"),
        empty_text=_("Returns of this cart, and what they refunded to whom, stand here."),
    )
