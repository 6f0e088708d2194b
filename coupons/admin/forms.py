"""The forms of promotions and apologies; they only gather what the services check."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from coupons.admin.fields import MoneyField, NamesField, local_time_field
from coupons.definitions import DAYS
from coupons.models import Period, Promotion
from customers.models import Order, Segment
from operations.errors import FidelioError
from operations.formats import day, money

EVERYTHING, SOME = "ORDER", "ITEMS"
EACH, PUBLIC = "EACH", "PUBLIC"
AMOUNT_BUDGET, COUNT_BUDGET = "DISCOUNT_AMOUNT", "REDEMPTIONS"
DAY_CHOICES = list(
    zip(DAYS, [_("Mon"), _("Tue"), _("Wed"), _("Thu"), _("Fri"), _("Sat"), _("Sun")], strict=True)
)


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


class LatePromotionForm(RefusalForm):
    """What may still change once a promotion was started."""

    POINTERS = {"budget/cap": "budget_amount", "budget": "budget_amount"}

    name = forms.CharField(label=_("Name"), max_length=120)
    description = forms.CharField(label=_("Description"), max_length=300, required=False)
    ends_at = local_time_field(label=_("Ends at"))
    budget_amount = MoneyField(
        label=_("Budget for discounts"),
        required=False,
        help_text=_("Not below what was used already."),
    )

    def __init__(self, *args: Any, promotion: Promotion, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.promotion = promotion
        self.budget = promotion.budgets.filter(metric=AMOUNT_BUDGET).first()
        if self.budget is None:
            del self.fields["budget_amount"]

    def arguments(self) -> dict[str, Any]:
        """Return the cleaned input as `edit_promotion` takes it."""
        arguments = {name: self.cleaned_data[name] for name in ("name", "description", "ends_at")}
        if self.budget and self.cleaned_data.get("budget_amount"):
            arguments["budget"] = {
                "metric": self.budget.metric,
                "cap": self.cleaned_data["budget_amount"],
                "period": self.budget.period,
                "on_insufficient": self.budget.on_insufficient,
            }
        return arguments


class PromotionForm(RefusalForm):
    """A promotion in sentences: what it gives, for whom, how often, for how much in all."""

    POINTERS = {
        "effect/percent": "percent",
        "effect/amount": "amount",
        "effect/amount_limit": "amount_limit",
        "effect/items": "categories",
        "conditions/segment": "segment",
        "conditions/holder_only": "holder_only",
        "conditions/weekly_hours": "hours_days",
        "limits": "customer_uses",
        "budget": "budget_amount",
        "coupon/code": "public_code",
        "coupon/pattern": "pattern",
        "coupon": "codes",
    }

    name = forms.CharField(label=_("Name"), max_length=120, help_text=_("Only your colleagues see it."))
    code = forms.RegexField(
        r"\A(?=.*[^0-9])[A-Za-z0-9][A-Za-z0-9._-]*\Z",
        label=_("Code of the promotion"),
        max_length=64,
        help_text=_("How systems call it; letters, digits and dashes."),
    )
    description = forms.CharField(label=_("Description"), max_length=300, required=False)
    legal_kind = forms.ChoiceField(label=_("Legal kind"), choices=Promotion.LegalKind.choices)

    kind = forms.ChoiceField(
        label=_("It takes off"),
        choices=[("PERCENT", _("a percentage")), ("AMOUNT", _("an amount"))],
        widget=forms.RadioSelect,
        initial="PERCENT",
    )
    percent = forms.DecimalField(label=_("Percent"), required=False, max_digits=5, decimal_places=2)
    amount_limit = MoneyField(label=_("But at most"), required=False)
    amount = MoneyField(label=_("Amount"), required=False)
    target = forms.ChoiceField(
        label=_("Of"),
        choices=[(EVERYTHING, _("the whole order")), (SOME, _("some articles"))],
        widget=forms.RadioSelect,
        initial=EVERYTHING,
    )
    skus = NamesField(label=_("SKUs"), help_text=_("Separated by commas; empty: any."))
    categories = NamesField(label=_("Categories"))
    brands = NamesField(label=_("Brands"))
    exclude_skus = NamesField(label=_("Without the SKUs"))
    exclude_categories = NamesField(label=_("Without the categories"))

    trigger = forms.ChoiceField(
        label=_("It applies"),
        choices=Promotion.Trigger.choices,
        widget=forms.RadioSelect,
        initial=Promotion.Trigger.COUPON,
    )
    codes = forms.ChoiceField(
        label=_("Its codes"),
        choices=[(EACH, _("a code of its own for each customer")), (PUBLIC, _("one code for everybody"))],
        widget=forms.RadioSelect,
        initial=EACH,
    )
    public_code = forms.CharField(label=_("The code for everybody"), max_length=64, required=False)
    pattern = forms.CharField(
        label=_("What codes look like"),
        max_length=40,
        required=False,
        initial="##########",
        help_text=_("Each # becomes a random letter or digit; at least ten of them."),
    )
    max_uses = forms.IntegerField(
        label=_("Uses per code"), required=False, min_value=1, initial=1, help_text=_("Empty: any number.")
    )
    valid_days = forms.IntegerField(
        label=_("Days a code is good for"),
        required=False,
        min_value=1,
        max_value=36_500,
        help_text=_("Empty: as long as the promotion."),
    )

    segment = forms.ModelChoiceField(
        label=_("Only customers in the segment"),
        queryset=Segment.objects.none(),
        required=False,
        empty_label=_("everybody"),
    )
    holder_only = forms.BooleanField(label=_("Only the customer who was given the code"), required=False)
    first_order_only = forms.BooleanField(label=_("Only on a customer's first order"), required=False)
    minimum_spend = MoneyField(label=_("From an order of"), required=False)
    stores = NamesField(label=_("Only in the stores"), help_text=_("Codes of stores, separated by commas."))
    sales_channels = NamesField(label=_("Only in the sales channels"))
    starts_at = local_time_field(label=_("Starts at"), help_text=_("Empty: as soon as it is activated."))
    ends_at = local_time_field(label=_("Ends at"), help_text=_("Empty: when it is stopped."))
    hours_days = forms.MultipleChoiceField(
        label=_("Only on these days"),
        choices=DAY_CHOICES,
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    hours_from = forms.TimeField(
        label=_("From"), required=False, widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M")
    )
    hours_until = forms.TimeField(
        label=_("Until"),
        required=False,
        widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
        help_text=_("Empty: midnight."),
    )

    customer_uses = forms.IntegerField(
        label=_("Times per customer"), required=False, min_value=1, help_text=_("Empty: no limit.")
    )
    customer_period = forms.ChoiceField(label=_("Counted"), choices=Period.choices, required=False)
    promotion_uses = forms.IntegerField(
        label=_("Times by everybody together"),
        required=False,
        min_value=1,
        help_text=_("Empty: no limit."),
    )
    promotion_period = forms.ChoiceField(label=_("Counted"), choices=Period.choices, required=False)
    budget_amount = MoneyField(
        label=_("Budget for discounts"), required=False, help_text=_("Empty: no budget.")
    )
    budget_period = forms.ChoiceField(label=_("Counted"), choices=Period.choices, required=False)
    budget_partial = forms.BooleanField(
        label=_("The last customer gets what is left of the budget"), required=False
    )
    exclusive = forms.BooleanField(label=_("Stands alone: nothing else beside it"), required=False)
    initial_basis = forms.BooleanField(label=_("Counts on prices before other discounts"), required=False)
    rank = forms.IntegerField(
        label=_("Order among others"), required=False, min_value=0, help_text=_("Lower goes first.")
    )

    def __init__(self, *args: Any, promotion: Promotion | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.promotion = promotion
        self.fields["segment"].queryset = Segment.objects.filter(active=True).order_by("name")
        if promotion is not None:
            for name in ("code", "codes", "public_code"):
                del self.fields[name]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        wanted = "percent" if cleaned.get("kind") == "PERCENT" else "amount"
        if not cleaned.get(wanted) and wanted not in self.errors:
            self.add_error(wanted, _("Say how much."))
        public = cleaned.get("trigger") == Promotion.Trigger.COUPON and cleaned.get("codes") == PUBLIC
        if public and not cleaned.get("public_code"):
            self.add_error("public_code", _("Write the code that everybody uses."))
        if cleaned.get("hours_from") and not cleaned.get("hours_days"):
            self.add_error("hours_days", _("Choose the days."))
        return cleaned

    def definition(self) -> dict[str, Any]:
        """Return the parts of the definition, as `create_promotion` and `edit_promotion` take them."""
        given = self.cleaned_data
        return {
            "name": given["name"],
            "description": given["description"],
            "legal_kind": given["legal_kind"],
            "trigger": given["trigger"],
            "effect": self._effect(),
            "conditions": self._conditions(),
            "limits": self._limits(),
            "stacking": self._stacking(),
            "starts_at": given["starts_at"],
            "ends_at": given["ends_at"],
        }

    def budget(self) -> dict[str, Any] | None:
        given = self.cleaned_data
        if not given["budget_amount"]:
            return None
        return {
            "metric": AMOUNT_BUDGET,
            "cap": given["budget_amount"],
            "period": given["budget_period"] or Period.TOTAL,
            "on_insufficient": "PARTIAL" if given["budget_partial"] else "REJECT",
        }

    def coupon_rule(self) -> dict[str, Any] | None:
        given = self.cleaned_data
        if given["trigger"] == Promotion.Trigger.AUTOMATIC:
            return None
        rule = {"max_uses": given["max_uses"], "valid_days": given["valid_days"]}
        if given.get("codes") == PUBLIC:
            return rule | {"code": given["public_code"]}
        return rule | ({"pattern": given["pattern"]} if given["pattern"] else {})

    def _effect(self) -> dict[str, Any]:
        given = self.cleaned_data
        if given["kind"] == "PERCENT":
            effect = {"kind": "PERCENT", "percent": f"{given['percent'].normalize():f}"}
            if given["amount_limit"]:
                effect["amount_limit"] = given["amount_limit"]
        else:
            effect = {"kind": "AMOUNT", "amount": given["amount"]}
        effect["target"] = given["target"]
        if given["target"] == SOME:
            items = _filled(given, "skus", "categories", "brands")
            exclude = {
                name.removeprefix("exclude_"): given[name]
                for name in ("exclude_skus", "exclude_categories")
                if given[name]
            }
            effect["items"] = items | ({"exclude": exclude} if exclude else {})
        return effect

    def _conditions(self) -> dict[str, Any]:
        given = self.cleaned_data
        conditions = _filled(given, "holder_only", "first_order_only", "stores", "sales_channels")
        if given["segment"]:
            conditions["segment"] = given["segment"].code
        if given["minimum_spend"]:
            conditions["minimum_spend"] = {"amount": given["minimum_spend"]}
        if given["hours_days"]:
            since, until = given["hours_from"], given["hours_until"]
            conditions["weekly_hours"] = [
                {
                    "days": given["hours_days"],
                    "from": since.strftime("%H:%M") if since else "00:00",
                    "until": until.strftime("%H:%M") if until else "24:00",
                }
            ]
        return conditions

    def _limits(self) -> list[dict[str, Any]]:
        given = self.cleaned_data
        return [
            {"subject": subject, "uses": given[f"{name}_uses"], "period": given[f"{name}_period"] or "TOTAL"}
            for subject, name in (("CUSTOMER", "customer"), ("PROMOTION", "promotion"))
            if given[f"{name}_uses"]
        ]

    def _stacking(self) -> dict[str, Any]:
        given = self.cleaned_data
        stacking = _filled(given, "exclusive", "rank")
        return stacking | ({"basis": "INITIAL"} if given["initial_basis"] else {})


def _filled(given: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: given[name] for name in names if given[name]}


def initial_of(promotion: Promotion) -> dict[str, Any]:
    """Return what the form shows of a promotion."""
    effect, conditions = promotion.effect, promotion.conditions
    items = effect.get("items") or {}
    exclude = items.get("exclude") or {}
    hours = (conditions.get("weekly_hours") or [{}])[0]
    limits = {limit["subject"]: limit for limit in promotion.limits}
    budget = promotion.budgets.filter(metric=AMOUNT_BUDGET).first()
    own = ("name", "description", "legal_kind", "trigger", "starts_at", "ends_at")
    return {
        **{name: getattr(promotion, name) for name in own},
        **{name: effect.get(name) for name in ("kind", "percent", "amount", "amount_limit")},
        "target": effect.get("target", EVERYTHING),
        **{name: items.get(name) for name in ("skus", "categories", "brands")},
        "exclude_skus": exclude.get("skus"),
        "exclude_categories": exclude.get("categories"),
        "segment": Segment.objects.filter(code=conditions.get("segment")).first(),
        "minimum_spend": (conditions.get("minimum_spend") or {}).get("amount"),
        **{
            name: conditions.get(name)
            for name in ("holder_only", "first_order_only", "stores", "sales_channels")
        },
        "hours_days": hours.get("days"),
        "hours_from": hours.get("from"),
        "hours_until": None if hours.get("until") == "24:00" else hours.get("until"),
        "customer_uses": limits.get("CUSTOMER", {}).get("uses"),
        "customer_period": limits.get("CUSTOMER", {}).get("period"),
        "promotion_uses": limits.get("PROMOTION", {}).get("uses"),
        "promotion_period": limits.get("PROMOTION", {}).get("period"),
        "budget_amount": budget.cap if budget else None,
        "budget_period": budget.period if budget else None,
        "budget_partial": bool(budget) and budget.on_insufficient == "PARTIAL",
        "exclusive": promotion.stacking.get("exclusive"),
        "initial_basis": promotion.stacking.get("basis") == "INITIAL",
        "rank": promotion.stacking.get("rank"),
        "pattern": promotion.coupon_pattern,
        "max_uses": promotion.coupon_max_uses,
        "valid_days": promotion.coupon_valid_days,
    }


def fits_the_form(promotion: Promotion) -> bool:
    """Return whether the form can show everything of a promotion that was written over the API."""
    effect, conditions, items = promotion.effect, promotion.conditions, promotion.effect.get("items") or {}
    minimum = conditions.get("minimum_spend") or {}
    return (
        not set(items) & {"products", "collections"}
        and not set(items.get("exclude") or {}) - {"skus", "categories"}
        and effect.get("kind") in ("PERCENT", "AMOUNT")
        and bool(promotion.coupon_pattern)
        and minimum.keys() <= {"amount"}
        and len(conditions.get("weekly_hours") or []) <= 1
        and {limit["subject"] for limit in promotion.limits} <= {"CUSTOMER", "PROMOTION"}
        and len(promotion.limits) <= 2
        and promotion.stacking.keys() <= {"exclusive", "basis", "rank"}
        and not promotion.budgets.exclude(metric=AMOUNT_BUDGET).exists()
        and not promotion.coupons.filter(public=True).exists()
    )


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
