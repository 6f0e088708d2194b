"""Qualifications, validations and redemptions: one request, three ways to ask it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import Prefetch, QuerySet
from django.http import HttpResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from coupons import answers, services
from coupons.api.fields import DefinitionField, KnownCurrencyField, LaterChoiceField, LaterField
from coupons.engine import Application, Cart, Line, Outcome
from coupons.errors import TELLS_THAT_A_CODE_EXISTS, CodeNotValid, CouponNotFound, IncentiveRefused, refusal
from coupons.models import Coupon, Redemption, RedemptionStack
from coupons.rules import LONGEST_CODE, canonical_code
from coupons.services import Buyer, Purchase, Redeemable, Spending, Verdict
from coupons.services.offers import Offer
from customers.api.references import CustomerReference
from operations.api.idempotency import respond_once
from operations.api.serializers import AmountField, InstantField, StrictSerializer
from operations.models import ApiClient
from operations.wrong_codes import TooManyWrongCodes, count_wrong_codes, refuse_guessing

MOST_LINES = 1_000
MOST_REDEEMABLES = 30
Kind = Redemption.Kind


class LineIn(StrictSerializer):
    """One article; the price is gross, in minor units. Without a tax rate it bears no tax."""

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
    metadata = DefinitionField(required=False, allow_null=True)


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
        return lines


class RedeemableIn(StrictSerializer):
    """A coupon by its `code`, or a promotion by its `id` or code."""

    type = LaterChoiceField(Kind.choices, later=("gift_card", "points"))
    code = serializers.CharField(max_length=4 * LONGEST_CODE, required=False)
    id = serializers.CharField(max_length=64, required=False)

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if isinstance(data, dict) and data.get("type") in ("gift_card", "points"):
            data = {"type": data["type"]}
        return super().to_internal_value(data)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        name = "code" if attrs["type"] == Kind.COUPON else "id"
        if set(attrs) != {"type", name}:
            raise serializers.ValidationError({name: [_("A coupon has a code, a promotion an id.")]})
        return attrs


class SpendingIn(StrictSerializer):
    """A cart, who buys it, and what they want to spend on it."""

    customer = CustomerReference(required=False, allow_null=True, default=None)
    order = CartIn()
    redeemables = RedeemableIn(many=True, required=False, default=list, max_length=MOST_REDEEMABLES)
    application = serializers.ChoiceField([one.value for one in Application], default=Application.ALL)
    automatic = serializers.BooleanField(default=False)
    reservation_key = LaterField()


class ValidationIn(SpendingIn):
    """`at` asks what would be at another moment."""

    reservation = LaterField()
    at = InstantField(required=False, allow_null=True)


class QualificationIn(SpendingIn):
    include_near_miss = serializers.BooleanField(default=False)
    at = InstantField(required=False, allow_null=True)


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
    tender_amount = serializers.IntegerField()
    allocations = AllocationOut(many=True)
    error = serializers.DictField(allow_null=True)
    trace = serializers.ListField(child=serializers.DictField())


class VerdictOut(serializers.Serializer):
    valid = serializers.BooleanField()
    redeemables = JudgedOut(many=True)
    order = OrderTotalsOut()
    reservation = serializers.DictField(allow_null=True)


class QualifiedOut(serializers.Serializer):
    type = serializers.ChoiceField(Kind.choices)
    id = serializers.CharField(allow_null=True)
    code = serializers.CharField(allow_null=True)
    eligible = serializers.BooleanField()
    discount_amount = serializers.IntegerField()
    missing = serializers.DictField(allow_null=True)
    trace = serializers.ListField(child=serializers.DictField())


class QualificationsOut(serializers.Serializer):
    data = QualifiedOut(many=True)


class RedemptionOut(serializers.Serializer):
    id = serializers.CharField()
    type = serializers.ChoiceField(Kind.choices)
    code = serializers.CharField(allow_null=True)
    promotion = serializers.CharField()
    status = serializers.ChoiceField(Redemption.Status.choices)
    discount_amount = serializers.IntegerField()
    tender_amount = serializers.IntegerField()
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
        return {
            "id": str(stack.pk),
            "status": stack.status,
            "customer": str(stack.customer.public_id) if stack.customer else None,
            "source": stack.source_code or None,
            "source_id": stack.external_id or None,
            "redeemed_at": stack.redeemed_at,
            "rolled_back_at": stack.rolled_back_at,
            "redemptions": [_redemption(one) for one in _redemptions(stack)],
            "order": stack.order_totals,
            "trace": stack.trace if request and may_explain(request) else [],
        }


class RolledBackOut(serializers.Serializer):
    id = serializers.CharField()
    status = serializers.ChoiceField(RedemptionStack.Status.choices)


class RollbackIn(StrictSerializer):
    reason = serializers.CharField(max_length=300, required=False, allow_blank=True, default="")


@dataclass(frozen=True)
class Question:
    """A request that was understood: the spending it asks about, and at which moment."""

    spending: Spending
    fields: dict[str, Any]
    at: datetime


class Validation(APIView):
    """What would become of these incentives on this cart: 200 also when the answer is no."""

    required_scope = "coupons:redeem"

    @extend_schema(request=ValidationIn, responses=VerdictOut)
    def post(self, request: Request) -> Response:
        question = _read(request, ValidationIn)
        verdict = services.validate_stack(question.spending, at=question.at)
        _count_unknown(request.auth, question.spending, verdict.offers)
        return Response(_verdict(verdict, explain=may_explain(request)))


class Qualification(APIView):
    """Which incentives apply to this cart, each on its own; with `include_near_miss` also what is missing."""

    required_scope = "coupons:redeem"

    @extend_schema(request=QualificationIn, responses=QualificationsOut)
    def post(self, request: Request) -> Response:
        question = _read(request, QualificationIn, needs_redeemables=False)
        found = services.qualify(question.spending, at=question.at)
        _count_unknown(request.auth, question.spending, [offer for offer, _outcome in found])
        near = question.fields["include_near_miss"]
        explain = may_explain(request)
        return Response(
            {
                "data": [
                    _qualified(offer, outcome, explain=explain)
                    for offer, outcome in found
                    if not offer.optional or outcome.discounts or near
                ]
            }
        )


class RedemptionList(generics.ListAPIView):
    """What was spent, newest first; or spend."""

    required_scope = "coupons:redeem"
    serializer_class = StackOut

    def get_queryset(self) -> QuerySet[RedemptionStack]:
        return stacks()

    @extend_schema(request=SpendingIn, responses=StackOut)
    def post(self, request: Request) -> HttpResponse:
        spent: list[Spending] = []

        def work() -> tuple[int, Any]:
            with transaction.atomic():
                question = _read(request, SpendingIn, create_prospect=True)
                stack = _redeem(request, question)
                spent.append(question.spending)
                return 200, StackOut(stack, context={"request": request}).data

        answer = respond_once(request, work, required=True)
        for spending in spent:
            _count_left_out(request.auth, spending)
        return answer


class RedemptionDetail(APIView):
    """One stack of redemptions, by its id or by that of one redemption in it."""

    required_scope = "coupons:redeem"

    @extend_schema(responses=StackOut)
    def get(self, request: Request, reference: str) -> Response:
        return Response(StackOut(_find_stack(reference), context={"request": request}).data)


class Rollback(APIView):
    """Undo a stack whole, exactly once."""

    required_scope = "coupons:redeem"

    @extend_schema(request=RollbackIn, responses=RolledBackOut)
    def post(self, request: Request, reference: str) -> HttpResponse:
        def work() -> tuple[int, Any]:
            entry = RollbackIn(data=request.data)
            entry.is_valid(raise_exception=True)
            stack = services.roll_back_redemption(
                _find_stack(reference), **entry.validated_data, at=timezone.now()
            )
            return 200, {"id": str(stack.pk), "status": stack.status}

        return respond_once(request, work, required=True)


def may_explain(request: Request) -> bool:
    """Return whether this client may be told why a code is refused."""
    return request.auth.has_scope("coupons:explain")


def stacks() -> QuerySet[RedemptionStack]:
    """Return stacks with all that an answer shows of them."""
    redemptions = Redemption.objects.select_related("coupon").prefetch_related("allocations")
    return RedemptionStack.objects.select_related("customer").prefetch_related(
        Prefetch("redemptions", redemptions.order_by("position"))
    )


def _read(
    request: Request, shape: Callable, *, needs_redeemables: bool = True, create_prospect: bool = False
) -> Question:
    """Return what the request asks. Raises InvalidInput, CustomerNotFound, TooManyWrongCodes."""
    entry = shape(data=request.data)
    entry.is_valid(raise_exception=True)
    fields = entry.validated_data
    if needs_redeemables and not fields["redeemables"] and not fields["automatic"]:
        raise serializers.ValidationError({"redeemables": [_("Name something to spend.")]})
    at = fields.get("at") or timezone.now()
    reference = dict(fields["customer"]) if fields["customer"] else None
    buyer = services.find_buyer(reference, create_prospect=create_prospect, at=at)
    refuse_guessing(request.auth, _subject(buyer, reference))
    spending = Spending(
        purchase=_purchase(fields["order"], request.data["order"]),
        buyer=buyer,
        redeemables=tuple(
            Redeemable(one["type"], one.get("code") or one["id"]) for one in fields["redeemables"]
        ),
        automatic=fields["automatic"],
        application=Application(fields["application"]),
        client=request.auth,
    )
    return Question(spending, fields, at)


def _subject(buyer: Buyer, reference: dict[str, str] | None = None) -> str:
    """Return under whom wrong codes are counted."""
    if buyer.subject or not reference:
        return buyer.subject
    return f"reference:{reference.get('source')}:{reference.get('source_id')}"


def _purchase(order: dict[str, Any], content: dict[str, Any]) -> Purchase:
    lines = tuple(
        Line(
            line_id=line["line_id"],
            unit_price=line["unit_price"],
            quantity=line["quantity"],
            tax_rate=line.get("tax_rate") or Decimal(0),
            **{name: line.get(name, "") for name in ("sku", "product", "category", "brand", "collection")},
        )
        for line in order["lines"]
    )
    cart = Cart(
        lines=lines,
        currency=order["currency"],
        shipping_amount=order["shipping_amount"],
        store=order.get("store", ""),
        sales_channel=order.get("sales_channel", ""),
        country=order.get("country", ""),
    )
    return Purchase(cart, content, source=order.get("source", ""), source_id=order.get("source_id", ""))


def _redeem(request: Request, question: Question) -> RedemptionStack:
    """Spend; what a client must not tell apart becomes CodeNotValid, and codes that do not exist count."""
    try:
        stack = services.redeem_stack(question.spending, at=question.at)
    except IncentiveRefused as error:
        if error.about_coupon and isinstance(error, CouponNotFound):
            count_wrong_codes(request.auth, _subject(question.spending.buyer))
        if _is_hidden(error, may_explain(request)):
            raise CodeNotValid from error
        raise
    return stacks().get(pk=stack.pk)


def _is_hidden(error: IncentiveRefused, explain: bool) -> bool:
    return not explain and error.about_coupon and error.key in TELLS_THAT_A_CODE_EXISTS


def _count_unknown(client: ApiClient, spending: Spending, offers: Any) -> None:
    unknown = [one for one in offers if one.redeemable.kind == Kind.COUPON and one.coupon is None]
    count_wrong_codes(client, _subject(spending.buyer), len(unknown))


def _count_left_out(client: ApiClient, spending: Spending) -> None:
    """Count the unknown codes that a partial application left out; what was spent stays spent."""
    named = [canonical_code(one.name) for one in spending.redeemables if one.kind == Kind.COUPON]
    known = set(Coupon.objects.filter(code_canonical__in=named).values_list("code_canonical", flat=True))
    try:
        count_wrong_codes(client, _subject(spending.buyer), sum(code not in known for code in named))
    except TooManyWrongCodes:
        return  # The next request is refused.


def _find_stack(reference: str) -> RedemptionStack:
    stack = services.find_stack(reference)
    if stack is None:
        raise CouponNotFound(str(_("There is no redemption under this id.")))
    return stacks().get(pk=stack.pk)


def _redemptions(stack: RedemptionStack) -> list[Redemption]:
    return list(stack.redemptions.all())


def _redemption(redemption: Redemption) -> dict[str, Any]:
    return {
        "id": redemption.public_id,
        "type": redemption.kind,
        "code": redemption.coupon.code if redemption.coupon else None,
        "promotion": str(redemption.promotion_id),
        "status": redemption.status,
        "discount_amount": redemption.discount_amount,
        "tender_amount": redemption.tender_amount,
        "allocations": [
            {
                "line_id": one.line_id,
                "units": answers.plain_number(one.units),
                "amount": one.discount_amount,
            }
            for one in redemption.allocations.all()
        ],
    }


def _name(offer: Offer) -> dict[str, str]:
    """Return how the request named it: a coupon by its code, a promotion by its id."""
    if offer.redeemable.kind == Kind.COUPON:
        return {"code": offer.coupon.code if offer.coupon else offer.redeemable.name}
    return {"id": str(offer.promotion.pk) if offer.promotion else offer.redeemable.name}


def _verdict(verdict: Verdict, *, explain: bool) -> dict[str, Any]:
    return {
        "valid": verdict.valid,
        "redeemables": [
            {"type": offer.redeemable.kind}
            | _judged_name(offer, outcome, explain)
            | {
                "status": outcome.status,
                "discount_amount": outcome.discount_amount,
                "tender_amount": 0,
                "allocations": answers.allocations(verdict.calculation, outcome),
                "error": _error(offer, outcome, explain),
                "trace": answers.trace(outcome.trace) if explain else [],
            }
            for offer, outcome in verdict.outcomes
        ],
        "order": answers.order_totals(verdict.calculation),
        "reservation": None,
    }


def _judged_name(offer: Offer, outcome: Outcome, explain: bool) -> dict[str, str]:
    """Return the name; a hidden code stands as it was sent, or its spelling would tell that it exists."""
    error = _refusal(offer, outcome)
    if error is not None and _is_hidden(error, explain):
        return {"code": offer.redeemable.name}
    return _name(offer)


def _error(offer: Offer, outcome: Outcome, explain: bool) -> dict[str, str] | None:
    error = _refusal(offer, outcome)
    if error is None:
        return None
    shown = CodeNotValid() if _is_hidden(error, explain) else error
    return {"key": shown.key, "message": str(shown.message)}


def _refusal(offer: Offer, outcome: Outcome) -> IncentiveRefused | None:
    if outcome.error is None:
        return None
    return refusal(outcome.error, about_coupon=offer.redeemable.kind == Kind.COUPON)


def _qualified(offer: Offer, outcome: Outcome, *, explain: bool) -> dict[str, Any]:
    error = _refusal(offer, outcome)
    hidden = error is not None and _is_hidden(error, explain)
    about = offer.promotion if offer.promotion and not hidden else None
    return {
        "type": offer.redeemable.kind,
        "id": str(about.pk) if about else None,
        "code": offer.redeemable.name if offer.redeemable.kind == Kind.COUPON else about and about.code,
        "eligible": bool(outcome.discounts),
        "discount_amount": outcome.discount_amount,
        "missing": None if hidden else outcome.missing,
        "trace": answers.trace(outcome.trace) if explain else [],
    }
