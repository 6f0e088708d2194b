"""Tiers over the API: the ladder and its steps, what a change would do, and where a customer stands."""

from typing import Any

from django.db import transaction
from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import generics
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from customers.models import Customer
from customers.services import find_customer
from loyalty.api.belonging_shapes import (
    CustomerTierOut,
    LadderIn,
    LadderOut,
    TierEditIn,
    TierGrantIn,
    TierIn,
    TierOut,
    WhatIfOut,
)
from loyalty.errors import TierNotFound
from loyalty.models import Tier
from loyalty.services.benefits import benefits_of
from loyalty.services.tier_forecasts import forecast_ladder
from loyalty.services.tier_grants import grant_tier
from loyalty.services.tier_jobs import request_review
from loyalty.services.tier_ladder import adopt_ladder, create_tier, edit_tier, resume_tier, retire_tier
from loyalty.services.tier_progress import TierProgress, progress_of
from loyalty.services.tiers import the_ladder
from loyalty.tiers import Metric
from operations.api.idempotency import respond_once

READ, WRITE = "loyalty:read", "loyalty:write"


class TierList(generics.ListAPIView):
    """The tiers; POST adds one."""

    required_scope = {"GET": READ, "POST": WRITE}
    queryset = Tier.objects.select_related("segment")
    serializer_class = TierOut

    @extend_schema(request=TierIn, responses={201: TierOut})
    def post(self, request: Request) -> HttpResponse:
        def work() -> tuple[int, Any]:
            given = TierIn(data=request.data)
            given.is_valid(raise_exception=True)
            return 201, TierOut(create_tier(**given.step(), at=timezone.now())).data

        return respond_once(request, work)


class TierDetail(APIView):
    """One tier by its code; PATCH changes its words and benefits."""

    required_scope = {"GET": READ, "PATCH": WRITE}

    @extend_schema(responses=TierOut)
    def get(self, request: Request, code: str) -> Response:
        return Response(TierOut(tier_under(code)).data)

    @extend_schema(request=TierEditIn, responses=TierOut)
    def patch(self, request: Request, code: str) -> HttpResponse:
        def work() -> tuple[int, Any]:
            given = TierEditIn(data=request.data)
            given.is_valid(raise_exception=True)
            return 200, TierOut(_edit(tier_under(code), dict(given.validated_data))).data

        return respond_once(request, work)


class LadderDetail(APIView):
    """How tiers are reached and kept; PUT changes it, and looks at everybody in a job.

    Nobody falls by it before the end of their period.
    """

    required_scope = {"GET": READ, "PUT": WRITE}

    @extend_schema(responses=LadderOut)
    def get(self, request: Request) -> Response:
        return Response(LadderOut(the_ladder()).data)

    @extend_schema(request=LadderIn, responses=LadderOut)
    def put(self, request: Request) -> HttpResponse:
        def work() -> tuple[int, Any]:
            rules, thresholds = _proposed(request)
            ladder = adopt_ladder(rules=rules, thresholds=thresholds, at=timezone.now())
            job = request_review(announce=False)
            return 200, LadderOut(ladder, context={"job": str(job.pk)}).data

        return respond_once(request, work)


class LadderPreview(APIView):
    """What a change of the ladder would do to everybody; nothing is changed."""

    required_scope = READ

    @extend_schema(request=LadderIn, responses=WhatIfOut)
    def post(self, request: Request) -> Response:
        rules, thresholds = _proposed(request)
        return Response(
            WhatIfOut(forecast_ladder(rules=rules, thresholds=thresholds, at=timezone.now())).data
        )


class CustomerTier(APIView):
    """Where a customer stands, what is missing and what it gives; POST gives a tier by hand."""

    required_scope = {"GET": READ, "POST": WRITE}

    @extend_schema(responses=CustomerTierOut)
    def get(self, request: Request, public_id: str) -> Response:
        return Response(_standing_of(find_customer({"id": public_id})))

    @extend_schema(request=TierGrantIn, responses={201: CustomerTierOut})
    def post(self, request: Request, public_id: str) -> HttpResponse:
        def work() -> tuple[int, Any]:
            given = TierGrantIn(data=request.data)
            given.is_valid(raise_exception=True)
            fields = dict(given.validated_data)
            customer = find_customer({"id": public_id})
            grant_tier(customer, tier_under(fields.pop("tier")), **fields, at=timezone.now())
            return 201, _standing_of(customer)

        return respond_once(request, work)


@transaction.atomic
def _edit(tier: Tier, fields: dict[str, Any]) -> Tier:
    at, active = timezone.now(), fields.pop("active", tier.active)
    if active != tier.active:
        tier = (resume_tier if active else retire_tier)(tier, at=at)
        if active:
            request_review(announce=False)
    return edit_tier(tier, **fields, at=at)


def tier_under(code: str) -> Tier:
    """Return the tier with this code. Raises TierNotFound."""
    tier = Tier.objects.select_related("segment").filter(code=code).first()
    if tier is None:
        raise TierNotFound
    return tier


def _standing_of(customer: Customer) -> dict[str, Any]:
    now = timezone.now()
    progress = progress_of(customer, at=now) or TierProgress(Metric(the_ladder().metric), 0)
    return CustomerTierOut(progress, context={"benefits": benefits_of(customer, at=now)}).data


def _proposed(request: Request) -> tuple[dict[str, Any], dict[int, tuple[int, int | None]]]:
    given = LadderIn(data=request.data)
    given.is_valid(raise_exception=True)
    rules = dict(given.validated_data)
    steps = rules.pop("thresholds", [])
    return rules, {tier_under(step["tier"]).pk: (step["threshold"], step.get("years")) for step in steps}
