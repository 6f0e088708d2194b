from types import SimpleNamespace

import pytest
from django.http import HttpResponse
from django.test import Client, RequestFactory

from loyalty_site import api_calls
from loyalty_site.api_calls import ApiCallMiddleware
from tests.factories import ApiClientFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def through():
    """Pass an address to the middleware; what went on to the console says so."""
    middleware = ApiCallMiddleware(lambda request: HttpResponse("console"))
    return lambda path: middleware(RequestFactory().get(path))


def test_a_call_of_the_api_reads_no_session_and_bears_the_strictest_policy():
    client = Client()
    client.cookies["sessionid"] = "guessed"

    answer = client.get("/api/v1/promotions", headers={"Authorization": f"Api-Key {ApiClientFactory().key}"})

    assert answer.status_code == 200
    assert not hasattr(answer.wsgi_request, "session")
    assert answer["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert answer["X-Frame-Options"] == "DENY"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Referrer-Policy"] == "same-origin"
    assert "Accept-Language" in answer["Vary"]


def test_a_refusal_speaks_the_callers_language():
    answer = Client().get("/api/v1/promotions", headers={"Accept-Language": "it"})

    assert (answer.status_code, answer.json()["key"]) == (401, "not_authenticated")
    assert answer["Content-Language"] == "it"


@pytest.mark.parametrize("path", ["/console/", "/api/v1/docs", "/healthz", "/api/v1/promotions?x=%00"])
def test_all_else_goes_on_through_the_console(through, path):
    assert through(path).content == b"console"


def test_a_view_that_needs_the_guard_of_forms_keeps_it(through, monkeypatch):
    trusting = SimpleNamespace(func=lambda request: HttpResponse("unguarded"), args=(), kwargs={})
    monkeypatch.setattr(api_calls, "resolve", lambda path: trusting)

    assert through("/api/v1/promotions").content == b"console"


def test_an_unknown_path_is_a_problem_and_not_a_page():
    answer = Client().get("/api/v2/nothing")

    assert (answer.status_code, answer.json()["key"]) == (404, "not_found")
