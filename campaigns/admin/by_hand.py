"""Sending a campaign to one person, from their page: by an agent, in two clicks."""

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.generic import TemplateView
from unfold.views import UnfoldModelAdminViewMixin

from campaigns import services
from campaigns.models import Campaign, CampaignVersion, Message, MessageState
from customers.models import Customer
from operations.errors import FidelioError

MAY_SEND = "campaigns.send_campaign"


def sent_by_hand() -> QuerySet[Campaign]:
    """Return the running campaigns that wait for somebody to send them."""
    newer = CampaignVersion.objects.filter(campaign=OuterRef("campaign"), number__gt=OuterRef("number"))
    by_hand = CampaignVersion.objects.filter(~Exists(newer), trigger=CampaignVersion.Trigger.MANUAL)
    running = Campaign.objects.filter(status=Campaign.Status.RUNNING, pk__in=by_hand.values("campaign"))
    return running.order_by("name")


class SendByHandView(UnfoldModelAdminViewMixin, TemplateView):
    """The campaigns that can be sent to a person, each with a button."""

    title = gettext_lazy("Send a campaign")
    permission_required = MAY_SEND
    template_name = "campaigns/by_hand.html"

    def customer(self) -> Customer:
        return get_object_or_404(Customer.objects.present(), pk=self.kwargs["customer"])

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        offered = [{"campaign": campaign, "version": campaign.version} for campaign in sent_by_hand()]
        return super().get_context_data(**kwargs | {"customer": self.customer(), "offered": offered})

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        customer = self.customer()
        chosen = request.POST.get("campaign", "")
        campaign = get_object_or_404(sent_by_hand(), pk=int(chosen) if chosen.isdecimal() else 0)
        at = timezone.now()
        try:
            message = services.send_to_customer(campaign, customer, at=at, by=request.user)
        except FidelioError as error:
            messages.error(request, str(error.message))
            return redirect(request.path)
        tell_what_became(request, campaign, customer, message, at=at)
        return redirect(f"{reverse('admin:customers_customer_change', args=[customer.pk])}?tab=messages")


def tell_what_became(
    request: HttpRequest, campaign: Campaign, customer: Customer, message: Message | None, *, at: datetime
) -> None:
    """Say that the message leaves, left earlier today, or does not and why; without one, a journey began."""
    names = {"campaign": campaign, "customer": customer}
    if message is not None and message.state in (MessageState.SUPPRESSED, MessageState.HOLDOUT):
        reason = message.get_reason_display() or message.get_state_display()
        messages.warning(request, _("It is not sent: %(reason)s.") % {"reason": reason})
    elif message is not None and message.created_at < at:
        already = _("“%(campaign)s” was sent to %(customer)s today already; it goes out once a day at most.")
        messages.info(request, already % names)
    else:
        messages.success(request, _("“%(campaign)s” is on its way to %(customer)s.") % names)
