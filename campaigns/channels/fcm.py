"""Notifications to apps by Firebase Cloud Messaging, HTTP v1."""

import base64
import json
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from django.conf import settings

from campaigns.channels.base import Outcome, Result, short_detail
from campaigns.channels.http import HttpCaller, detail_of
from campaigns.models import PushSubscription
from operations.safe_http import Answer

SCOPE = "https://www.googleapis.com/auth/firebase.messaging"
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
TOKEN_SECONDS = 3600
GONE = {"UNREGISTERED", "SENDER_ID_MISMATCH"}


@dataclass
class FcmDelivery:
    """Hands notifications to FCM with the service account of settings.FCM_CREDENTIALS."""

    _caller: HttpCaller = field(default_factory=lambda: HttpCaller(idempotent=True))
    _token: str = ""
    _token_until: float = 0.0

    def deliver(self, subscription: PushSubscription, notification: dict[str, Any]) -> Result:
        """Send one notification; an app that was removed is a hard bounce."""
        token = self._access_token()
        if isinstance(token, Result):
            return token
        answer = self._call(token, _message(subscription.endpoint, notification))
        if isinstance(answer, Result):
            if answer.detail.startswith("401"):  # The token was taken back: the next attempt asks for one.
                self._token = ""
            return answer
        if answer.status == 200:
            return Result(Outcome.ACCEPTED, "200", provider_id=str(_object(answer).get("name", "")))
        return Result(Outcome.REJECTED, detail_of(answer), hard_bounce=_is_gone(answer))

    def problem(self) -> str:
        """Return why FCM would not take a message; empty when it would."""
        token = self._access_token()
        return token.detail if isinstance(token, Result) else ""

    def close(self) -> None:
        self._caller.close()

    def _call(self, token: str, message: dict[str, Any]) -> Answer | Result:
        project = _account()["project_id"]
        return self._caller.call(
            "POST",
            f"{settings.FCM_URL}/v1/projects/{project}/messages:send",
            headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
            body=json.dumps({"message": message}).encode(),
        )

    def _access_token(self) -> str | Result:
        """Return the bearer token, a new one when the last is nearly over."""
        if self._token and time.time() < self._token_until:
            return self._token
        try:
            account = _account()
            assertion = _assertion(account)
        except (KeyError, OSError, ValueError, TypeError) as error:
            return Result(Outcome.TRANSIENT, short_detail(f"FCM_CREDENTIALS: {error!r}"), unreachable=True)
        form = urlencode({"grant_type": GRANT, "assertion": assertion}).encode()
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        answer = self._caller.call("POST", account["token_uri"], headers=headers, body=form)
        if isinstance(answer, Result):
            return answer
        token = _object(answer).get("access_token")
        if answer.status != 200 or not token:
            return Result(Outcome.TRANSIENT, detail_of(answer), unreachable=True)
        self._token = str(token)
        self._token_until = time.time() + float(_object(answer).get("expires_in") or TOKEN_SECONDS) - 60
        return self._token


def _message(token: str, notification: dict[str, Any]) -> dict[str, Any]:
    """Return the message of FCM; one with the same tag takes the place of the first on the telephone."""
    tag, life = notification["tag"], notification["ttl"]
    return {
        "token": token,
        "notification": {"title": notification["title"], "body": notification["body"]},
        "data": {"url": notification["url"], "tag": tag},
        "android": {"collapse_key": tag, "ttl": f"{life}s", "notification": {"tag": tag}},
        "apns": {"headers": {"apns-collapse-id": tag, "apns-expiration": str(int(time.time()) + life)}},
    }


def _account() -> dict[str, str]:
    """Return the service account: the setting is its JSON, or the path of the file that holds it."""
    told = settings.FCM_CREDENTIALS.strip()
    return json.loads(told if told.startswith("{") else Path(told).read_text())


def _assertion(account: dict[str, str]) -> str:
    """Return the signed claim for which Google gives a token (RFC 7523)."""
    now = int(time.time())
    claims = {
        "iss": account["client_email"],
        "scope": SCOPE,
        "aud": account["token_uri"],
        "iat": now,
        "exp": now + TOKEN_SECONDS,
    }
    signed = b".".join(_text(json.dumps(part).encode()) for part in ({"alg": "RS256", "typ": "JWT"}, claims))
    key = serialization.load_pem_private_key(account["private_key"].encode(), password=None)
    signature = key.sign(signed, padding.PKCS1v15(), hashes.SHA256())
    return b".".join([signed, _text(signature)]).decode()


def _is_gone(answer: Answer) -> bool:
    error = _object(answer).get("error") or {}
    codes = {detail.get("errorCode") for detail in error.get("details", []) if isinstance(detail, dict)}
    return answer.status == 404 or bool(codes & GONE)


def _object(answer: Answer) -> dict[str, Any]:
    try:
        said = json.loads(answer.body)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def _text(part: bytes) -> bytes:
    return base64.urlsafe_b64encode(part).rstrip(b"=")
