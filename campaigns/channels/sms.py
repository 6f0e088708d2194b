"""SMS: by Twilio, by any gateway that takes HTTP, or into the demo's inbox (settings.SMS_URL)."""

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from django.conf import settings
from django.http import HttpRequest
from django.utils.crypto import constant_time_compare

from campaigns.channels.base import (
    Capabilities,
    Envelope,
    Health,
    HookRefused,
    Outcome,
    Outgoing,
    Report,
    Result,
    reference_of,
)
from campaigns.channels.http import HttpCaller, detail_of
from campaigns.channels.inbox import InboxDelivery
from campaigns.content.sms import MOST_SEGMENTS, plain_sms, sms_size
from campaigns.errors import UnsafeHeader
from campaigns.models import ProviderEvent
from customers.models import Channel
from operations.safe_http import Answer

TWILIO_API = "https://api.twilio.com"
# Twilio's error codes for numbers that will never take an SMS; 21610 is somebody who answered STOP.
TWILIO_GONE = {21211, 21214, 21217, 21614, 21610, 30005, 30006}
STOP_WORDS = {"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "ANNULLA", "CANCELLA", "BASTA"}
PLACEHOLDER = re.compile(r"\{(to|text|reference|callback)\}")
Kind = ProviderEvent.Kind
STATES = {
    "delivered": Kind.DELIVERED, "read": Kind.DELIVERED, "undelivered": Kind.SOFT_BOUNCED,
    "failed": Kind.REJECTED, "rejected": Kind.REJECTED, "bounced": Kind.BOUNCED,
    "unsubscribed": Kind.UNSUBSCRIBED,
}  # fmt: skip


def hook_url(provider: str, **query: str) -> str:
    """Return the address at which a provider tells what became of messages."""
    address = f"{settings.PUBLIC_URL}/hooks/{provider}"
    return f"{address}?{urlencode(query)}" if query else address


class SmsFormat:
    """How an SMS leaves, whoever carries it."""

    def prepare(self, outgoing: Outgoing) -> Envelope:
        text = plain_sms(outgoing.rendered.text)
        if not text or sms_size(text).segments > MOST_SEGMENTS:
            raise UnsafeHeader("The text is empty or takes too many segments.")
        return Envelope(outgoing.message.address, text.encode(), reference_of(outgoing.message))


@dataclass
class TwilioSender(SmsFormat):
    """`twilio://SID:TOKEN@api.twilio.com?from=+39...`, or `from=MG...` for a messaging service."""

    capabilities = Capabilities(reports=True)
    _caller: HttpCaller = field(default_factory=HttpCaller)

    def __post_init__(self) -> None:
        parts = urlsplit(settings.SMS_URL)
        query = dict(parse_qsl(parts.query))
        self.account, self.token = unquote(parts.username or ""), unquote(parts.password or "")
        self.sender = query.get("from", "")
        self.api = query.get("api", TWILIO_API).rstrip("/")

    def send(self, envelopes: Sequence[Envelope]) -> list[Result]:
        return [self._send_one(envelope) for envelope in envelopes]

    def verify(self) -> Health:
        if not (self.account and self.token and self.sender):
            return Health("Twilio", configured=False)
        answer = self._caller.call("GET", self._url("") + ".json", headers=self._headers())
        problem = answer.detail if isinstance(answer, Result) else ""
        if isinstance(answer, Answer) and answer.status != 200:
            problem = detail_of(answer)
        return Health("Twilio", problem=problem)

    def parse_webhook(self, request: HttpRequest) -> list[Report]:
        """Read a status callback, or an answer such as STOP. Raises HookRefused."""
        said = {name: request.POST.get(name, "") for name in request.POST}
        self._check_signature(request, said)
        number, sid = said.get("From", ""), said.get("MessageSid", "")
        if "Body" in said and "MessageStatus" not in said:
            return _answer_of(said["Body"], number, key=sid)
        kind = STATES.get(said.get("MessageStatus", ""))
        if kind is None:
            return []
        code = said.get("ErrorCode", "")
        if code.isdigit() and int(code) in TWILIO_GONE:
            kind = Kind.UNSUBSCRIBED if int(code) == 21610 else Kind.BOUNCED
        return [
            Report(
                key=f"{sid}:{said['MessageStatus']}",
                kind=kind,
                reference=request.GET.get("message", ""),
                provider_id=sid,
                recipient=said.get("To", ""),
                detail=code and f"Twilio {code}",
            )
        ]

    def close(self) -> None:
        self._caller.close()

    def _send_one(self, envelope: Envelope) -> Result:
        told = {
            "To": envelope.recipient,
            "Body": envelope.body.decode(),
            "StatusCallback": hook_url("twilio", message=envelope.reference),
        }
        told["MessagingServiceSid" if self.sender.startswith("MG") else "From"] = self.sender
        headers = self._headers() | {"Content-Type": "application/x-www-form-urlencoded"}
        answer = self._caller.call(
            "POST", self._url("/Messages.json"), headers=headers, body=urlencode(told).encode()
        )
        if isinstance(answer, Result):
            return answer
        said = _object(answer)
        if answer.status in (200, 201):
            sid = str(said.get("sid") or "")
            return Result(Outcome.ACCEPTED, str(said.get("status") or ""), provider_id=sid)
        return Result(Outcome.REJECTED, detail_of(answer), hard_bounce=said.get("code") in TWILIO_GONE)

    def _url(self, path: str) -> str:
        return f"{self.api}/2010-04-01/Accounts/{quote(self.account)}{path}"

    def _headers(self) -> dict[str, str]:
        pair = base64.b64encode(f"{self.account}:{self.token}".encode()).decode()
        return {"Authorization": f"Basic {pair}"}

    def _check_signature(self, request: HttpRequest, said: dict[str, str]) -> None:
        query = request.META.get("QUERY_STRING", "")
        address = hook_url("twilio") + (f"?{query}" if query else "")
        signed = address + "".join(f"{name}{said[name]}" for name in sorted(said))
        expected = base64.b64encode(hmac.new(self.token.encode(), signed.encode(), hashlib.sha1).digest())
        if not self.token or not constant_time_compare(
            expected, request.headers.get("X-Twilio-Signature", "")
        ):
            raise HookRefused("The signature is not Twilio's.")


@dataclass
class GatewaySender(SmsFormat):
    """Any gateway: `https://gateway.example/send?to={to}&text={text}&id={reference}`.

    With settings.SMS_METHOD POST, the usual, what follows the question mark goes as a form, so that numbers
    stand in nobody's logs.
    """

    capabilities = Capabilities(reports=True)
    _caller: HttpCaller = field(default_factory=HttpCaller)

    def send(self, envelopes: Sequence[Envelope]) -> list[Result]:
        return [self._send_one(envelope) for envelope in envelopes]

    def verify(self) -> Health:
        usable = "{to}" in settings.SMS_URL and "{text}" in settings.SMS_URL
        name = urlsplit(settings.SMS_URL).hostname or "Gateway"
        return Health(name, configured=usable, problem=_unsafe() if usable else "")

    def parse_webhook(self, request: HttpRequest) -> list[Report]:
        """Read `?key=SECRET&reference=...&status=delivered`, as query or form; also `from` and `text`."""
        said = request.GET.dict() | request.POST.dict()
        secret = settings.SMS_HOOK_SECRET
        if not secret or not constant_time_compare(said.get("key", ""), secret):
            raise HookRefused("The key of the call is not ours.")
        if said.get("text"):
            return _answer_of(said["text"], said.get("from", ""), key=said.get("id", ""))
        kind = STATES.get(said.get("status", "").lower())
        if kind is None:
            return []
        reference = said.get("reference", "")
        return [
            Report(
                key=f"{reference}:{kind}",
                kind=kind,
                reference=reference,
                recipient=said.get("to", ""),
                detail=said.get("error", ""),
            )
        ]

    def close(self) -> None:
        self._caller.close()

    def _send_one(self, envelope: Envelope) -> Result:
        if unsafe := _unsafe():
            return Result(Outcome.TRANSIENT, unsafe, unreachable=True)
        address, _mark, query = settings.SMS_URL.partition("?")
        values = {
            "to": envelope.recipient,
            "text": envelope.body.decode(),
            "reference": envelope.reference,
            "callback": hook_url("sms", key=settings.SMS_HOOK_SECRET, reference=envelope.reference),
        }
        form = urlencode([(name, _filled(value, values)) for name, value in parse_qsl(query)])
        headers = dict(settings.SMS_HEADERS)
        if settings.SMS_METHOD == "POST":
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            answer = self._caller.call("POST", address, headers=headers, body=form.encode())
        else:
            answer = self._caller.call("GET", f"{address}?{form}", headers=headers)
        if isinstance(answer, Result):
            return answer
        if answer.status < 300:
            return Result(Outcome.ACCEPTED, detail_of(answer))
        return Result(Outcome.REJECTED, detail_of(answer), hard_bounce=answer.status == 410)


class InboxSmsSender(SmsFormat, InboxDelivery):
    """SMS of the demo."""

    def __init__(self) -> None:
        super().__init__(Channel.SMS)


def sms_sender() -> TwilioSender | GatewaySender | InboxSmsSender:
    """Return a sender of the provider that settings.SMS_URL names."""
    scheme = urlsplit(settings.SMS_URL).scheme
    if scheme == "twilio":
        return TwilioSender()
    return InboxSmsSender() if scheme == "inbox" else GatewaySender()


def _unsafe() -> str:
    """Return why numbers and texts must not go to the gateway: they go by https, or stay on this machine."""
    parts = urlsplit(settings.SMS_URL)
    if parts.scheme == "https" or parts.hostname in {"127.0.0.1", "localhost", "::1"}:
        return ""
    return "SMS_URL is no https address." if settings.SMS_URL else "SMS_URL is not set."


def _filled(template: str, values: dict[str, str]) -> str:
    return PLACEHOLDER.sub(lambda found: values[found[1]], template)


def _answer_of(text: str, number: str, *, key: str) -> list[Report]:
    """Return that somebody leaves, when that is what they answered."""
    words = text.strip().upper().split()
    if not words or words[0] not in STOP_WORDS or not number:
        return []
    call = key or hashlib.sha256(number.encode()).hexdigest()[:16]
    return [Report(f"{call}:stop", Kind.UNSUBSCRIBED, recipient=number, detail=words[0])]


def _object(answer: Answer) -> dict[str, Any]:
    try:
        said = json.loads(answer.body)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}
