"""Homes, menu, search and languages of the console."""

from datetime import UTC, datetime

import pytest
from django.test import Client

from loyalty_site.roles import Role
from loyalty_site.search import find
from operations.models import Approval
from tests.console_data import staff
from tests.factories import CustomerFactory, OrderFactory, UserFactory


@pytest.fixture
def agent(db):
    return staff(Role.AGENT)


def menu_of(client: Client) -> set[str]:
    sidebar = client.get("/console/").context["sidebar_navigation"]
    return {str(item["title"]) for group in sidebar for item in group["items"]}


def test_an_agent_starts_with_the_search_box(client, agent):
    client.force_login(agent)

    page = client.get("/console/")

    assert page.templates[0].name == "fidelio/find.html"
    assert b'name="text"' in page.content


def test_a_supervisor_sees_first_what_waits_for_them(client, agent):
    client.force_login(staff(Role.SUPERVISOR))
    Approval.objects.create(
        kind="demo", subject_id=1, summary="20 for Giulia", requested_by=agent, requested_at=NOON
    )

    page = client.get("/console/").content.decode()

    assert page.index("20 for Giulia") < page.index('name="text"')


def test_the_menu_shows_only_what_a_role_may_open(client, agent):
    client.force_login(agent)
    seen_by_agent = menu_of(client)
    client.force_login(staff(Role.ADMINISTRATOR))

    assert "Find a customer" in seen_by_agent
    assert seen_by_agent.isdisjoint({"Jobs", "API clients", "Staff", "Campaigns", "Schedules", "Segments"})
    assert seen_by_agent.isdisjoint({"Promotions", "Earning rules", "Allowances", "Referral programmes"})
    assert {"Jobs", "API clients", "Staff", "Schedules", "Roles", "Approvals"} <= menu_of(client)


def test_the_search_shows_nothing_that_its_user_may_not_open(db):
    CustomerFactory(email="secret@mail.example")

    assert find("secret@mail.example", UserFactory()) == []


def test_the_palette_answers_by_post_only(client, agent):
    client.force_login(agent)

    assert client.get("/console/search/", {"s": "rossi"}).status_code == 405
    assert client.post("/console/search/", {"s": "find a"}).status_code == 200


def test_a_search_costs_a_bounded_number_of_queries(agent, django_assert_max_num_queries):
    CustomerFactory.create_batch(8, last_name="Ferrari")
    OrderFactory.create_batch(3)

    with django_assert_max_num_queries(16):
        find("ferrari", agent)


def test_the_language_of_a_person_is_kept_and_used(client, agent):
    client.force_login(agent)

    answer = client.post("/language/", {"language": "it", "next": "/console/find/"})

    agent.refresh_from_db()
    assert answer.url == "/console/find/"
    assert agent.language == "it"
    assert b'lang="it"' in client.get("/console/").content


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example", "javascript:alert(1)"])
def test_the_language_form_leads_to_no_other_site(client, agent, elsewhere):
    client.force_login(agent)

    answer = client.post("/language/", {"language": "en", "next": elsewhere})

    assert answer.url == "/console/"


def test_an_unknown_language_changes_nothing(client, agent):
    agent.language = "it"
    agent.save()
    client.force_login(agent)

    client.post("/language/", {"language": "xx"})

    agent.refresh_from_db()
    assert agent.language == "it"


@pytest.mark.parametrize(("environment", "badge"), [("demo", "Demo"), ("sandbox", "Sandbox")])
def test_the_environment_is_marked(client, agent, settings, environment, badge):
    settings.ENVIRONMENT = environment
    client.force_login(agent)

    assert str(client.get("/console/").context["environment"][0]) == badge


def test_errors_have_pages_of_our_own(client, db):
    page = client.get("/nothing/here", headers={"accept-language": "en"})

    assert page.status_code == 404
    assert b"There is nothing here" in page.content
    assert b"fidelio/error.css" in page.content


NOON = datetime(2026, 11, 21, 11, tzinfo=UTC)


def test_an_empty_list_says_what_it_is_for_and_a_filtered_one_how_to_see_more(client, db):
    client.force_login(staff(Role.MARKETER))

    new = client.get("/console/loyalty/badge/").content.decode()
    filtered = client.get("/console/loyalty/badge/?q=gold").content.decode()

    assert "Something to be proud of, shown on the member&#x27;s page" in new
    assert 'href="/console/loyalty/badge/add/' in new and "Reset filters" not in new
    assert "No results found" in filtered and "Reset filters" in filtered
    assert "Something to be proud of" not in filtered


def test_a_page_on_which_something_is_added_leads_back_to_its_list(client, db):
    client.force_login(staff(Role.MARKETER))

    page = client.get("/console/loyalty/reward/add/").content.decode()

    assert '<a href="/console/loyalty/reward/" class="fi-crumb' in page
    assert 'tracking-tight">New reward</span>' in page
