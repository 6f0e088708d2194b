"""The results of a campaign over the API."""

from typing import Any

from django.conf import settings
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from campaigns.api.views import find_campaign
from campaigns.models import Campaign, WinnerDecision
from campaigns.results.report import CampaignReport, campaign_report
from campaigns.results.variants import VariantFigures
from operations.differences import Arm, Interval, Lift


class FunnelOut(serializers.Serializer):
    """How many came how far; clicks of scanners are left out."""

    targeted = serializers.IntegerField()
    sent = serializers.IntegerField()
    delivered = serializers.IntegerField()
    opened = serializers.IntegerField()
    clicked = serializers.IntegerField()
    redeemed = serializers.IntegerField()
    bought = serializers.IntegerField()


class ArmOut(serializers.Serializer):
    """One side of an experiment; `rate` is the share who bought, the amount minor units per person."""

    people = serializers.IntegerField()
    bought = serializers.IntegerField()
    rate = serializers.FloatField(allow_null=True)
    mean_amount = serializers.FloatField()


class LiftOut(serializers.Serializer):
    """A difference with its 95 % interval; significant when the interval leaves out zero."""

    difference = serializers.FloatField()
    low = serializers.FloatField()
    high = serializers.FloatField()
    significant = serializers.BooleanField()


class EffectOut(serializers.Serializer):
    """Treated less held out by lot, within 30 days."""

    treated = ArmOut()
    holdout = ArmOut()
    conversion = LiftOut()
    revenue = LiftOut(allow_null=True)
    extra_amount = serializers.IntegerField(allow_null=True)


class IntervalOut(serializers.Serializer):
    """A share with its 95 % interval."""

    value = serializers.FloatField()
    low = serializers.FloatField()
    high = serializers.FloatField()


class VariantResultOut(serializers.Serializer):
    """A variant among those to whom the lot gave it."""

    code = serializers.CharField()
    name = serializers.CharField()
    sent = serializers.IntegerField()
    clicked = serializers.IntegerField()
    redeemed = serializers.IntegerField()
    bought = serializers.IntegerField()
    mean_amount = serializers.FloatField()
    click_rate = IntervalOut(allow_null=True)
    redemption_rate = IntervalOut(allow_null=True)
    purchase_rate = IntervalOut(allow_null=True)


class WinnerDecisionOut(serializers.Serializer):
    """Which variant goes on, and why."""

    variant = serializers.CharField()
    outcome = serializers.ChoiceField(choices=WinnerDecision.Outcome.choices)
    decided_at = serializers.DateTimeField()


class AttributedOut(serializers.Serializer):
    """Orders within 7 days of the last click: a habit of reckoning, no effect."""

    orders = serializers.IntegerField()
    customers = serializers.IntegerField()
    amount = serializers.IntegerField()


class MoneyOut(serializers.Serializer):
    """Minor units; what needs a random holdout, or the merchant's margin, is null without it."""

    messages_amount = serializers.IntegerField()
    discount_amount = serializers.IntegerField()
    cost_amount = serializers.IntegerField()
    extra_margin_amount = serializers.IntegerField(allow_null=True)
    profit_amount = serializers.IntegerField(allow_null=True)
    roi = serializers.FloatField(allow_null=True)


class BeforeAndAfterOut(serializers.Serializer):
    """How many of those written to bought in the 30 days before and after: a comparison, no effect."""

    people = serializers.IntegerField()
    before = serializers.IntegerField()
    after = serializers.IntegerField()


class ResultsOut(serializers.Serializer):
    """What a campaign brought. `effect` is null without a random holdout; a comparison stands instead."""

    code = serializers.CharField()
    currency = serializers.CharField()
    funnel = FunnelOut()
    effect = EffectOut(allow_null=True)
    comparison = BeforeAndAfterOut(allow_null=True)
    variants = VariantResultOut(many=True)
    decision = WinnerDecisionOut(allow_null=True)
    attributed = AttributedOut()
    money = MoneyOut()


class ResultsView(GenericAPIView):
    """What a campaign brought, against people held out by lot where there are any."""

    required_scope = "campaigns:read"
    serializer_class = ResultsOut
    queryset = Campaign.objects.all()

    @extend_schema(responses=ResultsOut)
    def get(self, request: Request, reference: str) -> Response:
        report = campaign_report(find_campaign(reference))
        return Response(ResultsOut(results_content(report)).data)


def results_content(report: CampaignReport) -> dict[str, Any]:
    """Return the report as the API tells it."""
    figures, lift = report.figures, report.lift
    return {
        "code": report.campaign.code,
        "currency": settings.PROGRAMME_CURRENCY,
        "funnel": {name: getattr(figures, name) for name in FunnelOut().fields},
        "effect": {
            "treated": _arm(lift.treated),
            "holdout": _arm(lift.holdout),
            "conversion": _lift(lift.conversion),
            "revenue": _lift(lift.revenue) if lift.revenue else None,
            "extra_amount": _rounded(lift.extra_amount),
        }
        if lift
        else None,
        "comparison": None if lift else report.before_and_after,
        "variants": [_variant(one) for one in report.variants],
        "decision": report.decision,
        "attributed": report.attributed,
        "money": {
            "messages_amount": report.cost.messages_amount,
            "discount_amount": report.cost.discount_amount,
            "cost_amount": report.cost.amount,
            "extra_margin_amount": _rounded(report.extra_margin),
            "profit_amount": _rounded(report.profit),
            "roi": report.roi,
        },
    }


def _arm(arm: Arm) -> dict[str, Any]:
    return {"people": arm.people, "bought": arm.bought, "rate": arm.rate, "mean_amount": arm.mean_amount}


def _lift(lift: Lift) -> dict[str, Any]:
    return vars(lift) | {"significant": lift.significant}


def _variant(one: VariantFigures) -> dict[str, Any]:
    return {
        **vars(one),
        "click_rate": _interval(one.share("CLICKED")),
        "redemption_rate": _interval(one.share("REDEEMED")),
        "purchase_rate": _interval(one.share("BOUGHT")),
    }


def _interval(found: Interval | None) -> dict[str, float] | None:
    return vars(found) if found else None


def _rounded(amount: float | None) -> int | None:
    return None if amount is None else round(amount)
