"""A placement on one page: where it stands, for whom, what it says, with which code."""

from typing import Any

from django import forms
from django.db import models
from django.utils.translation import gettext_lazy as _

from campaigns.admin.page_forms import (
    LANGUAGES,
    campaign_field,
    campaigns_for,
    code_field,
    local_minute,
    minute_field,
    name_field,
    promotion_field,
    promotions_for,
    text_field,
)
from campaigns.models import Placement
from campaigns.models.placement import CODE
from campaigns.services.placements import PlacementTerms, Wording
from coupons.admin.forms import RefusalForm
from customers.models import Channel, Purpose, Segment

LONGEST_BODY = 200_000


class Shows(models.TextChoices):
    """What a placement is, as a marketer thinks of it."""

    OFFER = "OFFER", _("An offer or news: only to who allows offers")
    SERVICE = "SERVICE", _("A service notice: to everybody in the audience")
    ASK = "ASK", _("A question: who has not decided yet is asked to allow offers")


class PlacementForm(RefusalForm):
    """Everything about a placement; it only gathers what the services check."""

    POINTERS = {"purpose": "shows", "contents": "body_it"}

    name = name_field()
    code = code_field()
    slot = forms.CharField(
        label=_("Slot"),
        max_length=32,
        validators=[CODE],
        widget=forms.TextInput(attrs={"list": "slots", "autocomplete": "off"}),
        help_text=_("Where it stands. Choose one of the list or name your own."),
    )
    shows = forms.ChoiceField(
        label=_("What it is"), choices=Shows.choices, widget=forms.RadioSelect, initial=Shows.OFFER
    )
    asks = forms.ChoiceField(
        label=_("Asks for consent to"),
        choices=[(one.value, one.label) for one in (Channel.EMAIL, Channel.SMS, Channel.PUSH)],
        initial=Channel.EMAIL.value,
        help_text=_("Only for a question."),
    )
    segment = forms.ModelChoiceField(
        Segment.objects.none(), label=_("Audience"), required=False, empty_label=_("Everybody")
    )
    campaign = campaign_field()
    promotion = promotion_field(
        required=False, help_text=_("Each person sees a code of their own, and always the same.")
    )
    priority = forms.IntegerField(
        label=_("Priority"),
        min_value=0,
        max_value=100,
        initial=50,
        help_text=_("Of several in one slot a person sees the one with the larger number."),
    )
    most_showings = forms.IntegerField(
        label=_("At most, times per person"),
        min_value=1,
        max_value=10**6,
        required=False,
        help_text=_("Empty: as often as they come."),
    )
    starts_at = minute_field(_("From"))
    ends_at = minute_field(_("Until"))
    preview_as = forms.CharField(
        label=_("As this customer"),
        required=False,
        max_length=254,
        help_text=_("E-mail, card or name; empty: a made-up person."),
    )

    def __init__(self, data: Any = None, *, placement: Placement | None = None, **kwargs: Any) -> None:
        super().__init__(data, label_suffix="", **kwargs)
        self.placement = placement
        for language in LANGUAGES:
            self.fields[f"title_{language}"] = text_field(_("Title"), language, longest=200)
            body = text_field(_("Content"), language, rows=9, longest=LONGEST_BODY)
            body.strip = False
            self.fields[f"body_{language}"] = body
        self.fields["segment"].queryset = Segment.objects.filter(active=True).order_by("name")
        self.fields["campaign"].queryset = campaigns_for(placement.campaign_id if placement else None)
        self.fields["promotion"].queryset = promotions_for(placement.promotion_id if placement else None)
        if placement:
            del self.fields["code"]
            self.initial |= _initial_of(placement)

    @property
    def in_languages(self) -> list[dict[str, Any]]:
        """Return the fields of each language, for the template."""
        return [
            {"title": self[f"title_{language}"], "body": self[f"body_{language}"], "language": language}
            for language in LANGUAGES
        ]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if not any((cleaned.get(f"body_{language}") or "").strip() for language in LANGUAGES):
            self.add_error(f"body_{LANGUAGES[0]}", _("Write what is shown, in one language at least."))
        return cleaned

    def terms(self) -> PlacementTerms:
        given, shows = self.cleaned_data, self.cleaned_data["shows"]
        return PlacementTerms(
            purpose=Purpose.MARKETING if shows == Shows.OFFER else Purpose.SERVICE,
            asks_consent=given["asks"] if shows == Shows.ASK else "",
            **{
                name: given[name]
                for name in ("slot", "campaign", "segment", "promotion", "priority", "most_showings",
                             "starts_at", "ends_at")
            },
        )  # fmt: skip

    def contents(self) -> list[Wording]:
        """Return what is said in each language; a single one is for everybody."""
        given = self.cleaned_data
        written = [language for language in LANGUAGES if given[f"body_{language}"].strip()]
        return [
            Wording(
                given[f"body_{language}"],
                title=given[f"title_{language}"],
                language=language if len(written) > 1 else "",
            )
            for language in written
        ]

    def _field_of(self, pointer: str) -> str | None:
        parts = pointer.strip("/").split("/")
        if parts[0] == "contents" and len(parts) > 1:
            written = [one for one in LANGUAGES if self.cleaned_data.get(f"body_{one}", "").strip()]
            place = int(parts[1])
            return f"body_{written[place]}" if place < len(written) else None
        return super()._field_of(pointer)


def _initial_of(placement: Placement) -> dict[str, Any]:
    own = ("name", "slot", "segment", "campaign", "promotion", "priority", "most_showings")
    shows = Shows.ASK if placement.asks_consent else Shows.SERVICE
    known = {name: getattr(placement, name) for name in own} | {
        "shows": Shows.OFFER if placement.purpose == Purpose.MARKETING else shows,
        "asks": placement.asks_consent or Channel.EMAIL,
        "starts_at": local_minute(placement.starts_at),
        "ends_at": local_minute(placement.ends_at),
    }
    for content in placement.contents.all():
        language = content.language or LANGUAGES[-1]
        known |= {f"title_{language}": content.title, f"body_{language}": content.body}
    return known
