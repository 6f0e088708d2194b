"""Clusters: found in what customers did, named by their medians, kept as segments."""

from datetime import date, timedelta

import numpy as np
import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse

from analytics.clusters import grouping
from analytics.clusters.grouping import group, matched_codes
from analytics.clusters.naming import name_of, telling_words
from analytics.errors import ExtraNotInstalled, ModelDoesNotFit, RunInProgress
from analytics.models import ClusterModel, ClusterRun
from analytics.services import create_rfm_model, run_rfm
from analytics.services.cluster_features import read_buyers
from analytics.services.clusters import (
    create_cluster_model,
    edit_cluster_model,
    name_cluster,
    queue_cluster_run,
    queue_due_cluster_runs,
    run_cluster_model,
)
from customers.models import Customer, Segment, SegmentMembership, Trait
from operations.errors import Conflict, InvalidInput
from operations.services import carry_out
from tests.analytics.crowds import heap
from tests.analytics.factories import buyer
from tests.factories import NOON, UserFactory

DAY = date(2026, 11, 21)


def three_heaps(each=60):
    """Rows around three points far apart."""
    draw = np.random.default_rng(3)
    middles = np.array([[0.0, 0.0], [8.0, 0.0], [0.0, 8.0]])
    return np.concatenate([middle + draw.normal(0, 0.5, (each, 2)) for middle in middles])


@pytest.mark.parametrize("mixture", [False, True])
def test_the_number_of_groups_is_the_one_that_separates_best(mixture):
    found = group(three_heaps(), mixture=mixture)

    assert sorted(np.bincount(found.labels)) == [60, 60, 60]
    assert [choice.clusters for choice in found.choices] == [3, 4, 5, 6, 7, 8]
    assert found.quality > 0.8


def test_the_same_rows_are_grouped_the_same_way_every_time():
    assert list(group(three_heaps(), mixture=False).labels) == list(
        group(three_heaps(), mixture=False).labels
    )


def test_a_number_by_hand_is_kept():
    found = group(three_heaps(), mixture=False, clusters=5)

    assert (len(found.centres), found.choices) == (5, [])


@pytest.mark.parametrize("mixture", [False, True])
def test_everybody_equal_is_one_group(mixture):
    found = group(np.ones((40, 3)), mixture=mixture)

    assert set(found.labels) == {0}
    assert found.quality is None


def test_a_group_keeps_its_code_when_its_place_changes():
    found = group(three_heaps(), mixture=False)
    before = {f"c{place + 1}": centre.tolist() for place, centre in enumerate(found.centres)}

    codes = matched_codes(found.centres[::-1] + 0.1, found.scaling, before)
    fewer = matched_codes(found.centres, found.scaling, {"c2": before["c2"]})

    assert codes == ["c3", "c2", "c1"]
    assert fewer == ["c1", "c2", "c3"]


def test_groups_are_named_by_what_tells_them_from_everybody():
    recency = np.r_[np.full(50, 3.0), np.full(50, 200.0)]
    orders = np.r_[np.full(50, 40.0), np.full(50, 2.0)]
    baskets = np.full(100, 5_000.0)
    labels = np.r_[np.zeros(50, int), np.ones(50, int)]

    words = telling_words(
        np.column_stack([recency, orders, baskets]), labels, ["recency", "frequency", "monetary"]
    )

    assert [name_of(each) for each in words] == ["Often, recently", "Seldom, long ago"]
    assert name_of([]) == "In the middle"


@pytest.fixture
def shop(db):
    """Regulars with small baskets, people who came once long ago, and new ones with large baskets."""
    return [
        heap(*range(2, 200, 14), amount=1_500, people=15),
        heap(300, amount=3_000, people=15),
        heap(5, 20, amount=30_000, people=15),
    ]


@pytest.fixture
def model(db):
    return create_cluster_model("groups", name="Groups", clusters=3)


def members(run, code):
    segment = Segment.objects.get(code=f"groups--{code}")
    return set(
        SegmentMembership.objects.current().filter(segment=segment).values_list("customer_id", flat=True)
    )


def test_those_who_are_alike_become_a_segment(model, shop):
    run = run_cluster_model(model, as_of=DAY, at=NOON)

    assert (run.status, run.population, run.changed_rows) == ("DONE", 45, 45)
    assert {frozenset(members(run, each["code"])) for each in run.clusters} == {
        frozenset(person.pk for person in heap) for heap in shop
    }
    assert set(Segment.objects.filter(code__startswith="groups--").values_list("kind", "size")) == {
        ("CLUSTER", 15)
    }
    largest = run.clusters[0]
    assert largest["medians"]["monetary"] == pytest.approx(32_100, rel=0.01)
    assert largest["revenue_share"] == pytest.approx(0.7, abs=0.15)
    assert sum(each["share"] for each in run.clusters) == pytest.approx(1)


def test_a_run_on_the_same_data_moves_nobody_and_keeps_the_codes(model, shop):
    first = run_cluster_model(model, as_of=DAY, at=NOON)

    again = run_cluster_model(model, as_of=DAY, at=NOON + timedelta(hours=1))

    assert again.changed_rows == 0
    assert [each["code"] for each in again.clusters] == [each["code"] for each in first.clusters]


def test_a_cluster_that_is_gone_leaves_an_empty_segment(model, shop):
    run_cluster_model(model, as_of=DAY, at=NOON)
    edit_cluster_model(model, clusters=2)

    run = run_cluster_model(model, as_of=DAY, at=NOON + timedelta(hours=1))

    kept = {f"groups--{each['code']}" for each in run.clusters}
    sizes = dict(Segment.objects.filter(code__startswith="groups--").values_list("code", "size"))
    assert len(kept) == 2 and sum(sizes.values()) == 45
    assert [size for code, size in sizes.items() if code not in kept] == [0]


def test_nobody_is_grouped_who_may_not_be_profiled(model, shop):
    Customer.objects.filter(pk=shop[0][0].pk).update(profiling=Customer.Profiling.OBJECTED)

    run = run_cluster_model(model, as_of=DAY, at=NOON)

    assert run.population == 44
    assert not SegmentMembership.objects.filter(customer=shop[0][0]).exists()


def test_overlap_with_rfm_is_counted(model, shop):
    run_rfm(create_rfm_model("all-orders", name="All orders"), as_of=DAY, at=NOON)

    run = run_cluster_model(model, as_of=DAY, at=NOON)

    assert [sum(each["segments"].values()) for each in run.clusters] == [15, 15, 15]


def test_a_feature_that_few_have_is_left_out_and_signs_of_interest_count_from_nothing(shop):
    first = shop[0][0]
    for code, value in (("engagement", 12.5), ("buy_probability_30", 0.4)):
        Trait.objects.create(customer=first, code=code, value=value, computed_at=NOON)

    read = read_buyers(["recency", "engagement", "buy_probability"], as_of=DAY)

    assert read.features == ["recency", "engagement"]
    row = list(read.customer_ids).index(first.pk)
    assert (read.values[row, 1], sorted(set(read.values[:, 1]))) == (12.5, [0.0, 12.5])


def test_a_name_given_by_hand_holds_for_page_and_segment(model, shop):
    run = run_cluster_model(model, as_of=DAY, at=NOON)
    code = run.clusters[0]["code"]

    name_cluster(model, code, name="Big spenders")
    run_cluster_model(ClusterModel.objects.get(), as_of=DAY, at=NOON)

    assert Segment.objects.get(code=f"groups--{code}").name == "Groups: Big spenders"
    with pytest.raises(InvalidInput):
        name_cluster(model, "c99", name="Nobody")


@pytest.mark.django_db
def test_too_few_buyers_are_no_clusters(model):
    buyer(3)

    with pytest.raises(ModelDoesNotFit):
        run_cluster_model(model, as_of=DAY, at=NOON)

    assert ClusterRun.objects.get().status == "FAILED"
    assert not Segment.objects.filter(kind="CLUSTER").exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("fields", "pointer"),
    [({"features": ["recency"]}, "/features"), ({"features": ["shoes", "recency"]}, "/features"),
     ({"features": "recency"}, "/features"), ({"clusters": 1}, "/clusters"),
     ({"method": "MAGIC"}, "/method")],
)  # fmt: skip
def test_impossible_models_are_refused(fields, pointer):
    with pytest.raises(InvalidInput) as refused:
        create_cluster_model("odd", name="Odd", **fields)

    assert [mistake.pointer for mistake in refused.value.details] == [pointer]
    assert not ClusterModel.objects.exists()


def test_a_code_is_taken_once(model):
    with pytest.raises(Conflict):
        create_cluster_model("groups", name="Others")


def test_a_queued_run_is_carried_out_once(model, shop):
    run = queue_cluster_run(model, as_of=DAY)

    with pytest.raises(RunInProgress):
        queue_cluster_run(model, as_of=DAY)
    job = carry_out(run.job)

    assert (job.status, job.result["clusters"]) == ("DONE", 3)


def test_without_the_extra_the_page_says_how_to_install_it(model, client, monkeypatch):
    monkeypatch.setattr(grouping, "find_spec", lambda name: None)
    user = UserFactory()
    user.user_permissions.set(
        Permission.objects.filter(codename__in=["view_clustermodel", "run_clustermodel"])
    )
    client.force_login(user)

    shown = client.get(reverse("admin:analytics_clusters")).content.decode()

    assert "pip install -r requirements-clusters.txt" in shown
    with pytest.raises(ExtraNotInstalled):
        run_cluster_model(model, as_of=DAY, at=NOON)
    assert queue_due_cluster_runs(day=date(2026, 11, 23)) == 0


class TestPages:
    @pytest.fixture(autouse=True)
    def analyst(self, client, db):
        user = UserFactory()
        user.user_permissions.set(Permission.objects.filter(codename__contains="cluster"))
        client.force_login(user)

    def test_without_a_model_the_page_teaches(self, client):
        assert "No cluster model yet" in client.get(reverse("admin:analytics_clusters")).content.decode()

    def test_a_model_is_made_in_the_console(self, client):
        given = {"code": "mine", "name": "Mine", "method": "MIXTURE", "features": ["recency", "monetary"],
                 "clusters": "", "schedule": "MANUAL"}  # fmt: skip

        answer = client.post(reverse("admin:analytics_clustermodel_add"), given)

        model = ClusterModel.objects.get()
        assert answer.status_code == 302
        assert (model.code, model.features, model.clusters) == ("mine", ["recency", "monetary"], None)

    def test_clusters_are_compared_and_named(self, client, model, shop):
        run = run_cluster_model(model, as_of=DAY, at=NOON)
        run_rfm(create_rfm_model("all-orders", name="All orders"), as_of=DAY, at=NOON)
        run = run_cluster_model(model, as_of=DAY, at=NOON)
        url = reverse("admin:analytics_cluster_map", args=[model.pk])

        shown = client.get(url).content.decode()
        file = client.get(url, {"csv": "clusters"}).content.decode("utf-8-sig")
        overlap = client.get(url, {"csv": "overlap"})
        client.post(
            reverse("admin:analytics_cluster_name", args=[model.pk, run.clusters[0]["code"]]),
            {"name": "Gold"},
        )

        assert "small baskets" in shown.lower()
        assert file.startswith("Cluster,Customers") and len(file.splitlines()) == 4
        assert overlap.status_code == 200
        assert "Gold" in client.get(url).content.decode()

    def test_a_run_is_asked_for_by_a_button(self, client, model):
        answer = client.post(reverse("admin:analytics_cluster_run", args=[model.pk]))

        assert answer.status_code == 302
        assert ClusterRun.objects.get().job.kind == "clusters.run"
