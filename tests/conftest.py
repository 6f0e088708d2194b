"""Fixtures of every test; the servers themselves are started by `tests.embedded`."""

import pytest
from rest_framework.test import APIClient

from tests.api import caller
from tests.embedded import django_db_setup  # noqa: F401
from tests.factories import ApiClientFactory


@pytest.fixture
def api(db) -> APIClient:
    """A client of the API that may do everything: `api.post("/api/v1/...", {...})` sends JSON."""
    return caller(ApiClientFactory())
