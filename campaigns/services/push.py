"""Browsers and apps that agree to notifications, and those that are gone."""

import base64
import binascii
import hashlib
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from campaigns.models import PushSubscription
from customers.models import Channel, Customer, Identity, Namespace, Purpose
from customers.models.consent import ConsentState
from customers.services import record_consent, unsuppress
from customers.services.locks import hold_customer
from customers.services.preferences import current_text
from operations.errors import InvalidInput
from operations.safe_http import AddressRefused, check_url

LONGEST_ENDPOINT = 2_000
KEY_BYTES = {"p256dh": 65, "auth": 16}
Kind = PushSubscription.Kind


def subscribe_push(
    customer: Customer,
    *,
    kind: str,
    endpoint: str,
    proof: dict[str, Any],
    at: datetime,
    p256dh: str = "",
    auth: str = "",
    language: str = "",
) -> PushSubscription:
    """Let a browser or an app of a customer be notified; `proof` is how they agreed.

    `endpoint` is what the browser told, or the app's registration token. Again it is the same subscription;
    one that another customer had is this customer's from now on: the device changed hands.

    Raises InvalidInput for what is no subscription, ConsentWithoutProof.
    """
    _check(kind, endpoint, p256dh, auth)
    address = push_address(kind, endpoint)
    with transaction.atomic():
        customer = hold_customer(customer)
        values = {"customer": customer, "kind": kind, "endpoint": endpoint, "p256dh": p256dh, "auth": auth}
        known = PushSubscription.objects.select_for_update().filter(address=address).first()
        if known is not None and known.customer_id != customer.pk:
            Identity.objects.filter(namespace=Namespace.PUSH, value=address).exclude(
                customer=customer
            ).delete()
        subscription, _created = PushSubscription.objects.update_or_create(
            address=address, defaults=values | {"gone_at": None}, create_defaults=values | {"created_at": at}
        )
        Identity.objects.get_or_create(
            customer=customer, namespace=Namespace.PUSH, value=address, defaults={"verified_at": at}
        )
        unsuppress(Channel.PUSH, address)  # One that had gone is there again.
        text = current_text(Purpose.MARKETING, language or customer.written_language)
        record_consent(
            customer,
            channel=Channel.PUSH,
            purpose=Purpose.MARKETING,
            address=address,
            state=ConsentState.GRANTED,
            text_version=text.version if text else "",
            proof=proof,
            at=at,
        )
    return subscription


def unsubscribe_push(customer: Customer, *, kind: str, endpoint: str, at: datetime) -> bool:
    """End a subscription because its owner says so; return whether the customer had it."""
    address = push_address(kind, endpoint)
    with transaction.atomic():
        customer = hold_customer(customer)
        found = PushSubscription.objects.filter(customer=customer, address=address)
        if not found.update(gone_at=at):
            return False
        record_consent(
            customer,
            channel=Channel.PUSH,
            purpose=Purpose.MARKETING,
            address=address,
            state=ConsentState.WITHDRAWN,
            proof={"page": "notifications"},
            at=at,
        )
    return True


def push_address(kind: str, endpoint: str) -> str:
    """Return the contact point of a subscription: it names the device and says nothing about it."""
    return f"{kind.lower()}:{hashlib.sha256(endpoint.encode()).hexdigest()[:40]}"


def _check(kind: str, endpoint: str, p256dh: str, auth: str) -> None:
    if not endpoint.strip() or len(endpoint) > LONGEST_ENDPOINT:
        raise InvalidInput.at("/endpoint", _("This is no subscription."))
    if kind != Kind.WEB:
        return
    try:
        check_url(endpoint)
    except AddressRefused as error:
        raise InvalidInput.at("/endpoint", str(error)) from error
    for name, value in (("p256dh", p256dh), ("auth", auth)):
        if _length(value) != KEY_BYTES[name]:
            raise InvalidInput.at(f"/keys/{name}", _("This is no key of a browser."))


def _length(key: str) -> int:
    try:
        return len(base64.b64decode(key + "=" * (-len(key) % 4), altchars=b"-_", validate=True))
    except (binascii.Error, ValueError):
        return -1
