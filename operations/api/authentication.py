"""`Authorization: Api-Key <prefix>.<secret>`: which client is calling."""

import time
from typing import Any

from django.utils import timezone
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from operations.models import ApiClient

KEYWORD = "Api-Key"
USED_EVERY_SECONDS = 60
_written: dict[str, float] = {}


class ApiKeyAuthentication(BaseAuthentication):
    """Find the client by its key; `request.auth` is the ApiClient, `request.user` stays empty."""

    def authenticate(self, request: Request) -> tuple[None, ApiClient] | None:
        keyword, _, key = request.headers.get("Authorization", "").partition(" ")
        if keyword.lower() != KEYWORD.lower() or not key:
            return None
        try:
            client = ApiClient.objects.get_from_key(key.strip())
        except ApiClient.DoesNotExist as error:
            raise AuthenticationFailed("This API key is not known, revoked or expired.") from error
        if client.revoked or client.has_expired:
            raise AuthenticationFailed("This API key is not known, revoked or expired.")
        if _was_unused_lately(client):
            ApiClient.objects.filter(pk=client.pk).update(last_used_at=timezone.now())
        return None, client

    def authenticate_header(self, request: Request) -> str:
        return KEYWORD


def _was_unused_lately(client: ApiClient) -> bool:
    """Return whether the client's use is to be written down: once a minute by each process."""
    now = time.monotonic()
    if _written.get(client.pk, 0.0) > now - USED_EVERY_SECONDS:
        return False
    _written[client.pk] = now
    return True


class ApiKeyScheme(OpenApiAuthenticationExtension):
    target_class = "operations.api.authentication.ApiKeyAuthentication"
    name = "ApiKey"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": "`Api-Key <prefix>.<secret>`, made by `manage.py create_api_client`.",
        }
