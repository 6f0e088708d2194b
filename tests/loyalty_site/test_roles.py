"""Who may open what: a generated matrix of every console page and every role."""

from collections import Counter

import pytest
from django.contrib.auth.models import Group
from django.core.management import call_command

from loyalty_site.roles import Role, allowed, ensure_roles
from tests.console_data import fill_console, staff
from tests.console_pages import console_pages
from tests.factories import UserFactory

# What a page answers to a superuser: some are for nobody, a ledger's add form for one.
POSSIBLE: dict[str, int] = {}
LONGER = [pytest.param(role, marks=pytest.mark.slow) for role in Role if role is not Role.AGENT]
REFUSALS = {403, 404}
ANSWERS = {200, 302, 405}  # A page, a page that leads on, a page that takes only a POST.


def test_roles_are_made_once_and_the_second_call_changes_nothing(db):
    first = ensure_roles()
    second = ensure_roles()

    assert {change.role for change in first} == set(Role)
    assert all(change.added == change.permissions > 0 for change in first)
    assert all(change.added == change.removed == 0 for change in second)
    assert Group.objects.count() == 5


def test_a_permission_given_by_hand_is_taken_away_again(db):
    from django.contrib.auth.models import Permission

    ensure_roles()
    Group.objects.get(name="Agent").permissions.add(Permission.objects.get(codename="delete_user"))

    changes = {change.role: change for change in ensure_roles()}

    assert changes[Role.AGENT].removed == 1
    assert not Group.objects.get(name="Agent").permissions.filter(codename="delete_user").exists()


def test_the_command_says_what_it_did(db, capsys):
    call_command("sync_roles")

    assert "Administrator: " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("role", "permission", "expected"),
    [
        (Role.AGENT, "coupons.issue_apology", True),
        (Role.AGENT, "coupons.approve_apology", False),
        (Role.AGENT, "customers.view_customer", True),
        (Role.AGENT, "customers.change_customer", False),
        (Role.AGENT, "customers.view_segment", False),
        (Role.AGENT, "campaigns.view_campaign", False),
        (Role.AGENT, "operations.view_jobrun", False),
        (Role.AGENT, "analytics.view_rfmscore", True),
        (Role.AGENT, "analytics.view_rfmmodel", False),
        (Role.SUPERVISOR, "coupons.approve_apology", True),
        (Role.SUPERVISOR, "operations.change_approval", True),
        (Role.SUPERVISOR, "operations.view_apiclient", False),
        (Role.MARKETER, "campaigns.start_campaign", True),
        (Role.MARKETER, "campaigns.stop_campaign", True),
        (Role.MARKETER, "customers.add_segment", True),
        (Role.MARKETER, "coupons.change_promotion", True),
        (Role.MARKETER, "coupons.issue_apology", False),
        (Role.MARKETER, "coupons.change_agentallowance", False),
        (Role.MARKETER, "operations.view_user", False),
        (Role.ANALYST, "analytics.run_rfmmodel", True),
        (Role.ANALYST, "campaigns.view_campaign", True),
        (Role.ANALYST, "campaigns.change_campaign", False),
        (Role.ADMINISTRATOR, "operations.add_apiclient", True),
        (Role.ADMINISTRATOR, "django_celery_beat.change_periodictask", True),
        (Role.ADMINISTRATOR, "sessions.view_session", False),
    ],
)
def test_a_role_holds_what_its_work_needs(role, permission, expected):
    assert allowed(role, permission) is expected


def test_an_anonymous_visitor_is_led_to_the_login_from_every_page(client, db):
    fill_console()
    pages = [page for page in console_pages() if page.path.startswith("/console/")]

    answers = {page.path: client.get(page.path) for page in pages}

    assert len(answers) > 40
    strays = [
        path for path, answer in answers.items() if answer.status_code != 302 or "login" not in answer.url
    ]
    assert strays == []


def test_staff_without_a_role_may_open_only_what_concerns_themselves(client, db):
    fill_console()
    client.force_login(UserFactory(username="newcomer"))

    closed = REFUSALS | {405}
    opened = {page.path for page in console_pages() if client.get(page.path).status_code not in closed}

    own = {"/console/", "/console/find/", "/console/password_change/", "/api/v1/docs"}
    assert {path for path in opened if not path.startswith("/console/account/")} == own


@pytest.mark.parametrize("role", [Role.AGENT, *LONGER])
def test_a_role_opens_exactly_the_pages_its_permissions_allow(role, client, db):
    fill_console()
    pages = console_pages()
    client.force_login(staff(role))
    statuses = {page.path: client.get(page.path).status_code for page in pages}
    client.force_login(UserFactory(username="root", is_superuser=True))
    for page in pages:
        if page.permission and allowed(role, page.permission) and page.path not in POSSIBLE:
            POSSIBLE[page.path] = client.get(page.path).status_code

    wrong = []
    for page in pages:
        if not page.permission:
            expected = ANSWERS | REFUSALS
        else:
            expected = {POSSIBLE[page.path]} if allowed(role, page.permission) else REFUSALS
        if statuses[page.path] not in expected:
            wrong.append((page.path, statuses[page.path], expected))

    assert wrong == []
    assert set(POSSIBLE.values()) <= ANSWERS | REFUSALS
    assert Counter(page.kind for page in pages)["list"] >= 12
