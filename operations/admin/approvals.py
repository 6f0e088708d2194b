"""What waits for another person's decision."""

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST
from unfold.admin import ModelAdmin
from unfold.decorators import display

from operations.admin.reauthentication import require_proof
from operations.errors import FidelioError
from operations.models import Approval
from operations.services import decide_approval


class DecisionForm(forms.Form):
    decision = forms.ChoiceField(choices=[("approve", "approve"), ("reject", "reject")])


@admin.register(Approval)
class ApprovalAdmin(ModelAdmin):
    """Requests are made by the services that need them; here they are allowed or refused."""

    list_display = ["summary", "state", "requested_by", "requested_at", "decided_by", "decided_at"]
    list_filter = ["status", "kind"]
    list_filter_submit = True
    list_select_related = ["requested_by", "decided_by"]
    list_per_page = 25
    search_fields = ["summary"]

    @display(
        description=gettext_lazy("status"),
        ordering="status",
        label={"APPROVED": "success", "REJECTED": "danger", "PENDING": "warning"},
    )
    def state(self, approval: Approval) -> tuple[str, str]:
        return approval.status, approval.get_status_display()

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Approval | None = None) -> bool:
        return False

    def get_urls(self) -> list[URLPattern]:
        decide = self.admin_site.admin_view(require_POST(self.decide_view))
        return [path("<int:pk>/decide/", decide, name="operations_approval_decide"), *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict | None = None
    ) -> HttpResponse:
        """Show what is asked for, with the two answers, in place of a form."""
        approval = self.get_object(request, object_id)
        if approval is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        if not self.has_view_permission(request, approval):
            raise PermissionDenied
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": approval,
            "approval": approval,
            "title": approval.summary,
            "waits": approval.status == Approval.Status.PENDING,
            "own": approval.requested_by_id == request.user.pk,
            "may_decide": self.has_change_permission(request, approval),
            "page": _page_of(approval),
        }
        request.current_app = self.admin_site.name
        return TemplateResponse(request, "operations/approval.html", context)

    def decide_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        approval = get_object_or_404(Approval, pk=pk)
        form = DecisionForm(request.POST)
        if not self.has_change_permission(request, approval) or not form.is_valid():
            raise PermissionDenied
        require_proof(request)
        try:
            decided = decide_approval(
                approval,
                approve=form.cleaned_data["decision"] == "approve",
                by=request.user,
                at=timezone.now(),
            )
        except FidelioError as error:
            messages.error(request, error.message)
        else:
            approved = decided.status == Approval.Status.APPROVED
            messages.success(request, _("Approved.") if approved else _("Rejected."))
        return redirect(reverse("admin:operations_approval_changelist"))


def _page_of(approval: Approval) -> str:
    """Return the address of what is asked for; empty where it has no page."""
    name = settings.APPROVAL_PAGES.get(approval.kind)
    return reverse(name, args=[approval.subject_id]) if name else ""
