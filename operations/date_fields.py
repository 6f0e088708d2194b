"""Form fields for days and local times, picked in the browser."""

from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from operations.instants import YEARS

MINUTES = "%Y-%m-%dT%H:%M"


def refuse_odd_year(value: date) -> None:
    """Refuse a year that nobody means: at the ends of the calendar what is stored could not be read again.

    Raises ValidationError.
    """
    if value.year not in YEARS:
        years = {"first": YEARS[0], "last": YEARS[-1]}
        raise ValidationError(_("The year is from %(first)d to %(last)d.") % years)


class DayField(forms.DateField):
    """A local day."""

    default_validators = [refuse_odd_year]

    def __init__(self, **kwargs: Any) -> None:
        widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
        super().__init__(**{"widget": widget} | kwargs)


class MinuteField(forms.DateTimeField):
    """A local day and time; its value is an instant."""

    default_validators = [refuse_odd_year]

    def __init__(self, **kwargs: Any) -> None:
        widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format=MINUTES)
        super().__init__(**{"widget": widget, "input_formats": [MINUTES, f"{MINUTES}:%S"]} | kwargs)
