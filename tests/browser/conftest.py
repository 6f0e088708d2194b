"""A filled site, a browser, and people who are logged in. Skipped, with a clear message, without Chromium."""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.contrib import admin
from django.http import HttpResponse
from django.test import Client
from playwright.sync_api import Browser

from loyalty_site.roles import Role
from operations.models import User
from tests.browser.visitor import Visitor, chromium_path, open_browser, visit
from tests.console_data import fill_console
from tests.console_pages import Page, console_pages
from tests.processes import Site

DOUBTFUL = {"add", "custom", "history", "delete"}  # Some are for nobody, or no page: only asking tells.
FORM_PARTS = ["form_before_template", "form_after_template", "form_outer_before_template"]
OWN_PARTS = {
    "list": ["change_list_template", "list_before_template", "list_after_template"],
    "add": ["add_form_template"],
    "change": ["change_form_template", *(f"change_{part}" for part in FORM_PARTS)],
}
BACKEND = "django.contrib.auth.backends.ModelBackend"
SCREENSHOTS = "FIDELIO_SCREENSHOTS"  # A folder outside the repository: every page opened leaves a picture.


@pytest.fixture(scope="module")
def filled_site(isolated_site: Site) -> Site:
    """The site through gunicorn with a few rows of everything."""
    if not chromium_path():
        pytest.skip("No Chromium on this machine: `apt-get install chromium`, then these tests run.")
    with isolated_site.database():
        fill_console()
    return isolated_site


@pytest.fixture(scope="module")
def all_pages(filled_site: Site) -> list[Page]:
    """What answers an administrator with a page: not what takes a POST, redirects or is part of a page."""
    return _answering(filled_site, console_pages)


@pytest.fixture(scope="module")
def own_pages(filled_site: Site) -> list[Page]:
    """The same without those that the framework draws alike for every model: lists, forms, histories."""
    return _answering(filled_site, lambda: [page for page in console_pages() if is_drawn_by_us(page)])


def is_drawn_by_us(page: Page) -> bool:
    """True for pages whose template, or a part of it, is ours; the others share Unfold's."""
    if page.kind not in OWN_PARTS:
        return page.kind not in {"history", "delete"}
    model_admin = admin.site.get_model_admin(apps.get_model(page.model))
    return any(getattr(model_admin, part, None) for part in OWN_PARTS[page.kind])


def _answering(site: Site, find_pages: Callable[[], list[Page]]) -> list[Page]:
    with site.database():
        client = Client()
        client.force_login(User.objects.get(username=Role.ADMINISTRATOR.value.lower()), backend=BACKEND)
        return [
            page for page in find_pages() if page.kind not in DOUBTFUL or is_a_page(client.get(page.path))
        ]


def is_a_page(answer: HttpResponse) -> bool:
    return answer.status_code == 200 and not answer.streaming and b"<html" in answer.content[:2000]


@pytest.fixture(scope="module")
def browser(filled_site: Site) -> Iterator[Browser]:
    # Playwright's loop runs in this thread, and Django would refuse to ask the database beside it.
    before = os.environ.get("DJANGO_ALLOW_ASYNC_UNSAFE")
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    with open_browser() as opened:
        yield opened
    if before is None:
        del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture(scope="module")
def visiting(browser: Browser, filled_site: Site) -> Callable[..., AbstractContextManager[Visitor]]:
    """`with visiting(Role.AGENT, dark=True) as visitor: visitor.open("/console/")`."""
    folder = os.environ.get(SCREENSHOTS)

    def start(role: Role, *, language: str = "en", **window) -> AbstractContextManager[Visitor]:
        look = "-".join(kind for kind in ("dark", "phone") if window.get(kind)) or "light"
        return visit(
            browser,
            filled_site.base_url,
            label=f"{role.value.lower()}-{language}-{look}",
            language=language,
            cookies=_session_of(filled_site, role, language),
            screenshots=Path(folder) if folder else None,
            **window,
        )

    return start


def _session_of(site: Site, role: Role, language: str) -> list[dict]:
    with site.database():
        person = User.objects.get(username=role.value.lower())
        User.objects.filter(pk=person.pk).update(language=language)
        client = Client()
        client.force_login(person, backend=BACKEND)
    value = client.cookies[settings.SESSION_COOKIE_NAME].value
    return [{"name": settings.SESSION_COOKIE_NAME, "value": value, "url": site.base_url}]
