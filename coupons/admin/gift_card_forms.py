"""The forms of gift cards; they only gather what the services check."""

import secrets
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from coupons.admin.fields import NamesField
from coupons.admin.forms import RefusalForm
from coupons.models import GiftCard
from coupons.rules import end_of_local_day
from coupons.services.gift_card_batches import MOST_CARDS
from operations.date_fields import DayField
from operations.number_fields import MoneyField

MPV, SPV = GiftCard.VatKind.values


def new_token() -> str:
    """Return what makes a form that is sent twice count once."""
    return secrets.token_urlsafe(16)


class TokenForm(RefusalForm):
    token = forms.CharField(widget=forms.HiddenInput, max_length=64)


@dataclass(frozen=True)
class FormPart:
    """Some fields of a form, for the template that draws a form."""

    visible_fields: list[Any]
    hidden_fields: list[Any] = field(default_factory=list)
    non_field_errors: Any = ""

    @property
    def has_errors(self) -> bool:
        return any(one.errors for one in self.visible_fields)


class MoneyOnCardsForm(TokenForm):
    """What every card that is made by hand has."""

    POINTERS = {"items": "skus"}
    SELDOM = ("vat_kind", "tax_rate", "skus", "categories")

    amount = MoneyField(label=_("Amount"))
    expires_on = DayField(
        label=pgettext_lazy("gift card", "Good until"),
        required=False,
        help_text=_("The last day on which it can be spent. Empty: it never expires."),
    )
    vat_kind = forms.ChoiceField(
        label=_("Tax"),
        choices=[
            (MPV, _("Multi-purpose: taxed when it is spent")),
            (SPV, _("Single-purpose: taxed now, all it can buy has one rate")),
        ],
        initial=MPV,
    )
    tax_rate = forms.DecimalField(
        label=_("Tax rate, percent"),
        required=False,
        min_value=0,
        max_value=100,
        decimal_places=2,
        help_text=_("Of a single-purpose card."),
    )
    skus = NamesField(label=_("Pays only for these articles"), help_text=_("SKUs. Empty: for everything."))
    categories = NamesField(label=_("Pays only for these categories"))

    @property
    def first_part(self) -> FormPart:
        """Return what is asked of everybody."""
        fields = [one for one in self.visible_fields() if one.name not in self.SELDOM]
        return FormPart(fields, self.hidden_fields(), self.non_field_errors())

    @property
    def seldom_part(self) -> FormPart:
        """Return what few need: tax, and what the card pays for."""
        return FormPart([one for one in self.visible_fields() if one.name in self.SELDOM])

    def card_fields(self) -> dict[str, Any]:
        """Return what the services take."""
        given = self.cleaned_data
        items = {"skus": given["skus"], "categories": given["categories"]}
        return {
            "amount": given["amount"],
            "expires_at": self._expires_at(),
            "vat_kind": given["vat_kind"],
            "tax_rate": given["tax_rate"],
            "items": {name: names for name, names in items.items() if names} or None,
        }

    def _expires_at(self) -> datetime | None:
        day = self.cleaned_data["expires_on"]
        return end_of_local_day(day, settings.PROGRAMME_TIME_ZONE) if day else None


class GiftCardForm(MoneyOnCardsForm):
    """One card: for a customer, who is sent its code, or for whoever gets it."""

    reason = forms.ChoiceField(label=_("Why"), choices=GiftCard.Reason.choices, initial=GiftCard.Reason.SOLD)
    note = forms.CharField(label=_("Note"), min_length=3, max_length=300, help_text=_("For your colleagues."))
    send = forms.BooleanField(
        label=_("Send the code by e-mail; then nobody here sees it"), required=False, initial=True
    )
    inactive = forms.BooleanField(
        label=_("Not active yet: it has no money until it is activated"), required=False
    )
    field_order = ["amount", "reason", "note", "expires_on", "send", "inactive"]

    def __init__(self, *args: Any, to_customer: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not to_customer:
            del self.fields["send"]


class BatchForm(MoneyOnCardsForm):
    """Many cards at once."""

    name = forms.CharField(label=_("Name of the batch"), max_length=100)
    count = forms.IntegerField(label=_("How many cards"), min_value=1, max_value=MOST_CARDS, initial=100)
    note = forms.CharField(label=_("Note"), min_length=3, max_length=300, help_text=_("For your colleagues."))
    active = forms.BooleanField(
        label=_("They have their money at once"),
        required=False,
        help_text=_("Otherwise the till activates each one when it is sold; until then it is worth nothing."),
    )
    field_order = ["name", "count", "amount", "note", "active", "expires_on"]


class TopUpForm(TokenForm):
    amount = MoneyField(label=_("Amount"))
    note = forms.CharField(label=_("Why"), min_length=3, max_length=300)


class NoteForm(TokenForm):
    note = forms.CharField(label=_("Why"), min_length=3, max_length=300)


class MoveForm(forms.Form):
    reason = forms.CharField(max_length=300, required=False)
    send = forms.BooleanField(required=False)
    expires_on = DayField(required=False)

    @property
    def expires_at(self) -> datetime | None:
        """Return the end of the last day on which the card is to be good; None for never."""
        day = self.cleaned_data["expires_on"]
        return end_of_local_day(day, settings.PROGRAMME_TIME_ZONE) if day else None


class CodeForm(forms.Form):
    """The code somebody holds in their hand. Never in an address: it is money."""

    code = forms.CharField(
        label=_("Code of the card"),
        max_length=60,
        widget=forms.TextInput(attrs={"autocomplete": "off", "autofocus": True, "spellcheck": "false"}),
    )
