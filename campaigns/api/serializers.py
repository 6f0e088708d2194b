from typing import Any

from rest_framework import serializers

from campaigns.models import (
    Campaign,
    CampaignContent,
    CampaignRun,
    CampaignVariant,
    CampaignVersion,
    Lane,
    Message,
    MessageState,
)
from campaigns.results import Figures, run_figures
from coupons.models import Promotion
from customers.models import Purpose
from operations.api.serializers import StrictSerializer


class TriggerOut(serializers.Serializer):
    kind = serializers.ChoiceField(choices=CampaignVersion.Trigger.choices)
    at = serializers.DateTimeField(allow_null=True)
    until = serializers.DateTimeField(allow_null=True)
    rule = serializers.DictField()


class ContentOut(serializers.ModelSerializer):
    class Meta:
        model = CampaignContent
        fields = ["channel", "subject", "body", "step", "variant", "language"]


class VariantOut(serializers.ModelSerializer):
    promotion = serializers.CharField(source="promotion.code", allow_null=True, default=None)

    class Meta:
        model = CampaignVariant
        fields = ["code", "name", "weight", "promotion"]


class RunOut(serializers.Serializer):
    """One run and what became of its recipients; amounts are minor units of the programme's currency."""

    occurrence = serializers.CharField()
    status = serializers.ChoiceField(choices=CampaignRun.Status.choices)
    pause_reason = serializers.CharField(allow_null=True)
    planned_at = serializers.DateTimeField(allow_null=True)
    targeted = serializers.IntegerField()
    suppressed = serializers.IntegerField()
    holdout = serializers.IntegerField()
    pending = serializers.IntegerField()
    sent = serializers.IntegerField()
    failed = serializers.IntegerField()
    unknown = serializers.IntegerField()
    cancelled = serializers.IntegerField()
    expired = serializers.IntegerField()
    dead = serializers.IntegerField()
    clicked = serializers.IntegerField()
    redeemed = serializers.IntegerField()
    bought = serializers.IntegerField()
    revenue_amount = serializers.IntegerField()


class CampaignOut(serializers.Serializer):
    """A campaign with its newest version and its runs."""

    id = serializers.CharField()
    code = serializers.CharField()
    name = serializers.CharField()
    status = serializers.ChoiceField(choices=Campaign.Status.choices)
    version = serializers.IntegerField()
    segment = serializers.CharField(allow_null=True)
    channel = serializers.CharField()
    subject = serializers.CharField()
    body = serializers.CharField()
    promotion = serializers.CharField(allow_null=True)
    trigger = TriggerOut()
    contents = ContentOut(many=True)
    steps = serializers.ListField(child=serializers.DictField())
    goal = serializers.DictField()
    variants = VariantOut(many=True)
    purpose = serializers.ChoiceField(choices=Purpose.choices)
    lane = serializers.ChoiceField(choices=Lane.choices)
    priority = serializers.IntegerField()
    recipe = serializers.CharField(allow_null=True)
    holdout_percent = serializers.IntegerField()
    coupon_scope = serializers.CharField()
    currency = serializers.CharField()
    created_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True)
    ended_at = serializers.DateTimeField(allow_null=True)
    runs = RunOut(many=True)

    def to_representation(self, campaign: Campaign) -> dict[str, Any]:
        return super().to_representation(campaign_content(campaign))


def campaign_content(campaign: Campaign) -> dict[str, Any]:
    """Return a campaign as the API tells it."""
    from django.conf import settings

    version = campaign.version
    runs = list(campaign.runs.select_related("campaign").order_by("pk"))
    figures = run_figures(runs)
    return {
        "id": str(campaign.pk),
        "code": campaign.code,
        "name": campaign.name,
        "status": campaign.status,
        "version": version.number,
        "segment": version.segment.code if version.segment else None,
        "channel": version.content.channel,
        "subject": version.content.subject,
        "body": version.content.body,
        "promotion": version.promotion.code if version.promotion else None,
        "trigger": {
            "kind": version.trigger,
            "at": version.starts_at,
            "until": version.ends_at,
            "rule": version.trigger_rule,
        },
        "contents": list(version.contents.all()),
        "steps": version.steps,
        "goal": version.goal,
        "variants": list(version.variants.all()),
        "purpose": version.purpose,
        "lane": version.lane,
        "priority": campaign.priority,
        "recipe": campaign.recipe or None,
        "holdout_percent": version.holdout_percent,
        "coupon_scope": version.coupon_scope,
        "currency": settings.PROGRAMME_CURRENCY,
        "created_at": campaign.created_at,
        "started_at": campaign.started_at,
        "ended_at": campaign.ended_at,
        "runs": [_run_content(run, figures[run.pk]) for run in runs],
    }


def _run_content(run: CampaignRun, figures: Figures) -> dict[str, Any]:
    return vars(figures) | {
        "occurrence": run.occurrence,
        "status": run.status,
        "pause_reason": run.pause_reason or None,
        "planned_at": run.planned_at,
    }


class MessageOut(serializers.ModelSerializer):
    """One recipient's message; `coupon` is the code they were given."""

    id = serializers.CharField()
    customer = serializers.CharField(source="customer.public_id")
    coupon = serializers.SerializerMethodField()

    class Meta:
        model = Message
        fields = [
            "id", "customer", "channel", "occurrence", "purpose", "state", "reason", "detail", "attempts",
            "coupon", "not_before", "sent_at",
        ]  # fmt: skip

    def get_coupon(self, message: Message) -> str | None:
        return message.coupon_code or None


class CampaignStopIn(StrictSerializer):
    """What becomes of the campaign's coupons; empty leaves them as they are."""

    coupons = serializers.ChoiceField(
        Promotion.StopMode.choices, required=False, allow_blank=True, default=""
    )


class MessageQueryIn(serializers.Serializer):
    state = serializers.ChoiceField(choices=MessageState.choices, required=False)
