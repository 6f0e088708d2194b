"""What goes in and out of the API of games."""

from typing import Any

from django.conf import settings
from django.utils.translation import gettext_lazy as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from customers.api.references import CustomerReference
from customers.models import Segment
from loyalty.models import Badge, BadgeAward, Challenge, Leaderboard, Reward
from loyalty.progress import Span
from loyalty.services.challenges import ChallengeTerms
from operations.api.serializers import AmountField, InstantField, LineField, StrictSerializer

CODE = r"\A[a-zA-Z0-9_-]{1,64}\Z"


class TextsField(serializers.DictField):
    """A text by language: `{"en": "...", "it": "..."}`."""

    default_error_messages = {"language": _("Languages are %(languages)s.")}

    def __init__(self, *, longest: int = 300, **kwargs: Any) -> None:
        child = serializers.CharField(max_length=longest, allow_blank=True, trim_whitespace=False)
        super().__init__(child=child, **kwargs)

    def to_internal_value(self, data: Any) -> dict[str, str]:
        texts = super().to_internal_value(data)
        known = dict(settings.LANGUAGES)
        if set(texts) - set(known):
            message = self.error_messages["language"] % {"languages": ", ".join(known)}
            raise serializers.ValidationError(message)
        return texts


class ByCodeField(serializers.CharField):
    """A row named by its code."""

    default_error_messages = {"unknown": _("There is none with this code.")}

    def __init__(self, model: type, **kwargs: Any) -> None:
        self.model = model
        super().__init__(**{"required": False, "allow_null": True} | kwargs)
        self.validators = []  # They are for the text, and what comes out is a row.

    def to_internal_value(self, data: Any) -> Any:
        code = super().to_internal_value(data)
        if "\0" in code:
            self.fail("unknown")
        found = self.model.objects.filter(code=code).first()
        if found is None:
            self.fail("unknown")
        return found


@extend_schema_field(OpenApiTypes.OBJECT)
class WhichField(serializers.DictField):
    """Which lines, stores and channels count: lists of skus, categories, brands, collections, stores ..."""

    child = serializers.ListField(child=serializers.CharField(max_length=120), max_length=500)


class ItemIn(StrictSerializer):
    """One item of a set, and which articles are it."""

    code = serializers.RegexField(CODE)
    title = TextsField(longest=60, required=False)
    skus = serializers.ListField(child=serializers.CharField(max_length=64), required=False)
    categories = serializers.ListField(child=serializers.CharField(max_length=120), required=False)
    brands = serializers.ListField(child=serializers.CharField(max_length=120), required=False)
    collections = serializers.ListField(child=serializers.CharField(max_length=120), required=False)


class ChallengeIn(StrictSerializer):
    """A challenge, a stamp card or a collection card; `"start": true` counts at once."""

    code = serializers.RegexField(CODE)
    name = LineField(max_length=120)
    kind = serializers.ChoiceField(Challenge.Kind.choices, required=False)
    title = TextsField(longest=120)
    introduction = TextsField(longest=2000, required=False)
    icon = serializers.RegexField(r"\A[a-z0-9_]{1,40}\Z", required=False)
    metric = serializers.ChoiceField(Challenge.Metric.choices, required=False)
    event_type = serializers.RegexField(r"\A[a-z0-9_.]{0,64}\Z", required=False, allow_blank=True)
    which = WhichField(required=False)
    items = ItemIn(many=True, required=False)
    minimum_amount = AmountField(required=False)
    unit_amount = AmountField(required=False, allow_null=True, min_value=1)
    target = serializers.IntegerField(min_value=1, max_value=10**12, required=False)
    window = serializers.ChoiceField(Challenge.Window.choices, required=False)
    window_days = serializers.IntegerField(min_value=1, max_value=3660, required=False, allow_null=True)
    period = serializers.ChoiceField(Span.choices, required=False, allow_blank=True)
    streak = serializers.IntegerField(min_value=1, max_value=366, required=False)
    most_a_day = serializers.IntegerField(min_value=1, max_value=10**9, required=False, allow_null=True)
    most_completions = serializers.IntegerField(min_value=1, max_value=10**6, required=False, allow_null=True)
    joining = serializers.ChoiceField(Challenge.Joining.choices, required=False)
    segment = ByCodeField(Segment)
    reward = ByCodeField(Reward)
    badge = ByCodeField(Badge)
    starts_at = InstantField(required=False, allow_null=True)
    ends_at = InstantField(required=False, allow_null=True)
    start = serializers.BooleanField(required=False)

    def challenge(self) -> dict[str, Any]:
        """Return what `create_challenge` takes."""
        given = dict(self.validated_data)
        given.pop("start", None)
        return {"code": given.pop("code"), "terms": ChallengeTerms(**given)}


class ProgressOut(serializers.Serializer):
    """Where a person stands; `row` of `streak` periods in a row are reached, `found` are the items."""

    value = serializers.IntegerField()
    target = serializers.IntegerField()
    missing = serializers.IntegerField()
    row = serializers.IntegerField()
    streak = serializers.IntegerField()
    found = serializers.ListField(child=serializers.CharField())
    reached = serializers.IntegerField()
    joined = serializers.BooleanField()
    ends_on = serializers.DateField(allow_null=True)


class ChallengeOut(serializers.ModelSerializer):
    """A challenge; with `customer` in the query, how far they are (`progress`)."""

    title = TextsField()
    introduction = TextsField()
    which = WhichField()
    items = ItemIn(many=True)
    segment = serializers.CharField(source="segment.code", default=None, allow_null=True)
    reward = serializers.CharField(source="reward.code", default=None, allow_null=True)
    badge = serializers.CharField(source="badge.code", default=None, allow_null=True)
    progress = serializers.SerializerMethodField()

    class Meta:
        model = Challenge
        fields = [
            "code",
            "name",
            "kind",
            "status",
            "title",
            "introduction",
            "icon",
            "metric",
            "event_type",
            "which",
            "items",
            "minimum_amount",
            "unit_amount",
            "target",
            "window",
            "window_days",
            "period",
            "streak",
            "most_a_day",
            "most_completions",
            "joining",
            "segment",
            "reward",
            "badge",
            "starts_at",
            "ends_at",
            "progress",
        ]

    @extend_schema_field(ProgressOut(allow_null=True))
    def get_progress(self, challenge: Challenge) -> Any:
        standing = self.context.get("standings", {}).get(challenge.pk)
        return ProgressOut(standing).data if standing else None


class PlayerIn(StrictSerializer):
    customer = CustomerReference()


class BadgeIn(StrictSerializer):
    code = serializers.RegexField(CODE)
    name = LineField(max_length=120)
    title = TextsField(longest=60)
    introduction = TextsField(required=False)
    icon = serializers.RegexField(r"\A[a-z0-9_]{1,40}\Z", required=False)
    tone = serializers.ChoiceField(Badge.Tone.choices, required=False)
    segment = ByCodeField(Segment)
    reward = ByCodeField(Reward)


class BadgeOut(serializers.ModelSerializer):
    """A badge; with `customer` in the query, since when they have it."""

    title = TextsField()
    introduction = TextsField()
    segment = serializers.CharField(source="segment.code", default=None, allow_null=True)
    reward = serializers.CharField(source="reward.code", default=None, allow_null=True)
    earned_at = serializers.SerializerMethodField()

    class Meta:
        model = Badge
        fields = [
            "code",
            "name",
            "title",
            "introduction",
            "icon",
            "tone",
            "active",
            "segment",
            "reward",
            "earned_at",
        ]

    @extend_schema_field(serializers.DateTimeField(allow_null=True))
    def get_earned_at(self, badge: Badge) -> Any:
        return self.context.get("earned", {}).get(badge.pk)


class AwardIn(StrictSerializer):
    customer = CustomerReference()
    reason = LineField(max_length=200, required=False, allow_blank=True)


class AwardOut(serializers.ModelSerializer):
    badge = serializers.CharField(source="badge.code")
    customer = serializers.UUIDField(source="customer.public_id")

    class Meta:
        model = BadgeAward
        fields = ["badge", "customer", "reason", "awarded_at"]


class BoardOut(serializers.ModelSerializer):
    title = TextsField()
    challenge = serializers.CharField(source="challenge.code", default=None, allow_null=True)

    class Meta:
        model = Leaderboard
        fields = ["code", "name", "title", "metric", "challenge", "period", "shown", "active", "counted_at"]


class PlaceOut(serializers.Serializer):
    """One place: the name they chose, never who they are."""

    rank = serializers.IntegerField(allow_null=True)
    nickname = serializers.CharField()
    score = serializers.IntegerField()


class StandingOut(BoardOut):
    """A leaderboard with its first places, and with `customer` in the query where they stand."""

    places = PlaceOut(many=True)
    own = PlaceOut(allow_null=True)

    class Meta(BoardOut.Meta):
        fields = [*BoardOut.Meta.fields, "places", "own"]


class NicknameIn(StrictSerializer):
    customer = CustomerReference()
    nickname = LineField(max_length=60)
