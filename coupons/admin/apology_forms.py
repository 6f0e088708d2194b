"""The form of an apology; it only gathers what the service checks."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from babel.numbers import get_currency_precision
from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from coupons.admin.forms import RefusalForm
from coupons.models import Apology
from customers.models import Channel, Order, OrderLine
from operations.formats import day, money
from operations.number_fields import NumberField


@dataclass(frozen=True)
class OrderLines:
    """The articles of one order, each as a box to tick."""

    order: Order
    boxes: list[tuple[str, str, str, bool]]


class ApologyForm(RefusalForm):
    """Saying sorry in one step: how much, why, for which order, and how it reaches the customer."""

    POINTERS = {
        "amount": "value",
        "percent": "value",
        "order": "order",
        "reason": "reason",
        "kind": "kind",
        "automatic": "way",
        "lines": "articles",
    }
    MONEY, PERCENT = "amount", "percent"
    BY_MAIL, BY_ITSELF, READ_OUT = "email", "automatic", "aloud"

    value = NumberField(
        label=_("How much"),
        min_value=Decimal("0.01"),
        max_digits=12,
        decimal_places=2,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autofocus": True, "size": 8}),
    )
    unit = forms.ChoiceField(label=_("Unit"), choices=[], widget=forms.RadioSelect)
    kind = forms.ChoiceField(
        label=_("As a"),
        choices=Apology.Kind.choices,
        initial=Apology.Kind.COUPON,
        required=False,
        widget=forms.RadioSelect,
        help_text=_("A coupon is used once; a gift card keeps what is left on it."),
    )
    way = forms.ChoiceField(
        label=_("How it reaches the customer"),
        choices=[
            (BY_MAIL, _("Send it by e-mail now")),
            (BY_ITSELF, _("Take it off the next order by itself")),
            (READ_OUT, _("I read the code out")),
        ],
        initial=BY_MAIL,
        required=False,
        widget=forms.RadioSelect,
    )
    reason = forms.CharField(
        label=_("What went wrong"),
        min_length=3,
        max_length=300,
        widget=forms.TextInput(attrs={"list": "apology-reasons", "autocomplete": "off"}),
    )
    order = forms.ModelChoiceField(
        label=_("For the order"),
        queryset=Order.objects.none(),
        required=False,
        empty_label=_("none in particular"),
        widget=forms.Select(attrs={"x-model": "order"}),
    )
    articles = forms.MultipleChoiceField(label=_("Only for these articles"), required=False)
    token = forms.CharField(widget=forms.HiddenInput, max_length=64)

    def __init__(self, *args: Any, orders: Sequence[Order], currency_name: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.orders = list(orders)
        self.fields["order"].queryset = Order.objects.filter(pk__in=[one.pk for one in self.orders]).order_by(
            "-ordered_at"
        )
        self.fields["order"].label_from_instance = order_label
        self.fields["articles"].choices = [(box(line), line.line_id) for line in self._lines()]
        self.fields["unit"].choices = [(self.MONEY, currency_name), (self.PERCENT, "%")]
        self.fields["unit"].initial = self.MONEY

    def order_lines(self) -> list[OrderLines]:
        """Return the articles of each order, to be shown when it is chosen."""
        ticked = set(self["articles"].value() or [])
        return [
            OrderLines(
                order,
                [
                    (
                        box(line),
                        str(line.product),
                        money(line.total_amount, order.currency),
                        box(line) in ticked,
                    )
                    for line in order.lines.all()
                ],
            )
            for order in self.orders
        ]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        cleaned["kind"] = cleaned.get("kind") or Apology.Kind.COUPON
        cleaned["way"] = cleaned.get("way") or self.BY_MAIL
        if cleaned["kind"] == Apology.Kind.GIFT_CARD and cleaned["way"] == self.BY_ITSELF:
            self.add_error("way", _("A gift card has a code of its own: send it, or read it out."))
        return cleaned

    def wish(self) -> dict[str, Any]:
        """Return what the service is asked for."""
        given = self.cleaned_data
        by_percent = given["unit"] == self.PERCENT
        order = given["order"]
        ticked = set(given["articles"])
        chosen = [
            line for line in self._lines() if order and line.order_id == order.pk and box(line) in ticked
        ]
        return {
            "amount": None if by_percent else _minor_units(given["value"]),
            "percent": given["value"] if by_percent else None,
            "kind": given["kind"],
            "automatic": given["way"] == self.BY_ITSELF,
            "channel": Channel.EMAIL if given["way"] == self.BY_MAIL else None,
            "reason": given["reason"],
            "order": order,
            "skus": list(dict.fromkeys(line.product.sku for line in chosen)),
        }

    def _lines(self) -> Iterator[OrderLine]:
        for order in self.orders:
            yield from order.lines.all()


def box(line: OrderLine) -> str:
    """Return the value of a line's box."""
    return f"{line.order_id}:{line.pk}"


def order_label(order: Order) -> str:
    """Return an order as an agent tells it apart from the others."""
    return f"{order.external_id} · {day(order.ordered_at)} · {money(order.total_amount, order.currency)}"


def _minor_units(value: Decimal) -> int:
    return int(value.scaleb(get_currency_precision(settings.PROGRAMME_CURRENCY)))
