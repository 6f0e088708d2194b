"""What is promised to both sides, as the API takes and tells it."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from coupons.models import Promotion
from loyalty.models import Reward as CatalogueReward
from operations.api.serializers import AmountField, StrictSerializer
from referrals.models.offer import Offer
from referrals.services.programmes import Reward


class CouponOrPointsIn(StrictSerializer):
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
        if "promotion" not in given:
            return Reward(**given)
        promotion = Promotion.objects.by_reference(given["promotion"]).first()
        if promotion is None:
            raise serializers.ValidationError({"promotion": self.error_messages["promotion"]})
        return Reward(promotion=promotion)


class SideRewardIn(CouponOrPointsIn):
    """One of `{"promotion": id or code}`, `{"points"}`, `{"reward": code}`, `{"cash_amount"}`."""

    reward = serializers.SlugRelatedField(
        slug_field="code", queryset=CatalogueReward.objects.all(), required=False
    )
    cash_amount = AmountField(required=False)

    default_error_messages = {"one": _("A reward is one thing: a promotion, points or something else.")}


class SideRewardOut(serializers.Serializer):
    """One of these."""

    promotion = serializers.CharField(required=False)
    points = serializers.IntegerField(required=False)
    reward = serializers.CharField(required=False)
    cash_amount = serializers.IntegerField(required=False)


class OfferOut(serializers.Serializer):
    """What both sides are promised."""

    referrer_reward = serializers.SerializerMethodField()
    referee_reward = serializers.SerializerMethodField()

    @extend_schema_field(SideRewardOut)
    def get_referrer_reward(self, offer: Offer) -> dict[str, Any]:
        return _reward(offer, "referrer")

    @extend_schema_field(SideRewardOut)
    def get_referee_reward(self, offer: Offer) -> dict[str, Any]:
        return _reward(offer, "referee")


def _reward(offer: Offer, side: str) -> dict[str, Any]:
    promotion = getattr(offer, f"{side}_promotion")
    if promotion:
        return {"promotion": promotion.code}
    if points := getattr(offer, f"{side}_points"):
        return {"points": points}
    if reward := getattr(offer, f"{side}_reward"):
        return {"reward": reward.code}
    return {"cash_amount": offer.referrer_cash_amount}
