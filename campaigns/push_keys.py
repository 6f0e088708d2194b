"""The key pair that browsers know us by: made once, kept sealed."""

import base64

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from django.utils import timezone
from py_vapid import Vapid02

from campaigns.errors import SecretLost
from campaigns.models import PushKey
from operations.inserts import insert_missing
from operations.sealing import open_secret, seal_secret

PURPOSE = "push key"


def public_key() -> str:
    """Return our public key as browsers take it; the first call makes the pair."""
    return _key().public


def signing_key() -> Vapid02:
    """Return the private key. Raises SecretLost when the secret key that sealed it is gone."""
    secret = open_secret(_key().sealed, purpose=PURPOSE)
    if secret is None:
        raise SecretLost
    return Vapid02.from_raw(secret.encode())


def _key() -> PushKey:
    found = PushKey.objects.first()
    if found is None:
        insert_missing([_new_key()], unique=["only"])
        found = PushKey.objects.get()
    return found


def _new_key() -> PushKey:
    pair = ec.generate_private_key(ec.SECP256R1())
    number = pair.private_numbers().private_value.to_bytes(32)
    point = pair.public_key().public_bytes(
        serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
    )
    return PushKey(
        sealed=seal_secret(_text(number), purpose=PURPOSE), public=_text(point), created_at=timezone.now()
    )


def _text(number: bytes) -> str:
    return base64.urlsafe_b64encode(number).rstrip(b"=").decode()
