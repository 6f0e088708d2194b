"""How a test calls the partner API."""

from rest_framework.test import APIClient

from operations.models import ApiClient


def caller(client: ApiClient) -> APIClient:
    """Return a test client that sends JSON with the key of this ApiClient (fresh from ApiClientFactory)."""
    calling = APIClient()
    calling.default_format = "json"
    calling.credentials(HTTP_AUTHORIZATION=f"Api-Key {client.key}")
    return calling
