"""Promotions in the console: written in sentences, started and stopped by a button, watched by budget."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.loader import render_to_string
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.generic import FormView, TemplateView, View
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.views import UnfoldModelAdminViewMixin

from coupons import services
from coupons.admin.forms import (
    IssueForm,
    LatePromotionForm,
    PromotionForm,
    StopForm,
    fits_the_form,
    initial_of,
)
from coupons.figures import budget_bars, promotion_figures, redemption_chart
from coupons.models import Budget, Promotion, Redemption
from coupons.services.coupons import AT_ONCE
from coupons.wording import headline, sentences
from operations.errors import FidelioError
from operations.figures import Cell, Column, Delta, Table
from operations.formats import moment, money, number, whole_money

MAY_ADD = "coupons.add_promotion"
MAY_CHANGE = "coupons.change_promotion"
LATEST = 10


class PromotionPage(UnfoldModelAdminViewMixin):
    """Base of the pages about one promotion."""

    def promotion(self) -> Promotion:
        return get_object_or_404(Promotion, pk=self.kwargs["pk"])


class NewPromotionView(PromotionPage, FormView):
    """A promotion on one page; nothing is given before it is activated."""

    title = gettext_lazy("New promotion")
    permission_required = MAY_ADD
    template_name = "coupons/promotion_form.html"
    form_class = PromotionForm

    def form_valid(self, form: PromotionForm) -> HttpResponse:
        try:
            promotion = services.create_promotion(
                code=form.cleaned_data["code"],
                budget=form.budget(),
                coupon=form.coupon_rule(),
                created_by=self.request.user,
                at=timezone.now(),
                **form.definition(),
            )
        except FidelioError as error:
            form.show(error)
            return self.form_invalid(form)
        messages.success(self.request, _("Saved as a draft. Look it over, then activate it."))
        return redirect(page_of(promotion))


class EditPromotionView(PromotionPage, FormView):
    """All of a draft; of a promotion that was started only what nobody was promised."""

    title = gettext_lazy("Edit promotion")
    permission_required = MAY_CHANGE

    @property
    def whole(self) -> bool:
        promotion = self.promotion()
        return promotion.status == Promotion.Status.DRAFT and fits_the_form(promotion)

    def get_template_names(self) -> list[str]:
        return ["coupons/promotion_form.html" if self.whole else "coupons/promotion_edit.html"]

    def get_form_class(self) -> type:
        return PromotionForm if self.whole else LatePromotionForm

    def get_form_kwargs(self) -> dict[str, Any]:
        return super().get_form_kwargs() | {"promotion": self.promotion()}

    def get_initial(self) -> dict[str, Any]:
        return initial_of(self.promotion())

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**kwargs, promotion=self.promotion())

    def form_valid(self, form: PromotionForm | LatePromotionForm) -> HttpResponse:
        promotion = self.promotion()
        if isinstance(form, PromotionForm):
            changes = form.definition() | {"budget": form.budget(), "coupon": form.coupon_rule()}
        else:
            changes = form.arguments()
        try:
            services.edit_promotion(promotion, at=timezone.now(), **changes)
        except FidelioError as error:
            form.show(error)
            return self.form_invalid(form)
        messages.success(self.request, _("The promotion is saved."))
        return redirect(page_of(promotion))


class PromotionView(PromotionPage, TemplateView):
    """One promotion: what it says, what it brought and cost, and the buttons that move it."""

    permission_required = "coupons.view_promotion"
    template_name = "coupons/promotion.html"
    title = ""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        promotion, at = self.promotion(), timezone.now()
        self.title = promotion.name
        figures = promotion_figures([promotion], at=at)[promotion.pk]
        may_change = self.request.user.has_perm(MAY_CHANGE)
        status = promotion.status_at(at)
        return super().get_context_data(
            **kwargs,
            promotion=promotion,
            status=status,
            status_text=Promotion.Status(status).label,
            sentences=sentences(promotion),
            strip=_strip(promotion, figures),
            budgets=figures.budgets,
            chart=redemption_chart(promotion, at=at),
            latest=_latest(promotion),
            may_change=may_change,
            may_stop=may_change and status in ("ACTIVE", "SCHEDULED"),
            drained=status == "STOPPED" and promotion.stop_mode == Promotion.StopMode.DRAIN,
            makes_codes=promotion.trigger == Promotion.Trigger.COUPON
            and not promotion.coupons.filter(public=True).exists(),
            issue_form=IssueForm(),
        )


class PromotionMoveView(PromotionPage, View):
    """Activate, stop or resume: one click and a confirmation."""

    permission_required = MAY_CHANGE
    title = ""
    http_method_names = ["post"]

    def post(self, request: HttpRequest, pk: int, move: str) -> HttpResponse:
        promotion = self.promotion()
        try:
            messages.success(request, self._move(promotion, move))
        except FidelioError as error:
            messages.error(request, error.message)
        return redirect(page_of(promotion))

    def _move(self, promotion: Promotion, move: str) -> str:
        at = timezone.now()
        if move == "activate":
            services.activate_promotion(promotion, at=at)
            return _("The promotion is active.")
        if move == "resume":
            services.resume_promotion(promotion, at=at)
            return _("The promotion runs again.")
        if move != "stop":
            raise Http404
        form = StopForm(self.request.POST)
        if not form.is_valid():
            raise Http404
        stopped = services.stop_promotion(promotion, at=at, **form.cleaned_data)
        if stopped.stop_mode == Promotion.StopMode.DRAIN:
            return _("Nothing new is handed out; coupons already out stay good.")
        return _("The promotion is stopped: nothing redeems any more.")


class IssueCouponsView(PromotionPage, View):
    """Make codes for printing or for a partner; many are a job."""

    permission_required = "coupons.add_coupon"
    title = ""
    http_method_names = ["post"]

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        promotion, form, at = self.promotion(), IssueForm(request.POST), timezone.now()
        if not form.is_valid():
            messages.error(request, _("Say how many codes, from 1 to a million."))
            return redirect(page_of(promotion))
        count = form.cleaned_data["count"]
        try:
            if count > AT_ONCE:
                services.queue_coupons(promotion, count=count, issued_by=request.user, at=at)
                text = _("%(count)s codes are being made; the jobs page shows how far it is.")
            else:
                services.issue_coupons(promotion, count=count, issued_by=request.user, at=at)
                text = ngettext("%(count)s code was made.", "%(count)s codes were made.", count)
        except FidelioError as error:
            messages.error(request, error.message)
        else:
            messages.success(request, text % {"count": number(count)})
        return redirect(page_of(promotion))


class PromotionChangeList(ChangeList):
    """The list with each promotion's figures, in a few statements for the whole page."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        promotions = list(self.result_list)
        figures = promotion_figures(promotions, at=timezone.now())
        for promotion in promotions:
            promotion.figures = figures[promotion.pk]
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

    @display(
        description=gettext_lazy("status"),
        ordering="status",
        label={"ACTIVE": "success", "SCHEDULED": "info", "STOPPED": "danger", "EXPIRED": "warning"},
    )
    def state(self, promotion: Promotion) -> tuple[str, str]:
        status = promotion.status_at(timezone.now())
        return status, Promotion.Status(status).label

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
            page("<int:pk>/issue/", IssueCouponsView, "issue"),
            page("<int:pk>/move/<slug:move>/", PromotionMoveView, "move"),
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


def page_of(promotion: Promotion) -> str:
    return reverse("admin:coupons_promotion_change", args=[promotion.pk])


def _strip(promotion: Promotion, figures: Any) -> list[Delta]:
    average = figures.discount_amount // figures.redemptions if figures.redemptions else None
    strip = [
        Delta(_("Redemptions"), number(figures.redemptions), icon="redeem"),
        Delta(_("Discount given"), whole_money(figures.discount_amount, promotion.currency), icon="payments"),
        Delta(_("Per redemption"), money(average, promotion.currency), icon="functions"),
    ]
    if promotion.trigger == Promotion.Trigger.COUPON:
        url = f"{reverse('admin:coupons_coupon_changelist')}?promotion__id__exact={promotion.pk}"
        strip.append(Delta(_("Codes"), number(figures.codes), icon="confirmation_number", url=url))
        strip.append(Delta(_("Handed out"), number(figures.published), icon="outgoing_mail"))
    return strip


def _latest(promotion: Promotion) -> Table:
    redemptions = (
        Redemption.objects.filter(promotion=promotion)
        .select_related("customer", "coupon")
        .order_by("-redeemed_at")[:LATEST]
    )
    return Table(
        [
            Column(_("When")),
            Column(_("Customer")),
            Column(_("Code")),
            Column(_("Discount"), numeric=True),
            Column(_("State")),
        ],
        [
            [
                Cell(
                    moment(one.redeemed_at),
                    url=reverse("admin:coupons_redemption_change", args=[one.pk]),
                ),
                str(one.customer) if one.customer else "–",
                one.coupon.code if one.coupon else "–",
                money(one.discount_amount, one.currency),
                str(one.get_status_display()),
            ]
            for one in redemptions
        ],
        caption=_("The latest redemptions"),
        empty_title=_("Nobody has redeemed it yet"),
        empty_text=_("The first redemption will stand here."),
        empty_icon="redeem",
    )
