from typing import Any

from django.conf import settings
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from coupons.models import Promotion
from customers.api.references import CustomerReference
from customers.models.consent import CONSENT_CHOICES
from operations.api.serializers import AmountField, StrictSerializer
from referrals.models import Referral, ReferralProgramme, ReferralReward
from referrals.services.programmes import Reward, Terms


class RewardIn(StrictSerializer):
    """`{"promotion": id or code}` or `{"points": n}`."""

    promotion = serializers.CharField(max_length=64, required=False)
    points = serializers.IntegerField(min_value=1, max_value=10**6, required=False)

    default_error_messages = {
        "one": _("A reward is either a promotion or points."),
        "promotion": _("There is no such promotion."),
    }

    def validate(self, given: dict[str, Any]) -> Reward:
        if len(given) != 1:
            self.fail("one")
        if "points" in given:
            return Reward(points=given["points"])
        promotion = Promotion.objects.by_reference(given["promotion"]).first()
        if promotion is None:
            raise serializers.ValidationError({"promotion": self.error_messages["promotion"]})
        return Reward(promotion=promotion)


class ConversionIn(StrictSerializer):
    """What the friend has to do: an order of at least `minimum_amount`, kept for `after_days`."""

    minimum_amount = AmountField(required=False)
    after_days = serializers.IntegerField(min_value=0, max_value=365, required=False)


class ProgrammeIn(StrictSerializer):
    code = serializers.RegexField(r"\A[A-Za-z0-9_-]{1,64}\Z")
    name = serializers.CharField(max_length=120)
    referrer_reward = RewardIn()
    referee_reward = RewardIn()
    conversion = ConversionIn(required=False)
    maximum_per_referrer = serializers.IntegerField(
        min_value=1, max_value=10**6, required=False, allow_null=True
    )
    fixed_cost_amount = AmountField(required=False)
    landing_url = serializers.CharField(max_length=300, required=False, allow_blank=True)

    def programme(self) -> dict[str, Any]:
        """Return what `create_programme` takes."""
        given = dict(self.validated_data)
        own = {name: given.pop(name) for name in ("code", "name", "referrer_reward", "referee_reward")}
        return own | {"terms": Terms(**given.pop("conversion", {}), **given)}


class RewardOut(serializers.Serializer):
    promotion = serializers.CharField(allow_null=True)
    points = serializers.IntegerField(allow_null=True)


class ConversionOut(serializers.Serializer):
    minimum_amount = serializers.IntegerField()
    after_days = serializers.IntegerField()


class ProgrammeOut(serializers.ModelSerializer):
    id = serializers.CharField()
    referrer_reward = serializers.SerializerMethodField()
    referee_reward = serializers.SerializerMethodField()
    conversion = ConversionOut(source="*")
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
            "referrer_reward",
            "referee_reward",
            "conversion",
            "maximum_per_referrer",
            "fixed_cost_amount",
            "currency",
            "landing_url",
        ]

    def get_referrer_reward(self, programme: ReferralProgramme) -> RewardOut:
        return _reward(programme.referrer_promotion, programme.referrer_points)

    def get_referee_reward(self, programme: ReferralProgramme) -> RewardOut:
        return _reward(programme.referee_promotion, programme.referee_points)

    def get_currency(self, programme: ReferralProgramme) -> str:
        return settings.PROGRAMME_CURRENCY


def _reward(promotion: Promotion | None, points: int | None) -> Any:
    return {"promotion": promotion.code} if promotion else {"points": points}


class InvitationIn(StrictSerializer):
    customer = CustomerReference()
    channel = serializers.ChoiceField(CONSENT_CHOICES, required=False, allow_null=True)


class InvitationOut(serializers.Serializer):
    """The code and the link to share."""

    code = serializers.CharField()
    url = serializers.CharField()


class RefereeIn(CustomerReference):
    """The friend; `phone` only helps to see whether they are somebody else."""

    phone = serializers.CharField(max_length=32, required=False)

    def validate(self, given: dict[str, str]) -> dict[str, str]:
        super().validate({name: value for name, value in given.items() if name != "phone"})
        return given


class ReferralIn(StrictSerializer):
    code = serializers.CharField(max_length=64)
    referee = RefereeIn()


class ProgrammeStopIn(StrictSerializer):
    reason = serializers.CharField(max_length=300, required=False, allow_blank=True)


class ReferralRewardOut(serializers.ModelSerializer):
    customer = serializers.UUIDField(source="customer.public_id")
    coupon = serializers.CharField(source="publication.coupon.code", default=None, allow_null=True)
    points = serializers.IntegerField(source="entry.delta", default=None, allow_null=True)

    class Meta:
        model = ReferralReward
        fields = ["side", "customer", "coupon", "points", "rewarded_at"]


class ReferralOut(serializers.ModelSerializer):
    id = serializers.CharField()
    programme = serializers.CharField(source="programme.code")
    code = serializers.CharField(source="code.code")
    referrer = serializers.UUIDField(source="referrer.public_id")
    referee = serializers.UUIDField(source="referee.public_id")
    order = serializers.CharField(source="order_id", allow_null=True)
    rewards = ReferralRewardOut(many=True)

    class Meta:
        model = Referral
        fields = [
            "id",
            "programme",
            "code",
            "referrer",
            "referee",
            "status",
            "reason",
            "order",
            "registered_at",
            "qualified_at",
            "reward_due_at",
            "rewarded_at",
            "rewards",
        ]


class LeaderOut(serializers.Serializer):
    """One customer of the leaderboard, with what their code brought."""

    rank = serializers.IntegerField()
    customer = serializers.UUIDField()
    code = serializers.CharField()
    invited = serializers.IntegerField()
    registered = serializers.IntegerField()
    qualified = serializers.IntegerField()
    rewarded = serializers.IntegerField()


class ReportOut(serializers.Serializer):
    """The funnel, k and ROI. Rates are decimals or null; amounts are minor units of `currency`."""

    referrers = serializers.IntegerField()
    invitations = serializers.IntegerField()
    registered = serializers.IntegerField()
    qualified = serializers.IntegerField()
    rewarded = serializers.IntegerField()
    rejected = serializers.IntegerField()
    invitations_per_referrer = serializers.FloatField(
        source="economics.invitations_per_referrer", allow_null=True
    )
    conversion_rate = serializers.FloatField(source="economics.conversion_rate", allow_null=True)
    k = serializers.FloatField(source="economics.k", allow_null=True)
    ltv_amount = serializers.IntegerField(source="economics.ltv_amount", allow_null=True)
    reward_amount = serializers.IntegerField(source="economics.reward_amount", allow_null=True)
    roi = serializers.FloatField(source="economics.roi", allow_null=True)
    currency = serializers.CharField()
