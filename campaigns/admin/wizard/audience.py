"""Step 1: who gets it, with a live count, whom each channel reaches, and who else writes to them."""

from dataclasses import replace
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.generic import View

from campaigns.admin.wizard.base import MAY_WRITE, CampaignPage, StepForm, WizardStep
from campaigns.audience import channel_reaches, overlapping_campaigns
from campaigns.drafts import VersionTerms
from campaigns.models import CampaignVersion
from customers.models import Purpose, Segment

PURPOSES = [
    (Purpose.MARKETING, _("Advertising: only to who allowed it")),
    (Purpose.SERVICE, _("Service: about what somebody bought or asked for")),
]


class AudienceForm(StepForm):
    """Who, what for, and how important."""

    name = forms.CharField(label=_("Name"), max_length=120, help_text=_("Only your colleagues see it."))
    segment = forms.ModelChoiceField(
        label=_("Audience"),
        queryset=Segment.objects.none(),
        required=False,
        empty_label=_("Everybody"),
    )
    purpose = forms.ChoiceField(
        label=_("What it is"), choices=PURPOSES, widget=forms.RadioSelect, initial=Purpose.MARKETING
    )
    priority = forms.IntegerField(
        label=_("Priority"),
        min_value=0,
        max_value=100,
        help_text=_("Where a person may get only so many messages, the campaign with the higher one wins."),
    )

    def __init__(self, *args: Any, version: CampaignVersion, **kwargs: Any) -> None:
        kwargs["initial"] = {
            "name": version.campaign.name,
            "segment": version.segment_id,
            "purpose": version.purpose,
            "priority": version.campaign.priority,
        }
        super().__init__(*args, **kwargs)
        self.version = version
        usable = Segment.objects.filter(active=True) | Segment.objects.filter(pk=version.segment_id)
        self.fields["segment"].queryset = usable.order_by("name")

    def changes(self) -> dict[str, Any]:
        given = self.cleaned_data
        return {
            "name": given["name"],
            "segment": given["segment"],
            "priority": given["priority"],
            "terms": replace(VersionTerms.of(self.version), purpose=given["purpose"]),
        }


class CountForm(forms.Form):
    segment = forms.ModelChoiceField(queryset=Segment.objects.all(), required=False)
    purpose = forms.ChoiceField(choices=Purpose.choices, required=False)


class AudienceStep(WizardStep):
    step = "audience"
    form_class = AudienceForm


class AudienceCountView(CampaignPage, View):
    """How many there are, and whom each channel reaches; asked for whenever the choice changes."""

    permission_required = MAY_WRITE
    http_method_names = ["post"]
    title = ""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        campaign = self.campaign()
        version = campaign.version
        form = CountForm(request.POST)
        if not form.is_valid():
            return render(request, "campaigns/wizard/audience_count.html", {})
        segment = form.cleaned_data["segment"]
        purpose = form.cleaned_data["purpose"] or version.purpose
        context = {
            "asked": True,
            "segment": segment,
            "reaches": channel_reaches(segment, purpose=purpose),
            "used": version.channels,
            "overlaps": overlapping_campaigns(segment, apart_from=campaign),
        }
        return render(request, "campaigns/wizard/audience_count.html", context)
