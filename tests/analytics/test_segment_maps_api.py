"""Segment maps, and models tried before they are saved, over the partner API."""

import pytest

from analytics.models import RfmModel, RfmRun, RfmSegmentMap
from analytics.partitions import codes_of
from customers.models import Segment
from tests.analytics.factories import buyer

MAPS = "/api/v1/segment-maps"
PREVIEW = "/api/v1/rfm-models/preview"

pytestmark = pytest.mark.django_db


def halves(**more) -> dict:
    codes = list(codes_of("GRID"))
    return {
        "code": "halves", "name": "Halves", "kind": "GRID",
        "segments": [
            {"name": "Recent", "codes": codes[10:], "colour": "#0f766e"},
            {"name": "Long ago", "codes": codes[:10], "advice": "Write once"},
        ],
    } | more  # fmt: skip


def test_the_maps_that_come_with_the_product_are_listed(api):
    body = api.get(MAPS).json()

    assert sorted((row["code"], row["built_in"], len(row["segments"])) for row in body["data"]) == [
        ("ELEVEN", True, 11),
        ("GRID", True, 25),
        ("R_FM", True, 25),
    ]
    assert api.get(f"{MAPS}/ELEVEN").json()["segments"][0]["name"] == "Champions"
    assert api.get(f"{MAPS}/nothing").status_code == 404


def test_a_map_is_written_down_and_a_model_uses_it(api):
    written = api.post(MAPS, halves())
    model = api.post("/api/v1/rfm-models", {"code": "mine", "name": "Mine", "segment_map": "halves"})

    assert written.status_code == 201
    assert [segment["code"] for segment in written.json()["segments"]] == ["recent", "long-ago"]
    assert model.json()["segment_map"] == "halves"
    assert Segment.objects.filter(code__startswith="mine--").count() == 2
    assert api.post(MAPS, halves()).status_code == 409


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"segments": [{"name": "All", "codes": ["11"]}]}, "/segments"),
        ({"segments": [{"name": "All", "codes": ["555"]}]}, "/segments/0/codes"),
        ({"segments": []}, "/segments"),
        ({"code": "Not a code"}, "/code"),
        ({"kind": "OTHER"}, "/kind"),
        ({"more": 1}, "/more"),
    ],
)
def test_a_map_that_is_no_partition_is_refused_with_what_is_wrong(api, changes, pointer):
    answer = api.post(MAPS, halves(**changes))

    assert answer.status_code == 422
    assert pointer in [one["pointer"] for one in answer.json()["details"]]
    assert not RfmSegmentMap.objects.filter(built_in=False).exists()


def test_a_model_is_tried_without_anything_being_written(api):
    for days in (1, 10, 100, 200, 300):
        buyer(days)

    body = api.post(PREVIEW, {"minimum_population": 1, "segment_map": "GRID", "as_of": "2026-11-21"}).json()

    assert body["population"] == 5
    assert body["thresholds"]["r"] == [300, 200, 100, 10]
    assert sum(body["segments"].values()) == 5
    assert body["score_sums"]["r"] == 15
    assert not RfmModel.objects.exists()
    assert not RfmRun.objects.exists()


def test_a_model_that_cannot_be_tried_says_why(api):
    assert api.post(PREVIEW, {}).json()["key"] == "population_too_small"
    refused = api.post(PREVIEW, {"recency": "REPLACEMENT"})
    assert refused.status_code == 422
    assert {one["pointer"] for one in refused.json()["details"]} == {
        "/replacement/cycle_days",
        "/replacement/tolerance_days",
    }
