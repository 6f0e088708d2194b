"""The form of the sending limits, as sentences with blanks; a blank left empty is no limit."""

import re
from dataclasses import dataclass
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from campaigns.channels import SENDERS
from campaigns.models import FrequencyCap, QuietHours, RateLimit
from campaigns.models.limits import LONGEST_CAP_DAYS
from campaigns.pace import Quiet
from campaigns.services.limits import BreakerTerms, CapTerms, RateTerms, breaker
from coupons.admin.rows import Row, Rows
from customers.models import Channel
from operations.number_fields import NumberField, WholeNumberField

DOMAIN = re.compile(r"(?=.{1,253}\Z)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+\Z")
MOST = 1_000_000


def _clock(label: Any) -> forms.TimeField:
    return forms.TimeField(
        label=label, required=False, widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M")
    )


def _channels() -> list[tuple[str, Any]]:
    return [(channel, Channel(channel).label) for channel in SENDERS]


class CapRow(Row):
    messages = WholeNumberField(
        label=gettext_lazy("Messages at most"), min_value=1, max_value=1_000, required=False
    )
    days = WholeNumberField(
        label=gettext_lazy("Within days"), min_value=1, max_value=LONGEST_CAP_DAYS, required=False
    )
    channel = forms.ChoiceField(label=gettext_lazy("Channel"), required=False, initial="")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["channel"].choices = [("", _("all channels together")), *_channels()]

    def clean(self) -> dict[str, Any]:
        given = super().clean()
        if (given.get("messages") is None) != (given.get("days") is None) and not self.errors:
            raise forms.ValidationError(_("Say how many messages, and within how many days."))
        return given


class DomainRow(Row):
    domain = forms.CharField(label=gettext_lazy("Domain"), max_length=253, required=False)
    per_minute = WholeNumberField(
        label=gettext_lazy("Messages a minute"), min_value=1, max_value=MOST, required=False
    )

    def clean_domain(self) -> str:
        domain = self.cleaned_data["domain"].strip().lower().removeprefix("@")
        if domain and not DOMAIN.match(domain):
            raise forms.ValidationError(_("This is not a domain, such as example.org."))
        return domain

    def clean(self) -> dict[str, Any]:
        given = super().clean()
        if bool(given.get("domain")) != (given.get("per_minute") is not None) and not self.errors:
            raise forms.ValidationError(_("Say which domain, and how many messages a minute."))
        return given


@dataclass(frozen=True)
class ChannelFields:
    """The blanks about one channel."""

    name: str
    starts_at: Any
    ends_at: Any
    per_minute: Any


class LimitsForm(forms.Form):
    """All limits of sending together."""

    bounce_percent = NumberField(
        label=gettext_lazy("Bounces, percent"), min_value=0.01, max_value=100, max_digits=5, decimal_places=2
    )
    complaint_percent = NumberField(
        label=gettext_lazy("Complaints, percent"),
        min_value=0.01,
        max_value=100,
        max_digits=5,
        decimal_places=2,
    )
    minimum_sample = WholeNumberField(label=gettext_lazy("Messages at least"), min_value=1, max_value=MOST)

    def __init__(self, data: Any = None) -> None:
        super().__init__(data, initial=_standing())
        for channel, _label in _channels():
            self.fields[f"{channel}_from"] = _clock(gettext_lazy("From"))
            self.fields[f"{channel}_to"] = _clock(gettext_lazy("To"))
            self.fields[f"{channel}_rate"] = WholeNumberField(
                label=gettext_lazy("Messages a minute"), min_value=1, max_value=MOST, required=False
            )
        caps = list(FrequencyCap.objects.values("messages", "days", "channel"))
        domains = RateLimit.objects.filter(kind=RateLimit.Kind.DOMAIN)
        self.caps = Rows(CapRow, "cap", data=data, initial=caps)
        self.domains = Rows(
            DomainRow,
            "domain",
            data=data,
            initial=[{"domain": one.key, "per_minute": one.per_minute} for one in domains],
        )

    @property
    def channels(self) -> list[ChannelFields]:
        """Return the blanks channel by channel."""
        return [
            ChannelFields(label, *(self[f"{channel}_{name}"] for name in ("from", "to", "rate")))
            for channel, label in _channels()
        ]

    def is_valid(self) -> bool:
        rows_are = self.caps.is_valid() & self.domains.is_valid()
        return super().is_valid() and rows_are and not self._twice()

    def _twice(self) -> bool:
        """Put a mistake beside what stands twice."""
        found = False
        for rows, names in ((self.caps, ("channel", "days")), (self.domains, ("domain",))):
            seen: set[tuple] = set()
            for row in rows.given:
                key = tuple(row.cleaned_data.get(name) for name in names)
                if key in seen:
                    row.add_error(None, _("This stands here twice."))
                    found = True
                seen.add(key)
        return found

    def clean(self) -> dict[str, Any]:
        given = super().clean()
        for channel, _label in _channels():
            begin, end = given.get(f"{channel}_from"), given.get(f"{channel}_to")
            if (begin is None) != (end is None):
                self.add_error(f"{channel}_to", _("Say from when to when."))
            elif begin is not None and begin == end:
                self.add_error(f"{channel}_to", _("Quiet hours that never end would hold everything."))
        return given

    def terms(self) -> dict[str, Any]:
        """Return what `change_limits` takes."""
        given = self.cleaned_data
        rates = [
            RateTerms(RateLimit.Kind.CHANNEL, channel, given[f"{channel}_rate"])
            for channel in SENDERS
            if given[f"{channel}_rate"]
        ]
        domains = [row.cleaned_data for row in self.domains.given]
        rates += [RateTerms(RateLimit.Kind.DOMAIN, row["domain"], row["per_minute"]) for row in domains]
        return {
            "caps": [
                CapTerms(row.cleaned_data["messages"], row.cleaned_data["days"], row.cleaned_data["channel"])
                for row in self.caps.given
            ],
            "quiet": {
                channel: Quiet(given[f"{channel}_from"], given[f"{channel}_to"])
                for channel in SENDERS
                if given[f"{channel}_from"] is not None
            },
            "rates": rates,
            "pauses": BreakerTerms(
                given["bounce_percent"], given["complaint_percent"], given["minimum_sample"]
            ),
        }


def _standing() -> dict[str, Any]:
    rule = breaker()
    values: dict[str, Any] = {
        "bounce_percent": rule.bounce_percent,
        "complaint_percent": rule.complaint_percent,
        "minimum_sample": rule.minimum_sample,
    }
    for one in QuietHours.objects.all():
        values |= {f"{one.channel}_from": one.starts_at, f"{one.channel}_to": one.ends_at}
    for one in RateLimit.objects.filter(kind=RateLimit.Kind.CHANNEL):
        values[f"{one.key}_rate"] = one.per_minute
    return values
