"""What is being written as a recipient would get it: preview, test, length."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.generic import View

from campaigns import services
from campaigns.admin.recipients import find_recipient
from campaigns.admin.wizard.base import MAY_WRITE, CampaignPage
from campaigns.admin.wizard.content_form import ContentForm, split_push
from campaigns.admin.wizard.content_key import ContentKey, offer_of
from campaigns.content import Rendered, sms_size
from campaigns.models import Campaign
from customers.models import Channel, Segment
from operations.errors import FidelioError, InvalidInput, Mistake


class _Drawn(CampaignPage, View):
    """Base of what shows the content of the form as a recipient would get it."""

    permission_required = MAY_WRITE
    http_method_names = ["post"]
    title = ""

    def rendered(self, campaign: Campaign, request: HttpRequest) -> tuple[Rendered, ContentKey, Any]:
        """Return the message, which content it is, and as whom. Raises FidelioError."""
        version, key = campaign.version, ContentKey.read(request.POST.get("key", ""))
        form = ContentForm(request.POST, version=version, key=key)
        if not form.is_valid():
            raise InvalidInput(
                details=[Mistake("", str(one)) for all_ in form.errors.values() for one in all_]
            )
        segment: Segment | None = version.segment
        customer = find_recipient(request.POST.get("preview_as", ""), segment)
        message = services.preview_draft(
            form.draft(),
            promotion=offer_of(version, key.variant),
            customer=customer,
            campaign_name=campaign.name,
            purpose=version.purpose,
            at=timezone.now(),
        )
        return message, key, customer


class ContentPreviewView(_Drawn):
    """The content as one customer would see it, with a code that is good nowhere."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        try:
            preview, key, customer = self.rendered(self.campaign(), request)
        except FidelioError as error:
            return render(request, "campaigns/wizard/preview.html", {"error": error})
        context = {
            "preview": preview,
            "key": key,
            "customer": customer,
            "size": sms_size(preview.text) if key.channel == Channel.SMS else None,
            "push": split_push(preview.text) if key.channel == Channel.PUSH else None,
        }
        return render(request, "campaigns/wizard/preview.html", context)


class ContentTestView(_Drawn):
    """Send the content to one address, marked as a test."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        address = request.POST.get("test_address", "")
        try:
            rendered, key, _customer = self.rendered(self.campaign(), request)
            services.send_test(rendered, address=address, channel=key.channel, at=timezone.now())
        except FidelioError as error:
            return render(request, "campaigns/test.html", {"error": error})
        return render(request, "campaigns/test.html", {"sent_to": address})


class SmsSizeView(CampaignPage, View):
    """How many segments a text takes, while it is written."""

    permission_required = MAY_WRITE
    http_method_names = ["post"]
    title = ""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        return render(
            request, "campaigns/wizard/sms_size.html", {"size": sms_size(request.POST.get("body", "")[:4000])}
        )
