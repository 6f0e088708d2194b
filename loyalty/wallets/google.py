"""Passes for Google Wallet: objects of theirs, saved by a signed link and changed with the card."""

import base64
import json
import time
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext as _

from loyalty.wallets.apple import NotUsable
from loyalty.wallets.contents import CardContent
from operations.formats import day, number
from operations.safe_http import Answer, CallFailed, SafeClient

SAVE = "https://pay.google.com/gp/v/save/"
SCOPE = "https://www.googleapis.com/auth/wallet_object.issuer"
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
TOKEN_SECONDS = 3600
CLASS = "card"
# What a change leaves out stays at Google as it was: what a card says no more is said to be nothing.
MAY_GO = ("accountId", "barcode", "loyaltyPoints", "secondaryLoyaltyPoints", "linksModuleData")


@dataclass(frozen=True)
class Account:
    """The service account that signs: its address, its key, and where it asks for tokens."""

    issuer: str
    email: str
    key: rsa.RSAPrivateKey
    token_uri: str


def is_set() -> bool:
    """Return whether somebody set up Google Wallet at all."""
    return bool(settings.WALLET_GOOGLE_CREDENTIALS)


def account() -> Account:
    """Return the account of the settings. Raises NotUsable."""
    return _read(settings.WALLET_GOOGLE_ISSUER, settings.WALLET_GOOGLE_CREDENTIALS)


@lru_cache(maxsize=4)
def _read(issuer: str, credentials: str) -> Account:
    if not issuer.isdigit():
        raise NotUsable(_("The id of the issuer is a number."))
    try:
        told = json.loads(
            credentials if credentials.strip().startswith("{") else Path(credentials).read_text()
        )
        key = serialization.load_pem_private_key(told["private_key"].encode(), None)
        found = Account(issuer, told["client_email"], key, told["token_uri"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise NotUsable(_("The service account cannot be read.")) from error
    if not isinstance(key, rsa.RSAPrivateKey):
        raise NotUsable(_("The service account cannot be read."))
    return found


def save_link(content: CardContent, signer: Account, *, logo_url: str, at: float) -> str:
    """Return the address under which a telephone saves the card; Google makes class and object from it."""
    claims = {
        "iss": signer.email,
        "aud": "google",
        "typ": "savetowallet",
        "iat": int(at),
        "origins": [settings.PUBLIC_URL],
        "payload": {
            "loyaltyClasses": [describe_class(content, signer, logo_url=logo_url)],
            "loyaltyObjects": [describe(content, signer)],
        },
    }
    return SAVE + signed(claims, signer)


def describe_class(content: CardContent, signer: Account, *, logo_url: str) -> dict[str, Any]:
    """Return what all cards of the programme have in common."""
    return {
        "id": f"{signer.issuer}.{CLASS}",
        "issuerName": content.title,
        "programName": content.title,
        "programLogo": {
            "sourceUri": {"uri": logo_url},
            "contentDescription": {"defaultValue": {"language": content.language, "value": content.title}},
        },
        "hexBackgroundColor": content.background,
        "reviewStatus": "UNDER_REVIEW",
    }


def describe(content: CardContent, signer: Account) -> dict[str, Any]:
    """Return one person's card, in their language."""
    with translation.override(content.language):
        told: dict[str, Any] = {
            "id": object_id(content.serial, signer),
            "classId": f"{signer.issuer}.{CLASS}",
            "state": "INACTIVE" if content.voided else "ACTIVE",
            "accountName": content.holder or content.title,
            "textModulesData": _texts(content),
        }
        if not content.voided:
            told |= {
                "accountId": content.number,
                "barcode": {"type": "CODE_128", "value": content.number, "alternateText": content.written},
                "loyaltyPoints": {"label": _("Points"), "balance": {"int": content.points}},
            }
        if content.tier:
            told["secondaryLoyaltyPoints"] = {"label": _("Tier"), "balance": {"string": content.tier}}
        links = ((_("Your page"), content.page_url), (_("Website"), content.website))
        uris = [{"uri": uri, "description": text} for text, uri in links if uri]
        if uris:
            told["linksModuleData"] = {"uris": uris}
        return told


def _texts(content: CardContent) -> list[dict[str, str]]:
    texts = []
    if content.pending:
        texts.append({"id": "pending", "header": _("On their way"), "body": number(content.pending)})
    if content.expires_on:
        until = _("Good until %(day)s") % {"day": day(content.expires_on)}
        texts.append({"id": "expiring", "header": until, "body": number(content.expiring_points)})
    if content.terms:
        texts.append({"id": "terms", "header": _("Terms"), "body": content.terms})
    return texts


def object_id(serial: str, signer: Account) -> str:
    return f"{signer.issuer}.{serial}"


def signed(claims: dict[str, Any], signer: Account) -> str:
    """Return claims as a JSON Web Token, RS256."""
    head = {"alg": "RS256", "typ": "JWT"}
    told = b".".join(_text(json.dumps(part, separators=(",", ":")).encode()) for part in (head, claims))
    signature = signer.key.sign(told, padding.PKCS1v15(), hashes.SHA256())
    return b".".join([told, _text(signature)]).decode()


@dataclass
class GoogleObjects:
    """Changes cards at Google, over one connection; `close` ends it."""

    signer: Account
    problem: str = field(default="", init=False)
    _client: SafeClient = field(default_factory=lambda: SafeClient(guarded=False), init=False)
    _token: str = field(default="", init=False)

    def change(self, content: CardContent) -> bool:
        """Let Google show what the card says now; return whether it took it, or nobody saved the card yet."""
        if not self._token and not self._ask_for_token():
            return False
        place = quote(object_id(content.serial, self.signer))
        answer = self._call(
            "PATCH",
            f"{settings.WALLET_GOOGLE_URL}/walletobjects/v1/loyaltyObject/{place}",
            headers={"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"},
            body=json.dumps(dict.fromkeys(MAY_GO) | describe(content, self.signer)).encode(),
        )
        if answer is None:
            return False
        if answer.status in (200, 404):  # Without an object nobody pressed the link yet.
            return True
        self.problem = f"{answer.status} {answer.text}"[:200]
        return False

    def close(self) -> None:
        self._client.close()

    def _ask_for_token(self) -> bool:
        now = int(time.time())
        claims = {
            "iss": self.signer.email,
            "scope": SCOPE,
            "aud": self.signer.token_uri,
            "iat": now,
            "exp": now + TOKEN_SECONDS,
        }
        form = urlencode({"grant_type": GRANT, "assertion": signed(claims, self.signer)}).encode()
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        answer = self._call("POST", self.signer.token_uri, headers=headers, body=form)
        if answer is None:
            return False
        try:
            self._token = str(json.loads(answer.body)["access_token"])
        except (ValueError, KeyError, TypeError):
            self.problem = f"{answer.status} {answer.text}"[:200]
        return bool(self._token)

    def _call(self, method: str, url: str, **sent: Any) -> Answer | None:
        try:
            return self._client.call(method, url, **sent)
        except CallFailed as error:
            self.problem = str(error)[:200]
            return None


def _text(part: bytes) -> bytes:
    return base64.urlsafe_b64encode(part).rstrip(b"=")
