"""A referral programme: what it asks for, gives, and is expected to bring."""

from dataclasses import replace
from typing import Any

from django.conf import settings
from rest_framework import serializers

from customers.models import Segment
from loyalty.models import Reward as CatalogueReward
from operations.api.serializers import AmountField, StrictSerializer
from referrals.api.serializers.offers import OfferOut, SideRewardIn
from referrals.models import ReferralProgramme
from referrals.services.programmes import Step, Terms, Variant, rewards_of, terms_of


class ItemsIn(StrictSerializer):
    """Articles of which the friend's order has to hold one; nothing named means any."""

    skus = serializers.ListField(child=serializers.CharField(max_length=64), max_length=500, required=False)
    categories = serializers.ListField(
        child=serializers.CharField(max_length=120), max_length=500, required=False
    )
    brands = serializers.ListField(
        child=serializers.CharField(max_length=120), max_length=500, required=False
    )


class ConversionIn(StrictSerializer):
    """What the friend has to do: an order of at least `minimum_amount`, kept for `after_days`."""

    minimum_amount = AmountField(required=False)
    after_days = serializers.IntegerField(min_value=0, max_value=365, required=False)
    items = ItemsIn(required=False)


class PlannedIn(StrictSerializer):
    """What the programme is expected to bring: the value and the cost of a friend, and k."""

    ltv_amount = AmountField(required=False, allow_null=True)
    reward_amount = AmountField(required=False, allow_null=True)
    k = serializers.DecimalField(max_digits=8, decimal_places=4, min_value=0, required=False, allow_null=True)


class ReviewIn(StrictSerializer):
    """When a person has to look at a referral first."""

    from_score = serializers.IntegerField(min_value=1, max_value=100, required=False)
    velocity_per_day = serializers.IntegerField(min_value=1, max_value=10_000, required=False)


class OfferVariantIn(StrictSerializer):
    """Another offer, promised to a share of those who invite."""

    name = serializers.CharField(max_length=40)
    share_percent = serializers.IntegerField(min_value=0, max_value=100)
    referrer_reward = SideRewardIn()
    referee_reward = SideRewardIn()

    def validate(self, given: dict[str, Any]) -> Variant:
        return Variant(**given)


class StepIn(StrictSerializer):
    """A reward of the catalogue on top, for so many rewarded friends."""

    friends = serializers.IntegerField(min_value=1, max_value=10_000)
    reward = serializers.SlugRelatedField(slug_field="code", queryset=CatalogueReward.objects.all())

    def validate(self, given: dict[str, Any]) -> Step:
        return Step(**given)


class LimitField(serializers.IntegerField):
    """How many at most; absent or null: any number."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            **{"min_value": 1, "max_value": 10**6, "required": False, "allow_null": True} | kwargs
        )


class ProgrammeIn(StrictSerializer):
    code = serializers.RegexField(r"\A[A-Za-z0-9_-]{1,64}\Z")
    name = serializers.CharField(max_length=120)
    referrer_reward = SideRewardIn()
    referee_reward = SideRewardIn()
    conversion = ConversionIn(required=False)
    segment = serializers.SlugRelatedField(
        slug_field="code", queryset=Segment.objects.all(), required=False, allow_null=True
    )
    maximum_per_referrer = LimitField()
    maximum_per_month = LimitField()
    maximum_total = LimitField()
    take_back = serializers.BooleanField(required=False)
    review = ReviewIn(required=False)
    planned = PlannedIn(required=False)
    variants = OfferVariantIn(many=True, required=False, max_length=9)
    steps = StepIn(many=True, required=False, max_length=20)
    fixed_cost_amount = AmountField(required=False)
    landing_url = serializers.CharField(max_length=300, required=False, allow_blank=True)

    def programme(self) -> dict[str, Any]:
        """Return what `create_programme` takes."""
        given = dict(self.validated_data)
        own = {name: given.pop(name) for name in ("code", "name", "referrer_reward", "referee_reward")}
        own |= {"variants": given.pop("variants", ()), "steps": given.pop("steps", ())}
        return own | {"terms": Terms(**_flat_terms(given))}


class ProgrammeChange(ProgrammeIn):
    """What is to change of a programme; what is left out stays, also within conversion, review and planned.

    Variants and steps, where named, are all there are from now on.
    """

    code = None
    name = serializers.CharField(max_length=120, required=False)
    referrer_reward = SideRewardIn(required=False)
    referee_reward = SideRewardIn(required=False)

    def changes(self, programme: ReferralProgramme) -> dict[str, Any]:
        """Return what `edit_programme` takes for this programme."""
        given = dict(self.validated_data)
        own = {"name": programme.name} | rewards_of(programme)
        own |= {name: given.pop(name) for name in (*own, "variants", "steps") if name in given}
        return own | {"terms": replace(terms_of(programme), **_flat_terms(given))}


def _flat_terms(given: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of `Terms` that are named, without the sections in which the API groups them."""
    review = dict(given.pop("review", {}))
    if "from_score" in review:
        review["review_score"] = review.pop("from_score")
    planned = {f"planned_{name}": value for name, value in given.pop("planned", {}).items()}
    return given.pop("conversion", {}) | review | planned | given


class ProgrammeStopIn(StrictSerializer):
    reason = serializers.CharField(max_length=300, required=False, allow_blank=True)


class ConversionOut(serializers.Serializer):
    minimum_amount = serializers.IntegerField()
    after_days = serializers.IntegerField()
    items = ItemsIn()


class ReviewOut(serializers.Serializer):
    from_score = serializers.IntegerField(source="review_score")
    velocity_per_day = serializers.IntegerField()


class PlannedOut(serializers.Serializer):
    ltv_amount = serializers.IntegerField(source="planned_ltv_amount", allow_null=True)
    reward_amount = serializers.IntegerField(source="planned_reward_amount", allow_null=True)
    k = serializers.FloatField(source="planned_k", allow_null=True)


class OfferVariantOut(OfferOut):
    name = serializers.CharField()
    share_percent = serializers.IntegerField()


class StepOut(serializers.Serializer):
    friends = serializers.IntegerField()
    reward = serializers.CharField(source="reward.code")


class ProgrammeOut(OfferOut, serializers.ModelSerializer):
    id = serializers.CharField()
    conversion = ConversionOut(source="*")
    segment = serializers.CharField(source="segment.code", default=None, allow_null=True)
    review = ReviewOut(source="*")
    planned = PlannedOut(source="*")
    variants = OfferVariantOut(many=True)
    steps = StepOut(many=True)
    currency = serializers.SerializerMethodField()

    class Meta:
        model = ReferralProgramme
        fields = [
            "id",
            "code",
            "name",
            "active",
            "stopped_at",
            "stop_reason",
            "segment",
            "referrer_reward",
            "referee_reward",
            "variants",
            "steps",
            "conversion",
            "take_back",
            "maximum_per_referrer",
            "maximum_per_month",
            "maximum_total",
            "review",
            "fixed_cost_amount",
            "planned",
            "currency",
            "landing_url",
        ]

    def get_currency(self, programme: ReferralProgramme) -> str:
        return settings.PROGRAMME_CURRENCY
