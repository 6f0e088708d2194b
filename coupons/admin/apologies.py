"""Apologies in the console: issued from the customer's page in a few seconds, and the list of them."""

import secrets
from datetime import datetime, timedelta
from typing import Any

import structlog
from babel.numbers import get_currency_symbol
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
from coupons.admin.apology_forms import ApologyForm
from coupons.admin.apology_report import ApologyReportView
from coupons.definitions import read_effect
from coupons.gift_card_codes import written_code
from coupons.models import AgentAllowance, Apology
from coupons.services.apologies import APPROVAL_KIND
from coupons.services.sealed_codes import open_code
from coupons.wording import effect_in_words
from customers.models import Customer, Order, Product
from customers.panels import Action
from operations.errors import FidelioError
from operations.formats import locale, money
from operations.models import Approval
from operations.number_fields import MoneyField

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
        return super().get_form_kwargs() | {
            "orders": self._orders(),
            "currency_name": get_currency_symbol(settings.PROGRAMME_CURRENCY, locale=locale()),
        }

    def _orders(self) -> list[Order]:
        """Return the latest orders, and the one the agent comes from, with their lines."""
        orders = Order.objects.filter(
            customer=self.customer(), currency=settings.PROGRAMME_CURRENCY
        ).prefetch_related("lines__product")
        recent = list(orders.order_by("-ordered_at")[:ORDERS_SHOWN])
        named = self.request.GET.get("order", "")
        if named.isascii() and named.isdigit() and int(named) not in {order.pk for order in recent}:
            recent += orders.filter(pk=int(named[:18]))
        return recent

    def get_initial(self) -> dict[str, Any]:
        return {"token": secrets.token_urlsafe(16), "order": self.request.GET.get("order")}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        at = timezone.now()
        allowance = services.allowance_of(self.request.user, at=at)
        received = services.customer_allowance_of(self.customer(), agent=self.request.user, at=at)
        return super().get_context_data(
            **kwargs,
            customer=self.customer(),
            allowance=allowance,
            allowance_percent=_share(allowance.used_amount, allowance.daily_amount),
            received=received,
            received_percent=_share(received.used_amount, received.amount),
            reasons=COMMON_REASONS,
            percent_limit=settings.APOLOGY_PERCENT_LIMIT,
        )

    def form_valid(self, form: ApologyForm) -> HttpResponse:
        given = form.cleaned_data
        key = f"apology-form:{self.request.user.pk}:{given['token']}"
        if _was_sent(key):
            messages.warning(self.request, _("This form was sent before; nothing was issued again."))
            return redirect(reverse("admin:coupons_apology_changelist"))
        try:
            apology = services.issue_apology(
                self.customer(),
                agent=self.request.user,
                **form.wish(),
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
            Apology.objects.select_related("customer", "agent", "order", "coupon__promotion", "gift_card"),
            pk=self.kwargs["pk"],
        )
        self.title = _("Apology to %(customer)s") % {"customer": apology.customer}
        return super().get_context_data(
            **kwargs,
            apology=apology,
            gives=what_it_gives(apology),
            articles=_articles(apology),
            card_until=_last_minute(apology),
            card_code=self._card_code(apology),
            approval=Approval.objects.waiting().filter(kind=APPROVAL_KIND, subject_id=apology.pk).first(),
        )

    def _card_code(self, apology: Apology) -> str:
        """Return the code of the gift card while it is on its way, for the agent who gave it alone."""
        if apology.gift_card is None or apology.agent != self.request.user:
            return ""
        code = open_code(apology.gift_card_id, at=timezone.now())
        return written_code(code) if code else ""


@admin.register(Apology)
class ApologyAdmin(ModelAdmin):
    """Every apology: who gave what to whom and why."""

    list_display = ["requested_at", "customer", "worth", "kind", "reason", "agent", "state"]
    list_filter = ["status", "kind", "within_allowance"]
    list_before_template = "coupons/apology_report_link.html"
    list_filter_submit = True
    list_select_related = ["customer", "agent"]
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
        report = self.admin_site.admin_view(ApologyReportView.as_view(model_admin=self))
        return [
            path("for/<int:pk>/", issue, name="coupons_apology_issue"),
            path("report/", report, name="coupons_apology_report"),
            *super().get_urls(),
        ]


class AllowanceForm(forms.ModelForm):
    daily_amount = MoneyField(label=gettext_lazy("Per day"), min_value=0)
    customer_amount = MoneyField(
        label=gettext_lazy("Per customer in 30 days"),
        min_value=0,
        required=False,
        help_text=gettext_lazy("From everybody together; empty for what the settings say."),
    )

    class Meta:
        model = AgentAllowance
        fields = ["user", "group", "daily_amount", "customer_amount"]


@admin.register(AgentAllowance)
class AgentAllowanceAdmin(ModelAdmin):
    """How much each person or group may give a day; who has no row has the default of the settings."""

    form = AllowanceForm
    list_display = ["whose", "daily", "per_customer"]
    list_select_related = ["user", "group"]
    list_per_page = 25
    search_fields = ["user__username", "group__name"]

    @admin.display(description=gettext_lazy("whose"))
    def whose(self, allowance: AgentAllowance) -> str:
        return str(allowance.user or allowance.group)

    @admin.display(description=gettext_lazy("per day"), ordering="daily_amount")
    def daily(self, allowance: AgentAllowance) -> str:
        return money(allowance.daily_amount, allowance.currency)

    @admin.display(description=gettext_lazy("per customer in 30 days"), ordering="customer_amount")
    def per_customer(self, allowance: AgentAllowance) -> str:
        return money(allowance.customer_amount, allowance.currency)


def what_it_gives(apology: Apology) -> str:
    """Return what the customer got, in half a line."""
    if apology.kind == Apology.Kind.GIFT_CARD:
        return _("a gift card of %(amount)s") % {"amount": money(apology.worth_amount, apology.currency)}
    narrowed = {"target": "ITEMS", "items": apology.items} if apology.items else {}
    return effect_in_words(read_effect(apology.effect | narrowed), apology.currency)


def order_actions(order: Order, request: HttpRequest) -> list[Action]:
    """Return the apology as something to do from an order's page (settings.ORDER_ACTIONS)."""
    customer = order.customer
    live = customer and customer.status in (Customer.Status.ACTIVE, Customer.Status.PROSPECT)
    if not live or not request.user.has_perm("coupons.issue_apology"):
        return []
    url = reverse("admin:coupons_apology_issue", args=[customer.pk])
    label = gettext_lazy("Issue an apology")
    return [Action(label, f"{url}?order={order.pk}", icon="sentiment_satisfied", primary=True)]


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


def _articles(apology: Apology) -> list[str]:
    """Return the names of the articles it is good for, as the catalogue has them."""
    skus = (apology.items or {}).get("skus", [])
    names = {product.sku: str(product) for product in Product.objects.filter(sku__in=skus)}
    return [names.get(sku, sku) for sku in skus]


def _last_minute(apology: Apology) -> datetime | None:
    """Return the last minute in which its gift card is good, as people say it: 23:59, not midnight after."""
    card = apology.gift_card
    return card.expires_at - timedelta(minutes=1) if card and card.expires_at else None


def _share(used: int, of: int) -> int:
    return min(100, used * 100 // of) if of else 100
