from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from coupons.models import Promotion
from operations.api.serializers import InstantField, StrictSerializer

MOST_POINTS = 10**9


class AdjustmentIn(StrictSerializer):
    """Points given (positive) or taken (negative) by hand.

    `promotion`, an id or code, is in whose name they are given: they count for its budgets of points.
    `agent`, a user name, is in whose: above that person's limit of the day they wait for somebody's approval.
    """

    points = serializers.IntegerField(min_value=-MOST_POINTS, max_value=MOST_POINTS)
    reason = serializers.CharField(max_length=300)
    activates_at = InstantField(required=False, allow_null=True)
    expires_at = InstantField(required=False, allow_null=True)
    promotion = serializers.CharField(max_length=64, required=False, allow_null=True)
    agent = serializers.CharField(max_length=150, required=False, allow_null=True)

    def validate_promotion(self, reference: str | None) -> Promotion | None:
        if reference is None:
            return None
        found = Promotion.objects.by_reference(reference).first()
        if found is None:
            raise serializers.ValidationError(_("There is no such promotion."))
        return found

    def validate_points(self, points: int) -> int:
        if points == 0:
            raise serializers.ValidationError(_("Give or take at least one point."))
        return points

    def validate(self, given: dict[str, Any]) -> dict[str, Any]:
        if given["points"] < 0 and (given.get("activates_at") or given.get("expires_at")):
            raise serializers.ValidationError(_("Points that are taken have no dates."))
        if given["points"] < 0 and given.get("promotion"):
            raise serializers.ValidationError(
                {"promotion": _("In a promotion's name points are given, not taken.")}
            )
        if given.get("agent") and (given.get("activates_at") or given.get("promotion")):
            raise serializers.ValidationError(
                {"agent": _("An agent gives points at once and in their own name: leave out the others.")}
            )
        return given


class ExpiringOut(serializers.Serializer):
    points = serializers.IntegerField()
    at = serializers.DateTimeField()


class NextTierOut(serializers.Serializer):
    """What is `missing`, in the metric of the ladder: points, minor units of the currency, or years."""

    name = serializers.CharField(source="next.name")
    missing = serializers.IntegerField()
    code = serializers.CharField(source="next.code")
    metric = serializers.CharField()


class PointsOut(serializers.Serializer):
    """`balance` can be spent now, `pending` later; `tier` is its name, `missing` leads to the next one."""

    balance = serializers.IntegerField()
    pending = serializers.IntegerField()
    expiring = ExpiringOut(many=True)
    tier = serializers.CharField(allow_null=True, default=None)
    next_tier = NextTierOut(allow_null=True, default=None)
