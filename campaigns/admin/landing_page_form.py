"""A landing page on one page: what it says in each language, what it gives, to whom and how long."""

from typing import Any

from django import forms
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
from campaigns.models import LandingPage
from campaigns.services.landing_pages import PageTerms
from coupons.admin.forms import RefusalForm

TEXTS = ("title", "introduction", "thanks", "terms")
OWN = (
    "promotion", "campaign", "first_count", "shows_count", "newcomers_only", "asks_name", "asks_consent",
    "shows_stores", "shares", "starts_at", "ends_at",
)  # fmt: skip


class LandingPageForm(RefusalForm):
    """Everything about a landing page; it only gathers what the services check."""

    name = name_field()
    code = code_field()
    promotion = promotion_field(required=True, help_text=_("Each mailbox gets one code of it."))
    campaign = campaign_field()
    first_count = forms.IntegerField(
        label=_("For the first"),
        min_value=1,
        max_value=10**7,
        required=False,
        help_text=_("So many codes exactly; empty: for everybody while it is open."),
    )
    shows_count = forms.BooleanField(label=_("Say how many are left"), required=False, initial=True)
    countries = forms.CharField(
        label=_("Only for people in"),
        required=False,
        max_length=400,
        help_text=_("Codes of countries with commas: IT, SM. Empty: from anywhere."),
    )
    newcomers_only = forms.BooleanField(label=_("Only for who has never bought"), required=False)
    asks_name = forms.BooleanField(label=_("Ask for the first name"), required=False)
    asks_consent = forms.BooleanField(
        label=_("Ask whether offers may be sent"),
        required=False,
        initial=True,
        help_text=_("A tick of its own, in the words of your consent text; the code comes without it too."),
    )
    shows_stores = forms.IntegerField(
        label=_("Nearest stores to show"), min_value=0, max_value=10, initial=0, help_text=_("0: none.")
    )
    shares = forms.BooleanField(
        label=_("Buttons to share it"),
        required=False,
        help_text=_("Who got a code passes the page on; you see who brought whom."),
    )
    starts_at = minute_field(_("From"))
    ends_at = minute_field(_("Until"), _("Codes given stay good as long as their promotion says."))

    def __init__(self, data: Any = None, *, page: LandingPage | None = None, **kwargs: Any) -> None:
        super().__init__(data, label_suffix="", **kwargs)
        self.page = page
        for language in LANGUAGES:
            self.fields[f"title_{language}"] = text_field(_("Title"), language, longest=120)
            for name, label, longest in (
                ("introduction", _("Introduction"), 2000),
                ("thanks", _("With the code"), 1000),
                ("terms", _("Small print"), 4000),
            ):
                self.fields[f"{name}_{language}"] = text_field(label, language, rows=2, longest=longest)
        self.fields["promotion"].queryset = promotions_for(page.promotion_id if page else None)
        self.fields["campaign"].queryset = campaigns_for(page.campaign_id if page else None)
        if page:
            del self.fields["code"]
            self.initial |= _initial_of(page)

    @property
    def in_languages(self) -> list[dict[str, Any]]:
        """Return the fields of each language, for the template."""
        return [
            {name: self[f"{name}_{language}"] for name in TEXTS} | {"language": language}
            for language in LANGUAGES
        ]

    def clean_countries(self) -> tuple[str, ...]:
        codes = [part.strip().upper() for part in self.cleaned_data["countries"].replace(";", ",").split(",")]
        codes = [code for code in codes if code]
        wrong = [code for code in codes if len(code) != 2 or not code.isascii() or not code.isalpha()]
        if wrong:
            raise forms.ValidationError(
                _("“%(code)s” is no country: two letters, as in IT."), params={"code": wrong[0][:20]}
            )
        return tuple(dict.fromkeys(codes))

    def terms(self) -> PageTerms:
        given = self.cleaned_data
        texts = {
            name: {language: given.get(f"{name}_{language}") or "" for language in LANGUAGES}
            for name in TEXTS
        }
        return PageTerms(
            **texts, countries=given.get("countries") or (), **{name: given[name] for name in OWN}
        )

    def _field_of(self, pointer: str) -> str | None:
        place = pointer.strip("/")
        return f"{place}_{LANGUAGES[0]}" if place in TEXTS else super()._field_of(pointer)


def _initial_of(page: LandingPage) -> dict[str, Any]:
    texts = {
        f"{name}_{language}": getattr(page, name).get(language, "")
        for name in TEXTS
        for language in LANGUAGES
    }
    return texts | {name: getattr(page, name) for name in (*OWN, "name")} | {
        "countries": ", ".join(page.countries),
        "starts_at": local_minute(page.starts_at),
        "ends_at": local_minute(page.ends_at),
    }  # fmt: skip
