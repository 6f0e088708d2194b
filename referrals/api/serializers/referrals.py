"""A friend who came with a code, what both got, and how people were seen to pay."""

from typing import Any

from rest_framework import serializers

from customers.api.references import CustomerReference
from customers.models import Store
from customers.services import find_customer
from loyalty.models import Employee
from operations.api.serializers import InstantField, StrictSerializer
from referrals.models import Referral, ReferralReward
from referrals.rules import canonical_code


class FingerprintsIn(StrictSerializer):
    """How somebody was seen to pay and from where, in whatever form the shop has it; only an HMAC is kept."""

    payment = serializers.CharField(max_length=512, required=False)
    device = serializers.CharField(max_length=512, required=False)
    address = serializers.CharField(max_length=512, required=False)


class SeenIn(StrictSerializer):
    """Who was seen, and how they paid and from where."""

    customer = CustomerReference()
    fingerprints = FingerprintsIn()


class SeenOut(serializers.Serializer):
    """How many of the fingerprints were new for this customer."""

    new = serializers.IntegerField()


class RefereeIn(CustomerReference):
    """The friend; `phone` only helps to see whether they are somebody else."""

    phone = serializers.CharField(max_length=32, required=False)

    def validate(self, given: dict[str, str]) -> dict[str, str]:
        super().validate({name: value for name, value in given.items() if name != "phone"})
        return given


class ReferralIn(StrictSerializer):
    code = serializers.CharField(max_length=64)
    referee = RefereeIn()
    fingerprints = FingerprintsIn(required=False)
    employee = serializers.SlugRelatedField(
        slug_field="code", queryset=Employee.objects.all(), required=False, allow_null=True
    )
    store = serializers.SlugRelatedField(
        slug_field="code", queryset=Store.objects.all(), required=False, allow_null=True
    )


class ReferralRewardOut(serializers.ModelSerializer):
    customer = serializers.UUIDField(source="customer.public_id")
    coupon = serializers.CharField(source="publication.coupon.code", default=None, allow_null=True)
    points = serializers.IntegerField(source="entry.delta", default=None, allow_null=True)
    reward = serializers.CharField(source="grant.reward.code", default=None, allow_null=True)

    class Meta:
        model = ReferralReward
        fields = [
            "side",
            "customer",
            "coupon",
            "points",
            "cash_amount",
            "reward",
            "rewarded_at",
            "taken_back_at",
            "missing_points",
        ]


class ReferralOut(serializers.ModelSerializer):
    id = serializers.CharField()
    programme = serializers.CharField(source="programme.code")
    code = serializers.CharField(source="code.code")
    referrer = serializers.UUIDField(source="referrer.public_id")
    referee = serializers.UUIDField(source="referee.public_id")
    order = serializers.CharField(source="order_id", allow_null=True)
    employee = serializers.CharField(source="employee.code", default=None, allow_null=True)
    store = serializers.CharField(source="store.code", default=None, allow_null=True)
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
            "review",
            "order",
            "employee",
            "store",
            "registered_at",
            "qualified_at",
            "reward_due_at",
            "rewarded_at",
            "taken_back_at",
            "rewards",
        ]


class ReferralQueryIn(serializers.Serializer):
    status = serializers.ChoiceField(choices=Referral.Status.choices, required=False)
    referrer = serializers.CharField(required=False, help_text="The id of who invited.")
    code = serializers.CharField(required=False)
    since = InstantField(required=False, help_text="Friends who came at this instant or later.")
    until = InstantField(required=False, help_text="Friends who came before this instant.")

    def filters(self) -> dict[str, Any]:
        """Return what a query of referrals is filtered by. Raises NotFound for who is nobody."""
        asked = self.validated_data
        found = {
            "status": asked.get("status"),
            "referrer": find_customer({"id": asked["referrer"]}) if "referrer" in asked else None,
            "code__code": canonical_code(asked["code"]) if "code" in asked else None,
            "registered_at__gte": asked.get("since"),
            "registered_at__lt": asked.get("until"),
        }
        return {name: value for name, value in found.items() if value is not None}
