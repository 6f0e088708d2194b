"""From where a request comes, for limits; it is never kept and never logged."""

import hashlib
import hmac

from django.conf import settings
from django.http import HttpRequest


def client_address(request: HttpRequest) -> str:
    """Return the address of the browser: what the outermost of our own proxies saw.

    Only as many entries of X-Forwarded-For are believed as PROXIES_IN_FRONT says; the rest anybody can write.
    """
    if settings.PROXIES_IN_FRONT:
        passed = [part.strip() for part in request.headers.get("X-Forwarded-For", "").split(",")]
        passed = [part for part in passed if part]
        if passed:
            return passed[max(0, len(passed) - settings.PROXIES_IN_FRONT)]
    return request.META.get("REMOTE_ADDR", "")


def address_key(request: HttpRequest) -> str:
    """Return the name under which requests of one address are counted; the address cannot be read from it."""
    secret = settings.SECRET_KEY.encode()
    return hmac.new(secret, client_address(request).encode(), hashlib.sha256).hexdigest()[:24]
