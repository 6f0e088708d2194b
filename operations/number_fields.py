"""Form fields for numbers and amounts as people write them in their language."""

import re
from decimal import Decimal
from typing import Any

from babel.numbers import get_currency_precision, get_decimal_symbol, get_group_symbol
from django import forms
from django.conf import settings

from operations.amounts import MAXIMUM_AMOUNT
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
        largest = Decimal(MAXIMUM_AMOUNT).scaleb(-self.precision)
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
