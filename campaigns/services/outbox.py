"""The moves of a message between the row and the wire; the only code that changes its state.

A claim is a lease on a batch. Each message of it is then taken by one statement, committed before any byte
leaves, that re-reads everything that could forbid it. What the provider said is written down by its holder.
"""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models.functions import Now

from campaigns.channels import Envelope, Outcome, Result
from campaigns.models import (
    CampaignVersion,
    Message,
    MessageReason,
    MessageState,
)
from campaigns.rules import retry_delay
from campaigns.services.claims import sending_lease
from campaigns.services.reservations import give_back, own_items_of, shown_already, turn_of
from campaigns.services.telling import message_event
from campaigns.services.verdicts import HOLD_RECIPIENT, TAKE, TAKE_PREPARED
from coupons.services import publish_coupon
from coupons.services.sealed_codes import wipe_code
from customers.models import Suppression
from customers.services import record_events, suppress
from customers.services.locks import lock_live_customers
from operations.statements import run_together

# What the sender was told of a message that it holds, or held: nothing but the fact that it was accepted.
ACCEPTED = """
UPDATE campaigns_message
SET state = 'SENT', reason = '', detail = %(detail)s::text, provider_id = %(named)s::text, lease_until = NULL,
    sent_at = statement_timestamp()
WHERE id = %(id)s::bigint AND owner = %(owner)s::text AND state IN ('SENDING', 'UNKNOWN')
RETURNING id
"""
ACCEPTED_AND_HOLD = f"WITH accepted AS ({ACCEPTED}) {HOLD_RECIPIENT}"
# A retry of a message whose campaign was stopped meanwhile has nowhere to wait.
POSTPONE = """
UPDATE campaigns_message AS message
SET state = CASE WHEN stopped.id IS NULL THEN 'PENDING' ELSE 'CANCELLED' END,
    reason = CASE WHEN stopped.id IS NULL THEN %(reason)s ELSE 'STOPPED' END,
    detail = %(detail)s, not_before = statement_timestamp() + %(delay)s, owner = '', lease_until = NULL
FROM (SELECT 1) AS one
LEFT JOIN campaigns_campaign AS stopped ON stopped.status = 'STOPPED' AND stopped.id = %(campaign)s
WHERE message.id = %(id)s AND message.state = 'SENDING' AND message.owner = %(owner)s
RETURNING message.state
"""
# How soon a message asks again that let another campaign's go first: the longer it has waited the later.
PATIENCE, MOST_PATIENCE = timedelta(seconds=3), timedelta(minutes=1)


@dataclass(frozen=True)
class Prepared:
    """A message in its final form, as it was when it was put into it."""

    message: Message
    envelope: Envelope


@dataclass(frozen=True)
class Accepted:
    """A message that its provider has taken; `detail` is what it said."""

    message: Message
    detail: str
    provider_id: str = ""


def take_message(
    message_id: int, *, owner: str, version: CampaignVersion | None, at: datetime
) -> Message | None:
    """Write down, in one committed statement, that this message is being sent; None when it must not be.

    Holder, lease, campaign, run, channel switch, consent, suppression and expiry are read again. The
    recipient gets their coupon in the same transaction: a Refusal of `publish_coupon` comes through, and the
    message stays claimed.
    """
    with transaction.atomic():
        # Before the message's own row, as a merge does: who is being merged gets one message, not two.
        recipient = Message.objects.values_list("customer", flat=True).get(pk=message_id)
        # Not shared: of two messages to one person at once, the second sees what became of the first.
        lock_live_customers([recipient])
        with connection.cursor() as cursor:
            values = {
                "ids": [message_id],
                "owner": owner,
                "lease": sending_lease(),
                "patience": PATIENCE,
                "most_patience": MOST_PATIENCE,
            }
            cursor.execute(TAKE, values)
            row = cursor.fetchone()
        if row is None or row[0] == MessageState.PENDING:
            return None
        message = Message.objects.with_recipient().get(pk=message_id)
        if message.state != MessageState.SENDING:
            give_back(message, at=at)
            return None
        promotion = version.promotion_for(message.variant, step=message.step) if version else None
        if promotion is not None and message.publication is None:
            shown = shown_already(promotion, [message]).get(turn_of(message))
            message.publication = shown or publish_coupon(
                promotion,
                customer=message.customer,
                source_id=f"message:{message.pk}",
                channel=None,
                at=at,
                **({"items": own} if (own := own_items_of(version, message)) else {}),
            )
            message.save(update_fields=["publication"])
    return message


def advance(owner: str, *, done: Accepted | None, coming: Prepared | None) -> bool:
    """Write down that one message was accepted and that the next is being sent: one commit, one round trip.

    Returns whether `coming` may leave; everything `take_message` reads is read again, and a message that is
    not as it was prepared stays where it is. `done` is told as an event by `tell_sent`, later.
    """
    statements: list[tuple[str, dict[str, Any]]] = []
    told: dict[str, Any] = {"owner": owner}
    if done is not None:
        told |= {"id": done.message.pk, "detail": done.detail, "named": done.provider_id[:128]}
    if coming is None:
        statements += [(ACCEPTED, told)] if done is not None else []
    else:
        message = coming.message
        told["customer"] = message.customer_id
        values = {
            "ids": [message.pk],
            "owner": owner,
            "lease": sending_lease(),
            "customer": message.customer_id,
            "address": message.address,
            "publication": message.publication_id,
        }
        hold = HOLD_RECIPIENT if done is None else ACCEPTED_AND_HOLD
        statements += [(hold, told), (TAKE_PREPARED, values)]
    answers = run_together(statements)
    return coming is not None and bool(answers[-1])


def record_result(
    message: Message, *, owner: str, result: Result, at: datetime, idempotent: bool = False
) -> str | None:
    """Write down what the provider said; return the new state, or None when the message is no longer ours.

    A sender that was only slow still tells, after a reaper had to call the message UNKNOWN. Silence of an
    `idempotent` provider is no harm: it gets the message again under the same key.
    """
    with transaction.atomic():
        match result.outcome:
            case Outcome.ACCEPTED:
                return _end(
                    message, owner, MessageState.SENT, result.detail, at=at, provider_id=result.provider_id
                )
            case Outcome.REJECTED:
                return _reject(message, owner, result, at=at)
            case Outcome.UNKNOWN if idempotent:
                return _postpone(message, owner, result, at=at)
            case Outcome.UNKNOWN:
                return _end(
                    message, owner, MessageState.UNKNOWN, result.detail, reason=MessageReason.NO_ANSWER, at=at
                )
            case Outcome.TRANSIENT:
                return _postpone(message, owner, result, at=at)


def refuse_content(message: Message, *, owner: str, detail: str, at: datetime) -> str | None:
    """End a message that cannot be put into a safe form; nothing of it has left."""
    with transaction.atomic():
        state = _end(
            message, owner, MessageState.FAILED, detail[:300], reason=MessageReason.BAD_CONTENT, at=at
        )
        if state:
            give_back(message, at=at)
        return state


def leave_out(message_id: int, *, owner: str, reason: MessageReason) -> None:
    """End a message that this process holds and that must not be sent, before anything of it has left."""
    held = Message.objects.filter(pk=message_id, owner=owner, state=MessageState.CLAIMED)
    held.update(state=MessageState.SUPPRESSED, reason=reason, owner="", lease_until=None)


def _end(
    message: Message,
    owner: str,
    state: str,
    detail: str,
    *,
    at: datetime,
    reason: str = "",
    provider_id: str = "",
) -> str | None:
    changed = Message.objects.filter(
        pk=message.pk, owner=owner, state__in=[MessageState.SENDING, MessageState.UNKNOWN]
    ).update(
        state=state,
        reason=reason,
        detail=detail,
        provider_id=provider_id[:128],
        lease_until=None,
        sent_at=Now() if state == MessageState.SENT else None,
    )
    if not changed:
        return None
    if state == MessageState.SENT and message.gift_card:
        card, version = message.gift_card
        wipe_code(card, version=version)
    record_events([message_event(state.lower(), message, at)])
    return state


def _reject(message: Message, owner: str, result: Result, *, at: datetime) -> str | None:
    reason = MessageReason.HARD_BOUNCE if result.hard_bounce else MessageReason.REFUSED
    state = _end(message, owner, MessageState.FAILED, result.detail, reason=reason, at=at)
    if state is None:
        return None
    give_back(message, at=at)
    if result.hard_bounce:
        suppress(message.channel, message.address, reason=Suppression.Reason.BOUNCED)
        record_events([message_event("bounced", message, at)])
    return state


def _postpone(message: Message, owner: str, result: Result, *, at: datetime) -> str | None:
    delay = retry_delay(message.attempts, chance=random.random())
    if delay is None:
        state = _end(
            message, owner, MessageState.DEAD, result.detail, reason=MessageReason.RETRIES_USED_UP, at=at
        )
    else:
        state = _wait_again(message, owner, result, delay)
    if state in (MessageState.DEAD, MessageState.CANCELLED):
        give_back(message, at=at)
    return state


def _wait_again(message: Message, owner: str, result: Result, delay: timedelta) -> str | None:
    reason = MessageReason.UNREACHABLE if result.unreachable else MessageReason.TEMPORARY
    values = {
        "id": message.pk,
        "campaign": message.campaign_id,
        "owner": owner,
        "reason": str(reason),
        "detail": result.detail,
        "delay": delay,
    }
    with connection.cursor() as cursor:
        cursor.execute(POSTPONE, values)
        row = cursor.fetchone()
    return row[0] if row else None
