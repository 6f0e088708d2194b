"""Every page of "Understand" before the first order, and with one customer who bought once."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from analytics.services import create_rfm_model, run_rfm
from analytics.services.clusters import create_cluster_model
from analytics.services.value import ensure_value_model
from customers.services.rollups import refresh_rollups
from tests.analytics.factories import purchase
from tests.factories import CustomerFactory

PAGES = [
    "index", "analytics_key_figures", "analytics_lifecycle", "analytics_cohorts",
    "analytics_campaign_effects", "analytics_objective_changelist", "analytics_objective_add",
    "analytics_survey_changelist", "analytics_rfm_map", "analytics_rfmmodel_changelist",
    "analytics_rfmmodel_add", "analytics_rfmsegmentmap_changelist", "analytics_value",
    "analytics_value_backtest", "analytics_value_settings", "analytics_clusters", "analytics_behaviour",
    "analytics_behaviour_backtest", "analytics_offerset_changelist", "coupons_liabilities",
]  # fmt: skip
OF_A_MODEL = [
    "analytics_rfm_model_map", "analytics_rfm_moves", "analytics_rfm_history", "analytics_rfm_cut_off",
    "analytics_rfm_engagement", "analytics_rfmmodel_change",
]  # fmt: skip

pytestmark = pytest.mark.django_db


@pytest.fixture
def model():
    return create_rfm_model("all-orders", name="All orders")


@pytest.mark.parametrize("page", PAGES)
def test_a_page_of_an_empty_shop_teaches(admin_client, page):
    assert admin_client.get(reverse(f"admin:{page}")).status_code == 200


@pytest.mark.parametrize("page", OF_A_MODEL)
def test_a_page_of_a_model_that_nobody_was_scored_by_teaches(admin_client, model, page):
    assert admin_client.get(reverse(f"admin:{page}", args=[model.pk])).status_code == 200


def test_every_page_stands_with_one_customer_who_bought_once(admin_client):
    alice = CustomerFactory()
    purchase(alice, at=timezone.now() - timedelta(days=1))
    refresh_rollups([alice.pk])
    model = create_rfm_model("all-orders", name="All orders", minimum_population=1)
    run_rfm(model, as_of=timezone.localdate())
    ensure_value_model()
    create_cluster_model("alike", name="Alike", features=["recency", "frequency"])

    answers = {page: admin_client.get(reverse(f"admin:{page}")).status_code for page in PAGES}
    answers |= {
        page: admin_client.get(reverse(f"admin:{page}", args=[model.pk])).status_code for page in OF_A_MODEL
    }

    assert set(answers.values()) == {200}, answers


def test_the_page_of_clusters_says_what_to_install(admin_client, monkeypatch):
    monkeypatch.setattr("analytics.admin.clusters.is_installed", lambda: False)

    answer = admin_client.get(reverse("admin:analytics_clusters"))

    assert "requirements-clusters.txt" in answer.content.decode()


def test_pages_about_the_business_do_not_lead_back_to_a_model(admin_client):
    for page in ("analytics_key_figures", "analytics_lifecycle", "analytics_cohorts"):
        assert admin_client.get(reverse(f"admin:{page}")).context["opts"] is None
