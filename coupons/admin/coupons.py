"""Codes in the console: one found at once, with its whole story, its QR code and a switch."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.generic import TemplateView, View
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.views import UnfoldModelAdminViewMixin

from coupons import services
from coupons.admin.forms import SwitchForm
from coupons.history import coupon_history
from coupons.models import Coupon, Publication
from coupons.qr import qr_svg
from coupons.rules import canonical_code
from coupons.wording import coupon_headline
from operations.formats import day

MAY_SWITCH = "coupons.change_coupon"


class CouponView(UnfoldModelAdminViewMixin, TemplateView):
    """Everything about one code: whose it is, what it gives, where it was, and a switch."""

    permission_required = "coupons.view_coupon"
    template_name = "coupons/coupon.html"
    title = ""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        coupon = get_object_or_404(
            Coupon.objects.select_related("promotion", "holder", "issued_by", "source_order"),
            pk=self.kwargs["pk"],
        )
        self.title = coupon.code
        status = coupon.status_at(timezone.now())
        return super().get_context_data(
            **kwargs,
            coupon=coupon,
            status=status,
            status_text=Coupon.Status(status).label,
            gives=coupon_headline(coupon),
            history=coupon_history(coupon),
            may_switch=self.request.user.has_perm(MAY_SWITCH),
        )


class CouponQrView(UnfoldModelAdminViewMixin, View):
    permission_required = "coupons.view_coupon"
    title = ""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        coupon = get_object_or_404(Coupon, pk=pk)
        return HttpResponse(qr_svg(coupon.code), content_type="image/svg+xml")


class CouponSwitchView(UnfoldModelAdminViewMixin, View):
    """Switch a code off or on, at once."""

    permission_required = MAY_SWITCH
    title = ""
    http_method_names = ["post"]

    def post(self, request: HttpRequest, pk: int, move: str) -> HttpResponse:
        coupon, form = get_object_or_404(Coupon, pk=pk), SwitchForm(request.POST)
        if move not in ("off", "on") or not form.is_valid():
            raise Http404
        reason = form.cleaned_data["reason"]
        if move == "off":
            services.switch_off_coupon(coupon, reason=reason, by=request.user, at=timezone.now())
            messages.success(request, _("The code is switched off."))
        else:
            services.switch_on_coupon(coupon, reason=reason, by=request.user, at=timezone.now())
            messages.success(request, _("The code is good again."))
        return redirect(reverse("admin:coupons_coupon_change", args=[pk]))


@admin.register(Coupon)
class CouponAdmin(ModelAdmin):
    """Codes are made by their promotion and found by typing them."""

    list_display = ["code", "state", "promotion", "holder", "used", "reason", "good_until"]
    list_filter = ["active", "reason", "public"]
    list_filter_submit = True
    list_select_related = ["promotion", "holder"]
    list_per_page = 25
    show_full_result_count = False
    search_fields = ["code_canonical"]
    search_help_text = gettext_lazy("The whole code, in any spelling.")
    ordering = ["-id"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Coupon | None = None) -> bool:
        return False

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        return lookup == "promotion__id__exact" or super().lookup_allowed(lookup, value, request)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Coupon], search_term: str
    ) -> tuple[QuerySet[Coupon], bool]:
        """Find the one code, on its unique index, however it was typed."""
        term = canonical_code(search_term)
        return (queryset.filter(code_canonical=term) if term else queryset), False

    @display(
        description=gettext_lazy("status"),
        label={"ACTIVE": "success", "DISABLED": "danger", "EXPIRED": "warning", "USED_UP": "info"},
    )
    def state(self, coupon: Coupon) -> tuple[str, str]:
        status = coupon.status_at(timezone.now())
        return status, Coupon.Status(status).label

    @admin.display(description=gettext_lazy("good until"), ordering="valid_until", empty_value="–")
    def good_until(self, coupon: Coupon) -> str | None:
        return day(coupon.last_minute) if coupon.last_minute else None

    @admin.display(description=gettext_lazy("uses"))
    def used(self, coupon: Coupon) -> str:
        return f"{coupon.uses} / {'∞' if coupon.max_uses is None else coupon.max_uses}"

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> HttpResponse:
        if not object_id.isdigit():
            raise Http404
        return CouponView.as_view(model_admin=self)(request, pk=int(object_id))

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("<int:pk>/qr.svg", wrap(CouponQrView.as_view(model_admin=self)), name="coupons_coupon_qr"),
            path(
                "<int:pk>/switch/<slug:move>/",
                wrap(CouponSwitchView.as_view(model_admin=self)),
                name="coupons_coupon_switch",
            ),
            *super().get_urls(),
        ]


@admin.register(Publication)
class PublicationAdmin(ModelAdmin):
    """Who was given which code, when and through which channel; a record, never changed here."""

    list_display = ["coupon", "customer", "promotion", "channel", "state", "published_at"]
    list_filter = ["channel", "status"]
    list_filter_submit = True
    list_select_related = ["coupon", "customer", "promotion"]
    list_per_page = 25
    show_full_result_count = False
    search_fields = ["=coupon__code_canonical", "=external_id"]
    fields = ["promotion", "coupon", "customer", "channel", "status", "external_id", "published_at"]

    @display(
        description=gettext_lazy("status"),
        ordering="status",
        label={"PUBLISHED": "success", "WITHDRAWN": "warning"},
    )
    def state(self, publication: Publication) -> tuple[str, str]:
        return publication.status, publication.get_status_display()

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Publication | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Publication | None = None) -> bool:
        return False
