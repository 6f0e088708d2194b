from typing import Any

from django.utils.translation import gettext as _
from rest_framework import serializers

from campaigns.models import Campaign, CampaignRun, CampaignVersion, Message, MessageState
from campaigns.results import Figures, run_figures
from coupons.models import Promotion
from customers.models import Channel, Segment


class TriggerIn(serializers.Serializer):
    """When a campaign is sent; `at` null means as soon as it is started."""

    kind = serializers.ChoiceField(choices=CampaignVersion.Trigger.choices, default="ONE_OFF")
    at = serializers.DateTimeField(required=False, allow_null=True, default=None)


class CampaignIn(serializers.Serializer):
    """A campaign as a partner writes it; segment and promotion by code or id."""

    code = serializers.SlugField(max_length=64)
    name = serializers.CharField(max_length=120, required=False)
    segment = serializers.CharField()
    channel = serializers.ChoiceField(choices=[Channel.EMAIL.value], default=Channel.EMAIL.value)
    subject = serializers.CharField(trim_whitespace=False)
    body = serializers.CharField(trim_whitespace=False)
    promotion = serializers.CharField(required=False, allow_null=True, default=None)
    trigger = TriggerIn(required=False)
    holdout_percent = serializers.IntegerField(min_value=0, max_value=50, default=0)
    variants = serializers.ListField(required=False, default=list, max_length=0)

    def validate_segment(self, reference: str) -> Segment:
        return _one(
            Segment.objects.filter(code=reference), Segment, reference, _("There is no such segment.")
        )

    def validate_promotion(self, reference: str | None) -> Promotion | None:
        if reference is None:
            return None
        found = Promotion.objects.by_reference(reference).first()
        if found is None:
            raise serializers.ValidationError(_("There is no such promotion."))
        return found

    def arguments(self) -> dict[str, Any]:
        """Return the validated input as `create_campaign` takes it."""
        data = self.validated_data
        return {
            "name": data.get("name") or data["code"],
            "segment": data["segment"],
            "channel": data["channel"],
            "subject": data["subject"],
            "body": data["body"],
            "promotion": data["promotion"],
            "starts_at": (data.get("trigger") or {}).get("at"),
            "holdout_percent": data["holdout_percent"],
        }


def _one(found, model, reference: str, message: str):
    row = found.first()
    if row is None and reference.isascii() and reference.isdigit() and len(reference) < 19:
        row = model.objects.filter(pk=int(reference)).first()
    if row is None:
        raise serializers.ValidationError(message)
    return row


class TriggerOut(serializers.Serializer):
    kind = serializers.ChoiceField(choices=CampaignVersion.Trigger.choices)
    at = serializers.DateTimeField(allow_null=True)


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
    holdout_percent = serializers.IntegerField()
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
        "trigger": {"kind": version.trigger, "at": version.starts_at},
        "holdout_percent": version.holdout_percent,
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


class StopIn(serializers.Serializer):
    """What becomes of the campaign's coupons; empty leaves them as they are."""

    coupons = serializers.ChoiceField(
        Promotion.StopMode.choices, required=False, allow_blank=True, default=""
    )


class MessageQueryIn(serializers.Serializer):
    state = serializers.ChoiceField(choices=MessageState.choices, required=False)
