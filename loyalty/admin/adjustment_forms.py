"""What is filled in to change points by hand."""

from datetime import datetime, time, timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy, pgettext_lazy

from customers.models import Customer
from operations.date_fields import DayField
from operations.errors import FidelioError
from operations.number_fields import WholeNumberField

MOST_BY_HAND = 10**6


class TokenForm(forms.Form):
    """`token` is made with the page, so that a form sent twice is carried out once."""

    token = forms.UUIDField(widget=forms.HiddenInput, initial=uuid4)

    def show(self, error: FidelioError) -> None:
        """Put what a service refused beside its field, or above the form."""
        for mistake in error.details:
            name = mistake.pointer.strip("/")
            self.add_error(name if name in self.fields else None, str(mistake.message))
        if not error.details:
            self.add_error(None, str(error.message))


class AdjustmentForm(TokenForm):
    direction = forms.ChoiceField(
        label=gettext_lazy("Give or take"),
        choices=[("give", gettext_lazy("Give")), ("take", gettext_lazy("Take"))],
        initial="give",
    )
    points = WholeNumberField(label=gettext_lazy("Points"), min_value=1, max_value=MOST_BY_HAND)
    expires_on = DayField(
        label=pgettext_lazy("points", "Good until"),
        required=False,
        help_text=gettext_lazy("The last day on which they can be spent. Empty: they never expire."),
    )
    reason = forms.CharField(
        label=gettext_lazy("Why"),
        max_length=200,
        help_text=gettext_lazy("It stays in the ledger for ever, with your name."),
    )

    def adjustment(self) -> dict[str, Any]:
        """Return what `request_points` takes."""
        given = self.cleaned_data
        taking = given["direction"] == "take"
        expires_at = None
        if given["expires_on"] and not taking:
            next_day = given["expires_on"] + timedelta(days=1)
            expires_at = datetime.combine(next_day, time.min, ZoneInfo(settings.PROGRAMME_TIME_ZONE))
        return {
            "points": -given["points"] if taking else given["points"],
            "reason": given["reason"],
            "expires_at": expires_at,
            "token": str(given["token"]),
        }


class TransferForm(TokenForm):
    """To whom of the household, and how many."""

    to = forms.ModelChoiceField(label=gettext_lazy("To"), queryset=Customer.objects.none(), empty_label=None)
    points = WholeNumberField(label=gettext_lazy("Points"), min_value=1, max_value=MOST_BY_HAND)

    def __init__(self, *args: Any, members: list[Customer], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["to"].queryset = Customer.objects.filter(pk__in=[one.pk for one in members])
