"""Secrets that we have to use again, kept sealed with the site's secret key."""

import base64
import hashlib

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings


def seal_secret(secret: str, *, purpose: str) -> bytes:
    """Return the secret as it is kept; only the same purpose opens it."""
    return _boxes(purpose).encrypt(secret.encode())


def open_secret(sealed: bytes, *, purpose: str) -> str | None:
    """Return what was sealed; None when neither the secret key nor a former one opens it."""
    try:
        return _boxes(purpose).decrypt(bytes(sealed)).decode()
    except InvalidToken:
        return None


def _boxes(purpose: str) -> MultiFernet:
    keys = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    digests = (hashlib.sha256(f"{purpose}\n{key}".encode()).digest() for key in keys)
    return MultiFernet([Fernet(base64.urlsafe_b64encode(digest)) for digest in digests])
