"""`Authorization: Api-Key <prefix>.<secret>`: which client is calling."""

from typing import Any

import structlog
from django.core.cache import cache
from django.utils import timezone
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from operations.models import ApiClient

log = structlog.get_logger(__name__)

KEYWORD = "Api-Key"
USED_EVERY_SECONDS = 60


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
    """Return whether the client's use is to be written down; while the cache is away nobody's is."""
    try:
        return cache.add(f"client-used:{client.pk}", 1, USED_EVERY_SECONDS)
    except Exception:
        log.error("client_use_unrecorded", client_id=client.pk)
        return False


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
