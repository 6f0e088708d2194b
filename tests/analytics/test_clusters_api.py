"""Clusters over the partner API."""

from datetime import date

import pytest

from analytics.services.clusters import create_cluster_model, run_cluster_model
from tests.analytics.crowds import heap
from tests.api import caller
from tests.factories import NOON, ApiClientFactory

CLUSTERS = "/api/v1/clusters"

pytestmark = pytest.mark.django_db


def test_each_model_tells_its_groups_with_their_medians_in_words(api):
    heap(*range(2, 200, 14), amount=1_500, people=15)
    heap(300, amount=3_000, people=15)
    model = create_cluster_model("groups", name="Groups", clusters=2)
    run_cluster_model(model, as_of=date(2026, 11, 21), at=NOON)

    (told,) = api.get(CLUSTERS).json()["data"]

    assert {key: told[key] for key in ("code", "name", "method", "as_of", "population")} == {
        "code": "groups", "name": "Groups", "method": "KMEANS", "as_of": "2026-11-21", "population": 30,
    }  # fmt: skip
    assert 0.5 < told["silhouette"] <= 1
    regulars, strangers = told["clusters"]
    assert (regulars["size"], regulars["share"], strangers["size"]) == (15, 0.5, 15)
    assert regulars["segment"] == f"groups--{regulars['code']}"
    assert regulars["name"] == "Often, recently, small baskets"
    assert [(each["feature"], each["value"], each["text"]) for each in regulars["medians"]] == [
        ("recency", 3.0, "3"),
        ("frequency", 15.0, "15"),
        ("monetary", 1605.0, "€16.05"),
    ]


def test_a_model_that_never_ran_has_no_groups(api):
    create_cluster_model("groups", name="Groups")

    (told,) = api.get(CLUSTERS).json()["data"]

    assert (told["as_of"], told["population"], told["silhouette"], told["clusters"]) == (None, 0, None, [])


def test_clusters_need_the_right_to_read_analytics():
    assert caller(ApiClientFactory(scopes=["customers:read"])).get(CLUSTERS).status_code == 403
