"""Every page of the console, opened in a real browser: no error, nothing from outside, nothing in the way."""

import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher

from loyalty_site.roles import Role, allowed
from operations.models import User
from tests.browser.visitor import visit
from tests.console_data import PASSWORD
from tests.console_pages import Page

pytestmark = pytest.mark.browser

WINDOWS = [
    {"language": "en"},
    {"language": "it", "dark": True},
    {"language": "it", "phone": True},
    {"language": "en", "dark": True, "phone": True},
]


def opened_by(role: Role, pages: list[Page]) -> list[str]:
    """Return the pages whose permission this role holds; those without one only for administrators."""
    administrator = role is Role.ADMINISTRATOR
    return [
        page.path
        for page in pages
        if administrator or (page.permission and allowed(role, page.permission)) or page.kind == "site"
    ]


@pytest.mark.parametrize("number", range(len(WINDOWS)))
def test_every_page_of_our_own_in_one_of_four_windows(number, visiting, own_pages):
    with visiting(Role.ADMINISTRATOR, **WINDOWS[number]) as visitor:
        for path in opened_by(Role.ADMINISTRATOR, own_pages)[number :: len(WINDOWS)]:
            visitor.open(path)

    assert visitor.problems == []


MENUS = [role if role is Role.AGENT else pytest.param(role, marks=pytest.mark.slow) for role in Role]


@pytest.mark.parametrize("role", MENUS)
def test_every_entry_of_each_menu(role, visiting):
    with visiting(role) as visitor:
        page = visitor.open("/console/")
        entries = page.eval_on_selector_all(
            "#nav-sidebar-apps a", "links => links.map(link => link.getAttribute('href'))"
        )
        for path in entries:
            visitor.open(path)

    assert len(entries) >= 2
    assert visitor.problems == []


def test_a_person_logs_in_searches_and_changes_the_language(browser, filled_site):
    with filled_site.database():
        # The tests' own quick hashes mean nothing to the real site.
        hashed = PBKDF2PasswordHasher().encode(PASSWORD, "a salt for tests")
        User.objects.filter(username="supervisor").update(password=hashed)
    with visit(browser, filled_site.base_url, label="login") as visitor:
        page = visitor.open("/console/")
        page.fill("#id_login", "supervisor")
        page.fill("#id_password", PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_selector("#nav-sidebar")
        page.wait_for_load_state("networkidle")  # Before its scripts run the page knows no keys.
        page.locator("body").press("Control+k")
        page.wait_for_selector("#search-input-command:visible")
        page.type("#search-input-command", "approv")
        page.wait_for_selector("#command-results-list a")
        found = page.inner_text("#command-results-list")
        page.goto(filled_site.base_url + "/console/")
        page.click("text=supervisor@staff.example")
        page.click("form[action='/language/'] button:has-text('italiano')")
        page.wait_for_selector("html[lang=it]")
        visitor.look()

    assert "Approvals" in found
    assert visitor.problems == []


@pytest.mark.slow
@pytest.mark.parametrize("number", range(len(WINDOWS)))
@pytest.mark.parametrize("role", Role)
def test_every_page_for_every_role_in_every_window(role, number, visiting, all_pages):
    with visiting(role, **WINDOWS[number]) as visitor:
        for path in opened_by(role, all_pages):
            visitor.open(path)

    assert visitor.problems == []
