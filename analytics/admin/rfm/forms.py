"""The form of an RFM model, whose fields stand in sentences."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from analytics.models import RfmModel, RfmSegmentMap
from analytics.rules import SCORES, number
from coupons.admin.fields import count_field, name_field
from coupons.admin.forms import RefusalForm
from customers.models import Season
from operations.number_fields import MoneyField

ALL_TIME, DAYS, SEASON = "ALL", "DAYS", "SEASON"
STEPS = range(2, SCORES + 1)
PARTS = ("r", "f", "m")


def weight_field(label: Any) -> forms.DecimalField:
    return forms.DecimalField(
        label=label, min_value=0, max_value=1000, max_digits=7, decimal_places=3, initial=1, localize=True,
        widget=forms.TextInput(attrs={"inputmode": "decimal"}),
    )  # fmt: skip


class ThresholdFields(forms.Form):
    """What each score from 2 to 5 takes, by the merchant's own thresholds."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for step in STEPS:
            self.fields[f"r{step}"] = count_field(
                label=_("Days for R%(score)d") % {"score": step}, min_value=0, max_value=36_500
            )
            self.fields[f"f{step}"] = count_field(
                label=_("Orders for F%(score)d") % {"score": step}, min_value=0
            )
            self.fields[f"m{step}"] = MoneyField(
                label=_("Amount for M%(score)d") % {"score": step}, min_value=0, required=False
            )

    def threshold_rows(self) -> list[dict[str, Any]]:
        """Return the fields of each score, the best first."""
        return [
            {"score": step, **{part: self[f"{part}{step}"] for part in PARTS}} for step in reversed(STEPS)
        ]

    def thresholds(self) -> dict[str, list[int | None]]:
        """Return what was filled in, from worst to best."""
        return {part: [self.cleaned_data.get(f"{part}{step}") for step in STEPS] for part in PARTS}


class RfmModelForm(ThresholdFields, RefusalForm):
    """Which orders count, how they are scored, into which segments, and when."""

    POINTERS = {
        "season": "season",
        "weights": "weight_r",
        "thresholds": "binning",
        "scope_value": "scope_value",
    }

    name = forms.CharField(label=gettext_lazy("Name"), max_length=100)
    code = forms.SlugField(
        label=gettext_lazy("Code"),
        max_length=64,
        required=False,
        help_text=gettext_lazy(
            "Segment rules and the API know the model by this; its segments are called CODE--champions. Left"
            " empty, it is made of the name."
        ),
    )
    scope = forms.ChoiceField(label=gettext_lazy("Which orders"), choices=RfmModel.Scope, initial="ALL")
    scope_value = name_field("scope", label=gettext_lazy("Which one"), max_length=120, required=False)
    window = forms.ChoiceField(
        label=gettext_lazy("Of when"),
        choices=[
            (ALL_TIME, gettext_lazy("of all time")),
            (DAYS, gettext_lazy("of the last days")),
            (SEASON, gettext_lazy("of a season, when it last ended")),
        ],
        initial=ALL_TIME,
    )
    window_days = count_field(label=gettext_lazy("Days"), max_value=36_500)
    season = forms.ModelChoiceField(
        label=gettext_lazy("Season"), queryset=Season.objects.order_by("code"), required=False,
        to_field_name="code", empty_label=gettext_lazy("choose a season"),
    )  # fmt: skip
    recency = forms.ChoiceField(
        label=gettext_lazy("Recency"), choices=RfmModel.Recency, initial=RfmModel.Recency.STANDARD
    )
    cycle_days = count_field(label=gettext_lazy("Replaced after, days"), max_value=36_500)
    tolerance_days = count_field(label=gettext_lazy("Tolerance, days"), max_value=36_500)
    monetary = forms.ChoiceField(
        label=gettext_lazy("Money"), choices=RfmModel.Monetary, initial=RfmModel.Monetary.SUM
    )
    binning = forms.ChoiceField(
        label=gettext_lazy("Scores"), choices=RfmModel.Binning, initial=RfmModel.Binning.QUANTILE,
        widget=forms.RadioSelect,
    )  # fmt: skip
    weight_r = weight_field(gettext_lazy("Weight of R"))
    weight_f = weight_field(gettext_lazy("Weight of F"))
    weight_m = weight_field(gettext_lazy("Weight of M"))
    segment_map = forms.ModelChoiceField(
        label=gettext_lazy("Segments"), queryset=RfmSegmentMap.objects.all(), to_field_name="code",
        empty_label=None,
    )  # fmt: skip
    commit_after_runs = count_field(label=gettext_lazy("Days scored"), initial=3, max_value=30, required=True)
    commit_jump = count_field(label=gettext_lazy("Levels"), initial=2, max_value=4, required=True)
    minimum_population = count_field(label=gettext_lazy("Customers"), initial=25, required=True)
    schedule = forms.ChoiceField(
        label=gettext_lazy("When it runs"),
        choices=RfmModel.Schedule,
        initial=RfmModel.Schedule.NIGHTLY,
    )

    def __init__(self, *args: Any, model: RfmModel | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.model = model
        if model:
            del self.fields["code"]  # Segments and rules know the model by it.
        if not self.is_bound and not self.initial.get("segment_map"):
            self.initial["segment_map"] = "ELEVEN"

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if "code" in self.fields and not cleaned.get("code") and "code" not in self.errors:
            cleaned["code"] = _free_code(cleaned.get("name", ""))
        self._need(cleaned, cleaned.get("scope") != RfmModel.Scope.ALL, ["scope_value"], _("Say which one."))
        self._need(cleaned, cleaned.get("window") == DAYS, ["window_days"], _("Say of how many days."))
        self._need(cleaned, cleaned.get("window") == SEASON, ["season"], _("Say of which season."))
        self._need(
            cleaned,
            cleaned.get("recency") == RfmModel.Recency.REPLACEMENT,
            ["cycle_days", "tolerance_days"],
            _("A replacement window needs both numbers of days."),
        )
        if cleaned.get("binning") == RfmModel.Binning.FIXED and not self._thresholds_filled():
            self.add_error("binning", _("Fill in every threshold, or start from the fifths of today."))
        return cleaned

    def _need(self, cleaned: dict[str, Any], asked: bool, names: Iterable[str], message: str) -> None:
        for name in names:
            if asked and not cleaned.get(name) and name not in self.errors:
                self.add_error(name, message)

    def _thresholds_filled(self) -> bool:
        parts = self.thresholds()
        if self.cleaned_data.get("recency") == RfmModel.Recency.REPLACEMENT:
            del parts["r"]
        failed = any(name in self.errors for name in self.fields if name[0] in PARTS and name[1:].isdigit())
        return failed or all(step is not None for steps in parts.values() for step in steps)

    def settings(self) -> dict[str, Any]:
        """Return the fields of a model; what a choice makes pointless is left empty."""
        given = self.cleaned_data
        fixed = given["binning"] == RfmModel.Binning.FIXED
        replaced = given["recency"] == RfmModel.Recency.REPLACEMENT
        same = (
            "name", "scope", "recency", "monetary", "binning", "segment_map", "commit_after_runs",
            "commit_jump", "minimum_population", "schedule",
        )  # fmt: skip
        return {name: given[name] for name in same} | {
            "scope_value": given["scope_value"] if given["scope"] != RfmModel.Scope.ALL else "",
            "window_days": given["window_days"] if given["window"] == DAYS else None,
            "season": given["season"] if given["window"] == SEASON else None,
            "cycle_days": given["cycle_days"] if replaced else None,
            "tolerance_days": given["tolerance_days"] if replaced else None,
            "thresholds": self._own_thresholds(replaced) if fixed else None,
            "weights": [number(given[f"weight_{part}"]) for part in PARTS],
        }

    def _own_thresholds(self, replaced: bool) -> dict[str, list[int | None]]:
        # Of a replacement window R needs no thresholds: its cycle says what a score takes.
        return self.thresholds() | ({"r": [4, 3, 2, 1]} if replaced else {})

    def draft(self) -> RfmModel:
        """Return the model as it would be, not saved, to be tried."""
        code = self.model.code if self.model else self.cleaned_data.get("code") or "draft"
        return RfmModel(code=code, **self.settings())


def initial_of(model: RfmModel) -> dict[str, Any]:
    """Return what the form of an existing model begins with."""
    same = (
        "name", "scope", "scope_value", "window_days", "recency", "cycle_days", "tolerance_days", "monetary",
        "binning", "commit_after_runs", "commit_jump", "minimum_population", "schedule",
    )  # fmt: skip
    window = SEASON if model.season_id else DAYS if model.window_days else ALL_TIME
    return {
        **{name: getattr(model, name) for name in same},
        "window": window,
        "season": model.season.code if model.season_id else None,
        "segment_map": model.segment_map.code,
        **{f"weight_{part}": Decimal(str(weight)) for part, weight in zip(PARTS, model.weights, strict=True)},
        **threshold_initial(model.thresholds or {}),
    }


def threshold_initial(thresholds: dict[str, list[int]]) -> dict[str, int]:
    """Return the values of the twelve threshold fields."""
    return {
        f"{part}{step}": value
        for part, steps in thresholds.items()
        for step, value in zip(STEPS, steps, strict=True)
    }


def _free_code(name: str) -> str:
    """Return a code made of a name that no other model has; a model's code has a letter in it."""
    stem = slugify(name.replace("_", "-"))[:56].strip("-")
    stem = stem if any(each.isalpha() for each in stem) else f"model-{stem}".strip("-")
    taken = set(RfmModel.objects.filter(code__startswith=stem).values_list("code", flat=True))
    place, code = 1, stem
    while code in taken:
        place += 1
        code = f"{stem}-{place}"
    return code
