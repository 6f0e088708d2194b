from typing import Any

from django.conf import settings
from django.utils.translation import gettext_lazy as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from coupons.models import Promotion
from loyalty.models import EarningRule
from operations.api.serializers import InstantField, StrictSerializer

MOST_POINTS = 10**9


class AdjustmentIn(StrictSerializer):
    """Points given (positive) or taken (negative) by hand.

    `promotion`, an id or code, is in whose name they are given: they count for its budgets of points.
    """

    points = serializers.IntegerField(min_value=-MOST_POINTS, max_value=MOST_POINTS)
    reason = serializers.CharField(max_length=300)
    activates_at = InstantField(required=False, allow_null=True)
    expires_at = InstantField(required=False, allow_null=True)
    promotion = serializers.CharField(max_length=64, required=False, allow_null=True)

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


@extend_schema_field(OpenApiTypes.OBJECT)
class MultiplierField(serializers.JSONField):
    """`{"factor": "1.5", "sales_channels", "stores", "weekdays", "segment"}`; the service checks it."""


class EarningRuleIn(StrictSerializer):
    code = serializers.RegexField(r"\A[A-Za-z0-9_-]{1,64}\Z")
    name = serializers.CharField(max_length=120, required=False)
    points = serializers.IntegerField(min_value=1, max_value=1000)
    per_amount = serializers.IntegerField(min_value=1, max_value=10**9)
    event_type = serializers.ChoiceField(EarningRule.EventType.choices, required=False)
    multipliers = serializers.ListField(child=MultiplierField(), required=False)
    valid_months = serializers.IntegerField(min_value=1, max_value=1200, required=False, allow_null=True)
    active = serializers.BooleanField(required=False)


class EarningRuleOut(serializers.ModelSerializer):
    """A rule with the numbers of its current version; `per_amount` is minor units of `currency`."""

    id = serializers.CharField()
    version = serializers.IntegerField(source="current.number")
    points = serializers.IntegerField(source="current.points")
    per_amount = serializers.IntegerField(source="current.per_amount")
    multipliers = serializers.ListField(child=MultiplierField(), source="current.multipliers")
    valid_months = serializers.IntegerField(source="current.valid_months", allow_null=True)
    currency = serializers.SerializerMethodField()

    class Meta:
        model = EarningRule
        fields = [
            "id",
            "code",
            "name",
            "event_type",
            "active",
            "version",
            "points",
            "per_amount",
            "currency",
            "multipliers",
            "valid_months",
        ]

    def get_currency(self, rule: EarningRule) -> str:
        return settings.PROGRAMME_CURRENCY
