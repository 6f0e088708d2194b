"""RFM models, runs and scores as the API takes and answers them."""

from typing import Any

from rest_framework import serializers

from analytics.api.calls import CALENDAR
from analytics.models import RfmModel, RfmRun, RfmScore, RfmSegmentMap
from analytics.rules import number
from analytics.services import Preview
from analytics.services.migration import Migration
from customers.models import Season


class ScopeField(serializers.Serializer):
    """Which orders a model looks at."""

    kind = serializers.ChoiceField(choices=RfmModel.Scope.choices, default=RfmModel.Scope.ALL)
    value = serializers.CharField(max_length=120, allow_null=True, required=False, default=None)


class ThresholdsField(serializers.Serializer):
    """Four values each, from worst to best: days since the last order, orders, minor units."""

    r = serializers.ListField(child=serializers.IntegerField(min_value=0), min_length=4, max_length=4)
    f = serializers.ListField(child=serializers.IntegerField(min_value=0), min_length=4, max_length=4)
    m = serializers.ListField(child=serializers.IntegerField(min_value=0), min_length=4, max_length=4)


class OwnThresholdsField(ThresholdsField):
    """The merchant's own, inclusive; with a replacement window `r` follows from it and may be left out."""

    r = serializers.ListField(
        child=serializers.IntegerField(min_value=0), min_length=4, max_length=4, required=False
    )


class ReplacementField(serializers.Serializer):
    """When goods are bought again: after a cycle, give or take a tolerance."""

    cycle_days = serializers.IntegerField(min_value=1, max_value=36_500)
    tolerance_days = serializers.IntegerField(min_value=1, max_value=36_500)


class RfmModelIn(serializers.Serializer):
    """A model to create; what is left out has the default of a model over all orders."""

    # Where a model's fields stand in a request.
    POINTERS = {
        "/scope_value": "/scope/value",
        "/cycle_days": "/replacement/cycle_days",
        "/tolerance_days": "/replacement/tolerance_days",
    }

    code = serializers.CharField(max_length=64)
    name = serializers.CharField(max_length=100)
    scope = ScopeField(required=False)
    window_days = serializers.IntegerField(min_value=1, max_value=36_500, allow_null=True, required=False)
    recency = serializers.ChoiceField(choices=RfmModel.Recency.choices, required=False)
    binning = serializers.ChoiceField(choices=RfmModel.Binning.choices, required=False)
    thresholds = OwnThresholdsField(allow_null=True, required=False)
    monetary = serializers.ChoiceField(choices=RfmModel.Monetary.choices, required=False)
    weights = serializers.ListField(
        child=serializers.FloatField(min_value=0, max_value=1000),
        min_length=3,
        max_length=3,
        required=False,
    )
    season = serializers.SlugRelatedField(
        slug_field="code", queryset=Season.objects.all(), allow_null=True, required=False
    )
    replacement = ReplacementField(allow_null=True, required=False)
    segment_map = serializers.SlugRelatedField(
        slug_field="code", queryset=RfmSegmentMap.objects.all(), required=False
    )
    commit_after_runs = serializers.IntegerField(min_value=1, max_value=30, required=False)
    commit_jump = serializers.IntegerField(min_value=1, max_value=4, required=False)
    minimum_population = serializers.IntegerField(min_value=1, max_value=10**9, required=False)
    schedule = serializers.ChoiceField(choices=RfmModel.Schedule.choices, required=False)

    def validate_scope(self, scope: dict[str, Any]) -> dict[str, Any]:
        if scope["kind"] == RfmModel.Scope.ALL and scope["value"]:
            raise serializers.ValidationError({"value": "The scope ALL has no value."})
        return scope

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        values = super().to_internal_value(data)
        if scope := values.pop("scope", None):
            values |= {"scope": scope["kind"], "scope_value": scope["value"] or ""}
        if values.get("thresholds"):
            values["thresholds"] = dict(values["thresholds"])
        if replacement := values.pop("replacement", None):
            values |= replacement
        return values


class RfmModelOut(serializers.ModelSerializer):
    id = serializers.CharField()
    scope = serializers.SerializerMethodField()
    season = serializers.SlugRelatedField(slug_field="code", read_only=True)
    replacement = serializers.SerializerMethodField()
    segment_map = serializers.SlugRelatedField(slug_field="code", read_only=True)

    class Meta:
        model = RfmModel
        fields = [
            "id", "code", "name", "scope", "window_days", "season", "recency", "replacement", "binning",
            "thresholds", "monetary", "weights", "segment_map", "minimum_population", "commit_after_runs",
            "commit_jump", "schedule", "created_at",
        ]  # fmt: skip

    def get_replacement(self, model: RfmModel) -> ReplacementField(allow_null=True):
        if model.cycle_days is None:
            return None
        return {"cycle_days": model.cycle_days, "tolerance_days": model.tolerance_days}

    def get_scope(self, model: RfmModel) -> ScopeField:
        return {"kind": model.scope, "value": model.scope_value or None}


class RfmPreviewIn(RfmModelIn):
    """A model to try, saved or not, as of a day (today when left out)."""

    code = serializers.CharField(max_length=64, required=False, default="draft")
    name = serializers.CharField(max_length=100, required=False, default="draft")
    as_of = serializers.DateField(validators=CALENDAR, required=False)


class ScoreSumsField(serializers.Serializer):
    r = serializers.IntegerField()
    f = serializers.IntegerField()
    m = serializers.IntegerField()
    sum = serializers.FloatField()


class RfmPreviewOut(serializers.Serializer):
    """What a run would come to; `segments` gives the size of every segment by its name."""

    population = serializers.IntegerField()
    orders = serializers.IntegerField()
    net_amount = serializers.IntegerField()
    thresholds = ThresholdsField()
    score_sums = ScoreSumsField()
    segments = serializers.DictField(child=serializers.IntegerField())

    @classmethod
    def body(cls, model: RfmModel, preview: Preview) -> dict[str, Any]:
        names = {segment.code: segment.name for segment in model.segments.segments}
        same = ("population", "orders", "net_amount", "thresholds", "score_sums")
        return {name: getattr(preview, name) for name in same} | {
            "segments": {names[code]: size for code, size in preview.sizes.items()}
        }


class RfmRunIn(serializers.Serializer):
    as_of = serializers.DateField(validators=CALENDAR)


class RfmRunOut(serializers.ModelSerializer):
    """A run; `segments` gives the size of every segment by its name. Empty until it is DONE."""

    id = serializers.CharField()
    model = serializers.CharField(source="model.code")
    thresholds = serializers.SerializerMethodField()
    score_sums = serializers.SerializerMethodField()
    segments = serializers.SerializerMethodField()
    anonymous_share = serializers.FloatField(allow_null=True)
    job = serializers.CharField(source="job_id", allow_null=True)
    error = serializers.SerializerMethodField()

    class Meta:
        model = RfmRun
        fields = [
            "id", "model", "as_of", "status", "job", "population", "thresholds", "score_sums", "segments",
            "anonymous_orders", "anonymous_share", "changed_rows", "moves", "duration_ms", "started_at",
            "finished_at", "error",
        ]  # fmt: skip

    def get_thresholds(self, run: RfmRun) -> ThresholdsField(allow_null=True):
        return run.thresholds or None

    def get_score_sums(self, run: RfmRun) -> ScoreSumsField(allow_null=True):
        return run.score_sums or None

    def get_segments(self, run: RfmRun) -> dict[str, int]:
        return run.named_sizes() if run.status == RfmRun.Status.DONE else {}

    def get_error(self, run: RfmRun) -> str | None:
        return run.error or None


class RfmScoreOut(serializers.ModelSerializer):
    customer = serializers.CharField(source="customer.public_id")
    sum = serializers.SerializerMethodField()
    segment = serializers.SerializerMethodField()

    class Meta:
        model = RfmScore
        fields = ["customer", "r", "f", "m", "sum", "segment", "last_order_on", "orders", "net_amount"]

    def get_sum(self, score: RfmScore) -> float:
        return number(score.sum)

    def get_segment(self, score: RfmScore) -> str:
        return self.context["model"].segments.by_code(score.segment).name


class MoveOut(serializers.Serializer):
    """Customers by segment then and now; null is outside of the population."""

    to = serializers.CharField(allow_null=True)
    customers = serializers.IntegerField()

    def get_fields(self) -> dict[str, serializers.Field]:
        return {"from": serializers.CharField(allow_null=True)} | super().get_fields()


class MigrationOut(serializers.Serializer):
    """The migration matrix between two dates; `before` and `after` are the runs it is read from."""

    before = RfmRunOut(allow_null=True)
    after = RfmRunOut(allow_null=True)
    segments = serializers.ListField(child=serializers.CharField())
    moves = MoveOut(many=True)

    @classmethod
    def body(cls, model: RfmModel, migration: Migration) -> dict[str, Any]:
        names = {segment.code: segment.name for segment in model.segments.segments} | {"": None}
        return {
            "before": RfmRunOut(migration.before).data if migration.before else None,
            "after": RfmRunOut(migration.after).data if migration.after else None,
            "segments": [segment.name for segment in model.segments.segments],
            "moves": [
                {"from": names[old], "to": names[new], "customers": customers}
                for (old, new), customers in sorted(migration.customers.items())
            ],
        }
