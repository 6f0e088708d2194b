"""Telling clients of the API what happened: at least once, of each customer in order, for a day.

One process at a time calls a webhook, and each webhook has calls of its own: a slow or silent receiver keeps
nobody else waiting.
"""

import hashlib
import json
import secrets
import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from operations.errors import Conflict, FidelioError, InvalidInput, Refusal
from operations.models import ApiClient, Webhook, WebhookDelivery
from operations.models.webhook import PURPOSE
from operations.safe_http import AddressRefused, Answer, CallFailed, SafeClient, check_url
from operations.sealing import seal_secret
from operations.webhook_signing import new_secret, signed_headers

log = structlog.get_logger(__name__)

# After so many attempts: together a little more than a day.
RETRY_AFTER = [
    timedelta(seconds=5), timedelta(minutes=5), timedelta(minutes=30), timedelta(hours=2), timedelta(hours=5),
    timedelta(hours=8), timedelta(hours=9),
]  # fmt: skip
# How long a receiver is left alone after calls in a row that failed: doubled each time.
FIRST_REST, LONGEST_REST = timedelta(seconds=5), timedelta(minutes=10)
# One turn of a webhook, and how long others keep away from it: longer than a turn with its last call.
TURN_SECONDS = 20.0
BUSY = timedelta(seconds=60)
KEPT = timedelta(days=30)
FORGOTTEN_AT_ONCE = 5_000
GONE = 410
LONGEST_ANSWER = 300
STALE_SECONDS = 5.0


class WebhookKnown(Conflict):
    message = _("This client has a webhook with this address already.")


class WebhookNotTaken(Refusal):
    """The receiver did not take a test."""

    key = "webhook_not_taken"


@dataclass(frozen=True)
class _Reply:
    """What is kept of one call; without a `status` no answer came."""

    said: str
    status: int = 0
    failure: str = ""

    @property
    def taken(self) -> bool:
        return 200 <= self.status < 300


class _Memory:
    types: frozenset[str] | None = None
    read_at = 0.0


def add_webhook(client: ApiClient, *, url: str, event_types: Collection[str]) -> Webhook:
    """Have a client told of events of these types from now on; the webhook's `secret` signs the calls.

    Raises InvalidInput for the address and for types that there are not or that the client may not read,
    WebhookKnown.
    """
    _check(client, url, event_types)
    try:
        with transaction.atomic():
            webhook = Webhook.objects.create(
                client=client,
                url=url,
                event_types=sorted(set(event_types)),
                sealed_secret=seal_secret(new_secret(), purpose=PURPOSE),
            )
    except IntegrityError as error:
        raise WebhookKnown from error
    transaction.on_commit(forget_types)
    return webhook


def change_webhook(webhook: Webhook, *, url: str, event_types: Collection[str], active: bool) -> Webhook:
    """Change where a webhook is and what it hears of, or switch it off or on. Raises as `add_webhook`.

    What waits for it is kept while it is off.
    """
    _check(webhook.client, url, event_types)
    webhook.url, webhook.event_types, webhook.active = url, sorted(set(event_types)), active
    if active:
        webhook.disabled_reason, webhook.failures, webhook.rests_until = "", 0, None
    try:
        with transaction.atomic():
            webhook.save(
                update_fields=["url", "event_types", "active", "disabled_reason", "failures", "rests_until"]
            )
    except IntegrityError as error:
        raise WebhookKnown from error
    transaction.on_commit(forget_types)
    return webhook


def remove_webhook(webhook: Webhook) -> None:
    """End a webhook with all that waits for it."""
    webhook.delete()
    transaction.on_commit(forget_types)


def renew_webhook_secret(webhook: Webhook) -> Webhook:
    """Give a webhook another secret; calls signed with the former one end at once."""
    webhook.sealed_secret = seal_secret(new_secret(), purpose=PURPOSE)
    webhook.save(update_fields=["sealed_secret"])
    return webhook


def try_webhook(webhook: Webhook, *, at: datetime) -> str:
    """Send a signed call that tells nothing; return what the receiver answered. Raises WebhookNotTaken."""
    caller = SafeClient()
    body = _written({"type": "test", "timestamp": _instant(at), "data": {}})
    try:
        answer = _call(caller, webhook, f"msg_test_{secrets.token_hex(8)}", body)
    except AddressRefused as error:
        raise WebhookNotTaken(_("The test was not sent: %(answer)s") % {"answer": error}) from error
    except CallFailed as error:
        raise WebhookNotTaken(f"{error.failure.label}: {error}") from error
    finally:
        caller.close()
    if answer.status >= 300:
        raise WebhookNotTaken(_("The receiver answered %(status)d.") % {"status": answer.status})
    return str(answer.status)


def is_subscribed(type: str) -> bool:
    """Return whether any webhook hears of events of this type, as known a few seconds ago at most."""
    if _Memory.types is None or time.monotonic() - _Memory.read_at > STALE_SECONDS:
        rows = Webhook.objects.filter(client__revoked=False).values_list("event_types", flat=True)
        remember_types(one for types in rows for one in types)
    return type in (_Memory.types or ())


def remember_types(types: Iterable[str]) -> None:
    """Take these as the types that webhooks hear of, until they are read again."""
    _Memory.types, _Memory.read_at = frozenset(types), time.monotonic()


def forget_types() -> None:
    """Read anew, the next time it matters."""
    _Memory.types = None


def queue_deliveries(
    type: str, data: Mapping[str, Any], *, event_id: int, subject: str, occurred_at: datetime, at: datetime
) -> int:
    """Write down that every webhook which hears of this type is to be told; again, nothing. Returns how many.

    A client that may no longer read such events is not told, though its webhook names them.

    `subject` is the customer's public id, empty for what is about nobody.
    """
    told = {"type": type, "timestamp": _instant(occurred_at), "data": dict(data)}
    body = json.loads(_written(told))
    webhooks = Webhook.objects.filter(event_types__contains=[type], client__revoked=False)
    rows = [
        WebhookDelivery(
            webhook=webhook,
            event_id=event_id,
            message_id=_message_id(webhook, event_id),
            type=type,
            subject=subject,
            body=body,
            not_before=at,
            created_at=at,
        )
        for webhook in webhooks.select_related("client").order_by("pk")
        if _may_hear(webhook.client, type)
    ]
    WebhookDelivery.objects.bulk_create(rows, ignore_conflicts=True)
    return len(rows)


def due_webhooks(*, at: datetime) -> list[int]:
    """Return the webhooks that have something to hear and may be called now."""
    return list(Webhook.objects.due(at).order_by("pk").values_list("pk", flat=True))


def call_webhook(webhook_id: int, *, seconds: float = TURN_SECONDS) -> int:
    """Give one webhook its turn: tell it what is due until nothing is, it fails, or the time is up.

    Whoever comes while it has its turn leaves it alone; a process that dies gives it free after a minute,
    and what it was just telling is told again. Returns how many deliveries were taken.
    """
    ends_at, taken = time.monotonic() + seconds, 0
    caller = SafeClient()
    try:
        while time.monotonic() < ends_at:
            webhook = _begin_turn(webhook_id)
            if webhook is None:
                return taken
            delivery = WebhookDelivery.objects.next_of(webhook, timezone.now())
            if delivery is None or not _deliver(caller, webhook, delivery):
                break
            taken += 1
            Webhook.objects.filter(pk=webhook_id).update(busy_until=None)
    finally:
        caller.close()
    Webhook.objects.filter(pk=webhook_id).update(busy_until=None)
    return taken


def resend_delivery(delivery: WebhookDelivery, *, at: datetime) -> WebhookDelivery:
    """Tell a webhook once more, under the same id; its receiver knows it again."""
    delivery.state, delivery.attempts, delivery.not_before = WebhookDelivery.State.WAITING, 0, at
    delivery.save(update_fields=["state", "attempts", "not_before"])
    return delivery


def forget_deliveries(*, at: datetime) -> int:
    """Delete what was told or given up more than a month ago, in portions; return how many."""
    old = WebhookDelivery.objects.filter(created_at__lt=at - KEPT).order_by("pk")
    old = old.exclude(state=WebhookDelivery.State.WAITING, webhook__active=True)
    forgotten = last = 0
    while ids := list(old.filter(pk__gt=last).values_list("pk", flat=True)[:FORGOTTEN_AT_ONCE]):
        forgotten += WebhookDelivery.objects.filter(pk__in=ids).delete()[0]
        last = ids[-1]
    return forgotten


def offered_types(client: ApiClient | None = None) -> list[str]:
    """Return the types of events that there are to hear of; those alone that a client may read."""
    offered: dict[str, str] = settings.WEBHOOK_TYPES
    return [type for type, scope in offered.items() if client is None or client.has_scope(scope)]


def _check(client: ApiClient, url: str, event_types: Iterable[str]) -> None:
    try:
        check_url(url)
    except AddressRefused as error:
        raise InvalidInput.at("/url", str(error)) from error
    if client.partner_source:
        raise InvalidInput.at(
            "/client", _("A partner of the coalition is told nothing of others' customers.")
        )
    wanted = list(event_types)
    if not wanted:
        raise InvalidInput.at("/event_types", _("Choose what it hears of."))
    for number, type in enumerate(wanted):
        scope = settings.WEBHOOK_TYPES.get(type)
        if scope is None:
            raise InvalidInput.at(f"/event_types/{number}", _("There is no such event to hear of."))
        if not client.has_scope(scope):
            raise InvalidInput.at(
                f"/event_types/{number}",
                _("To hear of %(type)s the client needs the scope %(scope)s.")
                % {"type": type, "scope": scope},
            )


def _may_hear(client: ApiClient, type: str) -> bool:
    scope = settings.WEBHOOK_TYPES.get(type)
    return scope is not None and client.has_scope(scope) and not client.partner_source


def _begin_turn(webhook_id: int) -> Webhook | None:
    now = timezone.now()
    free = Webhook.objects.filter(pk=webhook_id, active=True, client__revoked=False)
    free = free.filter(Q(busy_until__isnull=True) | Q(busy_until__lte=now))
    free = free.filter(Q(rests_until__isnull=True) | Q(rests_until__lte=now))
    if not Webhook.objects.filter(pk__in=free.values("pk")).update(busy_until=now + BUSY):
        return None
    return Webhook.objects.get(pk=webhook_id)


def _deliver(caller: SafeClient, webhook: Webhook, delivery: WebhookDelivery) -> bool:
    """Make one call and write down what became of it; return whether the receiver took it."""
    reply = _reply(caller, webhook, delivery)
    at = timezone.now()
    delivery.attempts += 1
    delivery.tried_at, delivery.answer, delivery.failure = at, reply.said, reply.failure
    if reply.taken:
        delivery.state, delivery.delivered_at = WebhookDelivery.State.DELIVERED, at
        if webhook.failures:
            Webhook.objects.filter(pk=webhook.pk).update(failures=0, rests_until=None)
    else:
        _postpone(webhook, delivery, gone=reply.status == GONE, at=at)
    delivery.save(
        update_fields=["attempts", "tried_at", "answer", "failure", "state", "delivered_at", "not_before"]
    )
    return reply.taken


def _postpone(webhook: Webhook, delivery: WebhookDelivery, *, gone: bool, at: datetime) -> None:
    if gone:
        Webhook.objects.filter(pk=webhook.pk).update(active=False, disabled_reason=delivery.answer[:200])
        delivery.not_before = at
        return
    rest = min(FIRST_REST * 2 ** min(webhook.failures, 10), LONGEST_REST)
    Webhook.objects.filter(pk=webhook.pk).update(failures=F("failures") + 1, rests_until=at + rest)
    if delivery.attempts > len(RETRY_AFTER):
        delivery.state = WebhookDelivery.State.GIVEN_UP
        log.warning("webhook_given_up", webhook=webhook.pk, delivery=delivery.pk)
    else:
        delivery.not_before = at + RETRY_AFTER[delivery.attempts - 1]


def _reply(caller: SafeClient, webhook: Webhook, delivery: WebhookDelivery) -> _Reply:
    try:
        answer = _call(caller, webhook, delivery.message_id, _written(delivery.body))
    except CallFailed as error:
        return _Reply(_kept(str(error)), failure=error.failure)
    except AddressRefused as error:
        return _Reply(_kept(str(error)))
    except FidelioError as error:  # Its secret cannot be opened.
        return _Reply(_kept(str(error.message)))
    return _Reply(_kept(f"{answer.status} {answer.text}"), answer.status)


def _kept(said: str) -> str:
    # PostgreSQL keeps no NUL in a text.
    return " ".join(said.replace("\0", " ").split())[:LONGEST_ANSWER]


def _call(caller: SafeClient, webhook: Webhook, message_id: str, body: str) -> Answer:
    """Return the receiver's answer. Raises AddressRefused and CallFailed."""
    headers = signed_headers(webhook.secret, message_id=message_id, body=body, at=datetime.now(UTC))
    return caller.call("POST", webhook.url, headers=headers, body=body.encode())


def _message_id(webhook: Webhook, event_id: int) -> str:
    """Return a name that tells nothing of how many events there are."""
    digest = hashlib.sha256(f"{webhook.pk}:{event_id}".encode() + bytes(webhook.sealed_secret))
    return f"msg_{digest.hexdigest()[:32]}"


def _written(told: Mapping[str, Any]) -> str:
    return json.dumps(told, cls=DjangoJSONEncoder, ensure_ascii=False)


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat()
