"""Tiers in the console: the ladder with its members, its steps, and tiers given by hand."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST
from unfold.admin import ModelAdmin

from customers.models import Customer
from loyalty.admin.tier_forms import GrantForm, LadderForm, TierForm
from loyalty.admin.tier_pages import ladder_cards, moves_table, people_chart, strip, what_if_context
from loyalty.models import Tier
from loyalty.services.tier_figures import (
    figures_at,
    history_until,
    ladder_in_words,
    latest_moves,
    tiers_shown,
)
from loyalty.services.tier_forecasts import forecast_ladder
from loyalty.services.tier_grants import grant_tier, withdraw_tier
from loyalty.services.tier_jobs import request_review
from loyalty.services.tier_ladder import (
    adopt_ladder,
    create_tier,
    edit_tier,
    holders_of,
    resume_tier,
    retire_tier,
)
from loyalty.services.tier_progress import progress_of
from loyalty.services.tiers import the_ladder
from operations.admin.pages import PageMixin
from operations.errors import FidelioError
from operations.figure_files import wanted_file

GRANT = "loyalty.grant_tier"


@admin.register(Tier)
class TierAdmin(PageMixin, ModelAdmin):
    """Pages of their own; a tier is never deleted: people stood on it."""

    search_fields = ["name", "code"]

    def has_delete_permission(self, request: HttpRequest, obj: Tier | None = None) -> bool:
        return False

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        shipping, withdraw = require_POST(self.shipping_view), require_POST(self.withdraw_view)
        return [
            path("thresholds/", wrap(self.thresholds_view), name="loyalty_tier_thresholds"),
            path("customer/<int:customer_pk>/", wrap(self.grant_view), name="loyalty_grant_tier"),
            path("customer/<int:customer_pk>/withdraw/", wrap(withdraw), name="loyalty_withdraw_tier"),
            path("<int:pk>/retire/", wrap(self.retire_view), name="loyalty_tier_retire"),
            path("<int:pk>/shipping/", wrap(shipping), name="loyalty_tier_shipping"),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: dict | None = None) -> HttpResponse:
        """Show the ladder: who stands where, what each step gives, how it went on."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        now, ladder, tiers = timezone.now(), the_ladder(), tiers_shown()
        figures = figures_at(now)
        context = {
            "ladder": ladder,
            "in_words": ladder_in_words(ladder),
            "figures": strip(figures) if tiers else [],
            "cards": ladder_cards(tiers, figures, ladder),
            "chart": people_chart(tiers, *history_until(now)) if tiers else None,
            "moves": moves_table(latest_moves()),
            "may_add": self.has_add_permission(request),
            "may_change": self.has_change_permission(request),
        }
        return wanted_file(request, context) or self._page(request, "loyalty/tiers.html", _("Tiers"), context)

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict | None = None
    ) -> HttpResponse:
        """Write down a step of the ladder."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = TierForm(request.POST or None, metric=the_ladder().metric)
        if request.method == "POST" and form.is_valid():
            try:
                create_tier(**form.arguments(), at=timezone.now(), by=request.user)
            except FidelioError as error:
                form.show(error)
            else:
                request_review(announce=False, by=request.user)
                messages.success(
                    request, _("The tier is there; whoever reached it already stands on it soon.")
                )
                return redirect(reverse("admin:loyalty_tier_changelist"))
        return self._page(request, "loyalty/tier_form.html", _("New tier"), {"form": form})

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict | None = None
    ) -> HttpResponse:
        """Change what a tier is called and what it gives."""
        tier = self.get_object(request, object_id)
        if tier is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        if not self.has_view_permission(request, tier):
            raise PermissionDenied
        may_change = self.has_change_permission(request, tier)
        form = TierForm(request.POST or None, row=tier, metric=the_ladder().metric)
        if request.method == "POST" and not may_change:
            raise PermissionDenied
        if request.method == "POST" and form.is_valid():
            try:
                edit_tier(tier, **form.arguments(), at=timezone.now(), by=request.user)
            except FidelioError as error:
                form.show(error)
            else:
                messages.success(request, _("Saved; it holds at once for everybody in this tier."))
                return redirect(reverse("admin:loyalty_tier_changelist"))
        context = {"form": form if may_change else form.frozen(), "tier": tier, "locked": not may_change}
        return self._page(request, "loyalty/tier_form.html", tier.name, context, tier)

    def thresholds_view(self, request: HttpRequest) -> HttpResponse:
        """Try other thresholds on what people really bought; then make them the programme's."""
        if not self.has_change_permission(request):
            raise PermissionDenied
        tiers, ladder = list(Tier.objects.steps()), the_ladder()
        form = LadderForm(request.POST or None, ladder=ladder, tiers=tiers)
        context: dict[str, Any] = {"form": form, "in_words": ladder_in_words(ladder)}
        if request.method == "POST" and form.is_valid():
            wished = {"rules": form.rules(), "thresholds": form.thresholds()}
            try:
                if "adopt" in request.POST:
                    return self._adopt(request, wished, announce=form.cleaned_data["announce"])
                context |= what_if_context(forecast_ladder(**wished, at=timezone.now()))
            except FidelioError as error:
                form.show(error)
        return self._page(request, "loyalty/tier_thresholds.html", _("Thresholds"), context)

    def _adopt(self, request: HttpRequest, wished: dict[str, Any], *, announce: bool) -> HttpResponse:
        adopt_ladder(**wished, at=timezone.now())
        job = request_review(announce=announce, by=request.user)
        messages.success(request, _("These are the thresholds now. Everybody is being looked at."))
        return redirect(reverse("admin:operations_jobrun_change", args=[job.pk]))

    def shipping_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Free the shipping of a tier with one click, or no more."""
        tier = get_object_or_404(Tier, pk=pk)
        if not self.has_change_permission(request, tier) or not request.user.has_perm(
            "coupons.add_promotion"
        ):
            raise PermissionDenied
        free = request.POST.get("free") == "on"
        edit_tier(tier, free_shipping=free, at=timezone.now(), by=request.user)
        said = (
            _("Shipping is free for %(tier)s from now on.")
            if free
            else _("Shipping is not free any more for %(tier)s.")
        )
        messages.success(request, said % {"tier": tier.name})
        return redirect(reverse("admin:loyalty_tier_changelist"))

    def retire_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Ask before a tier is retired, saying who keeps it how long; a retired one is put back at once."""
        tier = get_object_or_404(Tier, pk=pk)
        if not self.has_change_permission(request, tier):
            raise PermissionDenied
        if request.method != "POST":
            context = {"tier": tier, "holders": holders_of(tier)}
            return self._page(request, "loyalty/tier_retire.html", tier.name, context, tier)
        try:
            (retire_tier if tier.active else resume_tier)(tier, at=timezone.now())
        except FidelioError as error:
            messages.error(request, str(error.message))
        else:
            if not tier.active:
                request_review(announce=False, by=request.user)
            messages.success(request, _("Retired.") if tier.active else _("It can be reached again."))
        return redirect(reverse("admin:loyalty_tier_changelist"))

    def grant_view(self, request: HttpRequest, customer_pk: int) -> HttpResponse:
        """Give a customer a tier by hand."""
        if not request.user.has_perm(GRANT):
            raise PermissionDenied
        customer = get_object_or_404(Customer.objects.present(), pk=customer_pk)
        form = GrantForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            try:
                grant_tier(customer, **form.cleaned_data, at=timezone.now(), by=request.user)
            except FidelioError as error:
                form.show(error)
            else:
                messages.success(request, _("The customer has the tier now."))
                return redirect(reverse("admin:customers_customer_change", args=[customer.pk]))
        context = {
            "form": form,
            "customer": customer,
            "progress": progress_of(customer, at=timezone.now()),
        }
        return self._page(request, "loyalty/grant_tier.html", _("Give a tier"), context)

    def withdraw_view(self, request: HttpRequest, customer_pk: int) -> HttpResponse:
        """Take a tier back that was given by hand."""
        if not request.user.has_perm(GRANT):
            raise PermissionDenied
        customer = get_object_or_404(Customer.objects.present(), pk=customer_pk)
        try:
            withdraw_tier(customer, at=timezone.now(), by=request.user)
        except FidelioError as error:
            messages.error(request, str(error.message))
        else:
            messages.success(request, _("Taken back: the customer stands where they deserve."))
        return redirect(reverse("admin:customers_customer_change", args=[customer.pk]))
