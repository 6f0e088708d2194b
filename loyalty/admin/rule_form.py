"""An earning rule on one page, in sentences: what earns, how much, when, how long it is good, how often."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy

from coupons.admin.fields import NamesField, clock_field, count_field, local_time_field
from coupons.admin.promotion_form import RowsForm
from coupons.admin.promotion_form.audience import DAY_CHOICES, MetadataRow
from coupons.admin.rows import Row
from customers.models import Segment
from loyalty.models import Draw, EarningRule
from loyalty.rewarded_events import STANDARD
from loyalty.rules import ORDER, CapPeriod, CapSubject, ExpiryKind, Gives, Holding, Kind
from loyalty.services import terms_of
from operations.date_fields import DayField
from operations.number_fields import MoneyField, NumberField, WholeNumberField

OTHER = "other"
ITEM_NAMES = ("categories", "brands", "skus", "collections")
PLACES = ("stores", "sales_channels", "business_units", "tiers", "memberships")
MONTHS = [
    (number, name)
    for number, name in enumerate(
        [
            gettext_lazy("January"),
            gettext_lazy("February"),
            gettext_lazy("March"),
            gettext_lazy("April"),
            gettext_lazy("May"),
            gettext_lazy("June"),
            gettext_lazy("July"),
            gettext_lazy("August"),
            gettext_lazy("September"),
            gettext_lazy("October"),
            gettext_lazy("November"),
            gettext_lazy("December"),
        ],
        start=1,
    )
]


class MultiplierRow(Row):
    """A factor, and where, when and for whom it counts."""

    factor = NumberField(label=gettext_lazy("Factor"), max_digits=4, decimal_places=2, min_value=0)
    days = forms.MultipleChoiceField(
        label=gettext_lazy("On"), choices=DAY_CHOICES, widget=forms.CheckboxSelectMultiple, required=False
    )
    since = clock_field(label=gettext_lazy("From"))
    until = clock_field(label=gettext_lazy("Until"))
    from_day = DayField(label=gettext_lazy("From the day"), required=False)
    until_day = DayField(label=gettext_lazy("To the day"), required=False)
    segment = forms.CharField(label=gettext_lazy("In the segment"), max_length=120, required=False)
    tiers = NamesField(label=gettext_lazy("Tiers"))
    memberships = NamesField(label=gettext_lazy("Memberships"))
    stores = NamesField(label=gettext_lazy("Stores"), suggest="stores")
    sales_channels = NamesField(label=gettext_lazy("Sales channels"), suggest="sales_channels")

    def written(self) -> dict[str, Any]:
        given = self.cleaned_data
        factor = f"{given['factor'].normalize():f}"
        return {"factor": factor} | circumstances(given)

    @staticmethod
    def initial_of(multiplier: dict[str, Any]) -> dict[str, Any]:
        return {"factor": multiplier["factor"]} | circumstances_initial(multiplier)


class CapRow(Row):
    """At most so many points, or times, for whom and in which period."""

    most = WholeNumberField(label=gettext_lazy("At most"), min_value=1, max_value=10**12)
    what = forms.ChoiceField(
        label=gettext_lazy("What"),
        choices=[("points", gettext_lazy("points")), ("times", gettext_lazy("times"))],
        initial="points",
    )
    subject = forms.ChoiceField(
        label=gettext_lazy("For"), choices=CapSubject.choices, initial=CapSubject.CUSTOMER
    )
    period = forms.ChoiceField(
        label=gettext_lazy("Period"), choices=CapPeriod.choices, initial=CapPeriod.MONTH
    )

    def written(self) -> dict[str, Any]:
        given = self.cleaned_data
        cap = {"subject": given["subject"], given["what"]: given["most"]}
        return cap if given["subject"] == CapSubject.EVENT else cap | {"period": given["period"]}

    @staticmethod
    def initial_of(cap: dict[str, Any]) -> dict[str, Any]:
        what = "times" if cap.get("times") else "points"
        period = cap.get("period") or CapPeriod.TOTAL
        return {"most": cap[what], "what": what, "subject": cap["subject"], "period": period}


class EarningRuleForm(RowsForm):
    """A rule, whole; the service checks what is written."""

    ROWS = {"multipliers": MultiplierRow, "caps": CapRow, "payload": MetadataRow}
    POINTERS = {
        "per_amount": "per",
        "event_type": "event",
        "conditions/items": "categories",
        "conditions/minimum_amount": "minimum_amount",
        "conditions/from": "from_day",
        "conditions/until": "until_day",
        "conditions/hours": "since",
        "conditions/weekdays": "days",
        "expiry/day": "expiry_day",
        "expiry/month": "expiry_month",
        "expiry/months": "expiry_months",
        "expiry/days": "expiry_days",
        "expiry": "expiry_kind",
        **{f"conditions/{name}": name for name in (*PLACES, "segment")},
    }

    points = WholeNumberField(label=gettext_lazy("Points"), min_value=1, max_value=1_000_000, initial=1)
    gives = forms.ChoiceField(label=gettext_lazy("Gives"), choices=Gives.choices, initial=Gives.POINTS)
    draw = forms.ModelChoiceField(
        label=gettext_lazy("Prize draw"),
        queryset=Draw.objects.order_by("-pk"),
        to_field_name="code",
        required=False,
    )
    event = forms.ChoiceField(label=gettext_lazy("For"), initial=ORDER)
    other_event = forms.CharField(
        label=gettext_lazy("Kind of event"),
        max_length=64,
        required=False,
        help_text=gettext_lazy("As sources tell it, for example product.configured."),
    )
    kind = forms.ChoiceField(label=gettext_lazy("Counts"), choices=Kind.choices, initial=Kind.PER_AMOUNT)
    per = MoneyField(label=gettext_lazy("For every full"), required=False, initial=100)
    per_quantity = count_field(label=gettext_lazy("For every"), initial=1)
    categories = NamesField(label=gettext_lazy("Categories"), suggest="categories")
    brands = NamesField(label=gettext_lazy("Brands"), suggest="brands")
    skus = NamesField(label=gettext_lazy("Articles (SKU)"), suggest="skus")
    collections = NamesField(label=gettext_lazy("Collections"), suggest="collections")
    exclude_categories = NamesField(label=gettext_lazy("Not these categories"), suggest="categories")
    exclude_brands = NamesField(label=gettext_lazy("Not these brands"), suggest="brands")
    exclude_skus = NamesField(label=gettext_lazy("Not these articles"), suggest="skus")
    minimum_amount = MoneyField(label=gettext_lazy("At least"), required=False)
    stores = NamesField(label=gettext_lazy("Stores"), suggest="stores")
    sales_channels = NamesField(label=gettext_lazy("Sales channels"), suggest="sales_channels")
    business_units = NamesField(label=gettext_lazy("Business units"), suggest="business_units")
    days = MultiplierRow.base_fields["days"]
    since = clock_field(label=gettext_lazy("From"))
    until = clock_field(label=gettext_lazy("Until"))
    segment = forms.ModelChoiceField(
        label=gettext_lazy("Only customers in the segment"),
        queryset=Segment.objects.none(),
        to_field_name="code",
        required=False,
        empty_label=gettext_lazy("everybody"),
    )
    tiers = NamesField(label=gettext_lazy("Tiers"), help_text=gettext_lazy("By their codes."))
    memberships = NamesField(label=gettext_lazy("Memberships"), help_text=gettext_lazy("By their codes."))
    benefits = forms.BooleanField(
        label=gettext_lazy("Multiplied by what the customer's tier or membership gives"),
        required=False,
        initial=True,
    )
    holding = forms.ChoiceField(
        label=gettext_lazy("They can be spent"), choices=Holding.choices, initial=Holding.NONE
    )
    holding_days = count_field(label=gettext_lazy("Days"), min_value=0, max_value=3660)
    expiry_kind = forms.ChoiceField(
        label=gettext_lazy("They expire"), choices=ExpiryKind.choices, initial=ExpiryKind.NEVER
    )
    expiry_months = count_field(label=gettext_lazy("Months"), max_value=1200)
    expiry_days = count_field(label=gettext_lazy("Days"), max_value=3660)
    expiry_day = count_field(label=gettext_lazy("Day"), max_value=31, initial=31)
    expiry_month = forms.TypedChoiceField(
        label=gettext_lazy("Month"), choices=MONTHS, coerce=int, initial=3, required=False
    )
    expiry_years = forms.TypedChoiceField(
        label=gettext_lazy("Which one"),
        choices=[
            (0, gettext_lazy("the next one")),
            (1, gettext_lazy("of the following year")),
            (2, gettext_lazy("two years later")),
        ],
        coerce=int,
        initial=1,
        required=False,
    )
    starts_at = local_time_field(label=gettext_lazy("Starts"))
    ends_at = local_time_field(label=gettext_lazy("Ends"))
    exclusive = forms.BooleanField(
        label=gettext_lazy("Where it gives something, no other rule does"), required=False
    )
    priority = count_field(
        label=gettext_lazy("Priority among such rules"), min_value=0, max_value=1000, initial=0
    )
    name = forms.CharField(label=gettext_lazy("Name"), max_length=120)
    code = forms.SlugField(label=gettext_lazy("Code"), max_length=64)
    active = forms.BooleanField(label=gettext_lazy("Active"), required=False, initial=True)

    def __init__(self, *args: Any, rule: EarningRule | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.rule = rule
        self.fields["segment"].queryset = Segment.objects.filter(active=True).order_by("name")
        self.fields["event"].choices = [
            *((one.type, one.label) for one in STANDARD),
            (OTHER, gettext_lazy("another kind of event")),
        ]
        if rule is not None:
            for name in ("code", "event", "other_event", "kind", "gives"):
                del self.fields[name]

    def fixed(self) -> dict[str, Any]:
        """Return what a rule is from its beginning and stays."""
        if self.rule is not None:
            return {name: getattr(self.rule, name) for name in ("kind", "event_type", "gives")}
        given = self.cleaned_data
        event = given.get("other_event", "").strip() if given.get("event") == OTHER else given.get("event")
        kind = given.get("kind") if event == ORDER else Kind.PER_EVENT
        return {"kind": kind or Kind.PER_AMOUNT, "event_type": event or "", "gives": given.get("gives")}

    def changes(self) -> dict[str, Any]:
        """Return the rest, as `edit_earning_rule` takes it."""
        given = self.cleaned_data
        points = self.fixed()["gives"] != Gives.DRAW_ENTRIES
        return {
            "name": given.get("name", ""),
            "active": given.get("active", False),
            "starts_at": given.get("starts_at"),
            "ends_at": given.get("ends_at"),
            "exclusive": given.get("exclusive", False),
            "priority": given.get("priority") or 0,
            "points": given.get("points") or 0,
            "per_amount": given.get("per"),
            "per_quantity": given.get("per_quantity"),
            "conditions": self._conditions(given),
            "multipliers": self.rows["multipliers"].values,
            "benefits": given.get("benefits", False),
            "caps": self.rows["caps"].values,
            "expiry": self._expiry(given) if points else {},
            "holding": (given.get("holding") or Holding.NONE) if points else Holding.NONE,
            "holding_days": (given.get("holding_days") or 0) if points else 0,
            "draw": given["draw"].code if given.get("draw") and not points else "",
        }

    def _conditions(self, given: dict[str, Any]) -> dict[str, Any]:
        conditions = circumstances(given)
        items: dict[str, Any] = {name: given[name] for name in ITEM_NAMES if given.get(name)}
        excluded = {name: given[f"exclude_{name}"] for name in ITEM_NAMES if given.get(f"exclude_{name}")}
        if excluded and items:
            items["exclude"] = excluded
        elif excluded:
            items = {"exclude": excluded}
        if items:
            conditions["items"] = items
        if given.get("minimum_amount") and self.fixed()["event_type"] == ORDER:
            conditions["minimum_amount"] = given["minimum_amount"]
        payload = {name: value for row in self.rows["payload"].values for name, value in row.items()}
        if payload and self.fixed()["event_type"] != ORDER:
            conditions["payload"] = payload
        return conditions

    def _expiry(self, given: dict[str, Any]) -> dict[str, Any]:
        kind = given.get("expiry_kind") or ExpiryKind.NEVER
        names = {
            ExpiryKind.MONTHS: ("months",),
            ExpiryKind.INACTIVITY: ("months",),
            ExpiryKind.DAYS: ("days",),
            ExpiryKind.DATE: ("month", "day", "years"),
        }.get(kind, ())
        numbers = {name: given.get(f"expiry_{name}") for name in names}
        written = {name: value for name, value in numbers.items() if value not in (None, "")}
        return {"kind": kind, **written} if names else {}

    def said_of(self, error: Any) -> list[str]:
        """Return what is missing or wrong, with the name of the field that it is about."""
        said = []
        for mistake in error.details:
            name = self._field_of(mistake.pointer)
            said.append(f"{self.fields[name].label}: {mistake.message}" if name else str(mistake.message))
        return list(dict.fromkeys(said))


def circumstances(given: dict[str, Any]) -> dict[str, Any]:
    """Return where, when and for whom, as JSON."""
    written: dict[str, Any] = {name: given[name] for name in PLACES if given.get(name)}
    if given.get("days"):
        written["weekdays"] = given["days"]
    if given.get("since") or given.get("until"):
        written["hours"] = {
            "from": given["since"].strftime("%H:%M") if given.get("since") else "00:00",
            "until": given["until"].strftime("%H:%M") if given.get("until") else "24:00",
        }
    for name, key in (("from_day", "from"), ("until_day", "until")):
        if given.get(name):
            written[key] = given[name].isoformat()
    if segment := given.get("segment"):
        written["segment"] = getattr(segment, "code", segment)
    return written


def circumstances_initial(written: dict[str, Any]) -> dict[str, Any]:
    """Return what a form shows of circumstances."""
    hours = written.get("hours") or {}
    until = hours.get("until")
    return {
        **{name: written.get(name) for name in PLACES},
        "days": written.get("weekdays"),
        "since": hours.get("from"),
        "until": None if until == "24:00" else until,
        "from_day": written.get("from"),
        "until_day": written.get("until"),
        "segment": written.get("segment"),
    }


def initial_of(rule: EarningRule) -> dict[str, Any]:
    """Return what the form shows of a rule."""
    terms, conditions = terms_of(rule), rule.current.conditions
    items = conditions.get("items") or {}
    excluded = items.get("exclude") or {}
    expiry = rule.current.expiry
    rows = {
        "multipliers": [MultiplierRow.initial_of(one) for one in terms["multipliers"]],
        "caps": [CapRow.initial_of(one) for one in terms["caps"]],
        "payload": [MetadataRow.initial_of(one) for one in (conditions.get("payload") or {}).items()],
    }
    standing = ("name", "active", "starts_at", "ends_at", "exclusive", "priority")
    return {
        **{name: getattr(rule, name) for name in standing},
        **{name: terms[name] for name in ("points", "benefits", "holding", "holding_days", "draw")},
        "per": terms["per_amount"],
        "per_quantity": terms["per_quantity"],
        **{name: items.get(name) for name in ITEM_NAMES},
        **{f"exclude_{name}": excluded.get(name) for name in ITEM_NAMES},
        "minimum_amount": conditions.get("minimum_amount"),
        **circumstances_initial(conditions),
        "expiry_kind": expiry.get("kind") or ExpiryKind.NEVER,
        **{
            f"expiry_{name}": expiry[name]
            for name in ("months", "days", "month", "day", "years")
            if name in expiry
        },
        "rows": rows,
    }
