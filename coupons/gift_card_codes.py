"""The codes of gift cards: made, compared and hidden. They are money, so no table holds one in the clear.

A code is 16 characters of Crockford's base32, 80 bits of `secrets`. What is stored is its HMAC-SHA256 with a
pepper and its last four characters. While it is on its way to a person it is also kept sealed, for a day at
most (coupons.models.SealedCode).
"""

import base64
import hashlib
import hmac
import secrets
import unicodedata
from datetime import timedelta

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
LENGTH = 16
GROUP = 4
SEALED_FOR = timedelta(hours=24)
_READ_AS = str.maketrans({"O": "0", "I": "1", "L": "1", "-": None, " ": None})


def make_code() -> str:
    """Return a new code; of a billion cards two get the same one with a chance of one in a million."""
    return "".join(secrets.choice(ALPHABET) for _place in range(LENGTH))


def canonical_code(code: str) -> str:
    """Return the form in which codes are compared: as Crockford reads it, without hyphens and spaces.

    Empty when no code looks like this.
    """
    canonical = unicodedata.normalize("NFKC", code[:100]).upper().translate(_READ_AS).strip()
    return canonical if len(canonical) == LENGTH and not set(canonical) - set(ALPHABET) else ""


def written_code(code: str) -> str:
    """Return a code as people read it aloud: in groups of four."""
    return "-".join(code[start : start + GROUP] for start in range(0, len(code), GROUP))


def code_hash(code: str) -> str:
    """Return what is stored of a code, with the pepper in use."""
    return _hash(canonical_code(code), settings.GIFT_CARD_PEPPERS[0])


def known_hashes(code: str) -> list[str]:
    """Return every hash under which a code may stand: one for each pepper, the one in use first.

    As many for what is no code at all, so that refusing it takes the same work.
    """
    canonical = canonical_code(code)
    return [_hash(canonical, pepper) for pepper in settings.GIFT_CARD_PEPPERS]


def seal(code: str) -> bytes:
    """Return the code encrypted with keys that are made of SECRET_KEY."""
    return _boxes().encrypt(code.encode())


def unseal(token: bytes) -> str | None:
    """Return what was sealed; None when no key of ours opens it."""
    try:
        return _boxes().decrypt(bytes(token)).decode()
    except InvalidToken:
        return None


def _hash(canonical: str, pepper: str) -> str:
    return hmac.new(pepper.encode(), canonical.encode(), hashlib.sha256).hexdigest()


def _boxes() -> MultiFernet:
    return MultiFernet([_box(key) for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)])


def _box(key: str) -> Fernet:
    digest = hashlib.sha256(b"gift card codes\n" + key.encode()).digest()
    return Fernet(base64.urlsafe_b64encode(digest))
