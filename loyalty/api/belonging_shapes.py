"""What the calls about tiers and memberships take and answer."""

from decimal import Decimal
from typing import Any

from django.conf import settings
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from coupons.api.fields import KnownCurrencyField
from customers.api.references import CustomerReference
from loyalty.api.translations import TranslationsField
from loyalty.models import Membership, MembershipPayment, MembershipPlan, Tier, TierLadder
from loyalty.services.benefits import Benefits
from loyalty.services.memberships import refund_amount
from loyalty.services.tier_ladder import not_a_choice
from loyalty.services.tier_progress import TierProgress
from loyalty.services.tiers import the_ladder
from operations.api.serializers import AmountField, InstantField, LineField, StrictSerializer
from operations.errors import InvalidInput

CODE = r"\A[A-Za-z0-9_-]{1,48}\Z"
MOST = 10**12
MEASURES = {
    "from_points": TierLadder.Metric.POINTS,
    "from_amount": TierLadder.Metric.AMOUNT,
    "from_years": TierLadder.Metric.YEARS,
}


class BenefitsIn(StrictSerializer):
    """What belonging gives: the same for a tier and for a plan."""

    name = LineField(max_length=120, required=False)
    description = LineField(max_length=300, required=False, allow_blank=True)
    multiplier = serializers.DecimalField(
        max_digits=4, decimal_places=2, min_value=Decimal(1), max_value=Decimal(10), required=False
    )
    free_shipping = serializers.BooleanField(required=False)
    early_access_hours = serializers.IntegerField(min_value=0, max_value=2000, required=False)
    perks = serializers.ListField(child=LineField(max_length=120), max_length=20, required=False)
    translations = TranslationsField(required=False)


class TierChangeIn(BenefitsIn):
    """What can be changed of one tier; thresholds are changed together, by the ladder."""

    colour = serializers.ChoiceField(Tier.Colour.choices, required=False)


class TierEditIn(TierChangeIn):
    """With `active` false the tier is retired: who stands on it keeps it until their period ends."""

    active = serializers.BooleanField(required=False)


class TierIn(TierChangeIn):
    """`threshold` is in the metric of the ladder: points, minor units, years. `years` gives it anyway.

    In place of `threshold` one of `from_points`, `from_amount` (minor units) and `from_years`, with the days
    in which points or amounts count: the first tier makes the ladder measure so, the others follow it.
    """

    code = serializers.RegexField(CODE)
    threshold = serializers.IntegerField(min_value=0, max_value=MOST, required=False)
    from_points = serializers.IntegerField(min_value=0, max_value=MOST, required=False)
    from_amount = AmountField(required=False)
    from_years = serializers.IntegerField(min_value=0, max_value=100, required=False)
    window_days = serializers.IntegerField(min_value=28, max_value=3660, required=False, allow_null=True)
    years = serializers.IntegerField(min_value=1, max_value=100, required=False, allow_null=True)

    def validate(self, given: dict[str, Any]) -> dict[str, Any]:
        named = [name for name in ("threshold", *MEASURES) if name in given]
        if not named:
            raise serializers.ValidationError({"threshold": self.fields["name"].error_messages["required"]})
        if len(named) > 1:
            raise InvalidInput.at(f"/{named[1]}", not_a_choice(named[1], named[0]))
        if given.get("window_days") and named[0] in ("threshold", "from_years"):
            raise InvalidInput.at("/window_days", not_a_choice("window_days", named[0]))
        return given

    def step(self) -> dict[str, Any]:
        """Return what `create_tier` takes beside the time, with what the ladder is to measure."""
        given = {"name": self.validated_data["code"]} | self.validated_data
        metric = next((metric for name, metric in MEASURES.items() if name in given), None)
        if metric:
            given["threshold"] = given.pop(next(name for name in MEASURES if name in given))
        return given | {"metric": metric, "window_days": given.get("window_days")}


BENEFITS = [
    "code",
    "name",
    "description",
    "multiplier",
    "free_shipping",
    "early_access_hours",
    "perks",
    "translations",
    "segment",
    "active",
]


class TierOut(serializers.ModelSerializer):
    """A step of the ladder; its members stand in `segment`.

    Of `from_points`, `from_amount` (minor units) and `from_years` the one that the ladder measures is the
    `threshold`, the others are null; `window_days` is null where all time or the calendar counts.
    """

    segment = serializers.CharField(source="segment.code")
    translations = TranslationsField()
    from_points = serializers.IntegerField(allow_null=True, read_only=True)
    from_amount = serializers.IntegerField(allow_null=True, read_only=True)
    from_years = serializers.IntegerField(allow_null=True, read_only=True)
    window_days = serializers.IntegerField(allow_null=True, read_only=True)

    class Meta:
        model = Tier
        fields = [*BENEFITS, "threshold", *MEASURES, "window_days", "years", "colour"]

    def to_representation(self, tier: Tier) -> dict[str, Any]:
        ladder = the_ladder()
        for name, metric in MEASURES.items():
            setattr(tier, name, tier.threshold if metric == ladder.metric else None)
        rolls = ladder.window == TierLadder.Window.ROLLING and ladder.metric != TierLadder.Metric.YEARS
        tier.window_days = round(ladder.months * 365 / 12) if rolls else None
        return super().to_representation(tier)


class ThresholdIn(StrictSerializer):
    tier = serializers.CharField(max_length=48)
    threshold = serializers.IntegerField(min_value=0, max_value=MOST)
    years = serializers.IntegerField(min_value=1, max_value=100, required=False, allow_null=True)


class LadderIn(StrictSerializer):
    """How tiers are reached and kept. What is left out stays as it is.

    Points of purchases and events always count; the `..._qualify` say which others do.
    """

    metric = serializers.ChoiceField(TierLadder.Metric.choices, required=False)
    window = serializers.ChoiceField(TierLadder.Window.choices, required=False)
    months = serializers.IntegerField(min_value=1, max_value=120, required=False)
    first_month = serializers.IntegerField(min_value=1, max_value=12, required=False)
    grace_days = serializers.IntegerField(min_value=0, max_value=366, required=False)
    soft_landing = serializers.BooleanField(required=False)
    partner_points_qualify = serializers.BooleanField(required=False)
    given_points_qualify = serializers.BooleanField(required=False)
    referral_points_qualify = serializers.BooleanField(required=False)
    thresholds = ThresholdIn(many=True, required=False)


class LadderOut(serializers.ModelSerializer):
    """`job` looks at everybody's tier after a change (GET /jobs/{id}); null when nothing was changed."""

    tiers = serializers.SerializerMethodField()
    job = serializers.SerializerMethodField()

    class Meta:
        model = TierLadder
        fields = [
            "metric", "window", "months", "first_month", "grace_days", "soft_landing",
            "partner_points_qualify", "given_points_qualify", "referral_points_qualify", "tiers", "job",
        ]  # fmt: skip

    @extend_schema_field(TierOut(many=True))
    def get_tiers(self, ladder: TierLadder) -> list[dict[str, Any]]:
        return TierOut(Tier.objects.steps().select_related("segment"), many=True).data

    def get_job(self, ladder: TierLadder) -> str | None:
        return self.context.get("job")


class TierPlacesOut(serializers.Serializer):
    tier = serializers.CharField(source="tier.code", allow_null=True, default=None)
    name = serializers.CharField(source="tier.name", allow_null=True, default=None)
    now = serializers.IntegerField()
    then = serializers.IntegerField()


class WhatIfOut(serializers.Serializer):
    """Who would stand where: `then` is what people have reached in the window that ends today."""

    people = serializers.IntegerField()
    tiers = TierPlacesOut(many=True, source="places")
    rising = serializers.IntegerField()
    falling = serializers.IntegerField()


class TierGrantIn(StrictSerializer):
    """A tier given by hand, through a day; null is for good."""

    tier = serializers.CharField(max_length=48)
    until = serializers.DateField(allow_null=True, default=None)
    reason = LineField(max_length=300)


class CustomerTierOut(serializers.Serializer):
    """Where a customer stands. `value`, `missing` and `missing_to_keep` are in the metric of the ladder."""

    tier = serializers.SerializerMethodField()
    metric = serializers.CharField()
    currency = serializers.SerializerMethodField()
    value = serializers.IntegerField()
    since = serializers.DateTimeField(allow_null=True)
    kept_until = serializers.DateField(allow_null=True)
    missing_to_keep = serializers.IntegerField(allow_null=True)
    next_tier = serializers.SerializerMethodField()
    benefits = serializers.SerializerMethodField()

    @extend_schema_field(OpenApiTypes.OBJECT)
    def get_tier(self, progress: TierProgress) -> dict[str, str] | None:
        return {"code": progress.tier.code, "name": progress.tier.name} if progress.tier else None

    def get_currency(self, progress: TierProgress) -> str:
        return settings.PROGRAMME_CURRENCY

    @extend_schema_field(OpenApiTypes.OBJECT)
    def get_next_tier(self, progress: TierProgress) -> dict[str, Any] | None:
        if progress.next is None:
            return None
        return {
            "code": progress.next.code,
            "name": progress.next.name,
            "missing": progress.missing,
            "years_missing": progress.years_missing,
        }

    @extend_schema_field(OpenApiTypes.OBJECT)
    def get_benefits(self, progress: TierProgress) -> dict[str, Any]:
        benefits: Benefits = self.context["benefits"]
        return {
            "multiplier": str(benefits.multiplier),
            "free_shipping": benefits.free_shipping,
            "early_access_hours": benefits.early_access_hours,
            "perks": list(benefits.perks),
            "promotions": [promotion.code for promotion in benefits.promotions],
            "segments": list(benefits.segments),
        }


class PlanChangeIn(BenefitsIn):
    price_amount = AmountField(required=False)
    grace_days = serializers.IntegerField(min_value=0, max_value=366, required=False)
    welcome_reward = serializers.CharField(max_length=64, required=False, allow_null=True)
    active = serializers.BooleanField(required=False)


class PlanIn(PlanChangeIn):
    """A plan; `period_days` only with the period DAYS."""

    code = serializers.RegexField(CODE)
    price_amount = AmountField()
    currency = KnownCurrencyField(required=False)
    period = serializers.ChoiceField(MembershipPlan.Period.choices, required=False)
    period_days = serializers.IntegerField(min_value=1, max_value=3660, required=False, allow_null=True)


class PlanOut(serializers.ModelSerializer):
    segment = serializers.CharField(source="segment.code")
    translations = TranslationsField()
    welcome_reward = serializers.CharField(source="welcome_reward.code", allow_null=True, default=None)

    class Meta:
        model = MembershipPlan
        fields = [
            *BENEFITS,
            "period",
            "period_days",
            "price_amount",
            "currency",
            "grace_days",
            "welcome_reward",
        ]


class PaymentIn(StrictSerializer):
    """What was paid, under the shop's own id; the same id counts once. `currency` must be the plan's."""

    source_id = LineField(max_length=128)
    amount = AmountField()
    currency = KnownCurrencyField(required=False)
    paid_at = InstantField()
    periods = serializers.IntegerField(min_value=1, max_value=120, default=1)


class MembershipIn(StrictSerializer):
    customer = CustomerReference()
    plan = serializers.CharField(max_length=48)
    payment = PaymentIn()


class CancellationIn(StrictSerializer):
    """`at_once` ends it today and says what goes back; without, it runs out with what is paid."""

    at_once = serializers.BooleanField(default=False)
    reason = LineField(max_length=300, required=False, allow_blank=True, default="")


class PaymentOut(serializers.ModelSerializer):
    """It covers the days from `covers_from` until before `covers_until`."""

    source_id = serializers.CharField(source="external_id")

    class Meta:
        model = MembershipPayment
        fields = ["source_id", "amount", "refund_amount", "paid_at", "covers_from", "covers_until"]


class MembershipOut(serializers.ModelSerializer):
    """`renews_on` is the first day not paid, `ends_at` when its benefits end without another payment.

    `reward_owed` is the code of a welcome reward that could not be given yet, being out of stock say.
    """

    id = serializers.CharField()
    customer = serializers.CharField(source="customer.public_id")
    plan = serializers.CharField(source="plan.code")
    currency = serializers.CharField(source="plan.currency")
    refund_amount = serializers.SerializerMethodField()
    reward_owed = serializers.CharField(source="owed_reward.code", allow_null=True, default=None)
    payments = PaymentOut(many=True)

    class Meta:
        model = Membership
        fields = [
            "id",
            "customer",
            "plan",
            "status",
            "started_at",
            "started_on",
            "renews_on",
            "ends_at",
            "cancelled_at",
            "currency",
            "refund_amount",
            "reward_owed",
            "payments",
        ]

    def get_refund_amount(self, membership: Membership) -> int:
        return refund_amount(membership)
