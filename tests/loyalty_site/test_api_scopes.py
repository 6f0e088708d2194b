"""Every call of the partner API demands its scope: generated from the address table itself."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from django.urls import URLResolver
from rest_framework.test import APIClient

from loyalty_site.api import urlpatterns
from operations.models.client import Scope
from tests.api import caller
from tests.factories import ApiClientFactory

METHODS = ("get", "post", "put", "patch", "delete")
# Anybody may read how the API is called.
PUBLIC = {"schema", "docs"}
# What a client may do here depends on what the job or the file is about, or on what the webhook hears of.
ANY_CLIENT = {
    "imports", "imports/<int:pk>", "imports/<int:pk>/errors", "jobs/<int:pk>", "webhooks",
    "webhooks/<int:pk>", "webhooks/<int:pk>/secret", "webhooks/<int:pk>/deliveries",
    "webhooks/<int:pk>/deliveries/<str:message_id>/resend",
}  # fmt: skip
SCOPES = [scope for scope in Scope.values if scope != Scope.ALL]


@dataclass(frozen=True)
class Call:
    """One method of one address, and the scope that its view names."""

    route: str
    method: str
    scope: str
    open_to_partners: bool

    @property
    def path(self) -> str:
        filled = re.sub(r"<(?:int|pk)[^>]*>", "1", self.route)
        filled = re.sub(r"<uuid:[^>]*>", "00000000-0000-4000-8000-000000000000", filled)
        return "/api/v1/" + re.sub(r"<[^>]*>", "something", filled)


def routes(patterns, before: str = "") -> Iterator[tuple[str, type]]:
    for pattern in patterns:
        route = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns, route)
        else:
            yield route, getattr(pattern.callback, "view_class", None) or pattern.callback.cls


def calls() -> list[Call]:
    found = []
    for route, view in routes(urlpatterns):
        if route in PUBLIC:
            continue
        for method in METHODS:
            if hasattr(view, method):
                required = view.required_scope
                scope = required.get(method.upper()) if isinstance(required, dict) else required
                found.append(Call(route, method, scope, getattr(view, "open_to_partners", False)))
    return found


CALLS = calls()


def answered(client: APIClient, call: Call):
    return getattr(client, call.method)(call.path, **({} if call.method == "get" else {"data": {}}))


def test_every_call_names_a_scope_that_there_is():
    unnamed = [call for call in CALLS if call.scope not in SCOPES and call.scope != "any"]

    assert unnamed == []
    assert {call.route for call in CALLS if call.scope == "any"} == ANY_CLIENT
    assert len(CALLS) > 150


def test_no_call_is_answered_without_a_key(db):
    statuses = {(call.method, call.path): answered(APIClient(), call).status_code for call in CALLS}

    assert [call for call, status in statuses.items() if status != 401] == []


@pytest.mark.parametrize("scope", SCOPES)
def test_every_other_scope_together_does_not_open_what_demands_this_one(db, scope):
    client = caller(ApiClientFactory(scopes=[other for other in SCOPES if other != scope]))

    answers = {call: answered(client, call) for call in CALLS if call.scope == scope}

    wrong = {
        (call.method, call.path): answer.status_code
        for call, answer in answers.items()
        if answer.status_code != 403
        or answer.json()["key"] != "missing_scope"
        or scope not in answer.json()["message"]
    }
    assert wrong == {}


def test_for_a_partner_of_the_coalition_all_else_does_not_exist(db):
    partner = caller(ApiClientFactory(partner_source="pos"))
    closed = [call for call in CALLS if not call.open_to_partners]

    statuses = {(call.method, call.path): answered(partner, call).status_code for call in closed}

    assert [call for call, status in statuses.items() if status != 404] == []
    assert len(closed) < len(CALLS)
