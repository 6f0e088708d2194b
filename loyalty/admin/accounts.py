"""Accounts of points: read only, for the ledger is written by services alone."""

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.admin import ModelAdmin

from coupons.models import Account
from loyalty import services
from operations import formats

ENTRIES_SHOWN = 200


@admin.register(Account)
class AccountAdmin(ModelAdmin):
    """No search: it would put e-mails into addresses. Accounts are reached from their customer's page."""

    list_display = ["holder", "points", "opened_at"]
    list_select_related = ["customer"]
    list_per_page = 25
    show_full_result_count = False
    ordering = ["-balance"]

    @admin.display(description=gettext_lazy("customer"))
    def holder(self, account: Account) -> str:
        return str(account.customer or account)

    @admin.display(description=gettext_lazy("balance"), ordering="balance")
    def points(self, account: Account) -> str:
        return formats.number(account.balance)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Account]:
        return super().get_queryset(request).filter(kind=Account.Kind.POINTS)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Account | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Account | None = None) -> bool:
        return False

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict | None = None
    ) -> HttpResponse:
        """Show the account's entries, newest first, and what can be spent of it."""
        account = self.get_object(request, object_id)
        if account is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        if not self.has_view_permission(request, account):
            raise PermissionDenied
        context = {
            **self.admin_site.each_context(request),
            "model_admin": self,
            "title": _("Points of %(customer)s") % {"customer": account.customer},
            "account": account,
            "points": services.points_of(account.customer, at=timezone.now()),
            "entries": account.entries.order_by("-id")[:ENTRIES_SHOWN],
            "total": account.entries.count(),
        }
        request.current_app = self.admin_site.name
        return TemplateResponse(request, "loyalty/account.html", context)
