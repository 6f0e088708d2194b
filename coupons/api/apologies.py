"""The service desk in one call: a coupon or a gift card that says sorry."""

from decimal import Decimal
from typing import Any

from django.db import transaction
from django.http import HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.views import APIView

from coupons import services
from coupons.api.coupons import CouponOut
from coupons.api.fields import DELIVERED_BY, LATER_CHANNELS, LaterChoiceField
from coupons.errors import CouponNotFound
from coupons.models import Apology, GiftCard
from coupons.services.colleagues import find_agent
from coupons.services.sealed_codes import open_code
from customers.api.references import CustomerReference
from customers.models import Channel, Customer, Order
from customers.services import find_customer
from operations.api.idempotency import respond_once
from operations.api.serializers import AmountField, StrictSerializer
from operations.errors import InvalidInput


class OrderReference(StrictSerializer):
    """An order by its id, or by its source and the id there."""

    id = serializers.CharField(max_length=20, required=False)
    source = serializers.CharField(max_length=64, required=False)
    source_id = serializers.CharField(max_length=128, required=False)

    def to_internal_value(self, data: Any) -> dict[str, str]:
        return super().to_internal_value({"id": data} if isinstance(data, str) else data)

    def validate(self, attrs: dict[str, str]) -> dict[str, str]:
        if set(attrs) not in ({"id"}, {"source", "source_id"}):
            raise serializers.ValidationError(_("An order is {id} or {source, source_id}."))
        return attrs


class ApologyLineIn(StrictSerializer):
    """An article the apology is for: a line of the order, or a SKU."""

    line_id = serializers.CharField(max_length=64, required=False)
    sku = serializers.CharField(max_length=64, required=False)

    def validate(self, attrs: dict[str, str]) -> dict[str, str]:
        if len(attrs) != 1:
            raise serializers.ValidationError(_("Name the line's id or the SKU, one of them."))
        return attrs


class ApologyIn(StrictSerializer):
    customer = CustomerReference()
    order = OrderReference(required=False, allow_null=True, default=None)
    lines = ApologyLineIn(many=True, required=False, default=list, max_length=100)
    amount = AmountField(required=False, min_value=1)
    percent = serializers.DecimalField(
        max_digits=5,
        decimal_places=2,
        min_value=Decimal("0.01"),
        max_value=Decimal(100),
        required=False,
    )
    reason = serializers.CharField(max_length=300)
    channel = LaterChoiceField(
        DELIVERED_BY, later=LATER_CHANNELS, allow_null=True, required=False, default=Channel.EMAIL
    )
    agent = serializers.CharField(max_length=150, required=False, allow_null=True, default=None)
    kind = serializers.ChoiceField(Apology.Kind.choices, default=Apology.Kind.COUPON)
    automatic = serializers.BooleanField(
        default=False, help_text="A coupon that is taken off the customer's next order by itself."
    )


class ApprovalIn(StrictSerializer):
    agent = serializers.CharField(max_length=150)


class ApologyCardOut(serializers.Serializer):
    """A gift card that says sorry; `amount` in minor units."""

    id = serializers.CharField()
    code = serializers.CharField(allow_null=True)
    last4 = serializers.CharField()
    amount = serializers.IntegerField()
    currency = serializers.CharField()
    expires_at = serializers.DateTimeField(allow_null=True)

    def to_representation(self, card: GiftCard) -> dict[str, Any]:
        return {
            "id": str(card.pk),
            "code": open_code(card.pk, at=timezone.now()),
            "last4": card.last4,
            "amount": card.amount,
            "currency": card.currency,
            "expires_at": card.expires_at,
        }


class ApologyOut(serializers.Serializer):
    """`key` is `approval_required` while the apology waits for another person.

    The code of a gift card is told once, while it is on its way to the customer.
    """

    id = serializers.CharField()
    status = serializers.ChoiceField(Apology.Status.choices)
    key = serializers.CharField(required=False)
    coupon = CouponOut(allow_null=True)
    gift_card = ApologyCardOut(required=False, allow_null=True)

    def to_representation(self, apology: Apology) -> dict[str, Any]:
        waits = apology.status == Apology.Status.AWAITING_APPROVAL
        return {
            "id": str(apology.pk),
            "status": apology.status,
            **({"key": "approval_required"} if waits else {}),
            "coupon": CouponOut(apology.coupon).data if apology.coupon else None,
            **({"gift_card": _card(apology)} if apology.kind == Apology.Kind.GIFT_CARD else {}),
        }


def _card(apology: Apology) -> dict[str, Any] | None:
    return ApologyCardOut(apology.gift_card).data if apology.gift_card else None


class ApologyCardSecret:
    """The code of a gift card is stored with no answer: a repeat tells it while it is still on its way."""

    def hide(self, data: dict[str, Any]) -> dict[str, Any]:
        card = data.get("gift_card")
        return {**data, "gift_card": {**card, "code": None}} if card else data

    def reveal(self, data: dict[str, Any]) -> dict[str, Any]:
        card = data.get("gift_card")
        if not card:
            return data
        code = open_code(int(card["id"]), at=timezone.now(), last4=card["last4"])
        return {**data, "gift_card": {**card, "code": code}}


class ApologyList(APIView):
    """Give a customer a personal coupon or a gift card.

    Above the agent's allowance of the day, or the customer's of 30 days, it waits for approval (202).
    """

    required_scope = "apologies:issue"

    @extend_schema(request=ApologyIn, responses={201: ApologyOut, 202: ApologyOut})
    def post(self, request: Request) -> HttpResponse:
        def work() -> tuple[int, Any]:
            entry = ApologyIn(data=request.data)
            entry.is_valid(raise_exception=True)
            with transaction.atomic():
                apology = self._issue(request, entry.validated_data)
            return (201 if apology.status == Apology.Status.ISSUED else 202), ApologyOut(apology).data

        return respond_once(request, work, required=True, secret=ApologyCardSecret())

    def _issue(self, request: Request, fields: dict[str, Any]) -> Apology:
        at = timezone.now()
        customer = find_customer(dict(fields["customer"]), create_prospect=True, at=at)
        order = _find_order(fields["order"], customer) if fields["order"] else None
        return services.issue_apology(
            customer,
            agent=find_agent(fields["agent"]) if fields["agent"] else None,
            client=request.auth,
            amount=fields.get("amount"),
            percent=fields.get("percent"),
            reason=fields["reason"],
            order=order,
            skus=_skus(fields["lines"], order),
            kind=fields["kind"],
            automatic=fields["automatic"],
            channel=fields["channel"],
            at=at,
        )


class ApologyApproval(APIView):
    """Let an apology that waits go out, in another person's name.

    A client that issues apologies vouches for who asks; only one with a scope of its own vouches for who
    agrees.
    """

    required_scope = "apologies:approve"

    @extend_schema(request=ApprovalIn, responses=ApologyOut)
    def post(self, request: Request, pk: int) -> HttpResponse:
        def work() -> tuple[int, Any]:
            entry = ApprovalIn(data=request.data)
            entry.is_valid(raise_exception=True)
            apology = Apology.objects.filter(pk=pk).first()
            if apology is None:
                raise CouponNotFound(_("There is no apology under this id."))
            by = find_agent(entry.validated_data["agent"])
            approved = services.approve_apology(apology, by=by, at=timezone.now())
            return 200, ApologyOut(approved).data

        return respond_once(request, work, required=True, secret=ApologyCardSecret())


def _find_order(reference: dict[str, str], customer: Customer) -> Order:
    orders = Order.objects.filter(customer=customer)
    if "id" in reference:
        number = reference["id"]
        found = orders.filter(pk=int(number)) if number.isascii() and number.isdigit() else orders.none()
    else:
        found = orders.filter(source__code=reference["source"], external_id=reference["source_id"])
    order = found.first()
    if order is None:
        raise InvalidInput.at("/order", _("This customer has no such order."))
    return order


def _skus(lines: list[dict[str, str]], order: Order | None) -> list[str]:
    known = {}
    if order is not None:
        known = dict(order.lines.values_list("line_id", "product__sku"))
    skus = []
    for index, line in enumerate(lines):
        sku = line.get("sku") or known.get(line["line_id"])
        if not sku:
            raise InvalidInput.at(f"/lines/{index}/line_id", _("The order has no such line."))
        skus.append(sku)
    return list(dict.fromkeys(skus))
