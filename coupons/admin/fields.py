"""Form fields for what people write: amounts in euros and cents, percentages, names one after another."""

import re
from decimal import Decimal, InvalidOperation
from typing import Any

from babel.numbers import get_currency_precision, get_decimal_symbol, get_group_symbol
from django import forms
from django.conf import settings

from coupons.definitions import LARGEST_AMOUNT
from operations.date_fields import MinuteField
from operations.formats import locale


class NumberField(forms.DecimalField):
    """A number as people write it in their language: 1,234.50 or 1.234,50."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            **{"localize": True, "widget": forms.TextInput(attrs={"inputmode": "decimal"})} | kwargs
        )

    def to_python(self, value: Any) -> Decimal | None:
        return super().to_python(without_grouping(value) if isinstance(value, str) else value)


class WholeNumberField(forms.IntegerField):
    """A whole number as people write it in their language: 1,500 or 1.500."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            **{"localize": True, "widget": forms.TextInput(attrs={"inputmode": "numeric"})} | kwargs
        )

    def to_python(self, value: Any) -> int | None:
        return super().to_python(without_grouping(value) if isinstance(value, str) else value)


def without_grouping(text: str) -> str:
    """Return a number without the separators of its thousands, where they stand as the language has them."""
    spoken = locale()
    group, decimal = re.escape(get_group_symbol(spoken)), re.escape(get_decimal_symbol(spoken))
    grouped = re.fullmatch(rf"([+-]?\d{{1,3}}(?:{group}\d{{3}})+)({decimal}\d*)?", text.strip())
    return grouped[1].replace(get_group_symbol(spoken), "") + (grouped[2] or "") if grouped else text


class MoneyField(NumberField):
    """An amount as people write it (12.50); its value is in minor units of the programme's currency."""

    def __init__(self, **kwargs: Any) -> None:
        self.precision = get_currency_precision(settings.PROGRAMME_CURRENCY)
        largest = Decimal(LARGEST_AMOUNT).scaleb(-self.precision)
        smallest = Decimal(1).scaleb(-self.precision)
        kwargs = {"min_value": smallest, "max_value": largest, "decimal_places": self.precision} | kwargs
        super().__init__(**kwargs)

    def clean(self, value: Any) -> int | None:
        amount = super().clean(value)
        return None if amount is None else int(amount.scaleb(self.precision))

    def minor_units(self, amount: Decimal) -> int:
        """Return a number that was read already as an amount. Raises ValidationError when it is none."""
        self.run_validators(amount)
        return int(amount.scaleb(self.precision))

    def prepare_value(self, value: Any) -> Any:
        return Decimal(value).scaleb(-self.precision) if isinstance(value, int) else value

    def has_changed(self, initial: Any, data: Any) -> bool:
        return super().has_changed(self.prepare_value(initial), data)


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
