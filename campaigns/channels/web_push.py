"""Web Push (RFC 8030) with encrypted content (8291) and our own signature (8292)."""

import json
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from py_vapid import Vapid02

from campaigns.channels.base import Outcome, Result, short_detail
from campaigns.channels.http import HttpCaller, detail_of
from campaigns.models import PushSubscription
from campaigns.push_keys import signing_key

SIGNATURE_SECONDS = 3600
GONE = {404, 410}


@dataclass
class WebPushDelivery:
    """Hands notifications to browsers' push services, whose addresses the browsers told us."""

    _caller: HttpCaller = field(default_factory=lambda: HttpCaller(idempotent=True, strangers=True))
    _key: Vapid02 | None = None
    _signatures: dict[str, dict[str, str]] = field(default_factory=dict)

    def deliver(self, subscription: PushSubscription, notification: dict[str, Any]) -> Result:
        """Send one notification; a browser that unsubscribed is a hard bounce."""

        from pywebpush import WebPushException

        try:
            body = self._encrypted(subscription, notification)
        except (WebPushException, ValueError) as error:
            return Result(Outcome.REJECTED, short_detail(f"Broken keys: {error!r}"), hard_bounce=True)
        headers = {
            "TTL": str(notification["ttl"]),
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            **self._signature(subscription.endpoint),
        }
        answer = self._caller.call("POST", subscription.endpoint, headers=headers, body=body)
        if isinstance(answer, Result):
            return answer
        if answer.status < 300:
            return Result(Outcome.ACCEPTED, str(answer.status))
        return Result(Outcome.REJECTED, detail_of(answer), hard_bounce=answer.status in GONE)

    def close(self) -> None:
        self._caller.close()

    def _encrypted(self, subscription: PushSubscription, notification: dict[str, Any]) -> bytes:
        from pywebpush import WebPusher

        told = {name: notification[name] for name in ("title", "body", "url", "tag")}
        keys = {"p256dh": subscription.p256dh, "auth": subscription.auth}
        pusher = WebPusher({"endpoint": subscription.endpoint, "keys": keys})
        return pusher.encode(json.dumps(told).encode())["body"]

    def _signature(self, endpoint: str) -> dict[str, str]:
        """Return who we are, as the push service of this address wants it."""
        parts = urlsplit(endpoint)
        audience = f"{parts.scheme}://{parts.netloc}"
        if audience not in self._signatures:
            if self._key is None:
                self._key = signing_key()
            claims = {
                "aud": audience,
                "sub": settings.PUSH_CONTACT,
                "exp": int(time.time()) + SIGNATURE_SECONDS,
            }
            self._signatures[audience] = self._key.sign(claims)
        return self._signatures[audience]
