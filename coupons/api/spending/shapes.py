"""What is sent and answered: the cart, who buys it, what they want to spend, and what becomes of it."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from coupons.api.fields import DefinitionField, KnownCurrencyField
from coupons.api.spending.rendering import may_explain, stack_body
from coupons.engine import Application
from coupons.models import Redemption, RedemptionStack
from coupons.rules import LONGEST_CODE
from customers.api.references import CustomerReference
from customers.rules import CLOCK_TOLERANCE
from operations.amounts import MAXIMUM_AMOUNT
from operations.api.readers import patient_reader, reads
from operations.api.serializers import (
    AmountField,
    InstantField,
    ProblemOut,
    StrictSerializer,
)

MOST_LINES = 1_000
MOST_REDEEMABLES = 30
LONGEST_RESERVATION = 24 * 60
Kind = Redemption.Kind


class LineIn(StrictSerializer):
    """One article; the price is gross, in minor units. Without a tax rate it bears no tax.

    `discounted` says that the price stands reduced already.
    """

    line_id = serializers.CharField(max_length=64)
    sku = serializers.CharField(max_length=64, required=False, allow_blank=True)
    product = serializers.CharField(max_length=200, required=False, allow_blank=True)
    category = serializers.CharField(max_length=120, required=False, allow_blank=True)
    brand = serializers.CharField(max_length=120, required=False, allow_blank=True)
    collection = serializers.CharField(max_length=120, required=False, allow_blank=True)
    quantity = serializers.DecimalField(
        max_digits=9, decimal_places=3, min_value=Decimal("0.001"), default=Decimal(1)
    )
    unit_price = AmountField()
    tax_rate = serializers.DecimalField(
        max_digits=5, decimal_places=2, min_value=Decimal(0), required=False, allow_null=True
    )
    unit_cost = AmountField(required=False, allow_null=True)
    discounted = serializers.BooleanField(required=False)
    metadata = DefinitionField(required=False, allow_null=True)

    LONGEST = {"line_id": 64, "sku": 64, "product": 200, "category": 120, "brand": 120, "collection": 120}

    def run_validation(self, data: Any = serializers.empty) -> Any:
        return self._plain(data) or super().run_validation(data)

    def _plain(self, data: Any) -> dict[str, Any] | None:
        """Return an ordinary line as it is: the fields would take ten times as long to find the same.

        None for one that has anything else in it, and for one with a mistake.
        """
        if type(data) is not dict or not data.get("line_id"):
            return None
        texts = {name: text for name, text in data.items() if name not in ("quantity", "unit_price")}
        for name, text in texts.items():
            if type(text) is not str or len(text) > self.LONGEST.get(name, -1):
                return None
            if not text.isprintable() or text != text.strip():
                return None
        price, quantity = data.get("unit_price"), data.get("quantity", 1)
        if type(price) is not int or not 0 <= price <= MAXIMUM_AMOUNT:
            return None
        if type(quantity) is not int or not 0 < quantity < 10**6:
            return None
        return {**texts, "unit_price": price, "quantity": Decimal(quantity)}


# Its own reading is quick already, and it knows articles that a reader would have to look at field by field.
reads(LineIn)(patient_reader)


class CartIn(StrictSerializer):
    """What is about to be bought; `source` and `source_id` name the order it will become."""

    source_id = serializers.CharField(max_length=128, required=False, allow_blank=True)
    source = serializers.CharField(max_length=64, required=False, allow_blank=True)
    currency = KnownCurrencyField()
    country = serializers.CharField(max_length=2, required=False, allow_blank=True)
    store = serializers.CharField(max_length=64, required=False, allow_blank=True)
    sales_channel = serializers.CharField(max_length=64, required=False, allow_blank=True)
    shipping_amount = AmountField(default=0)
    lines = LineIn(many=True, allow_empty=False, max_length=MOST_LINES)
    metadata = DefinitionField(required=False, allow_null=True)

    def validate_lines(self, lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
        seen: set[str] = set()
        for index, line in enumerate(lines):
            if line["line_id"] in seen:
                raise serializers.ValidationError({index: {"line_id": [_("Two lines have this id.")]}})
            seen.add(line["line_id"])
            if line["unit_price"] * line["quantity"] > MAXIMUM_AMOUNT:
                # As of an order's line; a thousand of these still fit into what the database holds.
                mistake = {"quantity": [_("The amount of this line is too large.")]}
                raise serializers.ValidationError({index: mistake})
        return lines


class RedeemableIn(StrictSerializer):
    """A coupon or a gift card by its `code`, a promotion by its `id` or code, or the customer's points.

    A gift card without an `amount`, and points without a number, pay what is due.
    """

    type = serializers.ChoiceField(Kind.choices)
    code = serializers.CharField(max_length=4 * LONGEST_CODE, required=False)
    id = serializers.CharField(max_length=64, required=False)
    amount = AmountField(min_value=1, required=False, allow_null=True)
    points = serializers.IntegerField(min_value=1, max_value=MAXIMUM_AMOUNT, required=False, allow_null=True)

    FIELDS = {
        Kind.COUPON: ({"code"}, set()),
        Kind.PROMOTION: ({"id"}, set()),
        Kind.GIFT_CARD: ({"code"}, {"amount"}),
        Kind.POINTS: (set(), {"points"}),
    }

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        required, optional = self.FIELDS[attrs["type"]]
        given = set(attrs) - {"type"}
        mistakes = {name: [_("This field is required.")] for name in required - given}
        mistakes |= {name: [_("This does not go with this type.")] for name in given - required - optional}
        if mistakes:
            raise serializers.ValidationError(mistakes)
        return attrs


class SpendingIn(StrictSerializer):
    """A cart, who buys it, and what they want to spend on it."""

    customer = CustomerReference(required=False, allow_null=True, default=None)
    order = CartIn()
    redeemables = RedeemableIn(many=True, required=False, default=list, max_length=MOST_REDEEMABLES)
    application = serializers.ChoiceField([one.value for one in Application], default=Application.ALL)
    automatic = serializers.BooleanField(default=False)
    reservation_key = serializers.CharField(max_length=64, required=False, allow_null=True)


class OfflineRedemptionIn(SpendingIn):
    """What a till spent while it was offline: when, and under which key it tells of it."""

    idempotency_key = serializers.CharField(max_length=255)
    redeemed_at = InstantField()

    def validate_redeemed_at(self, at: datetime) -> datetime:
        if at > timezone.now() + CLOCK_TOLERANCE:
            raise serializers.ValidationError(_("This instant is in the future."))
        return at


class OfflineRedemptionsIn(StrictSerializer):
    items = OfflineRedemptionIn(many=True)


class OfflineResultOut(serializers.Serializer):
    """What became of one item: 200 with the id of its redemptions, or why not."""

    index = serializers.IntegerField()
    status = serializers.IntegerField()
    id = serializers.CharField(allow_null=True)
    error = ProblemOut(allow_null=True)


class OfflineRedemptionsOut(serializers.Serializer):
    results = OfflineResultOut(many=True)


class ReservationIn(StrictSerializer):
    """Keep what is validated from others for some minutes."""

    ttl_minutes = serializers.IntegerField(min_value=1, max_value=LONGEST_RESERVATION, default=15)


class ValidationIn(SpendingIn):
    """`at` asks what would be at another moment; `reservation` keeps what is valid, at this one."""

    reservation = ReservationIn(required=False, allow_null=True)
    at = InstantField(required=False, allow_null=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs.get("at") and attrs.get("reservation"):
            raise serializers.ValidationError({"at": [_("Nothing is reserved at another moment than now.")]})
        return attrs


class QualificationIn(SpendingIn):
    include_near_miss = serializers.BooleanField(default=False)
    at = InstantField(required=False, allow_null=True)


class RollbackIn(StrictSerializer):
    reason = serializers.CharField(max_length=300, required=False, allow_blank=True, default="")


class AllocationOut(serializers.Serializer):
    line_id = serializers.CharField()
    units = serializers.JSONField(help_text="A whole number, or a decimal as text.")
    amount = serializers.IntegerField()


class OrderTotalsOut(serializers.Serializer):
    """The order after every incentive; `net_amount` is without tax."""

    amount = serializers.IntegerField()
    discount_amount = serializers.IntegerField()
    total_amount = serializers.IntegerField()
    net_amount = serializers.IntegerField()
    tax_amount = serializers.IntegerField()
    shipping_amount = serializers.IntegerField()
    shipping_discount_amount = serializers.IntegerField()
    tender_amount = serializers.IntegerField()
    due_amount = serializers.IntegerField()
    currency = serializers.CharField()
    lines = serializers.ListField(child=serializers.DictField())


class JudgedOut(serializers.Serializer):
    type = serializers.ChoiceField(Kind.choices)
    code = serializers.CharField(required=False)
    id = serializers.CharField(required=False)
    status = serializers.ChoiceField(["APPLICABLE", "INAPPLICABLE", "SKIPPED"])
    discount_amount = serializers.IntegerField()
    shipping_discount_amount = serializers.IntegerField()
    tender_amount = serializers.IntegerField()
    units = serializers.IntegerField(help_text="Points, or minor units, that a payment takes.")
    allocations = AllocationOut(many=True)
    error = serializers.DictField(allow_null=True)
    trace = serializers.ListField(child=serializers.DictField())


class ReservationOut(serializers.Serializer):
    key = serializers.CharField()
    expires_at = serializers.DateTimeField()


class VerdictOut(serializers.Serializer):
    valid = serializers.BooleanField()
    redeemables = JudgedOut(many=True)
    order = OrderTotalsOut()
    reservation = ReservationOut(allow_null=True)


class QualifiedOut(serializers.Serializer):
    type = serializers.ChoiceField(Kind.choices)
    id = serializers.CharField(allow_null=True)
    code = serializers.CharField(allow_null=True)
    eligible = serializers.BooleanField()
    discount_amount = serializers.IntegerField()
    shipping_discount_amount = serializers.IntegerField()
    tender_amount = serializers.IntegerField()
    missing = serializers.DictField(allow_null=True)
    trace = serializers.ListField(child=serializers.DictField())


class QualificationsOut(serializers.Serializer):
    data = QualifiedOut(many=True)


class RedemptionOut(serializers.Serializer):
    """One incentive or payment of a stack; of a gift card's code only the last four are told."""

    id = serializers.CharField()
    type = serializers.ChoiceField(Kind.choices)
    code = serializers.CharField(allow_null=True)
    promotion = serializers.CharField(allow_null=True)
    status = serializers.ChoiceField(Redemption.Status.choices)
    discount_amount = serializers.IntegerField()
    shipping_discount_amount = serializers.IntegerField()
    tender_amount = serializers.IntegerField()
    units = serializers.IntegerField(help_text="Points, or minor units, that a payment took.")
    allocations = AllocationOut(many=True)


class StackOut(serializers.Serializer):
    """What was spent on one order. The trace is for clients that may see why (`coupons:explain`)."""

    id = serializers.CharField()
    status = serializers.ChoiceField(RedemptionStack.Status.choices)
    customer = serializers.CharField(allow_null=True)
    source = serializers.CharField(allow_null=True)
    source_id = serializers.CharField(allow_null=True)
    redeemed_at = serializers.DateTimeField()
    rolled_back_at = serializers.DateTimeField(allow_null=True)
    redemptions = RedemptionOut(many=True)
    order = OrderTotalsOut()
    trace = serializers.ListField(child=serializers.DictField())

    def to_representation(self, stack: RedemptionStack) -> dict[str, Any]:
        request = self.context.get("request")
        return stack_body(stack, explain=bool(request and may_explain(request)))


class RolledBackOut(serializers.Serializer):
    id = serializers.CharField()
    status = serializers.ChoiceField(RedemptionStack.Status.choices)
