"""Step 2: what everybody gets: nothing, a promotion, an offer computed for each, or one made here and now."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

from django import forms
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from campaigns.admin.wizard.base import StepForm, WizardStep
from campaigns.drafts import VersionTerms
from campaigns.models import CampaignVersion, CouponScope
from campaigns.offers import free_promotion_code
from coupons.models import Promotion
from coupons.services import create_promotion
from coupons.services.personal_offers import is_personal
from operations.number_fields import MoneyField, NumberField

NONE, SAME, PERSONAL, NEW = "none", "same", "personal", "new"
USABLE = [Promotion.Status.DRAFT, Promotion.Status.SCHEDULED, Promotion.Status.ACTIVE]
MAY_ADD = "coupons.add_promotion"


class OfferForm(StepForm):
    """One of four ways; only the fields of the chosen one count."""

    POINTERS = {
        "effect/percent": "percent",
        "effect/amount": "amount",
        "coupon/valid_days": "valid_days",
        "conditions/minimum_spend": "minimum",
        "budgets": "budget",
    }

    kind = forms.ChoiceField(
        label=_("What they get"),
        widget=forms.RadioSelect,
        choices=[
            (NONE, _("No offer")),
            (SAME, _("The same for everybody, each with a code of their own")),
            (PERSONAL, _("An offer computed for each person")),
            (NEW, _("A new, simple discount")),
        ],
    )
    promotion = forms.ModelChoiceField(
        label=_("Promotion"), queryset=Promotion.objects.none(), required=False, empty_label=_("Choose …")
    )
    personal = forms.ModelChoiceField(
        label=_("Personal offers"),
        queryset=Promotion.objects.none(),
        required=False,
        empty_label=_("Choose …"),
    )
    coupon_scope = forms.ChoiceField(
        label=_("Each code is good for"),
        choices=[("", _("All that the offer is good for")), *CouponScope.choices],
        required=False,
        help_text=_("Who has no favourites, or allows no profile, gets a code that is good for all of it."),
    )
    percent = NumberField(
        label=_("Percent off"), required=False, min_value=Decimal("0.01"), max_value=100, decimal_places=2
    )
    amount = MoneyField(label=_("or amount off"), required=False)
    minimum = MoneyField(label=_("from an order of"), required=False)
    valid_days = forms.IntegerField(
        label=_("Days a code is good for"), min_value=1, max_value=3650, required=False, initial=30
    )
    budget = MoneyField(label=_("Budget for all discounts together"), required=False)

    def __init__(self, *args: Any, version: CampaignVersion, may_add: bool, **kwargs: Any) -> None:
        chosen = version.promotion
        kwargs["initial"] = {
            "kind": NONE if chosen is None else PERSONAL if is_personal(chosen) else SAME,
            "promotion": chosen.pk if chosen and not is_personal(chosen) else None,
            "personal": chosen.pk if chosen and is_personal(chosen) else None,
            "valid_days": 30,
            "coupon_scope": version.coupon_scope,
        }
        super().__init__(*args, **kwargs)
        self.version = version
        usable = Promotion.objects.filter(
            Q(status__in=USABLE) | Q(pk=version.promotion_id), trigger=Promotion.Trigger.COUPON
        ).order_by("-id")
        personal = usable.filter(effect__personal=True)
        self.fields["promotion"].queryset = usable.exclude(pk__in=personal.values("pk"))
        self.fields["personal"].queryset = personal
        dropped = {PERSONAL} if not self.fields["personal"].queryset.exists() else set()
        if not may_add:
            dropped.add(NEW)
        kinds = self.fields["kind"]
        kinds.choices = [choice for choice in kinds.choices if choice[0] not in dropped]

    def clean(self) -> dict[str, Any]:
        given = super().clean()
        kind = given.get("kind")
        if kind == SAME and not given.get("promotion") and "promotion" not in self.errors:
            self.add_error("promotion", _("Choose a promotion."))
        if kind == PERSONAL and not given.get("personal") and "personal" not in self.errors:
            self.add_error("personal", _("Choose a set of offers."))
        readable = not {"percent", "amount"} & set(self.errors)
        if kind == NEW and readable and bool(given.get("percent")) == bool(given.get("amount")):
            self.add_error("percent", _("Say a percentage or an amount, one of the two."))
        return given

    def promotion_made(self, *, by: Any) -> Promotion | None:
        """Return the promotion that was chosen, or make the new one as a draft. Raises FidelioError."""
        given = self.cleaned_data
        match given["kind"]:
            case "same":
                return given["promotion"]
            case "personal":
                return given["personal"]
            case "new":
                return self._make(by)
        return None

    def _make(self, by: Any) -> Promotion:
        given, name = self.cleaned_data, self.version.campaign.name
        effect: dict[str, Any] = {"kind": "AMOUNT", "amount": given["amount"]}
        if given["percent"]:
            effect = {"kind": "PERCENT", "percent": f"{given['percent']:f}"}
        conditions = {}
        if given["minimum"]:
            conditions = {"minimum_spend": {"amount": given["minimum"]}}
        budgets = []
        if given["budget"]:
            budgets = [{"metric": "DISCOUNT_AMOUNT", "cap": given["budget"]}]
        return create_promotion(
            code=free_promotion_code(self.version.campaign.code),
            name=name,
            effect=effect,
            conditions=conditions,
            coupon={"valid_days": given["valid_days"]} if given["valid_days"] else None,
            budgets=budgets,
            created_by=by,
            at=timezone.now(),
        )


class OfferStep(WizardStep):
    step = "offer"
    form_class = OfferForm

    def get_form_kwargs(self) -> dict[str, Any]:
        return super().get_form_kwargs() | {"may_add": self.request.user.has_perm(MAY_ADD)}

    def save(self, form: OfferForm) -> None:
        """Save the choice; a new promotion and the campaign that gives it come together or not at all."""
        with transaction.atomic():
            promotion = form.promotion_made(by=self.request.user)
            scope = form.cleaned_data["coupon_scope"] if promotion else ""
            changes: dict[str, Any] = {}
            if (promotion.pk if promotion else None) != self.version.promotion_id:
                changes["promotion"] = promotion
            if scope != self.version.coupon_scope:
                changes["terms"] = replace(VersionTerms.of(self.version), coupon_scope=scope)
            if changes:
                self.revise(**changes)
