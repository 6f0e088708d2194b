"""Earning rules and what an order would earn, as the API reads and shows them."""

from decimal import Decimal
from typing import Any

from django.conf import settings
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from customers.api.references import CustomerReference
from loyalty.models import EarningRule
from loyalty.rules import Gives, Holding, Kind
from operations.api.serializers import InstantField, StrictSerializer

MOST_POINTS = 1_000_000


@extend_schema_field(OpenApiTypes.OBJECT)
class TermsField(serializers.JSONField):
    """A part of a rule's terms as JSON; the service checks it and points to each mistake."""


class EarningRuleIn(StrictSerializer):
    """A rule. `per_amount` is minor units of the programme's currency; all else is in docs/loyalty.md.

    `kind` PER_AMOUNT gives `points` for every full `per_amount` paid for goods, PER_UNIT for every full
    `per_quantity` of pieces, PER_EVENT for each order or event. `conditions`: items, sales_channels,
    stores, business_units, weekdays, hours, from, until, segment, tiers, memberships, minimum_amount,
    payload. `multipliers`: `{"factor": "1.5"}` with the same circumstances. `caps`: `{"subject":
    "EVENT|CUSTOMER|RULE", "period": "DAY|WEEK|MONTH|YEAR|TOTAL", "points"}` or `times`. `expiry`:
    `{"kind": "MONTHS", "months": 12}`, DAYS, `{"kind": "DATE", "month": 3, "day": 31, "years": 1}`,
    INACTIVITY with months, NEVER.
    """

    code = serializers.RegexField(r"\A[A-Za-z0-9_-]{1,64}\Z")
    name = serializers.CharField(max_length=120, required=False)
    kind = serializers.ChoiceField(Kind.choices, required=False)
    event_type = serializers.CharField(max_length=64, required=False)
    gives = serializers.ChoiceField(Gives.choices, required=False)
    points = serializers.IntegerField(min_value=1, max_value=MOST_POINTS)
    per_amount = serializers.IntegerField(min_value=1, max_value=10**9, required=False, allow_null=True)
    per_quantity = serializers.IntegerField(min_value=1, max_value=10**6, required=False, allow_null=True)
    conditions = TermsField(required=False)
    multipliers = serializers.ListField(child=TermsField(), required=False)
    benefits = serializers.BooleanField(required=False, allow_null=True)
    caps = serializers.ListField(child=TermsField(), required=False)
    expiry = TermsField(required=False)
    valid_months = serializers.IntegerField(min_value=1, max_value=1200, required=False, allow_null=True)
    holding = serializers.ChoiceField(Holding.choices, required=False)
    holding_days = serializers.IntegerField(min_value=0, max_value=3660, required=False)
    draw = serializers.CharField(max_length=64, required=False, allow_blank=True)
    starts_at = InstantField(required=False, allow_null=True)
    ends_at = InstantField(required=False, allow_null=True)
    exclusive = serializers.BooleanField(required=False)
    priority = serializers.IntegerField(min_value=0, max_value=1000, required=False)
    active = serializers.BooleanField(required=False)

    def validate(self, given: dict[str, Any]) -> dict[str, Any]:
        if "kind" not in given and "per_amount" not in given and not self.partial:
            given["kind"] = Kind.PER_UNIT if given.get("per_quantity") else Kind.PER_EVENT
        return given


class EarningRuleChange(EarningRuleIn):
    """What may change of a rule; what is left out stays. What it rewards and what it counts is fixed."""

    code = None
    kind = None
    event_type = None
    gives = None


class EarningRuleOut(serializers.ModelSerializer):
    """A rule with the terms of its current version; `per_amount` is minor units of `currency`."""

    id = serializers.CharField()
    version = serializers.IntegerField(source="current.number")
    points = serializers.IntegerField(source="current.points")
    per_amount = serializers.IntegerField(source="current.per_amount", allow_null=True)
    per_quantity = serializers.IntegerField(source="current.per_quantity", allow_null=True)
    currency = serializers.SerializerMethodField()
    conditions = TermsField(source="current.conditions")
    multipliers = serializers.ListField(child=TermsField(), source="current.multipliers")
    benefits = serializers.BooleanField(source="current.benefits")
    caps = serializers.ListField(child=TermsField(), source="current.caps")
    expiry = TermsField(source="current.expiry")
    valid_months = serializers.IntegerField(source="current.valid_months", allow_null=True)
    holding = serializers.CharField(source="current.holding")
    holding_days = serializers.IntegerField(source="current.holding_days")
    draw = serializers.CharField(source="current.draw")

    class Meta:
        model = EarningRule
        fields = [
            "id", "code", "name", "kind", "event_type", "gives", "active", "starts_at", "ends_at",
            "exclusive", "priority", "version", "points", "per_amount", "per_quantity", "currency",
            "conditions", "multipliers", "benefits", "caps", "expiry", "valid_months", "holding",
            "holding_days", "draw",
        ]  # fmt: skip

    def get_currency(self, rule: EarningRule) -> str:
        return settings.PROGRAMME_CURRENCY


class SimulatedLineIn(StrictSerializer):
    """An article: the catalogue's names hold where none are given. `amount` is after discounts."""

    sku = serializers.CharField(max_length=64)
    quantity = serializers.DecimalField(12, 3, min_value=Decimal("0.001"), default=Decimal(1))
    amount = serializers.IntegerField(min_value=0, max_value=10**12)
    product = serializers.CharField(max_length=200, required=False)
    category = serializers.CharField(max_length=120, required=False)
    brand = serializers.CharField(max_length=120, required=False)
    collection = serializers.CharField(max_length=120, required=False)


class SimulationIn(StrictSerializer):
    """An order that was not placed, or an event that did not happen; `customer` may be left out.

    `paid_with_points` is how much of the amount points pay: it earns nothing.
    """

    customer = CustomerReference(required=False, allow_null=True)
    event_type = serializers.CharField(max_length=64, required=False)
    at = InstantField(required=False, allow_null=True)
    lines = SimulatedLineIn(many=True, required=False, max_length=500)
    paid_with_points = serializers.IntegerField(min_value=0, max_value=10**12, default=0)
    store = serializers.CharField(max_length=64, required=False, allow_blank=True)
    sales_channel = serializers.CharField(max_length=64, required=False, allow_blank=True)
    business_unit = serializers.CharField(max_length=64, required=False, allow_blank=True)
    payload = TermsField(required=False)


class CheckOut(serializers.Serializer):
    name = serializers.CharField()
    passed = serializers.BooleanField()
    text = serializers.CharField()


class SimulatedRuleOut(serializers.Serializer):
    """What one rule gives, and why: each of its conditions, the factor, and what caps held back."""

    code = serializers.CharField()
    name = serializers.CharField()
    gives = serializers.CharField()
    applies = serializers.BooleanField()
    points = serializers.IntegerField(source="units")
    before_caps = serializers.IntegerField(source="evaluation.units")
    superseded_by = serializers.CharField(allow_null=True)
    amount = serializers.IntegerField(source="evaluation.basis.amount")
    quantity = serializers.DecimalField(15, 3, source="evaluation.basis.quantity")
    factor = serializers.DecimalField(10, 6, source="evaluation.factor")
    spendable_from = serializers.DateTimeField(allow_null=True)
    expires_at = serializers.DateTimeField(allow_null=True)
    trace = CheckOut(many=True)


class SimulationOut(serializers.Serializer):
    """`points` in all, `pending` of them at first, and each rule with its trace."""

    points = serializers.IntegerField()
    pending = serializers.IntegerField()
    draw_entries = serializers.IntegerField()
    rules = SimulatedRuleOut(many=True)
