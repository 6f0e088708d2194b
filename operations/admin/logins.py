"""Who tried to log in, and which second factors people have."""

from allauth.account.models import EmailAddress, EmailConfirmation
from allauth.mfa.models import Authenticator
from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from unfold.admin import ModelAdmin

for model in (AccessAttempt, AccessFailureLog, AccessLog, Authenticator, EmailAddress, EmailConfirmation):
    if admin.site.is_registered(model):
        admin.site.unregister(model)


class LoginHistoryAdmin(ModelAdmin):
    """What happened; nobody writes it. Deleting a row of attempts lets that person try again at once."""

    list_per_page = 25
    show_full_result_count = False
    search_fields = ["username", "ip_address"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


@admin.register(AccessAttempt)
class AccessAttemptAdmin(LoginHistoryAdmin):
    list_display = ["username", "ip_address", "failures_since_start", "attempt_time"]
    fields = ["username", "ip_address", "failures_since_start", "attempt_time", "user_agent", "path_info"]


@admin.register(AccessLog)
class AccessLogAdmin(LoginHistoryAdmin):
    list_display = ["username", "ip_address", "attempt_time", "logout_time"]
    fields = ["username", "ip_address", "attempt_time", "logout_time", "user_agent", "path_info"]

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


@admin.register(AccessFailureLog)
class AccessFailureLogAdmin(LoginHistoryAdmin):
    list_display = ["username", "ip_address", "attempt_time", "locked_out"]
    fields = ["username", "ip_address", "attempt_time", "locked_out", "user_agent", "path_info"]

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


@admin.register(Authenticator)
class AuthenticatorAdmin(LoginHistoryAdmin):
    """Deleting a lost second factor is how an administrator lets somebody set up a new one."""

    list_display = ["user", "type", "created_at", "last_used_at"]
    list_select_related = ["user"]
    list_filter = ["type"]
    search_fields = ["user__username"]
    fields = ["user", "type", "created_at", "last_used_at"]
