"""Step 4: who is held out, which variants compete, and how the winner is found."""

from dataclasses import replace
from typing import Any

from django import forms
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from campaigns.admin.wizard.base import StepForm, WizardStep
from campaigns.drafts import ContentDraft, VariantDraft, VersionTerms, content_drafts, variant_drafts
from campaigns.models import CampaignVersion
from coupons.models import Promotion

LETTERS = "ABCDE"
USABLE = [Promotion.Status.DRAFT, Promotion.Status.SCHEDULED, Promotion.Status.ACTIVE]


class ExperimentForm(StepForm):
    """A holdout, and up to five variants; a row without a share is no variant."""

    holdout_percent = forms.IntegerField(
        label=_("Held out, percent"),
        min_value=0,
        max_value=50,
        help_text=_("Drawn by lot, they get nothing: only so the campaign's effect can be told from chance."),
    )
    winner_by = forms.ChoiceField(
        label=_("The winner is found by"),
        required=False,
        choices=[("", _("nothing: the shares stay to the end")), *CampaignVersion.WinnerBy.choices],
    )
    test_percent = forms.IntegerField(
        label=_("Share that takes part in the test, percent"), min_value=1, max_value=100, initial=100
    )
    winner_after_hours = forms.IntegerField(
        label=_("Decided after, hours"), min_value=1, max_value=24 * 90, required=False
    )
    winner_sample = forms.IntegerField(
        label=_("At least in each variant"), min_value=50, max_value=10_000_000, initial=500
    )
    fallback_variant = forms.ChoiceField(
        label=_("When none is better"),
        required=False,
        choices=[("", _("the first")), *((letter, letter) for letter in LETTERS)],
    )

    def __init__(self, *args: Any, version: CampaignVersion, **kwargs: Any) -> None:
        names = (
            "holdout_percent", "winner_by", "test_percent", "winner_after_hours", "winner_sample",
            "fallback_variant",
        )  # fmt: skip
        initial = {name: getattr(version, name) for name in names}
        known = {one.code: one for one in version.variants.all()}
        for letter in LETTERS:
            one = known.get(letter)
            initial |= {
                f"name_{letter}": one.name if one else "",
                f"weight_{letter}": one.weight if one else None,
                f"promotion_{letter}": one.promotion_id if one else None,
            }
        kwargs["initial"] = initial
        super().__init__(*args, **kwargs)
        self.version = version
        self._others = [one for one in variant_drafts(version) if one.code not in LETTERS]
        offers = Promotion.objects.filter(
            Q(status__in=USABLE) | Q(pk__in=[one.promotion_id for one in known.values()]),
            trigger=Promotion.Trigger.COUPON,
        ).order_by("-id")
        for letter in LETTERS:
            self.fields[f"name_{letter}"] = forms.CharField(
                label=_("Name of %(letter)s") % {"letter": letter}, max_length=80, required=False
            )
            self.fields[f"weight_{letter}"] = forms.IntegerField(
                label=_("Share of %(letter)s") % {"letter": letter},
                min_value=1,
                max_value=1000,
                required=False,
            )
            self.fields[f"promotion_{letter}"] = forms.ModelChoiceField(
                label=_("Offer of %(letter)s") % {"letter": letter},
                queryset=offers,
                required=False,
                empty_label=_("the campaign's"),
            )

    def rows(self) -> list[dict[str, Any]]:
        """Return the fields of each variant."""
        parts = ("name", "weight", "promotion")
        return [{"letter": letter} | {part: self[f"{part}_{letter}"] for part in parts} for letter in LETTERS]

    def clean(self) -> dict[str, Any]:
        given = super().clean()
        chosen = [letter for letter in LETTERS if given.get(f"weight_{letter}")]
        if len(chosen) == 1:
            self.add_error(f"weight_{chosen[0]}", _("One variant alone is no experiment."))
        if given.get("winner_by") and len(chosen) < 2:
            self.add_error("winner_by", _("A winner needs at least two variants."))
        hours_missing = not given.get("winner_after_hours") and "winner_after_hours" not in self.errors
        if given.get("winner_by") and hours_missing:
            self.add_error("winner_after_hours", _("Say after how many hours it is decided."))
        if given.get("fallback_variant") and given["fallback_variant"] not in chosen:
            self.add_error("fallback_variant", _("There is no such variant."))
        return given

    def changes(self) -> dict[str, Any]:
        given = self.cleaned_data
        variants = [
            VariantDraft(
                letter, given[f"weight_{letter}"], given[f"promotion_{letter}"], given[f"name_{letter}"]
            )
            for letter in LETTERS
            if given[f"weight_{letter}"]
        ]
        variants += self._others
        terms = replace(
            VersionTerms.of(self.version),
            winner_by=given["winner_by"],
            test_percent=given["test_percent"],
            winner_after_hours=given["winner_after_hours"],
            winner_sample=given["winner_sample"],
            fallback_variant=given["fallback_variant"],
        )
        codes = {one.code for one in variants}
        return {
            "holdout_percent": given["holdout_percent"],
            "variants": variants,
            "contents": self._contents(codes),
            "terms": terms,
        }

    def _contents(self, codes: set[str]) -> list[ContentDraft]:
        """Return the contents without those of variants that are gone, unless nothing were left."""
        kept = [one for one in content_drafts(self.version) if not one.variant or one.variant in codes]
        return kept or [replace(one, variant="") for one in content_drafts(self.version)[:1]]


class ExperimentStep(WizardStep):
    step = "experiment"
    form_class = ExperimentForm

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        used = [n for n, row in enumerate(context["form"].rows(), 1) if row["weight"].value()]
        return context | {"shown_rows": max(used, default=0)}
