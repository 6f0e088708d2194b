"""The forms of tiers and their ladder; they only gather what the services check."""

from decimal import Decimal
from typing import Any

from babel.numbers import get_currency_precision
from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from coupons.admin.forms import RefusalForm
from loyalty.admin.translation_fields import TranslationFields
from loyalty.models import Tier, TierLadder
from loyalty.models.benefits import LARGEST_MULTIPLIER, Beneficial
from operations.date_fields import DayField
from operations.number_fields import NumberField, WholeNumberField

Metric = TierLadder.Metric
MONTHS = [
    (1, _("January")), (2, _("February")), (3, _("March")), (4, _("April")), (5, _("May")), (6, _("June")),
    (7, _("July")), (8, _("August")), (9, _("September")), (10, _("October")), (11, _("November")),
    (12, _("December")),
]  # fmt: skip
LARGEST = 10**11
QUALIFYING = ("partner_points_qualify", "given_points_qualify", "referral_points_qualify")
RULES = ("metric", "window", "months", "first_month", "grace_days", "soft_landing", *QUALIFYING)


class BenefitsForm(TranslationFields, RefusalForm):
    """What belonging gives: for tiers and for plans of memberships."""

    TRANSLATED = Beneficial.TRANSLATED

    name = forms.CharField(label=_("Name"), max_length=120)
    code = forms.RegexField(
        r"\A[A-Za-z0-9_-]{1,48}\Z", label=_("Code"), help_text=_("For the API: letters, digits, - and _.")
    )
    description = forms.CharField(label=_("What members read"), max_length=300, required=False)
    multiplier = NumberField(
        label=_("Points times"),
        min_value=Decimal(1),
        max_value=LARGEST_MULTIPLIER,
        decimal_places=2,
        initial=Decimal(1),
        help_text=_("1.5: an order that earns 100 points earns 150."),
    )
    free_shipping = forms.BooleanField(
        label=_("Free shipping"),
        required=False,
        help_text=_("Makes an automatic promotion for these members, and stops it when you take this away."),
    )
    early_access_hours = WholeNumberField(
        label=_("Hours of early access"),
        min_value=0,
        max_value=2000,
        initial=0,
        help_text=_("The shop asks for it over the API and lets these members in earlier."),
    )
    perks = forms.CharField(
        label=_("Also"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("One a line, as members read it: a gift on your birthday."),
    )

    def __init__(self, *args: Any, row: Beneficial | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if row is not None:
            del self.fields["code"]
            for name in self.fields:
                self.initial.setdefault(name, getattr(row, name, None))
            self.initial["perks"] = "\n".join(row.perks)
        self.add_translations(row)

    def arguments(self) -> dict[str, Any]:
        """Return what the services take."""
        given = dict(self.cleaned_data)
        given["translations"] = self.take_translations(given)
        return given

    def frozen(self) -> "BenefitsForm":
        """Return the form to be read only."""
        for field in self.fields.values():
            field.disabled = True
        return self

    def clean_perks(self) -> list[str]:
        lines = [line.strip() for line in self.cleaned_data["perks"].splitlines()]
        perks = [line for line in lines if line]
        if any(len(line) > 120 for line in perks) or len(perks) > 20:
            raise forms.ValidationError(_("At most 20 lines of 120 characters."))
        return perks


class TierForm(BenefitsForm):
    """One step. Its threshold is given once; later it changes with those of the others."""

    threshold = NumberField(label=_("Reached from"), min_value=0, max_value=LARGEST, decimal_places=2)
    years = WholeNumberField(
        label=_("Or after years as a customer"),
        min_value=1,
        max_value=100,
        required=False,
        help_text=_("Empty: only by the threshold."),
    )
    colour = forms.ChoiceField(label=_("Colour"), choices=Tier.Colour.choices, initial=Tier.Colour.SILVER)

    def __init__(self, *args: Any, row: Tier | None = None, metric: str, **kwargs: Any) -> None:
        super().__init__(*args, row=row, **kwargs)
        self.metric = metric
        if row is not None:
            del self.fields["threshold"], self.fields["years"]
        else:
            self.fields["threshold"].help_text = unit_of(metric)

    def arguments(self) -> dict[str, Any]:
        """Return what the services take."""
        given = super().arguments()
        if "threshold" in given:
            given["threshold"] = in_units(self.metric, given["threshold"])
        return given


class LadderForm(RefusalForm):
    """The rules of the ladder, and the threshold of every tier."""

    metric = forms.ChoiceField(label=_("Measured by"), choices=Metric.choices)
    window = forms.ChoiceField(label=_("Counted over"), choices=TierLadder.Window.choices)
    months = WholeNumberField(
        label=_("Months"), min_value=1, max_value=120, help_text=_("Of a calendar period: 1, 3, 6 or 12.")
    )
    first_month = forms.TypedChoiceField(label=_("A period begins with"), choices=MONTHS, coerce=int)
    grace_days = WholeNumberField(
        label=_("Days of grace"),
        min_value=0,
        max_value=366,
        help_text=_("So long after its period a tier can still be kept; what is earned then counts."),
    )
    soft_landing = forms.BooleanField(label=_("At most one step down at a time"), required=False)
    partner_points_qualify = forms.BooleanField(label=_("Points earned at partners count"), required=False)
    given_points_qualify = forms.BooleanField(label=_("Points given by hand count"), required=False)
    referral_points_qualify = forms.BooleanField(label=_("Points for friends brought count"), required=False)
    announce = forms.BooleanField(
        label=_("Let campaigns hear of who rises by this change"),
        required=False,
        help_text=_("Off: nobody gets a mail because thresholds were lowered."),
    )

    def __init__(self, *args: Any, ladder: TierLadder, tiers: list[Tier], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.tiers = tiers
        for name in RULES:
            self.initial.setdefault(name, getattr(ladder, name))
        for tier in tiers:
            field = NumberField(label=_("Reached from"), min_value=0, max_value=LARGEST, decimal_places=2)
            years = WholeNumberField(label=_("Or after years"), min_value=1, max_value=100, required=False)
            self.fields |= {f"threshold_{tier.pk}": field, f"years_{tier.pk}": years}
            self.initial[f"threshold_{tier.pk}"] = as_written(ladder.metric, tier.threshold)
            self.initial[f"years_{tier.pk}"] = tier.years

    @property
    def rows(self) -> list[tuple[Tier, Any, Any]]:
        """Return each tier with its two fields."""
        return [(tier, self[f"threshold_{tier.pk}"], self[f"years_{tier.pk}"]) for tier in self.tiers]

    def rules(self) -> dict[str, Any]:
        """Return the rules of the ladder as the services take them."""
        return {name: self.cleaned_data[name] for name in RULES}

    def thresholds(self) -> dict[int, tuple[int, int | None]]:
        """Return the threshold and the years of each tier by its key."""
        given, metric = self.cleaned_data, self.cleaned_data["metric"]
        return {
            tier.pk: (in_units(metric, given[f"threshold_{tier.pk}"]), given[f"years_{tier.pk}"])
            for tier in self.tiers
        }


class GrantForm(RefusalForm):
    """A tier given by hand, through a day, saying why."""

    tier = forms.ModelChoiceField(Tier.objects.none(), label=_("Tier"))
    until = DayField(label=_("Through"), required=False, help_text=_("The last day. Empty: for good."))
    reason = forms.CharField(
        label=_("Why"), max_length=300, help_text=_("It stays in the history, with your name.")
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["tier"].queryset = Tier.objects.steps()


def unit_of(metric: str) -> str:
    """Return what a threshold is written in."""
    return {
        Metric.POINTS: _("In points."),
        Metric.AMOUNT: _("In %(currency)s.") % {"currency": settings.PROGRAMME_CURRENCY},
        Metric.YEARS: _("In full years as a customer."),
    }[Metric(metric)]


def in_units(metric: str, written: Decimal) -> int:
    """Return a threshold as it is kept: minor units of an amount, else the whole number."""
    digits = get_currency_precision(settings.PROGRAMME_CURRENCY) if metric == Metric.AMOUNT else 0
    return int(written.scaleb(digits))


def as_written(metric: str, threshold: int) -> Decimal:
    """Return a threshold as people write it."""
    digits = get_currency_precision(settings.PROGRAMME_CURRENCY) if metric == Metric.AMOUNT else 0
    return Decimal(threshold).scaleb(-digits)
