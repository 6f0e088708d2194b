"""What goes in and out of the API of contests."""

from typing import Any

from rest_framework import serializers

from customers.api.references import CustomerReference
from customers.models import Segment
from loyalty.api.game_shapes import CODE, ByCodeField, TextsField
from loyalty.models import Draw, DrawPlay, Period, Reward
from loyalty.services.contests import ContestTerms, Prize
from operations.api.serializers import InstantField, LineField, StrictSerializer

LONGEST_REGULATION = 60_000


class PrizeIn(StrictSerializer):
    """`reward` so many times; without one it is the play of an instant win that gives nothing."""

    reward = ByCodeField(Reward)
    quantity = serializers.IntegerField(min_value=1, max_value=10**7, required=False, allow_null=True)
    probability = serializers.DecimalField(
        max_digits=9, decimal_places=8, min_value=0, max_value=1, required=False, allow_null=True
    )


class DrawIn(StrictSerializer):
    """A contest; `"open": true` opens it at once, its seed fixed."""

    code = serializers.RegexField(CODE)
    name = LineField(max_length=120)
    kind = serializers.ChoiceField(Draw.Kind.choices, required=False)
    title = TextsField(longest=120)
    introduction = TextsField(longest=2000, required=False)
    regulation = TextsField(longest=LONGEST_REGULATION, required=False)
    opens_at = InstantField()
    closes_at = InstantField()
    segment = ByCodeField(Segment)
    most_entries = serializers.IntegerField(min_value=1, max_value=10**6, required=False, allow_null=True)
    plays_need_entries = serializers.BooleanField(required=False)
    play_limit = serializers.IntegerField(min_value=1, max_value=10**6, required=False, allow_null=True)
    play_period = serializers.ChoiceField(Period.choices, required=False)
    substitutes = serializers.IntegerField(min_value=0, max_value=1000, required=False)
    beacon_source = LineField(max_length=300, required=False, allow_blank=True)
    prizes = PrizeIn(many=True)
    open = serializers.BooleanField(required=False)

    def contest(self) -> dict[str, Any]:
        """Return what `create_contest` takes."""
        given = dict(self.validated_data)
        given.pop("open", None)
        prizes = [Prize(**prize) for prize in given.pop("prizes")]
        return {"code": given.pop("code"), "prizes": prizes, "terms": ContestTerms(**given)}


class PrizeOut(serializers.Serializer):
    position = serializers.IntegerField()
    reward = serializers.CharField(source="reward.code", default=None, allow_null=True)
    name = serializers.CharField(source="reward.name", default=None, allow_null=True)
    quantity = serializers.IntegerField(allow_null=True)
    probability = serializers.DecimalField(max_digits=9, decimal_places=8, allow_null=True)


class DrawOut(serializers.ModelSerializer):
    """A contest with what is published of it; `seed` is null until it is over."""

    title = TextsField()
    introduction = TextsField()
    segment = serializers.CharField(source="segment.code", default=None, allow_null=True)
    prizes = PrizeOut(many=True)
    seed = serializers.SerializerMethodField()
    digest = serializers.SerializerMethodField()
    url = serializers.CharField(source="verification_url")

    class Meta:
        model = Draw
        fields = [
            "code",
            "name",
            "kind",
            "status",
            "title",
            "introduction",
            "opens_at",
            "closes_at",
            "segment",
            "most_entries",
            "plays_need_entries",
            "play_limit",
            "play_period",
            "substitutes",
            "prizes",
            "commitment",
            "digest",
            "lines_count",
            "entries_count",
            "beacon_source",
            "beacon",
            "seed",
            "url",
        ]

    def get_seed(self, draw: Draw) -> str | None:
        return draw.seed or None

    def get_digest(self, draw: Draw) -> str | None:
        return draw.digest or None


class EntriesIn(StrictSerializer):
    """`source_id` names the cause in the client's own words; the same one enters once."""

    customer = CustomerReference()
    entries = serializers.IntegerField(min_value=1, max_value=10**4, default=1)
    source_id = LineField(max_length=40)
    reason = LineField(max_length=200, required=False, allow_blank=True)


class EntriesOut(serializers.Serializer):
    """`entries` were given now, `total` they have; `receipt` is who they are in the public list."""

    entries = serializers.IntegerField()
    total = serializers.IntegerField()
    receipt = serializers.CharField()


class PlayIn(StrictSerializer):
    customer = CustomerReference()


class PlayOut(serializers.ModelSerializer):
    """One play. `grant` is the id of what was won; `prize` is null for nothing."""

    number = serializers.IntegerField()
    prize = serializers.SerializerMethodField()
    name = serializers.SerializerMethodField()
    grant = serializers.CharField(source="grant_id", allow_null=True)

    class Meta:
        model = DrawPlay
        fields = ["receipt", "number", "won", "prize", "name", "grant", "played_at"]

    def get_prize(self, play: DrawPlay) -> str | None:
        return play.prize.reward.code if play.won else None

    def get_name(self, play: DrawPlay) -> str | None:
        return play.prize.reward.name if play.won else None


class BeaconIn(StrictSerializer):
    """The public number that the regulation names, as it was published."""

    beacon = LineField(max_length=120, required=False, allow_blank=True)


class WinnerOut(serializers.Serializer):
    rank = serializers.IntegerField()
    receipt = serializers.CharField(source="line.receipt")
    customer = serializers.UUIDField(source="customer.public_id")
    status = serializers.CharField()
    prize = serializers.CharField(source="prize.reward.code", default=None, allow_null=True)
    grant = serializers.CharField(source="grant_id", allow_null=True)
    problem = serializers.CharField()
