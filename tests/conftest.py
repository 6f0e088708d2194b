"""Fixtures of every test; the servers themselves are started by `tests.embedded`."""

import pytest
from django.utils import translation
from hypothesis import HealthCheck, settings
from rest_framework.test import APIClient

from campaigns.services import listening
from loyalty.services import counted_events
from loyalty.services import listening as rewarded
from operations.services import webhooks
from tests.api import caller
from tests.embedded import django_db_setup  # noqa: F401
from tests.factories import ApiClientFactory
from tests.http_sink import http_sink  # noqa: F401

# How long an example takes to draw or to run tells of the machine, not of the product.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")

# Which events campaigns wait for is read when a test says so: else there is a query more now and then.
listening.STALE_SECONDS = float("inf")
listening.remember_types([])
counted_events.STALE_SECONDS = float("inf")
counted_events.remember_types([])
# The same for what earning rules reward; writing a rule has the types read anew.
rewarded.STALE_SECONDS = float("inf")
rewarded.remember_types([])

# And for what webhooks hear of.
webhooks.STALE_SECONDS = float("inf")
webhooks.remember_types([])


@pytest.fixture(autouse=True)
def default_language() -> None:
    """Begin in English: a request leaves the thread in its own language, for whichever test comes next."""
    translation.deactivate()


@pytest.fixture
def api(db) -> APIClient:
    """A client of the API that may do everything: `api.post("/api/v1/...", {...})` sends JSON."""
    return caller(ApiClientFactory())
