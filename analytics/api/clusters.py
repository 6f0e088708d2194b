"""Clusters over the API: who is alike, as the last run of each model found."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.generics import ListAPIView

from analytics.api.calls import READ
from analytics.cluster_pages import Feature, written
from analytics.models import ClusterModel, ClusterRun
from analytics.services.clusters import cluster_name


class MedianOut(serializers.Serializer):
    """What the middle member has of one feature: days, orders, minor units or a share, and as text."""

    feature = serializers.ChoiceField(choices=Feature.choices)
    label = serializers.CharField()
    value = serializers.FloatField()
    text = serializers.CharField()


class ClusterOut(serializers.Serializer):
    """One group of customers. `segment` is the code of the segment that holds its members.

    `share` is of the customers grouped, `revenue_share` of what they spent, both 0..1.
    """

    code = serializers.CharField()
    name = serializers.CharField()
    segment = serializers.CharField()
    size = serializers.IntegerField()
    share = serializers.FloatField()
    revenue_share = serializers.FloatField(allow_null=True)
    medians = MedianOut(many=True)


class ClusterModelOut(serializers.ModelSerializer):
    """A model and what its last finished run found; without one there are no clusters.

    `silhouette` says how well they are apart, from -1 to 1; null when all customers are alike.
    """

    method = serializers.ChoiceField(choices=ClusterModel.Method.choices)
    as_of = serializers.SerializerMethodField()
    population = serializers.SerializerMethodField()
    silhouette = serializers.SerializerMethodField()
    clusters = serializers.SerializerMethodField()

    class Meta:
        model = ClusterModel
        fields = ["code", "name", "method", "as_of", "population", "silhouette", "clusters"]

    def to_representation(self, model: ClusterModel) -> dict[str, Any]:
        self.run: ClusterRun | None = model.last_run()
        return super().to_representation(model)

    @extend_schema_field(serializers.DateField(allow_null=True))
    def get_as_of(self, model: ClusterModel) -> str | None:
        return self.run.as_of.isoformat() if self.run else None

    def get_population(self, model: ClusterModel) -> int:
        return self.run.population if self.run else 0

    def get_silhouette(self, model: ClusterModel) -> float | None:
        return self.run.quality if self.run else None

    @extend_schema_field(ClusterOut(many=True))
    def get_clusters(self, model: ClusterModel) -> list[dict[str, Any]]:
        found = self.run.clusters if self.run else []
        return ClusterOut([_told(model, self.run, each) for each in found], many=True).data


class ClustersView(ListAPIView):
    """Every cluster model with the groups that its last run found, those with most revenue first."""

    required_scope = READ
    queryset = ClusterModel.objects.order_by("pk")
    serializer_class = ClusterModelOut


def _told(model: ClusterModel, run: ClusterRun, cluster: dict[str, Any]) -> dict[str, Any]:
    medians = cluster["medians"]
    return cluster | {
        "name": cluster_name(model, cluster),
        "segment": model.segment_code(cluster["code"]),
        "medians": [
            {
                "feature": feature,
                "label": Feature(feature).label,
                "value": medians[feature],
                "text": written(feature, medians[feature]),
            }
            for feature in run.features
        ],
    }
