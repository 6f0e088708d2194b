from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.decorators import display

from campaigns.models import Message


class ReadOnlyAdmin(ModelAdmin):
    """Rows that only services write."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Message)
class MessageAdmin(ReadOnlyAdmin):
    """What became of each recipient."""

    list_display = ["customer", "campaign", "shown_state", "reason", "coupon", "attempts", "sent_at"]
    list_filter = ["state", "reason", "lane", "channel"]
    list_select_related = ["customer", "campaign", "publication__coupon"]
    list_per_page = 25
    show_full_result_count = False
    ordering = ["-id"]
    fields = [
        "customer", "campaign", "channel", "address", "purpose", "lane", "state", "reason", "detail",
        "coupon", "attempts", "not_before", "expires_at", "sent_at", "created_at",
    ]  # fmt: skip

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        return lookup in {"campaign__id__exact", "customer__id__exact"} or super().lookup_allowed(
            lookup, value, request
        )

    @display(
        description=_("State"),
        ordering="state",
        label={
            "SENT": "success", "SENDING": "info", "CLAIMED": "info", "SUPPRESSED": "warning",
            "UNKNOWN": "warning", "FAILED": "danger", "DEAD": "danger",
        },
    )  # fmt: skip
    def shown_state(self, message: Message) -> tuple[str, str]:
        return message.state, message.get_state_display()

    @admin.display(description=_("Code"))
    def coupon(self, message: Message) -> str:
        return message.coupon_code
