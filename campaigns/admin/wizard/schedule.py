"""Step 5: when it goes out, told for each kind of trigger in its own fields."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from django import forms
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.generic import View

from campaigns.admin.wizard.base import MAY_WRITE, CampaignPage, StepForm, WizardStep
from campaigns.admin.wizard.trigger_fields import PARTS
from campaigns.admin.wizard.trigger_part import TriggerPart, local_zone
from campaigns.drafts import VersionTerms
from campaigns.models import CampaignVersion, Lane
from operations.date_fields import MinuteField
from operations.errors import FidelioError

Trigger = CampaignVersion.Trigger
NOW, LATER = "now", "later"


class ScheduleForm(StepForm):
    """The kind of trigger with its own part of the form, and what holds for every kind."""

    trigger = forms.ChoiceField(label=_("It goes out"), choices=Trigger.choices, widget=forms.RadioSelect)
    when = forms.ChoiceField(
        label=_("Beginning"),
        choices=[(NOW, _("As soon as it is started")), (LATER, _("At a time"))],
        widget=forms.RadioSelect,
        initial=NOW,
    )
    starts_at = MinuteField(label=_("Day and time"), required=False)
    good_for_hours = forms.IntegerField(
        label=_("Good for, hours"),
        min_value=1,
        max_value=24 * 365,
        required=False,
        help_text=_("What could not leave within this time is not sent any more. Empty: always."),
    )
    fast = forms.BooleanField(
        label=_("Overtake large sendings"),
        required=False,
        help_text=_("For a welcome, an apology: what somebody waits for."),
    )
    messages_per_minute = forms.IntegerField(
        label=_("At most so many a minute"),
        min_value=1,
        max_value=1_000_000,
        required=False,
        help_text=_("Empty: as fast as it goes."),
    )

    def __init__(self, *args: Any, version: CampaignVersion, **kwargs: Any) -> None:
        kwargs["initial"] = {
            "trigger": version.trigger,
            "when": LATER if version.starts_at else NOW,
            "starts_at": version.starts_at,
            "good_for_hours": version.good_for_hours,
            "fast": version.lane == Lane.FAST,
            "messages_per_minute": version.campaign.messages_per_minute,
        }
        super().__init__(*args, **kwargs)
        self.version = version
        self.parts: dict[str, TriggerPart] = {
            kind: part(
                self.data if self.is_bound else None,
                prefix=kind.lower(),
                rule=version.trigger_rule if version.trigger == kind else None,
                label_suffix="",
            )
            for kind, part in PARTS.items()
        }

    @property
    def part(self) -> TriggerPart | None:
        """Return the part of the kind that was chosen."""
        return self.parts.get(self.cleaned_data.get("trigger", ""))

    def clean(self) -> dict[str, Any]:
        given = super().clean()
        if given.get("when") == LATER and not given.get("starts_at") and "starts_at" not in self.errors:
            self.add_error("starts_at", _("Say when it should be sent."))
        part = self.parts.get(given.get("trigger", ""))
        if part is not None and not part.is_valid():
            raise forms.ValidationError(_("Some of what you wrote below cannot be used."))
        return given

    def has_changed(self) -> bool:
        part = self.part
        return super().has_changed() or (part is not None and part.has_changed())

    def changes(self) -> dict[str, Any]:
        given, part = self.cleaned_data, self.part
        terms = replace(
            VersionTerms.of(self.version),
            trigger=given["trigger"],
            trigger_rule=part.as_rule() if part else {},
            good_for_hours=given["good_for_hours"],
            lane=Lane.FAST if given["fast"] else Lane.BULK,
        )
        return {
            "terms": terms,
            "starts_at": self._starts_at(given),
            "messages_per_minute": given["messages_per_minute"],
        }

    def show(self, error: FidelioError) -> None:
        """Put what the trigger refuses beside the fields of its part."""
        rest = []
        for mistake in error.details:
            name = mistake.pointer.removeprefix("/trigger_rule/")
            if self.part is None or name == mistake.pointer or not self.part.show_at(name, mistake.message):
                rest.append(mistake)
        if rest or not error.details:
            super().show(type(error)(error.message, details=rest))
        else:
            self.add_error(None, _("Some of what you wrote below cannot be used."))

    def _starts_at(self, given: dict[str, Any]) -> datetime | None:
        return given["starts_at"] if given["when"] == LATER else None


class HolidaysView(CampaignPage, View):
    """The holidays of the country and region chosen in the form."""

    permission_required = MAY_WRITE
    http_method_names = ["post"]
    title = ""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        form = ScheduleForm(request.POST, version=self.campaign().version)
        return render(request, "campaigns/wizard/holiday_names.html", {"part": form.parts[Trigger.CALENDAR]})


class ScheduleStep(WizardStep):
    step = "schedule"
    form_class = ScheduleForm

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        zone = local_zone()
        return super().get_context_data(**kwargs, zone=zone, zone_name=settings.PROGRAMME_TIME_ZONE)
