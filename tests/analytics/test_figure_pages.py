"""Pages of key figures, the life of customers and cohorts."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from customers.services.rollups import refresh_rollups
from loyalty_site.roles import Role
from tests.analytics.factories import buyer
from tests.analytics.test_dashboard import somebody

pytestmark = pytest.mark.django_db
PAGES = ["analytics_key_figures", "analytics_lifecycle", "analytics_cohorts", "analytics_campaign_effects"]


@pytest.fixture
def shop():
    now = timezone.now()
    people = [buyer(3, 40, at=now, amount=12_345), buyer(70, 450, at=now, amount=1000)]
    refresh_rollups([person.pk for person in people])


def page(client, name: str, **query):
    return client.get(reverse(f"admin:{name}"), query)


@pytest.mark.parametrize("name", PAGES)
def test_without_orders_a_page_says_what_will_stand_there(client, name):
    somebody(client, Role.ANALYST)

    assert "fi-empty" in page(client, name).content.decode()


@pytest.mark.parametrize("name", PAGES)
def test_the_service_desk_sees_none_of_them(client, shop, name):
    somebody(client, Role.AGENT)

    assert page(client, name).status_code == 403


@pytest.mark.parametrize("name", PAGES)
def test_nonsense_in_the_address_is_taken_for_everything(client, shop, name):
    somebody(client, Role.ANALYST)

    answer = page(client, name, part="PLANET:mars", segment="none", metric="joy", months="7", measure="x")

    assert answer.status_code == 200
    assert not answer.context["part"]


def test_key_figures_stand_against_the_period_before(client, shop):
    somebody(client, Role.MARKETER)

    context = page(client, "analytics_key_figures", period="30", metric="orders").context

    revenue, orders = context["strip"][:2]
    assert (revenue.value, revenue.delta) == ("€123.45", 0.0)
    assert orders.value == "1"
    assert sum(context["chart"].series[0].values) == 1
    assert [series.dashed for series in context["chart"].series] == [False, True]


def test_retention_is_not_told_against_days_that_the_history_cuts_off(client, shop):
    somebody(client, Role.MARKETER)

    def retention(days: int) -> str:
        strip = page(client, "analytics_key_figures", period=str(days)).context["strip"]
        return {figure.label: figure.value for figure in strip}["Retention"]

    assert retention(30) == "100.0%"
    assert retention(365) == "–"  # Nothing is known of before the year before.


def test_every_chart_and_table_is_had_as_a_file(client, shop):
    somebody(client, Role.MARKETER)
    keys = {
        "analytics_key_figures": ["net_amount", "key-figures"],
        "analytics_lifecycle": ["lifecycle", "retention", "lifecycle-funnel"],
        "analytics_cohorts": ["cohorts-rates", "cohort-curve"],
    }

    for name, wanted in keys.items():
        for key in wanted:
            answer = page(client, name, csv=key)
            assert answer["Content-Type"] == "text/csv; charset=utf-8", key

    assert page(client, "analytics_cohorts", csv="other").status_code == 404


def test_cohorts_show_who_came_back(client, shop):
    somebody(client, Role.ANALYST)

    context = page(client, "analytics_cohorts", months="36").context

    first = timezone.localdate() - timedelta(days=450)
    assert context["cohorts"][0].month == first.replace(day=1)
    assert context["chart"].kind == "heat"


def test_of_the_month_under_way_nobody_says_who_did_not_come_back(client, shop):
    somebody(client, Role.MARKETER)

    table = page(client, "analytics_key_figures", period="365", grain="month").context["table"]

    latest = {row[0].text: row[1].text for row in table.rows}
    assert latest["Churn"] == latest["Customers gone quiet"] == latest["Retention"] == "–"
    assert latest["Orders"] != "–"
