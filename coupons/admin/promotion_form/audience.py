"""For whom, on what, where and when a promotion holds."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from coupons.admin.fields import NamesField, clock_field, local_time_field
from coupons.admin.rows import Row
from coupons.definitions import DAYS
from coupons.engine.incentive import SpendBasis, SpendScope
from customers.models import Segment
from operations.number_fields import MoneyField

DAY_CHOICES = list(
    zip(DAYS, [_("Mon"), _("Tue"), _("Wed"), _("Thu"), _("Fri"), _("Sat"), _("Sun")], strict=True)
)
FLAGS = ("holder_only", "verified_email", "first_order_only")
PLACES = ("countries", "regions", "languages", "stores", "sales_channels")


class HoursRow(Row):
    """Some hours of some days."""

    days = forms.MultipleChoiceField(
        label=_("On"), choices=DAY_CHOICES, widget=forms.CheckboxSelectMultiple, required=False
    )
    since = clock_field(label=_("From"))
    until = clock_field(label=_("Until"))

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if not cleaned.get("days"):
            self.add_error("days", _("Choose the days."))
        return cleaned

    def written(self) -> dict[str, Any]:
        given = self.cleaned_data
        return {
            "days": given["days"],
            "from": given["since"].strftime("%H:%M") if given["since"] else "00:00",
            "until": given["until"].strftime("%H:%M") if given["until"] else "24:00",
        }

    @staticmethod
    def initial_of(hours: dict[str, Any]) -> dict[str, Any]:
        until = hours.get("until")
        return {
            "days": hours.get("days"),
            "since": hours.get("from"),
            "until": None if until == "24:00" else until,
        }


class MetadataRow(Row):
    """Something that the order has to say about itself."""

    TEXT, NUMBER, FLAG = "text", "number", "flag"

    name = forms.CharField(label=_("Name"), max_length=200)
    value = forms.CharField(label=_("Value"), max_length=200)
    form = forms.ChoiceField(
        label=_("As"),
        choices=[(TEXT, _("text")), (NUMBER, _("whole number")), (FLAG, _("yes or no"))],
        initial=TEXT,
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        value, form = cleaned.get("value"), cleaned.get("form")
        if value and form == self.NUMBER:
            try:
                cleaned["value"] = int(value)
            except ValueError:
                self.add_error("value", _("This is a whole number."))
        elif value and form == self.FLAG:
            cleaned["value"] = value.strip().lower() in ("yes", "true", "1", "sì", "si")
        return cleaned

    def written(self) -> dict[str, Any]:
        return {self.cleaned_data["name"]: self.cleaned_data["value"]}

    @classmethod
    def initial_of(cls, pair: tuple[str, Any]) -> dict[str, Any]:
        name, value = pair
        if isinstance(value, bool):
            return {"name": name, "value": "true" if value else "false", "form": cls.FLAG}
        form = cls.NUMBER if isinstance(value, int) else cls.TEXT
        return {"name": name, "value": value, "form": form}


class AudienceFields(forms.Form):
    """Everything that restricts; what is left empty restricts nothing."""

    segment = forms.ModelChoiceField(
        label=_("Only customers in the segment"),
        queryset=Segment.objects.none(),
        required=False,
        empty_label=_("everybody"),
    )
    holder_only = forms.BooleanField(label=_("Only the customer who was given the code"), required=False)
    verified_email = forms.BooleanField(label=_("Only customers whose e-mail is verified"), required=False)
    first_order_only = forms.BooleanField(label=_("Only on a customer's first order"), required=False)
    minimum_spend = MoneyField(label=_("From"), required=False)
    minimum_scope = forms.ChoiceField(
        label=_("Spent on"),
        choices=[
            (SpendScope.ORDER.value, _("the whole order")),
            (SpendScope.ELIGIBLE_ITEMS.value, _("the articles it is for")),
        ],
        required=False,
    )
    minimum_basis = forms.ChoiceField(
        label=_("Measured"),
        choices=[
            (SpendBasis.INITIAL.value, _("at full prices")),
            (SpendBasis.BEFORE.value, _("after the discounts before it")),
            (SpendBasis.AFTER.value, _("after this discount as well")),
        ],
        required=False,
    )
    countries = NamesField(label=_("Countries"), suggest="countries", help_text=_("Two letters, as IT."))
    regions = NamesField(label=_("Regions of the customer"), suggest="regions")
    languages = NamesField(label=_("Languages of the customer"), suggest="languages")
    stores = NamesField(label=_("Stores"), suggest="stores")
    sales_channels = NamesField(label=_("Sales channels"), suggest="sales_channels")
    starts_at = local_time_field(label=_("Starts"), help_text=_("Empty: as soon as it is activated."))
    ends_at = local_time_field(label=_("Ends"), help_text=_("Empty: when it is stopped."))

    def conditions(self) -> dict[str, Any]:
        """Return the conditions as JSON."""
        given = self.cleaned_data
        conditions = {name: given[name] for name in (*FLAGS, *PLACES) if given.get(name)}
        if given.get("segment"):
            conditions["segment"] = given["segment"].code
        if given.get("minimum_spend"):
            conditions["minimum_spend"] = self._minimum(given)
        for name, rows in (("contains", "contains"), ("weekly_hours", "hours")):
            if values := self.rows[rows].values:
                conditions[name] = values
        metadata = {name: value for row in self.rows["metadata"].values for name, value in row.items()}
        return conditions | ({"metadata": metadata} if metadata else {})

    @staticmethod
    def _minimum(given: dict[str, Any]) -> dict[str, Any]:
        minimum = {"amount": given["minimum_spend"]}
        if given.get("minimum_basis") not in (None, "", SpendBasis.INITIAL.value):
            minimum["basis"] = given["minimum_basis"]
        if given.get("minimum_scope") not in (None, "", SpendScope.ORDER.value):
            minimum["scope"] = given["minimum_scope"]
        return minimum


def audience_initial(conditions: dict[str, Any]) -> dict[str, Any]:
    """Return what the form shows of the conditions."""
    minimum = conditions.get("minimum_spend") or {}
    return {
        "segment": Segment.objects.filter(code=conditions.get("segment")).first(),
        "minimum_spend": minimum.get("amount"),
        "minimum_basis": minimum.get("basis"),
        "minimum_scope": minimum.get("scope"),
        **{name: conditions.get(name) for name in (*FLAGS, *PLACES)},
    }
