"""The address behind which a recipient leaves."""

from uuid import UUID

from django.conf import settings


def unsubscribe_url(token: UUID) -> str:
    """Return the page of RFC 8058 for a message: a GET shows it, a POST unsubscribes."""
    return f"{settings.PUBLIC_URL}/u/{token}"
