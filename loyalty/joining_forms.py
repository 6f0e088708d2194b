"""What people type to join, or to be sent the link to their card."""

from datetime import date
from typing import Any

from django import forms
from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from customers.models import Channel
from customers.rules import normalise_email, normalise_phone
from operations.date_fields import DayField

YOUNGEST, OLDEST = 14, 120


class AddressForm(forms.Form):
    """An e-mail address; `website` is a trap that people do not see."""

    email = forms.CharField(
        label=_("Your e-mail address"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "email", "inputmode": "email"}),
        error_messages={"required": _("Where should we send it?")},
    )
    website = forms.CharField(required=False, max_length=300, widget=forms.HiddenInput)

    def __init__(self, data: Any = None, **kwargs: Any) -> None:
        super().__init__(data, label_suffix="", **kwargs)
        for field in self.visible_fields():
            if field.errors:
                field.field.widget.attrs["aria-invalid"] = "true"

    def clean_email(self) -> str:
        if not self.cleaned_data["email"]:
            return ""
        try:
            return normalise_email(self.cleaned_data["email"])
        except ValueError as error:
            raise forms.ValidationError(_("This is not an e-mail address.")) from error

    @property
    def is_machine(self) -> bool:
        """Return whether the trap was filled in."""
        return bool(self.data.get("website"))


class JoinForm(AddressForm):
    """Who joins: a name, an address or a number, and whether offers are welcome."""

    field_order = ["first_name", "last_name", "email", "phone", "birth_date", "wants_offers"]
    first_name = forms.CharField(
        label=_("First name"),
        max_length=120,
        widget=forms.TextInput(attrs={"autocomplete": "given-name"}),
        error_messages={"required": _("How may we call you?")},
    )
    last_name = forms.CharField(
        label=_("Last name"),
        max_length=120,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "family-name"}),
    )
    phone = forms.CharField(
        label=_("Or your mobile number"),
        max_length=40,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "tel", "inputmode": "tel", "type": "tel"}),
    )
    birth_date = DayField(
        label=_("Birthday, for a present"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date", "autocomplete": "bday"}, format="%Y-%m-%d"),
        error_messages={"invalid": _("This is not a date.")},
    )
    wants_offers = forms.BooleanField(required=False)

    def __init__(self, data: Any = None, **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        if settings.SMS_URL:
            self.fields["email"].required = False
        else:
            del self.fields["phone"]

    def clean_phone(self) -> str:
        if not self.cleaned_data["phone"]:
            return ""
        try:
            return normalise_phone(self.cleaned_data["phone"], settings.PROGRAMME_COUNTRY)
        except ValueError as error:
            raise forms.ValidationError(_("This is not a telephone number.")) from error

    def clean_birth_date(self) -> date | None:
        born = self.cleaned_data["birth_date"]
        if born is None:
            return None
        today = timezone.localdate()
        age = today.year - born.year - ((today.month, today.day) < (born.month, born.day))
        if age < YOUNGEST:
            raise forms.ValidationError(_("Who is younger than 14 joins with a parent, in the shop."))
        if age > OLDEST:
            raise forms.ValidationError(_("This is not a date."))
        return born

    def clean(self) -> dict[str, Any]:
        given = super().clean()
        told = given.get("email") or given.get("phone")
        if not told and not self.errors:
            self.add_error("email", _("Where should we send it?"))
        return given

    @property
    def contact(self) -> tuple[str, str]:
        """Return the channel and the address to confirm: the e-mail where there is one."""
        if self.cleaned_data.get("email"):
            return Channel.EMAIL, self.cleaned_data["email"]
        return Channel.SMS, self.cleaned_data["phone"]
