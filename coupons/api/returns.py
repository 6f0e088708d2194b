"""What came back of a redeemed cart: what it refunds, and to whom."""

from decimal import Decimal
from typing import Any

from django.http import HttpResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from coupons import services
from coupons.answers import plain_number
from coupons.errors import CouponNotFound
from coupons.models import RedemptionReturn, RedemptionStack
from operations.api.idempotency import respond_once
from operations.api.serializers import StrictSerializer

MOST_LINES = 1_000


class ReturnedCartLineIn(StrictSerializer):
    line_id = serializers.CharField(max_length=64)
    quantity = serializers.DecimalField(max_digits=9, decimal_places=3, min_value=Decimal("0.001"))


class RedemptionReturnIn(StrictSerializer):
    """What came back; the same `source_id` is the same return, also where the order's return has it."""

    source_id = serializers.CharField(max_length=128)
    lines = ReturnedCartLineIn(many=True, allow_empty=False, max_length=MOST_LINES)
    policy = serializers.ChoiceField(RedemptionReturn.Policy.choices, required=False, default="")

    def validate_lines(self, lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
        if len({line["line_id"] for line in lines}) < len(lines):
            raise serializers.ValidationError(_("Name each line once."))
        return lines


class RefundedLineOut(serializers.Serializer):
    line_id = serializers.CharField()
    quantity = serializers.JSONField(help_text="A whole number, or a decimal as text.")
    refund_amount = serializers.IntegerField()


class RedemptionReturnOut(serializers.Serializer):
    """Who gets how much back; amounts are minor units, `points` are points."""

    id = serializers.CharField()
    source_id = serializers.CharField()
    policy = serializers.ChoiceField(RedemptionReturn.Policy.choices)
    currency = serializers.CharField()
    refund_amount = serializers.IntegerField()
    cash_amount = serializers.IntegerField()
    gift_card_amount = serializers.IntegerField()
    points_amount = serializers.IntegerField()
    points = serializers.IntegerField()
    usage_restored = serializers.BooleanField()
    returned_at = serializers.DateTimeField()
    lines = RefundedLineOut(many=True)

    def to_representation(self, row: RedemptionReturn) -> dict[str, Any]:
        return {
            "id": str(row.pk),
            "source_id": row.external_id,
            "policy": row.policy,
            "currency": row.stack.currency,
            "refund_amount": row.refund_amount,
            "cash_amount": row.cash_amount,
            "gift_card_amount": row.gift_card_amount,
            "points_amount": row.points_amount,
            "points": row.points,
            "usage_restored": row.restores_usage,
            "returned_at": row.returned_at,
            "lines": [
                {
                    "line_id": line.line_id,
                    "quantity": plain_number(line.quantity),
                    "refund_amount": line.refund_amount,
                }
                for line in row.lines.all()
            ],
        }


class RedemptionReturnsOut(serializers.Serializer):
    data = RedemptionReturnOut(many=True)
    next = serializers.CharField(allow_null=True)


class RedemptionReturns(APIView):
    """Take back lines of a redeemed cart: 201 for a new return, 200 for one that is known."""

    required_scope = "coupons:redeem"

    @extend_schema(responses=RedemptionReturnsOut)
    def get(self, request: Request, reference: str) -> Response:
        """Return what came back of the cart so far, oldest first."""
        rows = _find_stack(reference).returns.select_related("stack").prefetch_related("lines")
        return Response({"data": RedemptionReturnOut(rows, many=True).data, "next": None})

    @extend_schema(request=RedemptionReturnIn, responses={200: RedemptionReturnOut, 201: RedemptionReturnOut})
    def post(self, request: Request, reference: str) -> HttpResponse:
        def work() -> tuple[int, Any]:
            given = RedemptionReturnIn(data=request.data)
            given.is_valid(raise_exception=True)
            fields = given.validated_data
            outcome = services.return_lines(
                _find_stack(reference),
                source_id=fields["source_id"],
                lines={line["line_id"]: line["quantity"] for line in fields["lines"]},
                policy=fields["policy"],
                client=request.auth,
                at=timezone.now(),
            )
            return outcome.status, RedemptionReturnOut(outcome.row).data

        return respond_once(request, work, required=True)


def _find_stack(reference: str) -> RedemptionStack:
    stack = services.find_stack(reference)
    if stack is None:
        raise CouponNotFound(str(_("There is no redemption under this id.")))
    return stack
