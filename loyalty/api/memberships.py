"""Paid memberships over the API: plans, and the payments that shops report."""

from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from customers.services import find_customer
from loyalty.api.belonging_shapes import (
    CancellationIn,
    MembershipIn,
    MembershipOut,
    PaymentIn,
    PlanChangeIn,
    PlanIn,
    PlanOut,
)
from loyalty.errors import MembershipNotFound, PlanNotFound
from loyalty.models import Membership, MembershipPlan, Reward
from loyalty.services.memberships import Payment, cancel_membership, pay_membership, start_membership
from loyalty.services.plans import create_plan, edit_plan
from operations.api.idempotency import respond_once
from operations.errors import InvalidInput

READ, WRITE = "loyalty:read", "loyalty:write"


class PlanList(generics.ListAPIView):
    """The plans of paid memberships; POST adds one."""

    required_scope = {"GET": READ, "POST": WRITE}
    queryset = MembershipPlan.objects.select_related("segment", "welcome_reward")
    serializer_class = PlanOut

    @extend_schema(request=PlanIn, responses={201: PlanOut})
    def post(self, request: Request) -> HttpResponse:
        def work() -> tuple[int, Any]:
            given = PlanIn(data=request.data)
            given.is_valid(raise_exception=True)
            fields = {"name": given.validated_data["code"]} | _fields(given.validated_data)
            return 201, PlanOut(create_plan(**fields, at=timezone.now())).data

        return respond_once(request, work)


class PlanDetail(APIView):
    """One plan by its code; PATCH changes it for what is paid from now on."""

    required_scope = {"GET": READ, "PATCH": WRITE}

    @extend_schema(responses=PlanOut)
    def get(self, request: Request, code: str) -> Response:
        return Response(PlanOut(plan_under(code)).data)

    @extend_schema(request=PlanChangeIn, responses=PlanOut)
    def patch(self, request: Request, code: str) -> HttpResponse:
        def work() -> tuple[int, Any]:
            given = PlanChangeIn(data=request.data)
            given.is_valid(raise_exception=True)
            plan = edit_plan(plan_under(code), **_fields(given.validated_data), at=timezone.now())
            return 200, PlanOut(plan).data

        return respond_once(request, work)


class MembershipList(generics.ListAPIView):
    """The memberships, newest first, of one person with `customer` (their id); POST begins one."""

    required_scope = {"GET": READ, "POST": WRITE}
    serializer_class = MembershipOut
    queryset = Membership.objects.none()

    @extend_schema(parameters=[OpenApiParameter("customer", str)])
    def get(self, request: Request) -> Response:
        return super().get(request)

    def get_queryset(self) -> QuerySet[Membership]:
        found = Membership.objects.select_related("customer", "plan", "owed_reward").prefetch_related(
            "payments"
        )
        asked = self.request.query_params.get("customer")
        return found if asked is None else found.filter(customer=find_customer({"id": asked}))

    @extend_schema(request=MembershipIn, responses={201: MembershipOut})
    def post(self, request: Request) -> HttpResponse:
        @transaction.atomic
        def work() -> tuple[int, Any]:
            given = MembershipIn(data=request.data)
            given.is_valid(raise_exception=True)
            plan = plan_under(given.validated_data["plan"])
            membership = start_membership(
                find_customer(given.validated_data["customer"]),
                plan,
                payment=_payment(given.validated_data["payment"], plan, "/payment"),
                at=timezone.now(),
            )
            return 201, told(membership)

        return respond_once(request, work)


class MembershipDetail(APIView):
    """One membership with its payments."""

    required_scope = READ

    @extend_schema(responses=MembershipOut)
    def get(self, request: Request, reference: str) -> Response:
        return Response(told(membership_under(reference)))


class MembershipPayments(APIView):
    """Report a payment for the next periods; the same `source_id` counts once."""

    required_scope = WRITE

    @extend_schema(request=PaymentIn, responses={201: MembershipOut})
    def post(self, request: Request, reference: str) -> HttpResponse:
        def work() -> tuple[int, Any]:
            given = PaymentIn(data=request.data)
            given.is_valid(raise_exception=True)
            membership = membership_under(reference)
            payment = _payment(given.validated_data, membership.plan)
            return 201, told(pay_membership(membership, payment=payment, at=timezone.now()))

        return respond_once(request, work)


class MembershipCancellation(APIView):
    """Cancel a membership; `refund_amount` of the answer is what the shop is to give back."""

    required_scope = WRITE

    @extend_schema(request=CancellationIn, responses=MembershipOut)
    def post(self, request: Request, reference: str) -> HttpResponse:
        def work() -> tuple[int, Any]:
            given = CancellationIn(data=request.data)
            given.is_valid(raise_exception=True)
            membership = membership_under(reference)
            return 200, told(cancel_membership(membership, **given.validated_data, at=timezone.now()))

        return respond_once(request, work)


def plan_under(code: str) -> MembershipPlan:
    """Return the plan with this code. Raises PlanNotFound."""
    plan = MembershipPlan.objects.select_related("segment", "welcome_reward").filter(code=code).first()
    if plan is None:
        raise PlanNotFound
    return plan


def membership_under(reference: str) -> Membership:
    """Return the membership with this id. Raises MembershipNotFound."""
    known = reference.isascii() and reference.isdigit() and len(reference) < 19
    found = Membership.objects.select_related("customer", "plan", "owed_reward").filter(
        pk=int(reference) if known else None
    )
    membership = found.first()
    if membership is None:
        raise MembershipNotFound
    return membership


def told(membership: Membership) -> dict[str, Any]:
    """Return a membership as the API tells it, as it stands now."""
    found = Membership.objects.select_related("customer", "plan", "owed_reward").prefetch_related("payments")
    return MembershipOut(found.get(pk=membership.pk)).data


def _payment(given: dict[str, Any], plan: MembershipPlan, where: str = "") -> Payment:
    if given.get("currency", plan.currency) != plan.currency:
        raise InvalidInput.at(
            f"{where}/currency", _("The plan is paid in %(currency)s.") % {"currency": plan.currency}
        )
    return Payment(given["source_id"], given["amount"], given["paid_at"], given["periods"])


def _fields(given: dict[str, Any]) -> dict[str, Any]:
    fields = dict(given)
    if code := fields.get("welcome_reward"):
        fields["welcome_reward"] = Reward.objects.filter(code=code).first()
        if fields["welcome_reward"] is None:
            raise InvalidInput.at("/welcome_reward", _("There is no such reward."))
    return fields
