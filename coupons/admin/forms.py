"""What the forms of incentives share, and the small ones; they only gather what the services check."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from coupons.models import Promotion
from customers.models import Order
from operations.errors import FidelioError
from operations.formats import day, money


class RefusalForm(forms.Form):
    """A form that shows a service's refusal beside the fields it is about."""

    # Where the service points to -> the field that was filled in.
    POINTERS: dict[str, str] = {}

    def show(self, error: FidelioError) -> None:
        for mistake in error.details:
            self.add_error(self._field_of(mistake.pointer), str(mistake.message))
        if not error.details:
            self.add_error(None, str(error.message))

    def _field_of(self, pointer: str) -> str | None:
        path = pointer.strip("/")
        while path:
            name = self.POINTERS.get(path, path)
            if name in self.fields:
                return name
            path = path.rpartition("/")[0]
        return None


class IssueForm(RefusalForm):
    """How many codes to make."""

    count = forms.IntegerField(label=_("How many codes"), min_value=1, max_value=1_000_000, initial=100)


class StopForm(forms.Form):
    mode = forms.ChoiceField(choices=Promotion.StopMode.choices)
    reason = forms.CharField(max_length=300, required=False)


class SwitchForm(forms.Form):
    reason = forms.CharField(max_length=300, required=False)


class ApologyForm(RefusalForm):
    """Saying sorry in one step: how much, why, for which order."""

    POINTERS = {"amount": "value", "order": "order", "reason": "reason"}
    EURO, PERCENT = "amount", "percent"

    value = forms.DecimalField(
        label=_("How much"),
        min_value=0,
        max_digits=12,
        decimal_places=2,
        localize=True,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autofocus": True, "size": 8}),
    )
    unit = forms.ChoiceField(label=_("Of"), choices=[], widget=forms.RadioSelect)
    reason = forms.CharField(
        label=_("What went wrong"),
        min_length=3,
        max_length=300,
        widget=forms.TextInput(attrs={"list": "apology-reasons"}),
    )
    order = forms.ModelChoiceField(
        label=_("For the order"),
        queryset=Order.objects.none(),
        required=False,
        empty_label=_("none in particular"),
    )
    token = forms.CharField(widget=forms.HiddenInput, max_length=64)

    def __init__(self, *args: Any, orders: Any, currency_name: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["order"].queryset = orders
        self.fields["order"].label_from_instance = order_label
        self.fields["unit"].choices = [(self.EURO, currency_name), (self.PERCENT, "%")]
        self.fields["unit"].initial = self.EURO


def order_label(order: Order) -> str:
    """Return an order as an agent tells it apart from the others."""
    return f"{order.external_id} · {day(order.ordered_at)} · {money(order.total_amount, order.currency)}"
