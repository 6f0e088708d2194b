"""Promotions in the console: written in sentences, started and stopped by a button, watched by budget."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.loader import render_to_string
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext_lazy
from unfold.admin import ModelAdmin

from coupons.admin.promotion_editing import EditPromotionView, NewPromotionView, PreviewView, SuggestView
from coupons.admin.promotion_pages import (
    PromotionMoveView,
    PromotionView,
    RestoreView,
    VersionsView,
    page_of,
)
from coupons.admin.simulator import SimulatorView
from coupons.figures import budget_bars, promotion_figures
from coupons.models import Budget, Promotion, PromotionAlert
from coupons.wording import headline
from operations.formats import number, whole_money

TONES = {"ACTIVE": "success", "SCHEDULED": "info", "STOPPED": "danger", "EXPIRED": "warning"}


class PromotionChangeList(ChangeList):
    """The list with each promotion's figures and open alerts, in a few statements for the whole page."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        promotions = list(self.result_list)
        figures = promotion_figures(promotions, at=timezone.now())
        alerts = PromotionAlert.objects.open().filter(promotion__in=promotions)
        alerted = set(alerts.values_list("promotion", flat=True))
        for promotion in promotions:
            promotion.figures = figures[promotion.pk]
            promotion.alerted = promotion.pk in alerted
        self.result_list = promotions


@admin.register(Promotion)
class PromotionAdmin(ModelAdmin):
    """The list of promotions; their pages are the views above."""

    list_display = ["name", "state", "gives", "redemptions", "discount", "burn_down", "ends_at"]
    list_filter = ["status", "trigger"]
    list_filter_submit = True
    list_per_page = 25
    search_fields = ["code", "name"]
    ordering = ["-id"]

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return PromotionChangeList

    def has_delete_permission(self, request: HttpRequest, obj: Promotion | None = None) -> bool:
        return False  # What was promised stays on record; a promotion nobody needs is stopped.

    @admin.display(description=gettext_lazy("status"), ordering="status")
    def state(self, promotion: Promotion) -> str:
        status = promotion.status_at(timezone.now())
        label = {"text": Promotion.Status(status).label, "tone": TONES.get(status, "")}
        return render_to_string("coupons/promotion_state.html", {**label, "alerted": promotion.alerted})

    @admin.display(description=gettext_lazy("what it gives"))
    def gives(self, promotion: Promotion) -> str:
        return headline(promotion)

    @admin.display(description=gettext_lazy("redemptions"))
    def redemptions(self, promotion: Promotion) -> str:
        return number(promotion.figures.redemptions)

    @admin.display(description=gettext_lazy("discount given"))
    def discount(self, promotion: Promotion) -> str:
        return whole_money(promotion.figures.discount_amount, promotion.currency)

    @admin.display(description=gettext_lazy("budget"))
    def burn_down(self, promotion: Promotion) -> str:
        bars = promotion.figures.budgets
        return render_to_string("coupons/budget_bars.html", {"budgets": bars}) if bars else "–"

    def add_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return NewPromotionView.as_view(model_admin=self)(request)

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> HttpResponse:
        if not object_id.isdigit():
            raise Http404
        return PromotionView.as_view(model_admin=self)(request, pk=int(object_id))

    def get_urls(self) -> list[URLPattern]:
        def page(route: str, view: type, name: str) -> URLPattern:
            wrapped = self.admin_site.admin_view(view.as_view(model_admin=self))
            return path(route, wrapped, name=f"coupons_promotion_{name}")

        return [
            page("<int:pk>/edit/", EditPromotionView, "edit"),
            page("<int:pk>/move/<slug:move>/", PromotionMoveView, "move"),
            page("<int:pk>/versions/", VersionsView, "versions"),
            page("<int:pk>/versions/<int:number>/restore/", RestoreView, "restore"),
            page("preview/", PreviewView, "preview"),
            path(
                "simulator/",
                self.admin_site.admin_view(SimulatorView.as_view(model_admin=self)),
                name="coupons_simulator",
            ),
            page("suggest/<slug:kind>/", SuggestView, "suggest"),
            *super().get_urls(),
        ]


class BudgetChangeList(ChangeList):
    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        budgets = list(self.result_list)
        bars = budget_bars([budget.promotion for budget in budgets], at=timezone.now())
        for budget in budgets:
            budget.bars = [bar for bar in bars[budget.promotion_id] if bar.budget_id == budget.pk]
        self.result_list = budgets


@admin.register(Budget)
class BudgetAdmin(ModelAdmin):
    """Every budget with how far it has burnt down; it is changed with its promotion."""

    list_display = ["promotion_link", "metric", "period", "burn_down", "on_insufficient"]
    list_display_links = None
    list_select_related = ["promotion"]
    list_filter = ["metric", "period"]
    list_filter_submit = True
    list_per_page = 25
    search_fields = ["promotion__name", "promotion__code"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Budget | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Budget | None = None) -> bool:
        return False

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return BudgetChangeList

    @admin.display(description=gettext_lazy("promotion"), ordering="promotion__name")
    def promotion_link(self, budget: Budget) -> str:
        return render_to_string(
            "coupons/link.html", {"url": page_of(budget.promotion), "text": budget.promotion.name}
        )

    @admin.display(description=gettext_lazy("burnt down"))
    def burn_down(self, budget: Budget) -> str:
        return render_to_string("coupons/budget_bars.html", {"budgets": budget.bars})

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        return redirect(page_of(get_object_or_404(Budget, pk=object_id).promotion))
