from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import generics
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from customers.services import find_customer
from loyalty import services
from loyalty.api.rule_serializers import (
    EarningRuleChange,
    EarningRuleIn,
    EarningRuleOut,
    SimulationIn,
    SimulationOut,
)
from loyalty.models import EarningRule
from operations.api.idempotency import respond_once

RULE = ("name", "active", "starts_at", "ends_at", "exclusive", "priority")


class EarningRuleList(generics.ListAPIView):
    """The rules by which points are earned; POST adds one."""

    required_scope = {"GET": "loyalty:read", "POST": "loyalty:write"}
    queryset = EarningRule.objects.select_related("current__rule")
    serializer_class = EarningRuleOut

    @extend_schema(request=EarningRuleIn, responses={201: EarningRuleOut})
    def post(self, request: Request) -> HttpResponse:
        def work() -> tuple[int, Any]:
            given = EarningRuleIn(data=request.data)
            given.is_valid(raise_exception=True)
            fields = {"name": given.validated_data["code"]} | given.validated_data
            return 201, EarningRuleOut(services.create_earning_rule(**fields)).data

        return respond_once(request, work)


class EarningRuleDetail(generics.RetrieveAPIView):
    """One earning rule, by its code; PATCH changes it, and new terms are a new version."""

    required_scope = {"GET": "loyalty:read", "PATCH": "loyalty:write"}
    queryset = EarningRule.objects.select_related("current__rule")
    serializer_class = EarningRuleOut
    lookup_field = "code"

    @extend_schema(request=EarningRuleChange, responses=EarningRuleOut)
    def patch(self, request: Request, code: str) -> HttpResponse:
        def work() -> tuple[int, Any]:
            rule = get_object_or_404(self.queryset, code=code)
            given = EarningRuleChange(data=request.data, partial=True)
            given.is_valid(raise_exception=True)
            changes = dict(given.validated_data)
            if "valid_months" in changes:
                changes.setdefault("expiry", {})
            standing = {name: getattr(rule, name) for name in RULE} | services.terms_of(rule)
            return 200, EarningRuleOut(services.edit_earning_rule(rule, **standing | changes)).data

        return respond_once(request, work)


class EarningSimulation(APIView):
    """What an order or event would earn, rule by rule and why. Nothing is written."""

    required_scope = "loyalty:read"

    @extend_schema(request=SimulationIn, responses=SimulationOut)
    def post(self, request: Request) -> Response:
        given = SimulationIn(data=request.data)
        given.is_valid(raise_exception=True)
        asked = dict(given.validated_data)
        reference = asked.pop("customer", None)
        customer = find_customer(reference) if reference else None
        at = asked.pop("at", None) or timezone.now()
        return Response(SimulationOut(services.simulate_earning(customer, at=at, **asked)).data)
