"""The list of referrals: read only, for they are decided by what people do."""

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext_lazy
from unfold.admin import ModelAdmin
from unfold.decorators import display

from referrals.models import Referral


@admin.register(Referral)
class ReferralAdmin(ModelAdmin):
    list_display = ["__str__", "programme", "state", "reason", "registered_at", "rewarded_at"]
    list_filter = ["status", "reason", "programme"]
    list_filter_submit = True
    list_select_related = ["programme", "referrer", "referee"]
    list_per_page = 25
    search_fields = ["code__code"]
    search_help_text = gettext_lazy("The referral code.")
    date_hierarchy = "registered_at"

    @display(
        description=gettext_lazy("status"),
        ordering="status",
        label={"PENDING": "warning", "QUALIFIED": "info", "REWARDED": "success", "REJECTED": "danger"},
    )
    def state(self, referral: Referral) -> tuple[str, str]:
        return referral.status, referral.get_status_display()

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Referral | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Referral | None = None) -> bool:
        return False

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict | None = None
    ) -> HttpResponse:
        """Show who brought whom, when each step happened, and what both got."""
        referral = self.get_object(request, object_id)
        if referral is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        if not self.has_view_permission(request, referral):
            raise PermissionDenied
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": referral,
            "title": str(referral),
            "referral": referral,
            "rewards": referral.rewards.select_related(
                "customer", "publication__coupon__promotion", "entry"
            ).order_by("pk"),
        }
        request.current_app = self.admin_site.name
        return TemplateResponse(request, "referrals/referral.html", context)
