"""Form fields for what people write: percentages, names one after another, counts and times."""

from decimal import Decimal, InvalidOperation
from typing import Any

from django import forms

from operations.date_fields import MinuteField


class PercentField(forms.DecimalField):
    """A percentage; its value is the text that a definition holds ("12.5")."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs = {"max_digits": 5, "decimal_places": 2, "max_value": 100, "min_value": 0} | kwargs
        widget = forms.TextInput(attrs={"inputmode": "decimal"})
        super().__init__(localize=True, widget=widget, **kwargs)

    def clean(self, value: Any) -> str | None:
        percent = super().clean(value)
        return None if percent is None else f"{percent.normalize():f}"

    def prepare_value(self, value: Any) -> Any:
        try:
            return Decimal(value) if isinstance(value, str) else value
        except InvalidOperation:  # What somebody typed, with a comma or a mistake in it.
            return value


class NamesField(forms.CharField):
    """Names separated by commas or lines; its value is a list. In the browser they become chips.

    `suggest` names what the console proposes while one types (`coupons.admin.suggestions`).
    """

    def __init__(self, *, suggest: str = "", **kwargs: Any) -> None:
        widget = forms.Textarea(attrs={"rows": 1, "data-names": suggest})
        super().__init__(required=False, widget=widget, **kwargs)

    def to_python(self, value: Any) -> list[str]:
        text = super().to_python(value) or ""
        names = [name.strip() for name in text.replace("\n", ",").split(",")]
        return list(dict.fromkeys(name for name in names if name))

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(value) if isinstance(value, list) else value


def name_field(suggest: str, **kwargs: Any) -> forms.CharField:
    """Return a field for one name, proposed while one types."""
    widget = forms.TextInput(attrs={"data-suggest": suggest, "autocomplete": "off"})
    return forms.CharField(widget=widget, **kwargs)


def count_field(**kwargs: Any) -> forms.IntegerField:
    """Return a narrow field for a number of things."""
    return forms.IntegerField(
        **{"min_value": 1, "max_value": 2**31 - 1, "required": False} | kwargs,
        widget=forms.NumberInput(attrs={"class": "fi-narrow"}),
    )


def local_time_field(**kwargs: Any) -> MinuteField:
    """Return a field for a local day and time that may stay empty."""
    return MinuteField(required=False, **kwargs)


def clock_field(**kwargs: Any) -> forms.TimeField:
    """Return a field for a time of day."""
    return forms.TimeField(
        required=False, widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"), **kwargs
    )
