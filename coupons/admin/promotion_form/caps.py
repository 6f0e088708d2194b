"""How often and for how much in all, and how a promotion goes together with others."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from coupons.admin.fields import PercentField, count_field
from coupons.admin.rows import Row
from coupons.definitions import LimitSubject
from coupons.engine.incentive import Basis
from coupons.models import Budget, Period
from operations.number_fields import MoneyField, NumberField

PERIODS = [
    (Period.TOTAL.value, _("in all")),
    (Period.DAY.value, _("a day")),
    (Period.WEEK.value, _("a week")),
    (Period.MONTH.value, _("a month")),
]
MONEY_METRICS = (Budget.Metric.DISCOUNT_AMOUNT, Budget.Metric.GIFT_AMOUNT)


class LimitRow(Row):
    """At most so often."""

    uses = count_field(label=_("Times"), required=True)
    period = forms.ChoiceField(label=_("In"), choices=PERIODS, initial=Period.TOTAL.value)
    subject = forms.ChoiceField(
        label=_("By"),
        choices=[
            (LimitSubject.CUSTOMER.value, _("each customer")),
            (LimitSubject.PROMOTION.value, _("everybody together")),
            (LimitSubject.CUSTOMER_COUPON.value, _("each customer with the same code")),
            (LimitSubject.COUPON.value, _("each code")),
        ],
        initial=LimitSubject.CUSTOMER.value,
    )

    def written(self) -> dict[str, Any]:
        given = self.cleaned_data
        return {"subject": given["subject"], "uses": given["uses"], "period": given["period"]}

    @staticmethod
    def initial_of(limit: dict[str, Any]) -> dict[str, Any]:
        return {"period": Period.TOTAL.value, **limit}


class BudgetRow(Row):
    """At most so much."""

    cap = NumberField(label=_("At most"), min_value=0, max_digits=15, decimal_places=2)
    metric = forms.ChoiceField(
        label=_("Of"),
        choices=[
            (Budget.Metric.DISCOUNT_AMOUNT.value, _("money off")),
            (Budget.Metric.REDEMPTIONS.value, _("redemptions")),
            (Budget.Metric.GIFT_AMOUNT.value, _("money in gifts")),
            (Budget.Metric.POINTS.value, _("points")),
        ],
        initial=Budget.Metric.DISCOUNT_AMOUNT.value,
    )
    period = forms.ChoiceField(label=_("In"), choices=PERIODS, initial=Period.TOTAL.value)
    on_insufficient = forms.ChoiceField(
        label=_("When too little is left"),
        choices=[
            (Budget.OnInsufficient.REJECT.value, _("refuse")),
            (Budget.OnInsufficient.PARTIAL.value, _("give what is left")),
        ],
        initial=Budget.OnInsufficient.REJECT.value,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self["metric"].value() != Budget.Metric.POINTS:  # Set over the API, for who hands out points.
            self.fields["metric"].choices = [
                one for one in self.fields["metric"].choices if one[0] != Budget.Metric.POINTS
            ]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        cap, metric = cleaned.get("cap"), cleaned.get("metric")
        if cap is None:
            return cleaned
        try:
            cleaned["cap"] = MoneyField().minor_units(cap) if metric in MONEY_METRICS else _whole(cap)
        except forms.ValidationError as error:
            self.add_error("cap", error)
        return cleaned

    def written(self) -> dict[str, Any]:
        given = self.cleaned_data
        return {name: given[name] for name in ("metric", "cap", "period", "on_insufficient")}

    @staticmethod
    def initial_of(budget: dict[str, Any]) -> dict[str, Any]:
        money = budget["metric"] in MONEY_METRICS
        return {**budget, "cap": MoneyField().prepare_value(budget["cap"]) if money else budget["cap"]}


def _whole(cap: Any) -> int:
    if cap != int(cap) or cap < 1:
        raise forms.ValidationError(_("This is a whole number."))
    return int(cap)


class TogetherFields(forms.Form):
    """How it goes together with others, and what has to stay for the merchant."""

    exclusive = forms.BooleanField(label=_("Stands alone: nothing else beside it"), required=False)
    initial_basis = forms.BooleanField(label=_("Counts on prices before other discounts"), required=False)
    rank = count_field(label=_("Its place in the order"), min_value=0, help_text=_("Lower goes first."))
    category = forms.CharField(
        label=_("Category of incentives"),
        max_length=200,
        required=False,
        help_text=_("A name that several promotions share."),
    )
    max_in_category = count_field(label=_("At most of this category on an order"))
    max_applied = count_field(label=_("At most on an order where it stands"))
    margin_percent = PercentField(
        label=_("Margin that has to stay on each article, percent"), required=False, max_value=99
    )
    missing_cost = forms.ChoiceField(
        label=_("Where the cost is not known"),
        choices=[("DENY", _("take nothing off")), ("ALLOW", _("take it off all the same"))],
        required=False,
    )

    def stacking(self) -> dict[str, Any]:
        given = self.cleaned_data
        names = ("exclusive", "rank", "category", "max_in_category", "max_applied")
        stacking = {name: given[name] for name in names if given.get(name)}
        return stacking | ({"basis": Basis.INITIAL.value} if given.get("initial_basis") else {})

    def margin_floor(self) -> dict[str, Any]:
        given = self.cleaned_data
        if not given.get("margin_percent"):
            return {}
        return {"percent": given["margin_percent"], "missing_cost": given.get("missing_cost") or "DENY"}


def together_initial(stacking: dict[str, Any], margin_floor: dict[str, Any]) -> dict[str, Any]:
    """Return what the form shows of stacking and margin."""
    names = ("exclusive", "rank", "category", "max_in_category", "max_applied")
    return {
        **{name: stacking.get(name) for name in names},
        "initial_basis": stacking.get("basis") == Basis.INITIAL.value,
        "margin_percent": margin_floor.get("percent"),
        "missing_cost": margin_floor.get("missing_cost"),
    }
