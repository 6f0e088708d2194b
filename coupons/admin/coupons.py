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
from coupons.admin.forms import ExtendForm, SwitchForm
from coupons.barcodes import barcode_svg
from coupons.history import coupon_history
from coupons.models import Coupon, Promotion, Publication
from coupons.qr import qr_svg
from coupons.rules import canonical_code
from coupons.wording import coupon_headline
from customers.admin.lists import EstimatedPaginator
from operations.errors import FidelioError
from operations.formats import day

MAY_SWITCH = "coupons.change_coupon"


class CouponView(UnfoldModelAdminViewMixin, TemplateView):
    """Everything about one code: whose it is, what it gives, where it was, and a switch."""

    permission_required = "coupons.view_coupon"
    template_name = "coupons/coupon.html"
    title = ""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        coupon = get_object_or_404(
            Coupon.objects.select_related(
                "promotion", "holder", "issued_by", "source_order", "batch__client"
            ),
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
            promotion_status=self._promotion_status(coupon),
            history=coupon_history(coupon, at=timezone.now()),
            has_barcode=barcode_svg(coupon.code) is not None,
            withdrawable=self._withdrawable(coupon),
            may_switch=self.request.user.has_perm(MAY_SWITCH),
            extendable=self._extendable(coupon, status),
        )

    def _extendable(self, coupon: Coupon, status: str) -> bool:
        """Return whether the code can be made good for longer: never beyond its promotion."""
        ends_at = coupon.promotion.ends_at
        in_time = status in (Coupon.Status.ACTIVE, Coupon.Status.EXPIRED) and coupon.valid_until is not None
        return in_time and (ends_at is None or ends_at > timezone.now())

    def _promotion_status(self, coupon: Coupon) -> tuple[str, str] | None:
        """Return what keeps a good code from being redeemed: a promotion that does not run."""
        status = coupon.promotion.status_at(timezone.now())
        return None if status == Promotion.Status.ACTIVE else (status, Promotion.Status(status).label)

    def _withdrawable(self, coupon: Coupon) -> Publication | None:
        """Return the hand-over that can still be taken back: of an unused code of somebody's own."""
        if coupon.public or coupon.uses:
            return None
        return coupon.publications.filter(status=Publication.Status.PUBLISHED).order_by("-id").first()


class CouponBarcodeView(UnfoldModelAdminViewMixin, View):
    permission_required = "coupons.view_coupon"
    title = ""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        picture = barcode_svg(get_object_or_404(Coupon, pk=pk).code)
        if picture is None:
            raise Http404
        return HttpResponse(picture, content_type="image/svg+xml")


class WithdrawView(UnfoldModelAdminViewMixin, View):
    """Take back a code that was handed out and not used yet."""

    permission_required = MAY_SWITCH
    title = ""
    http_method_names = ["post"]

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        publication = get_object_or_404(Publication.objects.select_related("promotion", "customer"), pk=pk)
        form = SwitchForm(request.POST)
        reason = form.cleaned_data["reason"] if form.is_valid() else ""
        taken = services.withdraw_publication(publication, reason=reason, by=request.user, at=timezone.now())
        if taken.status == Publication.Status.WITHDRAWN:
            messages.success(request, _("The code is withdrawn: it is worth nothing any more."))
        else:
            messages.error(request, _("The code was used meanwhile; it stays as it is."))
        return redirect(reverse("admin:coupons_coupon_change", args=[publication.coupon_id]))


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


class CouponExtendView(UnfoldModelAdminViewMixin, View):
    """Let a code be good for longer: the customer who came a day late."""

    permission_required = MAY_SWITCH
    title = ""
    http_method_names = ["post"]

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        coupon = get_object_or_404(Coupon.objects.select_related("promotion"), pk=pk)
        form = ExtendForm(request.POST)
        if form.is_valid():
            self._extend(coupon, form)
        else:
            messages.error(request, _("Name the last day on which the code is to be good."))
        return redirect(reverse("admin:coupons_coupon_change", args=[pk]))

    def _extend(self, coupon: Coupon, form: ExtendForm) -> None:
        until, reason = form.end_in(coupon.promotion), form.cleaned_data["reason"]
        try:
            services.extend_coupon(
                coupon, valid_until=until, reason=reason, by=self.request.user, at=timezone.now()
            )
        except FidelioError as error:
            messages.error(self.request, "; ".join(str(one.message) for one in error.details))
        else:
            messages.success(self.request, _("The code is good for longer."))


class StatusFilter(admin.SimpleListFilter):
    """The status a person sees: switched off, expired, used up, or good."""

    title = gettext_lazy("status")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> list[tuple[str, Any]]:
        return Coupon.Status.choices

    def queryset(self, request: HttpRequest, queryset: QuerySet[Coupon]) -> QuerySet[Coupon]:
        chosen = self.value()
        return queryset.in_status(chosen, timezone.now()) if chosen in Coupon.Status.values else queryset


@admin.register(Coupon)
class CouponAdmin(ModelAdmin):
    """Codes are made by their promotion and found by typing them: one typed in full opens its page."""

    list_display = ["code", "state", "promotion", "holder", "used", "reason", "good_until"]
    list_filter = [StatusFilter, "reason", "public"]
    paginator = EstimatedPaginator
    list_filter_submit = True
    list_select_related = ["promotion", "holder"]
    list_per_page = 25
    show_full_result_count = False
    search_fields = ["code_canonical"]
    search_help_text = gettext_lazy("A code, in any spelling, or how it begins.")
    ordering = ["-id"]
    export_columns = {
        gettext_lazy("code"): "code",
        gettext_lazy("promotion"): "promotion",
        gettext_lazy("status"): lambda coupon: coupon.status_at(timezone.now()),
        gettext_lazy("uses"): "uses",
        gettext_lazy("uses allowed"): "max_uses",
        gettext_lazy("holder"): "holder",
        gettext_lazy("good from"): "valid_from",
        gettext_lazy("good until"): "valid_until",
        gettext_lazy("published at"): "published_at",
        gettext_lazy("reason"): "reason",
        gettext_lazy("created at"): "created_at",
    }

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Coupon | None = None) -> bool:
        return False

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        return lookup in ("promotion__id__exact", "batch__id__exact") or super().lookup_allowed(
            lookup, value, request
        )

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Coupon], search_term: str
    ) -> tuple[QuerySet[Coupon], bool]:
        """Find the one code, however it was typed, or those that begin so; both on an index."""
        term = canonical_code(search_term).replace("\0", "")
        if not term:
            return queryset, False
        one = queryset.filter(code_canonical=term)
        return (one if one.exists() else queryset.filter(code_canonical__startswith=term)), False

    def changelist_view(self, request: HttpRequest, extra_context: dict | None = None) -> HttpResponse:
        """Open the page of a code that was typed in full."""
        term = canonical_code(request.GET.get("q", "")).replace("\0", "")
        if term and self.has_view_permission(request):
            found = Coupon.objects.filter(code_canonical=term).values_list("pk", flat=True).first()
            if found:
                return redirect("admin:coupons_coupon_change", found)
            if services.is_mistyped_code(term):
                messages.warning(request, _("A character of this code is wrong: its last one does not fit."))
        return super().changelist_view(request, extra_context)

    @display(
        description=gettext_lazy("status"),
        label={"ACTIVE": "success", "DISABLED": "danger", "EXPIRED": "warning", "USED_UP": "info"},
    )
    def state(self, coupon: Coupon) -> tuple[str, str]:
        status = coupon.status_at(timezone.now())
        return status, Coupon.Status(status).label

    @admin.display(description=gettext_lazy("good until"), ordering="valid_until", empty_value="–")
    def good_until(self, coupon: Coupon) -> str | None:
        return day(coupon.last_minute_of_all) if coupon.last_minute_of_all else None

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
            path(
                "<int:pk>/barcode.svg",
                wrap(CouponBarcodeView.as_view(model_admin=self)),
                name="coupons_coupon_barcode",
            ),
            path(
                "publications/<int:pk>/withdraw/",
                wrap(WithdrawView.as_view(model_admin=self)),
                name="coupons_publication_withdraw",
            ),
            path("<int:pk>/qr.svg", wrap(CouponQrView.as_view(model_admin=self)), name="coupons_coupon_qr"),
            path(
                "<int:pk>/switch/<slug:move>/",
                wrap(CouponSwitchView.as_view(model_admin=self)),
                name="coupons_coupon_switch",
            ),
            path(
                "<int:pk>/extend/",
                wrap(CouponExtendView.as_view(model_admin=self)),
                name="coupons_coupon_extend",
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
