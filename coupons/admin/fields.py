"""Form fields for what people write: amounts in euros and cents, lists in one line."""

from decimal import Decimal
from typing import Any

from babel.numbers import get_currency_precision
from django import forms
from django.conf import settings

from coupons.definitions import LARGEST_AMOUNT


class MoneyField(forms.DecimalField):
    """An amount as people write it (12.50); its value is in minor units of the programme's currency."""

    def __init__(self, **kwargs: Any) -> None:
        self.precision = get_currency_precision(settings.PROGRAMME_CURRENCY)
        largest = Decimal(LARGEST_AMOUNT).scaleb(-self.precision)
        smallest = Decimal(1).scaleb(-self.precision)
        kwargs = {"min_value": smallest, "max_value": largest, "decimal_places": self.precision} | kwargs
        super().__init__(localize=True, widget=forms.TextInput(attrs={"inputmode": "decimal"}), **kwargs)

    def clean(self, value: Any) -> int | None:
        amount = super().clean(value)
        return None if amount is None else int(amount.scaleb(self.precision))

    def prepare_value(self, value: Any) -> Any:
        return Decimal(value).scaleb(-self.precision) if isinstance(value, int) else value


class NamesField(forms.CharField):
    """Names separated by commas or lines; its value is a list."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, widget=forms.Textarea(attrs={"rows": 2}), **kwargs)

    def to_python(self, value: Any) -> list[str]:
        text = super().to_python(value) or ""
        return [name.strip() for name in text.replace("\n", ",").split(",") if name.strip()]

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(value) if isinstance(value, list) else value


def local_time_field(**kwargs: Any) -> forms.DateTimeField:
    """Return a field for a local day and time, picked in the browser."""
    return forms.DateTimeField(
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"],
        **kwargs,
    )
