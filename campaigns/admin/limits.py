"""The page of the sending limits."""

from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.generic import TemplateView
from unfold.views import UnfoldModelAdminViewMixin

from campaigns.admin.limit_forms import LimitsForm
from campaigns.admin.messages import ReadOnlyAdmin
from campaigns.models import FrequencyCap, Message, MessageReason
from campaigns.services.limits import change_limits

MAY_CHANGE = "campaigns.change_frequencycap"


class LimitsView(UnfoldModelAdminViewMixin, TemplateView):
    """Caps, quiet hours, speeds and the breaker, as sentences to fill in."""

    title = gettext_lazy("Sending limits")
    permission_required = "campaigns.view_frequencycap"
    template_name = "campaigns/limits.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        form = kwargs.pop("form", None) or LimitsForm()
        capped = Message.objects.filter(reason=MessageReason.CAPPED).count()
        return super().get_context_data(
            **kwargs,
            form=form,
            capped=capped,
            may_change=self.request.user.has_perm(MAY_CHANGE),
        )

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not request.user.has_perm(MAY_CHANGE):
            return self.handle_no_permission()
        form = LimitsForm(request.POST)
        if not form.is_valid():
            return self.render_to_response(self.get_context_data(form=form))
        change_limits(**form.terms(), at=timezone.now(), by=request.user)
        messages.success(request, _("Saved. It holds from the next message on."))
        return redirect("admin:campaigns_frequencycap_changelist")


@admin.register(FrequencyCap)
class FrequencyCapAdmin(ReadOnlyAdmin):
    """The sending limits, as one page."""

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        return LimitsView.as_view(model_admin=self)(request)
