from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.generic import TemplateView
from unfold.views import UnfoldModelAdminViewMixin

from campaigns import services
from campaigns.admin.messages import ReadOnlyAdmin
from campaigns.channels import SENDERS
from campaigns.models import ChannelSwitch, Message
from customers.models import Channel

MAY_SWITCH = "campaigns.change_channelswitch"


class SwitchesView(UnfoldModelAdminViewMixin, TemplateView):
    """Every channel with its switch, and how many messages wait for it."""

    title = gettext_lazy("Channel switches")
    permission_required = "campaigns.view_channelswitch"
    template_name = "campaigns/switches.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        known = ChannelSwitch.objects.select_related("changed_by").in_bulk()
        channels = [
            {
                "code": channel,
                "name": Channel(channel).label,
                "switch": known.get(channel),
                "waiting": Message.objects.waiting().filter(channel=channel).count(),
            }
            for channel in SENDERS
        ]
        return super().get_context_data(
            **kwargs, channels=channels, may_switch=self.request.user.has_perm(MAY_SWITCH)
        )

    def post(self, request: HttpRequest) -> HttpResponse:
        if not request.user.has_perm(MAY_SWITCH):
            return self.handle_no_permission()
        channel = request.POST.get("channel", "")
        if channel in SENDERS:
            off = request.POST.get("off") == "1"
            services.switch_channel(
                channel, off=off, reason=request.POST.get("reason", ""), by=request.user, at=timezone.now()
            )
            messages.success(request, _("The channel is off.") if off else _("The channel is on again."))
        return redirect("admin:campaigns_channelswitch_changelist")


@admin.register(ChannelSwitch)
class ChannelSwitchAdmin(ReadOnlyAdmin):
    """The kill switches, as one page."""

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        return SwitchesView.as_view(model_admin=self)(request)
