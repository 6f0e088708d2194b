from functools import partial
from typing import Any

from django.db.models import Prefetch, QuerySet
from django.http import HttpResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework import generics
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from coupons import services
from coupons.api.spending.reading import (
    Question,
    count_left_out,
    count_refused,
    count_unknown,
    read_question,
)
from coupons.api.spending.rendering import is_hidden, may_explain, qualified_body, redeemed_body, verdict_body
from coupons.api.spending.shapes import (
    QualificationIn,
    QualificationsOut,
    RollbackIn,
    RolledBackOut,
    SpendingIn,
    StackOut,
    ValidationIn,
    VerdictOut,
)
from coupons.errors import CodeNotValid, CouponNotFound, IncentiveRefused
from coupons.models import Redemption, RedemptionStack
from operations.api.idempotency import AnswerKeeping, respond_keeping, respond_once
from operations.locks import retry_deadlocks


class Validation(APIView):
    """What would become of these incentives on this cart: 200 also when the answer is no.

    With `reservation`, what is valid is kept from others until it expires; the same `reservation_key` asks
    again and moves it.
    """

    required_scope = "coupons:redeem"

    @extend_schema(request=ValidationIn, responses=VerdictOut)
    def post(self, request: Request) -> Response:
        question = read_question(request, ValidationIn)
        wish, reserve = question.spending, question.fields.get("reservation")
        if reserve:
            verdict, reservation = services.reserve_stack(
                wish, minutes=reserve["ttl_minutes"], at=question.at
            )
        else:
            verdict, reservation = services.validate_stack(wish, at=question.at), None
        count_unknown(request.auth, wish, verdict.offers)
        return Response(verdict_body(verdict, reservation, explain=may_explain(request)))


class Qualification(APIView):
    """Which incentives apply to this cart, each on its own; with `include_near_miss` also what is missing."""

    required_scope = "coupons:redeem"

    @extend_schema(request=QualificationIn, responses=QualificationsOut)
    def post(self, request: Request) -> Response:
        question = read_question(request, QualificationIn, needs_redeemables=False)
        found = services.qualify(question.spending, at=question.at)
        count_unknown(request.auth, question.spending, [offer for offer, _outcome in found])
        near = question.fields["include_near_miss"]
        explain = may_explain(request)
        return Response(
            {
                "data": [
                    qualified_body(offer, outcome, explain=explain)
                    for offer, outcome in found
                    if not offer.optional or outcome.status == "APPLICABLE" or near
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
        return redeem_asked(request, SpendingIn)


class RedemptionDetail(APIView):
    """One stack of redemptions, by its id or by that of one redemption in it."""

    required_scope = "coupons:redeem"

    @extend_schema(responses=StackOut)
    def get(self, request: Request, reference: str) -> Response:
        return Response(StackOut(find_stack(reference), context={"request": request}).data)


class Rollback(APIView):
    """Undo a stack whole, exactly once."""

    required_scope = "coupons:redeem"

    @extend_schema(request=RollbackIn, responses=RolledBackOut)
    def post(self, request: Request, reference: str) -> HttpResponse:
        def work() -> tuple[int, Any]:
            entry = RollbackIn(data=request.data)
            entry.is_valid(raise_exception=True)
            stack = services.roll_back_redemption(
                find_stack(reference), **entry.validated_data, at=timezone.now()
            )
            return 200, {"id": str(stack.pk), "status": stack.status}

        return respond_once(request, work, required=True)


class ReservationDetail(APIView):
    """Give a reservation up before it expires."""

    required_scope = "coupons:redeem"

    @extend_schema(responses={204: None})
    def delete(self, request: Request, key: str) -> Response:
        services.release_reservation(key, client=request.auth, at=timezone.now())
        return Response(status=204)


def stacks() -> QuerySet[RedemptionStack]:
    """Return stacks with all that an answer shows of them."""
    redemptions = Redemption.objects.select_related("coupon", "gift_card").prefetch_related("allocations")
    return RedemptionStack.objects.select_related("customer").prefetch_related(
        Prefetch("redemptions", redemptions.order_by("position"))
    )


def find_stack(reference: str) -> RedemptionStack:
    """Return the stack with all that is shown of it. Raises CouponNotFound (404)."""
    stack = services.find_stack(reference)
    if stack is None:
        raise CouponNotFound(str(_("There is no redemption under this id.")))
    return stacks().get(pk=stack.pk)


def redeem_asked(request: Request, shape: type[SpendingIn]) -> HttpResponse:
    """Spend what the request asks for, once under its Idempotency-Key, and note what was refused."""
    attempts: list[Question] = []
    refused: list[tuple[Question, IncentiveRefused]] = []

    def work(keeping: AnswerKeeping) -> tuple[int, Any]:
        attempts.append(read_question(request, shape, create_prospect=True))
        return 200, _redeem(request, attempts[-1], refused, keeping, exact=len(attempts) > 1)

    answer = respond_keeping(request, work, required=True)
    if attempts and answer.status_code == 200:
        count_left_out(request.auth, attempts[-1].spending)
    for question, error in refused[-1:]:
        note = partial(services.note_refusal, question.spending, error, at=question.at)
        retry_deadlocks(note)
    return answer


def _redeem(
    request: Request,
    question: Question,
    refused: list[tuple[Question, IncentiveRefused]],
    keeping: AnswerKeeping,
    *,
    exact: bool,
) -> dict[str, Any]:
    """Spend; what a client must not tell apart becomes CodeNotValid, and codes that do not exist count.

    What is refused is told to `refused`, to be noted when its transaction is over.
    """

    def body(redeemed: services.Redeemed) -> dict[str, Any]:
        return redeemed_body(redeemed.stack, redeemed.redemptions, explain=may_explain(request))

    def keep(redeemed: services.Redeemed) -> dict[str, Any]:
        return keeping.parameters_of(200, body(redeemed))

    try:
        redeemed = services.redeem_once(question.spending, at=question.at, exact=exact, keep=keep)
    except IncentiveRefused as error:
        refused.append((question, error))
        count_refused(request.auth, question.spending)
        if is_hidden(error, may_explain(request)):
            raise CodeNotValid from error
        raise
    return {} if keeping.answer else body(redeemed)
