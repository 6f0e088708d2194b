"""The RFM pages of the console."""

from datetime import date

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse

from analytics.models import RfmModel, RfmRun
from analytics.panels import rfm_panel
from analytics.services import create_rfm_model, run_rfm
from analytics.tasks import score_rfm_model, score_rfm_models
from customers.models import Segment
from customers.panels import customer_details
from operations.models import JobRun
from tests.analytics.factories import buyer
from tests.factories import CustomerFactory, UserFactory

TODAY = date(2026, 11, 21)

pytestmark = pytest.mark.django_db


@pytest.fixture
def analyst(client):
    user = UserFactory()
    codes = [
        "view_rfmmodel",
        "view_rfmscore",
        "view_rfmrun",
        "add_rfmmodel",
        "change_rfmmodel",
        "run_rfmmodel",
    ]
    user.user_permissions.set(Permission.objects.filter(codename__in=codes))
    client.force_login(user)
    return client


@pytest.fixture
def model():
    return create_rfm_model("all-orders", name="All orders", minimum_population=1)


def page(client, url) -> str:
    answer = client.get(url, follow=True)
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_map_teaches_as_long_as_there_is_no_model(analyst):
    assert "No RFM model yet" in page(analyst, reverse("admin:analytics_rfm_map"))


def test_the_map_of_a_model_without_a_run_says_what_to_do(analyst, model):
    assert "This model has not run yet" in page(analyst, reverse("admin:analytics_rfm_map"))


def test_the_map_shows_cells_thresholds_and_segments_with_links_to_their_customers(analyst, model):
    alice = buyer(1, last_name="Bianchi")
    buyer(300, last_name="Verdi")
    run_rfm(model, as_of=TODAY)

    text = page(analyst, reverse("admin:analytics_rfm_map"))

    assert "1 day ago or more" not in text
    assert "300 days ago or more" in text
    cell = (
        reverse("admin:analytics_rfmscore_changelist") + f"?model__id__exact={model.pk}&r__exact=3&f__exact=1"
    )
    assert cell.replace("&", "&amp;") in text
    listed = page(analyst, cell)
    assert str(alice) in listed
    assert "Verdi" not in listed


def test_the_number_of_queries_of_the_map_does_not_grow(analyst, model, django_assert_max_num_queries):
    for days in range(30):
        buyer(days + 1)
    for _ in range(3):
        run_rfm(model, as_of=TODAY)

    with django_assert_max_num_queries(20):
        analyst.get(reverse("admin:analytics_rfm_map"))


def test_run_now_queues_a_job_that_the_worker_carries_out(analyst, model, django_capture_on_commit_callbacks):
    buyer(1)

    answer = analyst.post(reverse("admin:analytics_rfm_run", args=[model.pk]))

    run = RfmRun.objects.get()
    assert answer.url == reverse("admin:analytics_rfm_model_map", args=[model.pk])
    assert (run.status, run.job.status) == (RfmRun.Status.RUNNING, JobRun.Status.QUEUED)
    score_rfm_model(run.pk)
    score_rfm_model(run.pk)
    run.refresh_from_db()
    run.job.refresh_from_db()
    assert (run.status, run.job.status) == (RfmRun.Status.DONE, JobRun.Status.DONE)
    assert run.job.result == {"customers": 1, "changed": 1, "moved": 0}


def test_a_second_press_of_the_button_queues_nothing_more(analyst, model):
    analyst.post(reverse("admin:analytics_rfm_run", args=[model.pk]))
    answer = analyst.post(reverse("admin:analytics_rfm_run", args=[model.pk]), follow=True)

    assert "did nothing" in answer.content.decode()
    assert RfmRun.objects.count() == 1


def test_a_refused_run_ends_its_job_with_the_reason(analyst, model):
    analyst.post(reverse("admin:analytics_rfm_run", args=[model.pk]))

    score_rfm_model(RfmRun.objects.get().pk)

    job = JobRun.objects.get()
    assert job.status == JobRun.Status.FAILED
    assert "0 customers bought" in job.error
    assert "Not enough buyers yet" in page(analyst, reverse("admin:analytics_rfm_map"))


def test_only_who_may_run_models_can(client, model):
    user = UserFactory()
    user.user_permissions.add(Permission.objects.get(codename="view_rfmmodel"))
    client.force_login(user)

    assert "Run now" not in page(client, reverse("admin:analytics_rfm_map"))
    assert client.post(reverse("admin:analytics_rfm_run", args=[model.pk])).status_code == 403
    assert not RfmRun.objects.exists()


def test_nobody_sees_the_map_without_the_right(client, model):
    client.force_login(UserFactory())

    assert client.get(reverse("admin:analytics_rfm_map")).status_code == 403


def test_a_marketer_writes_down_a_model_without_code(analyst):
    values = {
        "name": "Last year", "code": "last-year", "schedule": "NIGHTLY", "minimum_population": "25",
        "scope": "ALL", "window": "DAYS", "window_days": "365", "recency": "STANDARD", "monetary": "SUM",
        "binning": "QUANTILE", "weight_r": "1", "weight_f": "1", "weight_m": "2", "segment_map": "ELEVEN",
        "commit_after_runs": "3", "commit_jump": "2",
    }  # fmt: skip

    analyst.post(reverse("admin:analytics_rfmmodel_add"), values)

    model = RfmModel.objects.get()
    assert (model.code, model.window_days, model.weights) == ("last-year", 365, [1, 1, 2])
    assert Segment.objects.filter(code__startswith="last-year--").count() == 11
    analyst.post(reverse("admin:analytics_rfmmodel_change", args=[model.pk]), values | {"window_days": "90"})
    model.refresh_from_db()
    assert model.window_days == 90
    assert "of the last 90 days" in page(analyst, reverse("admin:analytics_rfmmodel_changelist"))


def test_every_night_each_model_on_the_clock_is_queued(model):
    create_rfm_model("by-hand", name="By hand", schedule="MANUAL")

    score_rfm_models()

    assert list(RfmRun.objects.values_list("model__code", flat=True)) == ["all-orders"]
    score_rfm_models()
    assert RfmRun.objects.count() == 1


def test_a_customers_details_name_the_segment_in_english(model):
    alice, nobody = buyer(1), CustomerFactory()
    run_rfm(model, as_of=TODAY)

    assert customer_details(alice)["rfm"] == {
        "all-orders": {"r": 1, "f": 1, "m": 1, "sum": 3, "segment": "Lost"}
    }
    assert customer_details(nobody)["rfm"] == {}


def test_a_customers_scores_are_shown_to_whoever_may_see_scores(rf, model):
    alice = buyer(1)
    run_rfm(model, as_of=TODAY)
    request = rf.get("/")
    request.user = UserFactory()

    assert rfm_panel(alice, request) is None

    request.user = UserFactory()
    request.user.user_permissions.add(Permission.objects.get(codename="view_rfmscore"))
    assert rfm_panel(alice, request).code == "rfm"
