"""The marketer's home."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from analytics.services import create_rfm_model, run_rfm
from coupons.models import Budget, BudgetPeriod
from customers.models import Order
from loyalty_site.roles import Role, ensure_roles
from operations import services as jobs
from operations.models import JobRun
from tests.analytics.factories import buyer
from tests.coupons.factories import promotion
from tests.factories import UserFactory

HOME = "/console/"

pytestmark = pytest.mark.django_db


def somebody(client, role: Role):
    ensure_roles()
    user = UserFactory()
    user.groups.set(user.groups.model.objects.filter(name=role.value))
    client.force_login(user)
    return user


@pytest.fixture
def marketer(client):
    somebody(client, Role.MARKETER)
    return client


def home(client, **query) -> str:
    answer = client.get(HOME, query)
    assert answer.status_code == 200
    return answer.content.decode()


def test_without_orders_the_dashboard_says_how_to_start(marketer):
    text = home(marketer)

    assert "Nothing has been bought yet" in text
    assert "Connect the till or the shop through the API" in text


def test_while_data_is_loaded_it_leads_to_the_job(marketer):
    job = jobs.queue_job("load_journey", title="Load the demo")
    jobs.start_job(job)

    text = home(marketer)

    assert "Your data is on its way" in text
    assert reverse("admin:operations_jobrun_change", args=[job.pk]) in text


def test_figures_stand_against_the_period_before(marketer):
    now = timezone.now()
    buyer(3, 10, 100, at=now, amount=10_000)
    buyer(40, at=now, amount=10_000)

    text = home(marketer, days="30")

    assert "€200" in text
    assert "+100.0%" in text
    assert "Revenue by day" in text
    assert "Revenue by week" in home(marketer, days="365")
    assert "Revenue by day" in home(marketer, days="nonsense")


def test_segments_campaigns_and_steps_show(marketer):
    buyer(3, at=timezone.now())
    model = create_rfm_model("all-orders", name="All orders", minimum_population=1)
    run_rfm(model, as_of=timezone.localdate())

    text = home(marketer)

    assert "Customers by segment" in text
    assert "1 · 100%" in text
    assert "No campaign is sending or waiting right now." in text
    assert "Start the first campaign" in text


def test_what_needs_a_decision_is_listed(marketer):
    buyer(3, at=timezone.now())
    nearly_used = promotion(name="Spring")
    budget = Budget.objects.create(promotion=nearly_used, metric=Budget.Metric.DISCOUNT_AMOUNT, cap=10_000)
    BudgetPeriod.objects.create(budget=budget, cap=10_000, used=8_000)
    untouched = promotion(name="Summer")
    other = Budget.objects.create(promotion=untouched, metric=Budget.Metric.DISCOUNT_AMOUNT, cap=10_000)
    BudgetPeriod.objects.create(budget=other, cap=10_000, used=7_999)
    failed = JobRun.objects.create(kind="load", title="Import of Monday")
    jobs.fail_job(failed, error="No such file")

    text = home(marketer)

    assert "Spring has used 80% of its budget" in text
    assert "€80.00 of €100.00" in text
    assert "Summer has used" not in text
    assert "The job “Import of Monday” failed" in text


def test_the_home_of_an_agent_is_the_service_desk(client):
    somebody(client, Role.AGENT)
    buyer(3, at=timezone.now())

    assert "Revenue" not in home(client)


def test_the_dashboard_asks_a_bounded_number_of_queries(marketer, django_assert_max_num_queries):
    now = timezone.now()
    for days in range(40):
        buyer(days, days + 20, at=now)
    model = create_rfm_model("all-orders", name="All orders")
    run_rfm(model, as_of=timezone.localdate())

    with django_assert_max_num_queries(60):
        marketer.get(HOME)


def test_late_orders_end_the_period_with_the_last_day_that_has_some(marketer):
    buyer(4, at=timezone.now())
    Order.objects.update(ordered_at=timezone.now() - timedelta(days=4))

    assert "the last day with orders" in home(marketer)
