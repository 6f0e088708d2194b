"""A campaign as a partner writes it."""

from typing import Any

from django.utils.translation import gettext as _
from rest_framework import serializers

from campaigns.drafts import ContentDraft, VariantDraft, VersionTerms
from campaigns.journeys import MOST_STEPS
from campaigns.models import MAIN, CampaignVersion, CouponScope, Lane
from coupons.models import Promotion
from customers.api.fields import ObjectField
from customers.models import Channel, Purpose, Segment
from operations.api.serializers import InstantField, LineField, StrictSerializer
from operations.errors import InvalidInput, Mistake

LANGUAGES = [("it", "it"), ("en", "en")]
# What the API calls otherwise than the rows do.
POINTERS = {"/trigger_rule": "/trigger/rule"}


class TriggerIn(StrictSerializer):
    """When a campaign is sent. `at` null means as soon as it is started; `until` null, until it is stopped.

    `rule` is that of the kind (docs/campaigns.md): `{"of": "birthday", "at": "09:00"}` for a DATE.
    """

    kind = serializers.ChoiceField(choices=CampaignVersion.Trigger.choices, default="ONE_OFF")
    at = InstantField(required=False, allow_null=True, default=None)
    until = InstantField(required=False, allow_null=True, default=None)
    rule = ObjectField(required=False, default=dict)


class ContentIn(StrictSerializer):
    """What one channel says; empty `variant` and `language` mean all of them."""

    channel = serializers.ChoiceField(choices=Channel.choices, default=Channel.EMAIL.value)
    subject = serializers.CharField(required=False, allow_blank=True, default="", trim_whitespace=False)
    body = serializers.CharField(trim_whitespace=False)
    step = serializers.CharField(max_length=32, default=MAIN)
    variant = serializers.CharField(max_length=8, required=False, allow_blank=True, default="")
    language = serializers.ChoiceField(choices=LANGUAGES, required=False, allow_blank=True, default="")


class PromotionReference(serializers.CharField):
    """A promotion by its code or id."""

    def to_internal_value(self, data: Any) -> Any:
        found = Promotion.objects.by_reference(super().to_internal_value(data)).first()
        if found is None:
            raise serializers.ValidationError(_("There is no such promotion."))
        return found


class VariantIn(StrictSerializer):
    """One arm of an experiment; of two with weights 1 and 3 the second gets three quarters."""

    code = serializers.CharField(max_length=8)
    name = LineField(max_length=120, required=False, allow_blank=True, default="")
    weight = serializers.IntegerField(min_value=1, max_value=1000, default=1)
    promotion = PromotionReference(required=False, allow_null=True, default=None)


class CampaignIn(StrictSerializer):
    """A campaign; segment and promotion by code or id.

    `channel`, `subject` and `body` are the short form of a single content; `contents` the long one. Without
    a segment it is for everybody whom its trigger concerns. `steps` make it a journey (docs/campaigns.md),
    whose messages say what the contents with their `step` do; `goal` ends it for who reaches it.
    `coupon_scope` makes each coupon good for a favourite of its holder alone.
    """

    code = serializers.SlugField(max_length=64)
    name = LineField(max_length=120, required=False)
    segment = serializers.CharField(required=False, allow_null=True, default=None)
    channel = serializers.ChoiceField(choices=Channel.choices, required=False, default=Channel.EMAIL.value)
    subject = serializers.CharField(required=False, trim_whitespace=False)
    body = serializers.CharField(required=False, trim_whitespace=False)
    contents = ContentIn(many=True, required=False, allow_empty=False)
    promotion = PromotionReference(required=False, allow_null=True, default=None)
    trigger = TriggerIn(required=False)
    purpose = serializers.ChoiceField(choices=Purpose.choices, default=Purpose.MARKETING.value)
    lane = serializers.ChoiceField(choices=Lane.choices, default=Lane.BULK.value)
    priority = serializers.IntegerField(min_value=0, max_value=100, default=50)
    good_for_hours = serializers.IntegerField(
        min_value=1, max_value=24 * 366, required=False, allow_null=True, default=None
    )
    messages_per_minute = serializers.IntegerField(
        min_value=1, max_value=10**6, required=False, allow_null=True, default=None
    )
    holdout_percent = serializers.IntegerField(min_value=0, max_value=50, default=0)
    coupon_scope = serializers.ChoiceField(
        choices=CouponScope.choices, required=False, allow_blank=True, default=""
    )
    steps = serializers.ListField(child=ObjectField(), required=False, default=list, max_length=MOST_STEPS)
    goal = ObjectField(required=False, default=dict)
    variants = VariantIn(many=True, required=False, default=list)

    def validate_segment(self, reference: str | None) -> Segment | None:
        return None if reference is None else find_segment(reference)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "contents" in attrs:
            return attrs
        missing = [name for name in ("subject", "body") if name not in attrs]
        if missing:
            raise serializers.ValidationError({name: _("This field is required.") for name in missing})
        return attrs

    def arguments(self) -> dict[str, Any]:
        """Return the validated input as `create_campaign` takes it."""
        data = self.validated_data
        trigger = data.get("trigger") or {}
        short = {name: data.get(name, "") for name in ("channel", "subject", "body")}
        contents = data.get("contents") or [short]
        return {
            "name": data.get("name") or data["code"],
            "segment": data["segment"],
            "contents": [ContentDraft(**content) for content in contents],
            "variants": [VariantDraft(**variant) for variant in data["variants"]],
            "promotion": data["promotion"],
            "starts_at": trigger.get("at"),
            "holdout_percent": data["holdout_percent"],
            "priority": data["priority"],
            "messages_per_minute": data["messages_per_minute"],
            "terms": VersionTerms(
                purpose=data["purpose"],
                trigger=trigger.get("kind", CampaignVersion.Trigger.ONE_OFF),
                trigger_rule=trigger.get("rule") or {},
                ends_at=trigger.get("until"),
                good_for_hours=data["good_for_hours"],
                lane=data["lane"],
                steps=data["steps"],
                coupon_scope=data["coupon_scope"],
                goal=data["goal"],
            ),
        }


def find_segment(reference: str) -> Segment:
    """Return the segment with this code, else with this id. Raises ValidationError."""
    row = Segment.objects.filter(code=reference).first()
    if row is None and reference.isascii() and reference.isdigit() and len(reference) < 19:
        row = Segment.objects.filter(pk=int(reference)).first()
    if row is None:
        raise serializers.ValidationError(_("There is no such segment."))
    return row


def as_the_api_says(error: InvalidInput) -> InvalidInput:
    """Return the error with the places of its mistakes as the input names them."""
    details = [Mistake(_pointer(mistake.pointer), mistake.message) for mistake in error.details]
    return type(error)(error.message, details=details)


def _pointer(pointer: str) -> str:
    for inside, told in POINTERS.items():
        if pointer == inside or pointer.startswith(f"{inside}/"):
            return told + pointer.removeprefix(inside)
    return pointer
