"""Systems of the merchant that take messages over a webhook."""

import json
import secrets
from datetime import UTC, datetime

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from campaigns.channels.base import Result
from campaigns.channels.webhook import WebhookSender
from campaigns.errors import ReceiverCodeTaken, TestNotSent
from campaigns.models import Receiver
from campaigns.models.receiver import PURPOSE
from operations.errors import InvalidInput
from operations.safe_http import AddressRefused, check_url
from operations.sealing import seal_secret
from operations.webhook_signing import new_secret


def name_receiver(code: str, *, name: str, url: str) -> Receiver:
    """Write down a receiver with a new secret. Raises InvalidInput for the address, ReceiverCodeTaken."""
    _check(url)
    try:
        with transaction.atomic():
            return Receiver.objects.create(code=code, name=name, url=url, sealed_secret=_new_secret())
    except IntegrityError as error:
        raise ReceiverCodeTaken from error


def edit_receiver(receiver: Receiver, *, name: str, url: str, active: bool) -> Receiver:
    """Change where a receiver is, or switch it off or on. Raises InvalidInput."""
    _check(url)
    receiver.name, receiver.url, receiver.active = name, url, active
    if active:
        receiver.disabled_reason = ""
    receiver.save(update_fields=["name", "url", "active", "disabled_reason"])
    return receiver


def renew_secret(receiver: Receiver) -> Receiver:
    """Give a receiver another secret; calls signed with the former one end at once."""
    receiver.sealed_secret = _new_secret()
    receiver.save(update_fields=["sealed_secret"])
    return receiver


def try_receiver(receiver: Receiver, *, at: datetime) -> str:
    """Send a signed call that names nobody; return what the receiver answered. Raises TestNotSent."""
    sender = WebhookSender()
    body = json.dumps({"type": "test", "timestamp": at.astimezone(UTC).isoformat(), "data": {}})
    try:
        answer = sender.call(receiver, f"msg_test_{secrets.token_hex(8)}", body)
    finally:
        sender.close()
    if isinstance(answer, Result):
        raise TestNotSent(_("The test was not sent: %(answer)s") % {"answer": answer.detail})
    if answer.status >= 300:
        raise TestNotSent(_("The receiver answered %(status)d.") % {"status": answer.status})
    return str(answer.status)


def _new_secret() -> bytes:
    return seal_secret(new_secret(), purpose=PURPOSE)


def _check(url: str) -> None:
    try:
        check_url(url)
    except AddressRefused as error:
        raise InvalidInput.at("/url", str(error)) from error
