"""The forms of objectives: written in the units people use, kept in those of the metric."""

from decimal import Decimal
from typing import Any

from babel.numbers import get_currency_precision
from django import forms
from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from analytics.metrics import METRICS, Unit
from analytics.models import Objective
from analytics.parts import SEPARATOR, ChosenPart
from analytics.windows import Scope
from coupons.admin.forms import RefusalForm
from customers.models import RollupScope, Segment
from operations.date_fields import DayField
from operations.models import User


def _amount_field(**options: Any) -> forms.DecimalField:
    widget = forms.TextInput(attrs={"inputmode": "decimal"})
    return forms.DecimalField(localize=True, max_digits=14, decimal_places=4, widget=widget, **options)


def scale_of(metric: str) -> Decimal:
    """Return by how much what people write is larger than what is kept: 100 for %, 0.01 for euros."""
    unit = METRICS[metric].unit
    if unit == Unit.PERCENT:
        return Decimal(100)
    if unit == Unit.MONEY:
        return Decimal(1).scaleb(-get_currency_precision(settings.PROGRAMME_CURRENCY))
    return Decimal(1)


class ObjectiveForm(RefusalForm):
    """What is to be reached, by when, and who looks after it."""

    POINTERS = {"scope": "part", "scope_value": "part"}

    name = forms.CharField(label=gettext_lazy("Name"), max_length=120)
    metric = forms.ChoiceField(label=gettext_lazy("Key figure"))
    target = _amount_field(
        label=gettext_lazy("Target"),
        help_text=gettext_lazy("As you would say it: euros, percent or a number, by the key figure."),
    )
    baseline = _amount_field(
        label=gettext_lazy("Where it stands today"),
        required=False,
        help_text=gettext_lazy(
            "For rates and averages: they are to move from here to the target in a straight line."
        ),
    )
    starts_on = DayField(label=gettext_lazy("First day"))
    ends_on = DayField(label=gettext_lazy("Last day"))
    tolerance_percent = forms.DecimalField(
        label=gettext_lazy("Tolerance, percent"),
        localize=True,
        min_value=0,
        max_value=100,
        max_digits=5,
        decimal_places=2,
        initial=5,
        help_text=gettext_lazy("Behind its pace by no more than this it is at risk, by more off track."),
    )
    part = forms.ChoiceField(label=gettext_lazy("Part of the business"), required=False)
    segment = forms.ModelChoiceField(
        label=gettext_lazy("Segment"), queryset=Segment.objects.none(), required=False
    )
    cadence = forms.ChoiceField(
        label=gettext_lazy("Review"), choices=Objective.Cadence.choices, initial=Objective.Cadence.WEEKLY
    )
    next_review_on = DayField(label=gettext_lazy("Next review"), required=False, show_hidden_initial=True)
    owner = forms.ModelChoiceField(
        label=gettext_lazy("Owner"),
        queryset=User.objects.filter(is_staff=True, is_active=True).order_by("username"),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        groups: dict[str, list[tuple[str, str]]] = {}
        for metric in METRICS.values():
            groups.setdefault(str(metric.group), []).append((metric.code, str(metric.label)))
        self.fields["metric"].choices = list(groups.items())
        self.fields["part"].choices = _parts(self.initial.get("part", ""))
        self.fields["segment"].queryset = Segment.objects.filter(active=True).order_by("name")

    def clean(self) -> dict[str, Any]:
        given = super().clean()
        if given.get("metric"):
            for name in ("target", "baseline"):
                if given.get(name) is not None:
                    given[name] = given[name] / scale_of(given["metric"])
        if "part" in given:
            scope, _separator, value = given.pop("part").partition(SEPARATOR)
            given |= {"scope": scope or RollupScope.ALL, "scope_value": value}
        if given.get("starts_on") and given.get("ends_on") and given["ends_on"] < given["starts_on"]:
            self.add_error("ends_on", _("The last day is before the first."))
        return given


def _parts(chosen: str) -> list[Any]:
    """Return the parts of the business by kind, and the chosen one also where it is not among the first."""
    groups = [
        (kind, [(code, name) for code, name in parts if code.partition(SEPARATOR)[0] in RollupScope.values])
        for kind, parts in ChosenPart(Scope(), None).groups
    ]
    known = {code for _kind, parts in groups for code, _name in parts}
    own = [(chosen, chosen.partition(SEPARATOR)[2])] if chosen and chosen not in known else []
    return [("", RollupScope.ALL.label), *own, *[(kind, parts) for kind, parts in groups if parts]]


def initial_of(objective: Objective) -> dict[str, Any]:
    """Return what the form shows of an objective."""
    names = [name for name in ObjectiveForm.base_fields if name not in ("target", "baseline", "part")]
    scale = scale_of(objective.metric)
    return {name: getattr(objective, name) for name in names} | {
        "part": ChosenPart(Scope(objective.scope, objective.scope_value), None).code,
        "target": (objective.target * scale).normalize(),
        "baseline": None if objective.baseline is None else (objective.baseline * scale).normalize(),
    }


class ReviewForm(RefusalForm):
    """What was decided today."""

    decision = forms.CharField(
        label=gettext_lazy("What was decided"),
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("One or two sentences; also when nothing changes."),
    )
    next_review_on = DayField(label=gettext_lazy("Next review"), required=False)


class OutcomeForm(RefusalForm):
    """What was done about a breach, or why nothing is."""

    outcome = forms.CharField(
        label=gettext_lazy("What was done, or why nothing is"), widget=forms.Textarea(attrs={"rows": 2})
    )
