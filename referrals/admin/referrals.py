"""The list of referrals, read only, for they are decided by what people do; and the queue of suspicions."""

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST
from unfold.admin import ModelAdmin
from unfold.decorators import display

from operations.admin.pages import PageMixin
from referrals.admin.reviews import PERMISSION, ReviewPages
from referrals.models import Referral


@admin.register(Referral)
class ReferralAdmin(ReviewPages, PageMixin, ModelAdmin):
    list_display = ["__str__", "programme", "state", "reason", "doubt", "registered_at", "rewarded_at"]
    list_filter = ["status", "review", "reason", "programme"]
    list_filter_submit = True
    list_select_related = ["programme", "referrer", "referee"]
    list_per_page = 25
    search_fields = ["code__code"]
    search_help_text = gettext_lazy("The referral code.")
    date_hierarchy = "registered_at"

    @display(
        description=gettext_lazy("status"),
        ordering="status",
        label={
            "PENDING": "warning",
            "QUALIFIED": "info",
            "REWARDED": "success",
            "TAKEN_BACK": "warning",
            "REJECTED": "danger",
        },
    )
    def state(self, referral: Referral) -> tuple[str, str]:
        return referral.status, referral.get_status_display()

    @display(
        description=gettext_lazy("review"),
        ordering="review",
        label={"WAITING": "warning", "CLEARED": "success", "REFUSED": "danger"},
    )
    def doubt(self, referral: Referral) -> tuple[str, str]:
        return referral.review, referral.get_review_display()

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("review/", wrap(self.queue_view), name="referrals_review_queue"),
            path("<int:pk>/review/", wrap(require_POST(self.decide_view)), name="referrals_review"),
            path("<int:pk>/take-back/", wrap(require_POST(self.take_back_view)), name="referrals_take_back"),
            *super().get_urls(),
        ]

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
        rewards = referral.rewards.select_related(
            "customer",
            "publication__coupon__promotion",
            "publication__promotion",
            "entry",
            "grant__reward",
        )
        context = {
            "referral": referral,
            "rewards": rewards.order_by("pk"),
            "overdue": referral.reward_due_at and referral.reward_due_at <= timezone.now(),
            "may_review": request.user.has_perm(PERMISSION),
            "may_take_back": request.user.has_perm(PERMISSION)
            and Referral.objects.with_rewards_to_take_back().filter(pk=referral.pk).exists(),
        }
        return self._page(request, "referrals/referral.html", str(referral), context, referral)
