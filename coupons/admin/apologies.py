"""Apologies in the console: issued from the customer's page in a few seconds, and the list of them."""

import secrets
from decimal import Decimal
from typing import Any

import structlog
from babel.numbers import get_currency_precision, get_currency_symbol
from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.core.cache import cache
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.generic import FormView, TemplateView
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.views import UnfoldModelAdminViewMixin

from coupons import services
from coupons.admin.fields import MoneyField
from coupons.admin.forms import ApologyForm
from coupons.definitions import read_effect
from coupons.models import AgentAllowance, Apology
from coupons.wording import effect_in_words
from customers.models import Customer, Order
from operations.errors import FidelioError
from operations.formats import locale, money

log = structlog.get_logger(__name__)

ORDERS_SHOWN = 20
TOKEN_SECONDS = 3_600
COMMON_REASONS = [
    gettext_lazy("The delivery came late"),
    gettext_lazy("An article was damaged"),
    gettext_lazy("An article was missing"),
    gettext_lazy("The wrong article came"),
    gettext_lazy("A long wait at the till"),
    gettext_lazy("A wrong price"),
]


class IssueApologyView(UnfoldModelAdminViewMixin, FormView):
    """How much, why, for which order: one page, one button."""

    title = gettext_lazy("Issue an apology")
    permission_required = "coupons.issue_apology"
    template_name = "coupons/apology_form.html"
    form_class = ApologyForm

    def customer(self) -> Customer:
        return get_object_or_404(Customer.objects.present(), pk=self.kwargs["pk"])

    def get_form_kwargs(self) -> dict[str, Any]:
        orders = Order.objects.filter(customer=self.customer(), currency=settings.PROGRAMME_CURRENCY)
        recent = orders.order_by("-ordered_at").values("pk")[:ORDERS_SHOWN]
        return super().get_form_kwargs() | {
            "orders": Order.objects.filter(pk__in=list(recent.values_list("pk", flat=True))).order_by(
                "-ordered_at"
            ),
            "currency_name": get_currency_symbol(settings.PROGRAMME_CURRENCY, locale=locale()),
        }

    def get_initial(self) -> dict[str, Any]:
        return {"token": secrets.token_urlsafe(16), "order": self.request.GET.get("order")}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        allowance = services.allowance_of(self.request.user, at=timezone.now())
        used = (
            min(100, allowance.used_amount * 100 // allowance.daily_amount) if allowance.daily_amount else 100
        )
        return super().get_context_data(
            **kwargs,
            customer=self.customer(),
            allowance=allowance,
            allowance_percent=used,
            reasons=COMMON_REASONS,
            percent_limit=settings.APOLOGY_PERCENT_LIMIT,
        )

    def form_valid(self, form: ApologyForm) -> HttpResponse:
        given = form.cleaned_data
        key = f"apology-form:{self.request.user.pk}:{given['token']}"
        if _was_sent(key):
            messages.warning(self.request, _("This form was sent before; nothing was issued again."))
            return redirect(reverse("admin:coupons_apology_changelist"))
        by_percent = given["unit"] == ApologyForm.PERCENT
        try:
            apology = services.issue_apology(
                self.customer(),
                agent=self.request.user,
                amount=None if by_percent else _minor_units(given["value"]),
                percent=given["value"] if by_percent else None,
                reason=given["reason"],
                order=given["order"],
                at=timezone.now(),
            )
        except FidelioError as error:
            _forget(key)
            form.show(error)
            return self.form_invalid(form)
        except Exception:
            _forget(key)
            raise
        return redirect(page_of(apology))


class ApologyView(UnfoldModelAdminViewMixin, TemplateView):
    """What was given, to whom and why; right after issuing it this is the confirmation with the code."""

    permission_required = "coupons.view_apology"
    template_name = "coupons/apology.html"
    title = gettext_lazy("Apology")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        apology = get_object_or_404(
            Apology.objects.select_related("customer", "agent", "order", "coupon"), pk=self.kwargs["pk"]
        )
        self.title = _("Apology to %(customer)s") % {"customer": apology.customer}
        return super().get_context_data(
            **kwargs, apology=apology, gives=effect_in_words(read_effect(apology.effect), apology.currency)
        )


@admin.register(Apology)
class ApologyAdmin(ModelAdmin):
    """Every apology: who gave what to whom and why."""

    list_display = ["requested_at", "customer", "worth", "reason", "agent", "state", "coupon"]
    list_filter = ["status", "within_allowance"]
    list_filter_submit = True
    list_select_related = ["customer", "agent", "coupon"]
    list_per_page = 25
    search_fields = ["=coupon__code_canonical", "reason"]
    ordering = ["-id"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Apology | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Apology | None = None) -> bool:
        return False

    @admin.display(description=gettext_lazy("worth at most"), ordering="worth_amount")
    def worth(self, apology: Apology) -> str:
        return money(apology.worth_amount, apology.currency)

    @display(
        description=gettext_lazy("status"),
        ordering="status",
        label={"ISSUED": "success", "AWAITING_APPROVAL": "warning", "REJECTED": "danger"},
    )
    def state(self, apology: Apology) -> tuple[str, str]:
        return apology.status, apology.get_status_display()

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> HttpResponse:
        if not object_id.isdigit():
            raise Http404
        return ApologyView.as_view(model_admin=self)(request, pk=int(object_id))

    def get_urls(self) -> list[URLPattern]:
        issue = self.admin_site.admin_view(IssueApologyView.as_view(model_admin=self))
        return [path("for/<int:pk>/", issue, name="coupons_apology_issue"), *super().get_urls()]


class AllowanceForm(forms.ModelForm):
    daily_amount = MoneyField(label=gettext_lazy("Per day"), min_value=0)

    class Meta:
        model = AgentAllowance
        fields = ["user", "group", "daily_amount"]


@admin.register(AgentAllowance)
class AgentAllowanceAdmin(ModelAdmin):
    """How much each person or group may give a day; who has no row has the default of the settings."""

    form = AllowanceForm
    list_display = ["whose", "daily"]
    list_select_related = ["user", "group"]
    list_per_page = 25
    search_fields = ["user__username", "group__name"]

    @admin.display(description=gettext_lazy("whose"))
    def whose(self, allowance: AgentAllowance) -> str:
        return str(allowance.user or allowance.group)

    @admin.display(description=gettext_lazy("per day"), ordering="daily_amount")
    def daily(self, allowance: AgentAllowance) -> str:
        return money(allowance.daily_amount, allowance.currency)


def page_of(apology: Apology) -> str:
    return reverse("admin:coupons_apology_change", args=[apology.pk])


def _was_sent(key: str) -> bool:
    """Return whether this form came before. While the cache is away every form counts as the first."""
    try:
        return not cache.add(key, 1, TOKEN_SECONDS)
    except Exception:
        log.error("apology_form_unremembered")
        return False


def _forget(key: str) -> None:
    try:
        cache.delete(key)
    except Exception:
        log.error("apology_form_unremembered")


def _minor_units(value: Decimal) -> int:
    return int(value.scaleb(get_currency_precision(settings.PROGRAMME_CURRENCY)))
