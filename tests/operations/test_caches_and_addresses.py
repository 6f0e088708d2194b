"""What surrounds every call: a cache that is away, and addresses nobody can have."""

import pytest
from django.test import Client

pytestmark = pytest.mark.django_db
DEAD_CACHE = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": "redis://127.0.0.1:1/0",
    }
}


def test_without_the_cache_calls_pass(api, settings):
    settings.CACHES = DEAD_CACHE

    answer = api.get("/api/v1/customers?email=nobody@mail.example")

    assert (answer.status_code, answer.json()["data"]) == (200, [])


@pytest.mark.parametrize("path", ["campaigns/%00", "products/%00", "nothing/%00"])
def test_a_nul_in_the_path_of_a_call_is_404(api, path):
    answer = api.get(f"/api/v1/{path}")

    assert (answer.status_code, answer.json()["key"]) == (404, "not_found")


@pytest.mark.parametrize("query", ["products?sku=%00", "customers?email=a%00@mail.example", "orders?%00=1"])
def test_a_nul_in_the_query_of_a_call_is_invalid_input(api, query):
    answer = api.get(f"/api/v1/{query}")

    assert (answer.status_code, answer.json()["key"]) == (422, "invalid_input")


@pytest.mark.parametrize("address", ["/r/%00", "/r/a%00b", "/console/?q=%00", "/%00"])
def test_a_nul_in_the_address_of_a_page_is_404(address):
    answer = Client().get(address)

    assert (answer.status_code, answer["Content-Type"]) == (404, "text/html; charset=utf-8")


def test_an_escaped_percent_sign_is_no_nul(api):
    assert api.get("/api/v1/customers?source=pos&source_id=%2500").status_code == 200
