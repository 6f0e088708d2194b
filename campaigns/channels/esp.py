"""E-mail by any provider that django-anymail knows (settings.EMAIL_ESP), and what those tell afterwards."""

import hashlib
import importlib
import json
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import requests
from anymail.exceptions import (
    AnymailAPIError,
    AnymailConfigurationError,
    AnymailError,
    AnymailRecipientsRefused,
    AnymailWebhookValidationFailure,
)
from anymail.signals import AnymailTrackingEvent, tracking
from anymail.webhooks.base import AnymailCoreWebhookView
from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.http import HttpRequest
from django.utils.module_loading import import_string
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError, SSLError

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
    short_detail,
)
from campaigns.channels.http import NOT_NOW, NOT_US
from campaigns.mime import checked_address, encode_header
from campaigns.models import ProviderEvent
from campaigns.rules import bounce_status

Kind = ProviderEvent.Kind
KINDS = {
    "delivered": Kind.DELIVERED, "deferred": Kind.DEFERRED, "rejected": Kind.REJECTED,
    "failed": Kind.REJECTED, "bounced": Kind.BOUNCED, "complained": Kind.COMPLAINED,
    "unsubscribed": Kind.UNSUBSCRIBED,
    "opened": Kind.OPENED, "clicked": Kind.CLICKED,
}  # fmt: skip
NEVER_LEFT = (NewConnectionError, ConnectTimeoutError, SSLError)
REFUSED = {"invalid", "rejected", "failed"}


@dataclass
class EspSender:
    """Hands mails to a provider's API over one session."""

    capabilities = Capabilities(reports=True)
    _backend: Any = field(default=None, init=False)

    def prepare(self, outgoing: Outgoing) -> Envelope:
        message, rendered = outgoing.message, outgoing.rendered
        encode_header(rendered.subject)  # Refuses what must not stand in a header.
        parts = {
            "subject": rendered.subject,
            "text": rendered.text,
            "html": rendered.html,
            "unsubscribe": outgoing.unsubscribe_url,
        }
        return Envelope(checked_address(message.address), json.dumps(parts).encode(), reference_of(message))

    def send(self, envelopes: Sequence[Envelope]) -> list[Result]:
        return [self._send_one(envelope) for envelope in envelopes]

    def verify(self) -> Health:
        try:
            self._open()
        except (AnymailError, ImportError) as error:
            return Health(settings.EMAIL_ESP, configured=False, problem=short_detail(str(error)))
        return Health(settings.EMAIL_ESP)

    def parse_webhook(self, request: HttpRequest) -> list[Report]:
        """Return the provider's reports. Raises HookRefused for what does not prove where it comes from."""
        view = _tracking_view(settings.EMAIL_ESP)
        if view.warn_if_no_basic_auth and not view.basic_auth:
            raise HookRefused("Set WEBHOOK_SECRET in ANYMAIL: nothing else proves whose call this is.")
        try:
            view.run_validators(request)
        except AnymailWebhookValidationFailure as error:
            raise HookRefused(str(error)) from error
        except AnymailConfigurationError as error:
            raise HookRefused(short_detail(str(error))) from error
        try:
            events = view.parse_events(request)
        except AnymailError as error:
            raise ValueError(str(error)) from error
        return [report for event in events if (report := _report(event))]

    def close(self) -> None:
        if self._backend is not None:
            self._backend.close()
            self._backend = None

    def _open(self) -> Any:
        if self._backend is None:
            backend = import_string(f"anymail.backends.{settings.EMAIL_ESP}.EmailBackend")()
            backend.open()
            self._backend = backend
        return self._backend

    def _send_one(self, envelope: Envelope) -> Result:
        mail = _mail(envelope)
        try:
            self._open().send_messages([mail])
        except AnymailRecipientsRefused:
            return Result(Outcome.REJECTED, _status_of(mail, envelope), hard_bounce=_is_invalid(mail))
        except AnymailAPIError as error:
            return _what_failed(error)
        except (AnymailConfigurationError, ImportError) as error:
            return Result(Outcome.TRANSIENT, short_detail(str(error)), unreachable=True)
        except (AnymailError, UnicodeError) as error:  # It could not be written in the provider's format.
            return Result(Outcome.REJECTED, short_detail(str(error)))
        except requests.RequestException as error:
            return _what_silence_means(error)
        return _what_was_said(mail, envelope)


def _mail(envelope: Envelope) -> EmailMultiAlternatives:
    parts = json.loads(envelope.body)
    headers = {}
    if parts["unsubscribe"]:
        headers = {
            "List-Unsubscribe": f"<{parts['unsubscribe']}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        }
    mail = EmailMultiAlternatives(
        subject=parts["subject"],
        body=parts["text"],
        from_email=settings.DEFAULT_FROM_EMAIL,
        to=[envelope.recipient],
        headers=headers,
    )
    mail.attach_alternative(parts["html"], "text/html")
    mail.metadata = {"message": envelope.reference}
    # We count clicks ourselves, on links that are ours; what a provider counts would be a second truth.
    mail.track_clicks = mail.track_opens = False
    return mail


def _what_was_said(mail: EmailMultiAlternatives, envelope: Envelope) -> Result:
    """Return what an answer means that anymail could read; some providers refuse in one that is no error."""
    status, detail = mail.anymail_status, _status_of(mail, envelope)
    answer = getattr(status.esp_response, "status_code", 200)
    if (status.status and status.status <= REFUSED) or answer >= 400:
        return Result(Outcome.REJECTED, detail, hard_bounce=_is_invalid(mail))
    return Result(Outcome.ACCEPTED, detail, provider_id=str(status.message_id or ""))


def _status_of(mail: EmailMultiAlternatives, envelope: Envelope) -> str:
    found = mail.anymail_status.recipients.get(envelope.recipient)
    return short_detail(str(found.status if found else mail.anymail_status.status))


def _is_invalid(mail: EmailMultiAlternatives) -> bool:
    """Return whether the provider says that there is no such mailbox; a refusal of its own says less."""
    return mail.anymail_status.status == {"invalid"}


def _what_failed(error: AnymailAPIError) -> Result:
    detail, status = short_detail(str(error)), error.status_code
    if status is None:
        return _what_silence_means(error)
    if status in NOT_NOW | NOT_US:
        return Result(Outcome.TRANSIENT, detail, unreachable=True)
    if status >= 500 or status < 300:  # An answer that makes no sense is no answer.
        return Result(Outcome.UNKNOWN, detail)
    return Result(Outcome.REJECTED, detail)


def _what_silence_means(error: BaseException) -> Result:
    detail = short_detail(str(error))
    if any(isinstance(cause, NEVER_LEFT) for cause in _causes(error)):
        return Result(Outcome.TRANSIENT, detail, unreachable=True)
    return Result(Outcome.UNKNOWN, detail)


def _causes(error: BaseException | None) -> list[BaseException]:
    """Return an error with what it was raised from, and what libraries hide in its arguments."""
    found: list[BaseException] = []
    waiting = [error]
    while waiting:
        one = waiting.pop()
        if one is None or one in found:
            continue
        found.append(one)
        hidden = [each for each in one.args if isinstance(each, BaseException)]
        waiting += [one.__cause__, getattr(one, "reason", None), *hidden]
        waiting = [each for each in waiting if isinstance(each, BaseException)]
    return found


def _tracking_view(esp: str) -> AnymailCoreWebhookView:
    """Return anymail's reader of a provider's calls. Raises HookRefused for a provider without one."""
    try:
        module = importlib.import_module(f"anymail.webhooks.{esp}")
    except ImportError as error:
        raise HookRefused(f"{esp} makes no calls that are understood.") from error
    views = [
        one for name, one in vars(module).items() if name.endswith("WebhookView") and isinstance(one, type)
    ]
    reader = next((one for one in views if one.signal is tracking or "Combined" in one.__name__), None)
    if reader is None:
        raise HookRefused(f"{esp} makes no calls that are understood.")
    with warnings.catch_warnings():  # That nothing protects it is refused, not warned of.
        warnings.simplefilter("ignore")
        try:
            return reader()
        except AnymailConfigurationError as error:
            raise HookRefused(short_detail(str(error))) from error


def _report(event: Any) -> Report | None:
    kind = KINDS.get(event.event_type)
    if kind is None or not isinstance(event, AnymailTrackingEvent):
        return None
    detail = " ".join(filter(None, [event.mta_response, event.description]))
    if kind == Kind.BOUNCED and not _is_for_good(event, detail):
        kind = Kind.SOFT_BOUNCED
    metadata = event.metadata if isinstance(event.metadata, dict) else {}
    return Report(
        key=_key(event),
        kind=kind,
        occurred_at=event.timestamp,
        reference=str(metadata.get("message", "")),
        provider_id=str(event.message_id or ""),
        recipient=event.recipient or "",
        detail=detail,
    )


def _is_for_good(event: AnymailTrackingEvent, detail: str) -> bool:
    """Return whether a bounce says that the mailbox does not exist, rather than that it is full or away."""
    status = bounce_status(detail)
    if status:
        return status.startswith("5.1")
    told = event.esp_event if isinstance(event.esp_event, dict) else {}
    return "soft" not in str(told.get("Type", told.get("type", ""))).lower()


def _key(event: AnymailTrackingEvent) -> str:
    """Return what makes a report the same when it comes again."""
    parts = [event.event_type, event.event_id, event.message_id, event.recipient, event.timestamp]
    if event.event_type == "clicked":
        parts.append(event.click_url)
    return hashlib.sha256("|".join(str(part) for part in parts).encode()).hexdigest()
