"""What people type into a landing page."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from django_countries import countries as world

from campaigns.models import LandingPage
from customers.rules import normalise_email

ELSEWHERE = "--"


class ClaimForm(forms.Form):
    """An address and what else the page asks; `website` is a trap that people do not see."""

    email = forms.CharField(
        label=_("Your e-mail address"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "email", "inputmode": "email"}),
        error_messages={"required": _("Without an address we cannot send you the code.")},
    )
    first_name = forms.CharField(
        label=_("Your first name"),
        max_length=120,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "given-name"}),
    )
    country = forms.ChoiceField(
        label=_("Where you live"), error_messages={"required": _("Choose where you live.")}
    )
    wants_offers = forms.BooleanField(required=False)
    website = forms.CharField(required=False, max_length=300)

    def __init__(self, data: Any = None, *, page: LandingPage, **kwargs: Any) -> None:
        super().__init__(data, label_suffix="", **kwargs)
        self.page = page
        if not page.asks_name:
            del self.fields["first_name"]
        if not page.asks_consent:
            del self.fields["wants_offers"]
        if page.countries:
            names = dict(world)
            choices = [(code, names.get(code, code)) for code in page.countries]
            self.fields["country"].choices = [
                *([("", _("Choose"))] if len(choices) > 1 else []),
                *choices,
                (ELSEWHERE, _("Another country")),
            ]
        else:
            del self.fields["country"]

    def clean_email(self) -> str:
        try:
            return normalise_email(self.cleaned_data["email"])
        except ValueError as error:
            raise forms.ValidationError(_("This is not an e-mail address.")) from error

    def clean_country(self) -> str:
        country = self.cleaned_data["country"]
        if country == ELSEWHERE:
            raise forms.ValidationError(_("This offer is for other countries, sorry."))
        return country

    @property
    def is_machine(self) -> bool:
        """Return whether the trap was filled in."""
        return bool(self.data.get("website"))
