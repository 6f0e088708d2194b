"""Promotions over the API: written down, started, stopped, resumed, looked at."""

from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Prefetch, Q, QuerySet
from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from coupons import services
from coupons.api.fields import (
    DefinitionField,
    DefinitionsField,
    KnownCurrencyField,
    find_promotion,
)
from coupons.models import Budget, BudgetPeriod, Coupon, Promotion
from coupons.notices import promotion_notices
from coupons.rules import FOREVER, period_start
from coupons.services import Author
from operations.api.idempotency import respond_once
from operations.api.serializers import InstantField, StrictSerializer


class PromotionIn(StrictSerializer):
    """An incentive; absent conditions restrict nothing."""

    code = serializers.RegexField(
        r"\A(?=.*[^0-9])[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z",
        error_messages={"invalid": "A code has letters, digits, dots and dashes, and is no mere number."},
    )
    name = serializers.CharField(max_length=120)
    description = serializers.CharField(max_length=300, required=False, allow_blank=True)
    trigger = serializers.ChoiceField(Promotion.Trigger.choices, default=Promotion.Trigger.COUPON)
    effect = DefinitionField()
    conditions = DefinitionField(required=False, allow_null=True)
    limits = DefinitionsField(required=False, allow_null=True)
    budget = DefinitionField(required=False, allow_null=True)
    budgets = DefinitionsField(required=False, allow_null=True, help_text="Further budgets.")
    stacking = DefinitionField(required=False, allow_null=True)
    coupon = DefinitionField(required=False, allow_null=True)
    margin_floor = DefinitionField(required=False, allow_null=True)
    currency = KnownCurrencyField(required=False)
    starts_at = InstantField(required=False, allow_null=True)
    ends_at = InstantField(required=False, allow_null=True)
    legal_kind = serializers.ChoiceField(Promotion.LegalKind.choices, default=Promotion.LegalKind.SCONTO)
    activate = serializers.BooleanField(default=False)


class StopIn(StrictSerializer):
    mode = serializers.ChoiceField(Promotion.StopMode.choices, default=Promotion.StopMode.HARD)
    reason = serializers.CharField(max_length=300, required=False, allow_blank=True, default="")


class PromotionOut(serializers.Serializer):
    """A promotion as it stands; `stop_mode` is null unless it was stopped."""

    id = serializers.CharField()
    code = serializers.CharField()
    name = serializers.CharField()
    description = serializers.CharField()
    trigger = serializers.ChoiceField(Promotion.Trigger.choices)
    status = serializers.ChoiceField(Promotion.Status.choices)
    stop_mode = serializers.ChoiceField(Promotion.StopMode.choices, allow_null=True)
    stop_reason = serializers.CharField()
    effect = DefinitionField()
    conditions = DefinitionField()
    limits = DefinitionsField()
    budget = DefinitionField(allow_null=True)
    budgets = DefinitionsField()
    stacking = DefinitionField()
    margin_floor = DefinitionField(allow_null=True)
    coupon = DefinitionField(allow_null=True)
    currency = serializers.CharField()
    time_zone = serializers.CharField()
    legal_kind = serializers.ChoiceField(Promotion.LegalKind.choices)
    starts_at = serializers.DateTimeField(allow_null=True)
    ends_at = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()

    def to_representation(self, promotion: Promotion) -> dict[str, Any]:
        at = timezone.now()
        budgets = _budgets(promotion, at)
        return {
            "id": str(promotion.pk),
            "code": promotion.code,
            "name": promotion.name,
            "description": promotion.description,
            "trigger": promotion.trigger,
            "status": promotion.status_at(at),
            "stop_mode": promotion.stop_mode or None,
            "stop_reason": promotion.stop_reason,
            "effect": promotion.effect,
            "conditions": promotion.conditions,
            "limits": promotion.limits,
            "budget": next(iter(budgets), None),
            "budgets": budgets,
            "stacking": promotion.stacking,
            "margin_floor": promotion.margin_floor or None,
            "coupon": _coupon_rule(promotion),
            "currency": promotion.currency,
            "time_zone": promotion.time_zone,
            "legal_kind": promotion.legal_kind,
            "starts_at": promotion.starts_at,
            "ends_at": promotion.ends_at,
            "created_at": promotion.created_at,
        }


class PromotionWithWarningsOut(PromotionOut):
    """A promotion with what a person should read about it."""

    warnings = serializers.ListField(child=serializers.DictField(), help_text="Each with key and message.")

    def to_representation(self, promotion: Promotion) -> dict[str, Any]:
        notices = promotion_notices(promotion, at=timezone.now())
        shown = shown_promotions().get(pk=promotion.pk)
        return super().to_representation(shown) | {
            "warnings": [{"key": one.key, "message": one.message} for one in notices]
        }


def shown_promotions() -> QuerySet[Promotion]:
    """Return promotions with all that an answer shows of them, in the same few queries however many."""
    now = timezone.now()
    # Longer than a month back lies no period that is still running but the one that never ends.
    running = BudgetPeriod.objects.filter(Q(starts_on=FOREVER) | Q(starts_on__gte=now - timedelta(days=33)))
    budgets = Budget.objects.order_by("pk").prefetch_related(Prefetch("periods", running, "running_periods"))
    public = Coupon.objects.filter(public=True).order_by("pk")
    return Promotion.objects.prefetch_related(
        Prefetch("budgets", budgets, "shown_budgets"), Prefetch("coupons", public, "public_coupons")
    )


def _budgets(promotion: Promotion, at: datetime) -> list[dict[str, Any]]:
    """Return each budget with what its current period has used."""
    return [
        {
            "metric": one.metric,
            "cap": one.cap,
            "period": one.period,
            "on_insufficient": one.on_insufficient,
            "used": _used(one, period_start(one.period, at, promotion.time_zone)),
        }
        for one in promotion.shown_budgets
    ]


def _used(budget: Budget, starts_on: date) -> int:
    return next((row.used for row in budget.running_periods if row.starts_on == starts_on), 0)


def _coupon_rule(promotion: Promotion) -> dict[str, Any] | None:
    if promotion.trigger == Promotion.Trigger.AUTOMATIC:
        return None
    public = next(iter(promotion.public_coupons), None)
    return {
        "code": public.code if public else None,
        "pattern": None if public else promotion.coupon_pattern,
        "max_uses": public.max_uses if public else promotion.coupon_max_uses,
        "valid_days": promotion.coupon_valid_days,
    }


class PromotionList(generics.ListAPIView):
    """The promotions, newest first; or a new one."""

    required_scope = "promotions:write"
    serializer_class = PromotionOut
    queryset = Promotion.objects.none()

    def get_queryset(self) -> QuerySet[Promotion]:
        return shown_promotions()

    @extend_schema(request=PromotionIn, responses={201: PromotionWithWarningsOut})
    def post(self, request: Request) -> HttpResponse:
        def work() -> tuple[int, Any]:
            entry = PromotionIn(data=request.data)
            entry.is_valid(raise_exception=True)
            fields = {name: value for name, value in entry.validated_data.items() if value is not None}
            promotion = services.create_promotion(**fields, client=request.auth, at=timezone.now())
            return 201, PromotionWithWarningsOut(promotion).data

        return respond_once(request, work)


class PromotionDetail(APIView):
    """One promotion, by its id or code."""

    required_scope = "promotions:write"

    @extend_schema(responses=PromotionWithWarningsOut)
    def get(self, request: Request, reference: str) -> Response:
        return Response(PromotionWithWarningsOut(find_promotion(reference)).data)


class PromotionActivation(APIView):
    """Start a draft."""

    required_scope = "promotions:write"

    @extend_schema(request=None, responses=PromotionWithWarningsOut)
    def post(self, request: Request, reference: str) -> HttpResponse:
        def work() -> tuple[int, Any]:
            promotion = services.activate_promotion(
                find_promotion(reference), by=Author(client=request.auth), at=timezone.now()
            )
            return 200, PromotionWithWarningsOut(promotion).data

        return respond_once(request, work)


class PromotionStop(APIView):
    """Stop at once (HARD), or hand out no more while coupons already out stay good (DRAIN)."""

    required_scope = "promotions:write"

    @extend_schema(request=StopIn, responses=PromotionWithWarningsOut)
    def post(self, request: Request, reference: str) -> HttpResponse:
        def work() -> tuple[int, Any]:
            entry = StopIn(data=request.data)
            entry.is_valid(raise_exception=True)
            promotion = services.stop_promotion(
                find_promotion(reference),
                **entry.validated_data,
                by=Author(client=request.auth),
                at=timezone.now(),
            )
            return 200, PromotionWithWarningsOut(promotion).data

        return respond_once(request, work)


class PromotionResumption(APIView):
    """Let a stopped promotion run again."""

    required_scope = "promotions:write"

    @extend_schema(request=None, responses=PromotionWithWarningsOut)
    def post(self, request: Request, reference: str) -> HttpResponse:
        def work() -> tuple[int, Any]:
            promotion = services.resume_promotion(
                find_promotion(reference), by=Author(client=request.auth), at=timezone.now()
            )
            return 200, PromotionWithWarningsOut(promotion).data

        return respond_once(request, work)
