"""The form of a referral programme: what both get, who may invite, what counts, when a person looks."""

from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from coupons.admin.fields import NamesField
from coupons.admin.rows import Row, Rows
from coupons.models import Promotion
from customers.models import Segment
from loyalty.models import Reward as CatalogueReward
from operations import formats
from operations.errors import FidelioError
from operations.number_fields import MoneyField, NumberField, WholeNumberField
from referrals.models import ReferralProgramme
from referrals.models.offer import Offer
from referrals.services.programmes import Reward, Step, Terms, Variant

MOST = 10**6


def _promotion(label: Any) -> forms.ModelChoiceField:
    return forms.ModelChoiceField(Promotion.objects.none(), label=label, required=False, empty_label="–")


def _reward(label: Any, **kwargs: Any) -> forms.ModelChoiceField:
    return forms.ModelChoiceField(
        CatalogueReward.objects.none(), label=label, empty_label="–", **{"required": False} | kwargs
    )


def _points(label: Any) -> WholeNumberField:
    return WholeNumberField(label=label, min_value=1, max_value=MOST, required=False)


def _count(label: Any, **kwargs: Any) -> WholeNumberField:
    return WholeNumberField(label=label, **{"min_value": 1, "max_value": MOST, "required": False} | kwargs)


def _handed_out() -> Any:
    return Promotion.objects.filter(trigger=Promotion.Trigger.COUPON).order_by("-pk")


def _rewards() -> Any:
    return CatalogueReward.objects.filter(active=True).order_by("name")


class OfferFields(forms.Form):
    """What both sides get; of each line one field is filled in."""

    referrer_promotion = _promotion(_("Coupon for who invites"))
    referrer_points = _points(_("Points for who invites"))
    referrer_reward = _reward(_("Reward for who invites"))
    referrer_cash = MoneyField(label=_("Money for who invites"), required=False)
    referee_promotion = _promotion(_("Coupon for the friend"))
    referee_points = _points(_("Points for the friend"))
    referee_reward = _reward(_("Reward for the friend"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for side in ("referrer", "referee"):
            self.fields[f"{side}_promotion"].queryset = _handed_out()
            self.fields[f"{side}_reward"].queryset = _rewards()

    def rewards(self) -> dict[str, Reward]:
        """Return what both get, as services take it."""
        given = self.cleaned_data
        return {
            "referrer_reward": Reward(
                given["referrer_promotion"],
                given["referrer_points"],
                given["referrer_reward"],
                given["referrer_cash"],
            ),
            "referee_reward": Reward(
                given["referee_promotion"], given["referee_points"], given["referee_reward"]
            ),
        }


class VariantRow(OfferFields, Row):
    name = forms.CharField(label=_("Name of the variant"), max_length=40)
    share_percent = WholeNumberField(label=_("Share in percent"), min_value=0, max_value=100)

    def variant(self) -> Variant:
        given = self.cleaned_data
        return Variant(given["name"], given["share_percent"], **self.rewards())


class StepRow(Row):
    friends = _count(_("Rewarded friends"), max_value=10_000, required=True)
    reward = _reward(_("Reward"), required=True)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reward"].queryset = _rewards()

    def step(self) -> Step:
        return Step(self.cleaned_data["friends"], self.cleaned_data["reward"])


class ProgrammeForm(OfferFields):
    name = forms.CharField(label=_("Name"), max_length=120, help_text=_("Those who invite read it, too."))
    code = forms.RegexField(
        r"\A[A-Za-z0-9_-]{1,64}\Z",
        label=_("Code"),
        help_text=_("For the API: letters, digits, - and _."),
    )
    segment = forms.ModelChoiceField(
        Segment.objects.none(),
        label=_("Who may invite"),
        required=False,
        empty_label=_("Every customer"),
        help_text=_("Whoever has a code keeps it when they leave the segment."),
    )
    minimum = NumberField(
        label=_("Smallest first order"),
        min_value=0,
        max_value=10**7,
        decimal_places=2,
        initial=0,
        help_text=_("Goods after discounts, VAT included."),
    )
    skus = NamesField(label=_("with one of the articles"), suggest="skus")
    categories = NamesField(label=_("or of the categories"), suggest="categories")
    brands = NamesField(label=_("or of the brands"), suggest="brands")
    after_days = _count(
        _("Days before the reward"),
        min_value=0,
        max_value=365,
        initial=0,
        required=True,
        help_text=_("Time for goods to come back; 0 rewards at once."),
    )
    take_back = forms.BooleanField(
        label=_("Take rewards back when the order comes back later"), required=False, initial=True
    )
    maximum_per_referrer = _count(_("Rewarded friends per customer"), help_text=_("Empty: any number."))
    maximum_per_month = _count(
        _("Rewarded friends per customer and month"), help_text=_("Empty: any number.")
    )
    maximum_total = _count(
        _("Rewarded friends in all"), help_text=_("Then nobody is rewarded any more. Empty: any number.")
    )
    review_score = _count(
        _("A person decides from a weight of"),
        max_value=100,
        initial=40,
        required=False,
        help_text=_("One sign of fraud weighs 40 to 70; 100 is certainty."),
    )
    velocity_per_day = _count(
        _("Friends a day that are nothing unusual"), max_value=10_000, initial=50, required=False
    )
    fixed_cost = NumberField(
        label=_("Fixed cost of the programme"), min_value=0, max_value=10**8, decimal_places=2, initial=0
    )
    planned_ltv = MoneyField(label=_("Planned value of a friend"), required=False)
    planned_reward = MoneyField(label=_("Planned cost of a friend"), required=False)
    planned_k = NumberField(
        label=_("Planned k"),
        required=False,
        min_value=0,
        max_value=1000,
        decimal_places=4,
        help_text=_("New customers per referrer."),
    )
    landing_url = forms.CharField(
        label=_("Page the link leads to"),
        max_length=300,
        required=False,
        help_text=_("With {code} where the code goes. Empty: a page of Fidelio's own."),
    )

    GENERAL = ("name", "code", "segment", "landing_url")
    CONDITIONS = ("minimum", "after_days", "skus", "categories", "brands", "take_back")
    LIMITS = ("maximum_per_referrer", "maximum_per_month", "maximum_total")
    CARE = ("review_score", "velocity_per_day")
    PLAN = ("fixed_cost", "planned_ltv", "planned_reward", "planned_k")

    def __init__(
        self, data: Any = None, *, programme: ReferralProgramme | None = None, minor: Decimal, **kwargs: Any
    ) -> None:
        initial = values_of(programme) if programme else {}
        super().__init__(data, initial=initial, **kwargs)
        self.minor = minor
        self.fields["segment"].queryset = Segment.objects.filter(active=True).order_by("name")
        if programme:
            del self.fields["code"]
        variants = [_variant_values(variant) for variant in programme.variants.all()] if programme else []
        steps = programme.steps.filter(active=True) if programme else []
        self.variants = Rows(VariantRow, "variants", data=data, initial=variants)
        self.steps = Rows(
            StepRow,
            "steps",
            data=data,
            initial=[{"friends": step.friends, "reward": step.reward_id} for step in steps],
        )

    def is_valid(self) -> bool:
        return all([super().is_valid(), self.variants.is_valid(), self.steps.is_valid()])

    def fields_of(self, names: tuple[str, ...]) -> list[forms.BoundField]:
        """Return the fields of one part of the page."""
        return [self[name] for name in names if name in self.fields]

    @property
    def parts(self) -> dict[str, list[forms.BoundField]]:
        """Return the fields of each part that is no sentence."""
        named = {
            "general": self.GENERAL,
            "conditions": self.CONDITIONS,
            "limits": self.LIMITS,
            "care": self.CARE,
            "plan": self.PLAN,
        }
        return {part: self.fields_of(names) for part, names in named.items()}

    def arguments(self) -> dict[str, Any]:
        """Return what `create_programme` and `edit_programme` take beside the code."""
        given = self.cleaned_data
        return {
            "name": given["name"],
            **self.rewards(),
            "variants": [row.variant() for row in self.variants.given],
            "steps": [row.step() for row in self.steps.given],
            "terms": Terms(
                minimum_amount=int(given["minimum"] * self.minor),
                after_days=given["after_days"],
                items={name: given[name] for name in ("skus", "categories", "brands")},
                segment=given["segment"],
                take_back=given["take_back"],
                maximum_per_referrer=given["maximum_per_referrer"],
                maximum_per_month=given["maximum_per_month"],
                maximum_total=given["maximum_total"],
                review_score=given["review_score"] or Terms.review_score,
                velocity_per_day=given["velocity_per_day"] or Terms.velocity_per_day,
                fixed_cost_amount=int(given["fixed_cost"] * self.minor),
                planned_ltv_amount=given["planned_ltv"],
                planned_reward_amount=given["planned_reward"],
                planned_k=given["planned_k"],
                landing_url=given["landing_url"],
            ),
        }

    def show(self, error: FidelioError) -> None:
        """Put a service's error where it can be mended."""
        fields = {"/referrer_reward": "referrer_promotion", "/referee_reward": "referee_promotion"}
        fields["/landing_url"] = "landing_url"
        for mistake in error.details:
            part, _slash, rest = mistake.pointer.strip("/").partition("/")
            place = rest.partition("/")[0]
            rows = {"variants": self.variants, "steps": self.steps}.get(part)
            if rows and place.isdigit() and rows.show(int(place), str(mistake.message)):
                continue
            name = next((own for at, own in fields.items() if mistake.pointer.startswith(at)), None)
            self.add_error(name, str(mistake.message))
        if not error.details:
            self.add_error(None, str(error.message))


def values_of(programme: ReferralProgramme) -> dict[str, Any]:
    """Return what the form shows of a programme."""
    return {
        "name": programme.name,
        "segment": programme.segment_id,
        **_offer_values(programme),
        "minimum": formats.major(programme.minimum_amount),
        **{name: programme.items.get(name, []) for name in ("skus", "categories", "brands")},
        "after_days": programme.after_days,
        "take_back": programme.take_back,
        "maximum_per_referrer": programme.maximum_per_referrer,
        "maximum_per_month": programme.maximum_per_month,
        "maximum_total": programme.maximum_total,
        "review_score": programme.review_score,
        "velocity_per_day": programme.velocity_per_day,
        "fixed_cost": formats.major(programme.fixed_cost_amount),
        "planned_ltv": programme.planned_ltv_amount,
        "planned_reward": programme.planned_reward_amount,
        "planned_k": _plain(programme.planned_k),
        "landing_url": programme.landing_url,
    }


def _plain(number: Decimal | None) -> Decimal | None:
    """Return a number without the zeros that only the column adds."""
    if number is None:
        return None
    return number.to_integral() if number == number.to_integral() else number.normalize()


def _variant_values(variant: Any) -> dict[str, Any]:
    return {"name": variant.name, "share_percent": variant.share_percent, **_offer_values(variant)}


def _offer_values(offer: Offer) -> dict[str, Any]:
    return {
        "referrer_promotion": offer.referrer_promotion_id,
        "referrer_points": offer.referrer_points,
        "referrer_reward": offer.referrer_reward_id,
        "referrer_cash": offer.referrer_cash_amount,
        "referee_promotion": offer.referee_promotion_id,
        "referee_points": offer.referee_points,
        "referee_reward": offer.referee_reward_id,
    }
