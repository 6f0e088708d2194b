"""Tells telephones that a pass has news: empty notifications over HTTP/2, with the certificate of the passes.

The telephone then asks our web service what the pass says now.
"""

import json
import ssl
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

import httpcore
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from django.conf import settings

from loyalty.wallets.apple import Identity

SECONDS = 10
BODY = b"{}"
GONE = {"BadDeviceToken", "Unregistered", "DeviceTokenNotForTopic"}


class Told(StrEnum):
    """What became of a notification."""

    TAKEN = "TAKEN"
    GONE = "GONE"  # No telephone listens under this token any more.
    LATER = "LATER"


@dataclass
class ApplePush:
    """One connection to Apple's push service, for many telephones; `close` ends it."""

    signer: Identity
    trusted: str = ""  # PEM of whom to trust instead of the machine's authorities.
    problem: str = field(default="", init=False)
    _away: bool = field(default=False, init=False)
    _pool: httpcore.ConnectionPool | None = field(default=None, init=False)

    def tell(self, tokens: Iterable[str]) -> dict[str, Told]:
        """Send each telephone its notification; what did not pass stands in `problem`.

        Once the service cannot be reached the rest waits untried: the caller holds rows meanwhile.
        """
        return {token: self._tell(token) for token in tokens}

    def _tell(self, token: str) -> Told:
        if self._away:
            return Told.LATER
        timeouts = dict.fromkeys(("connect", "read", "write", "pool"), SECONDS)
        try:
            answer = self._connections().request(
                "POST",
                f"{settings.WALLET_APPLE_PUSH_URL}/3/device/{token}",
                headers={"apns-topic": self.signer.pass_type, "apns-push-type": "background"},
                content=BODY,
                extensions={"timeout": timeouts},
            )
        except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError, OSError) as error:
            self.problem, self._away = repr(error)[:200], True
            return Told.LATER
        if answer.status == 200:
            return Told.TAKEN
        reason = _reason(answer.content)
        if answer.status == 410 or reason in GONE:
            return Told.GONE
        self.problem = f"{answer.status} {reason}"[:200]
        return Told.LATER

    def close(self) -> None:
        if self._pool is not None:
            self._pool.close()
            self._pool = None

    def _connections(self) -> httpcore.ConnectionPool:
        if self._pool is None:
            context = ssl.create_default_context(cadata=self.trusted or None)
            # The library of TLS reads certificates from files alone.
            with tempfile.NamedTemporaryFile() as file:
                file.write(self.signer.certificate.public_bytes(Encoding.PEM))
                file.write(self.signer.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
                file.flush()
                context.load_cert_chain(file.name)
            self._pool = httpcore.ConnectionPool(ssl_context=context, http1=False, http2=True)
        return self._pool


def _reason(body: bytes) -> str:
    try:
        said = json.loads(body)
    except ValueError:
        return ""
    return str(said.get("reason", "")) if isinstance(said, dict) else ""
