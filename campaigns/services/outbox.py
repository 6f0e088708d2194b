"""The moves of a message between the row and the wire; the only code that changes its state.

A claim is a lease on a batch. Each message of it is then taken by one statement, committed before any byte
leaves, that re-reads everything that could forbid it. What the provider said is written down by its holder.
"""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from campaigns.channels import Outcome, Result
from campaigns.models import (
    CampaignRun,
    ChannelSwitch,
    Message,
    MessageReason,
    MessageState,
)
from campaigns.rules import retry_delay
from coupons.models import Promotion, Publication
from coupons.services import Recipient, publish_coupon, publish_coupons, withdraw_publication
from coupons.services.sealed_codes import wipe_code
from customers.models import Event, Suppression
from customers.services import record_events, suppress
from customers.services.events import new_event
from customers.services.locks import lock_live_customers
from operations.errors import Refusal

CLAIM = """
WITH due AS MATERIALIZED (
    SELECT id FROM campaigns_message
    WHERE state = 'PENDING' AND lane = %(lane)s AND not_before <= statement_timestamp()
      AND {queue} AND channel <> ALL(%(off)s)
    ORDER BY not_before, id
    LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED
)
UPDATE campaigns_message AS message
SET state = 'CLAIMED', owner = %(owner)s, lease_until = statement_timestamp() + %(lease)s
FROM due WHERE message.id = due.id
RETURNING message.id
"""
# What would become of a message if it were sent now; SENDING when nothing forbids it.
VERDICT = """
SELECT asked.id,
       CASE
           WHEN campaign.status = 'STOPPED' OR run.status = 'STOPPED' THEN 'CANCELLED STOPPED'
           WHEN asked.expires_at <= statement_timestamp() THEN 'EXPIRED TOO_LATE'
           WHEN campaign.status <> 'RUNNING' OR run.status <> 'RUNNING' OR switch.off THEN 'PENDING'
           WHEN customer.status NOT IN ('ACTIVE', 'PROSPECT') OR customer.restricted_at IS NOT NULL
               THEN 'SUPPRESSED NO_CONSENT'
           WHEN asked.purpose <> 'SERVICE' AND NOT EXISTS (
               SELECT FROM customers_consent AS consent
               WHERE consent.customer_id = asked.customer_id AND consent.channel = asked.channel
                 AND consent.purpose = asked.purpose AND consent.address = asked.address
                 AND consent.state = 'GRANTED'
           ) THEN 'SUPPRESSED NO_CONSENT'
           WHEN EXISTS (
               SELECT FROM customers_suppression AS suppression
               WHERE suppression.channel = asked.channel
                 AND suppression.address_hash = asked.address_hash
                 AND (suppression.reason NOT IN ('UNSUBSCRIBED', 'ERASED')
                      OR asked.purpose <> 'SERVICE')
           ) THEN 'SUPPRESSED ON_SUPPRESSION_LIST'
           ELSE 'SENDING'
       END AS verdict
FROM campaigns_message AS asked
JOIN customers_customer AS customer ON customer.id = asked.customer_id
LEFT JOIN campaigns_campaign AS campaign ON campaign.id = asked.campaign_id
LEFT JOIN campaigns_campaignrun AS run ON run.id = asked.run_id
LEFT JOIN campaigns_channelswitch AS switch ON switch.channel = asked.channel
WHERE asked.id = ANY(%(ids)s)
"""
SENDABLE = f"SELECT id FROM ({VERDICT}) AS found WHERE verdict = 'SENDING'"
TAKE = f"""
UPDATE campaigns_message AS message
SET state = verdict.state,
    reason = verdict.reason,
    attempts = message.attempts + (verdict.state = 'SENDING')::int,
    owner = CASE WHEN verdict.state = 'SENDING' THEN message.owner ELSE '' END,
    lease_until = CASE WHEN verdict.state = 'SENDING' THEN statement_timestamp() + %(lease)s END
FROM (
    SELECT found.id, split_part(found.verdict, ' ', 1) AS state, split_part(found.verdict, ' ', 2) AS reason
    FROM ({VERDICT}) AS found
) AS verdict
WHERE message.id = verdict.id
  AND message.state = 'CLAIMED' AND message.owner = %(owner)s AND message.lease_until > statement_timestamp()
RETURNING message.state
"""
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


@dataclass(frozen=True)
class Claim:
    """A batch of messages that one process holds until its lease ends."""

    owner: str
    message_ids: list[int]


def claim_lease() -> timedelta:
    """Return how long a process holds a batch that it has not begun to send."""
    return timedelta(seconds=settings.MESSAGE_LEASE_SECONDS)


def sending_lease() -> timedelta:
    """Return how long a process may take over one message: longer than any send with its time-outs."""
    return 4 * claim_lease()


def claim_messages(*, lane: str, owner: str, run: CampaignRun | None, limit: int = 100) -> Claim:
    """Hold up to `limit` due messages of a run, or of no run; never one that somebody else holds."""
    values = {
        "lane": lane,
        "owner": owner,
        "lease": claim_lease(),
        "limit": limit,
        "run": run.pk if run else None,
        "off": list(ChannelSwitch.objects.filter(off=True).values_list("channel", flat=True)),
    }
    queue = "run_id = %(run)s" if run else "run_id IS NULL"
    with connection.cursor() as cursor:
        cursor.execute(CLAIM.format(queue=queue), values)
        return Claim(owner, sorted(row[0] for row in cursor.fetchall()))


def release_claims(*, owner: str) -> int:
    """Put back what this process holds and has not begun to send; return how many."""
    return Message.objects.filter(owner=owner, state=MessageState.CLAIMED).update(
        state=MessageState.PENDING, owner="", lease_until=None
    )


def reserve_coupons(claim: Claim, *, promotion: Promotion, at: datetime) -> None:
    """Give the recipients of a claimed batch their coupons, in few statements for all of them.

    Only those that nothing forbids to send; one that is then not sent all the same gives its coupon back.
    A promotion that cannot give so many leaves them to `take_message`, which says so of the first that gets
    none.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(SENDABLE, {"ids": claim.message_ids})
            sendable = [row[0] for row in cursor.fetchall()]
        waiting = Message.objects.filter(
            pk__in=sendable, owner=claim.owner, state=MessageState.CLAIMED, publication=None
        )
        lock_live_customers(waiting.values_list("customer", flat=True), shared=True)
        messages = list(waiting.select_related("customer").select_for_update(of=["self"]).order_by("pk"))
        recipients = [Recipient(one.customer, f"message:{one.pk}") for one in messages]
        try:
            with transaction.atomic():
                publications = publish_coupons(promotion, recipients, at=at) if recipients else []
        except Refusal:
            return
        for message, publication in zip(messages, publications, strict=True):
            message.publication = publication
        Message.objects.bulk_update(messages, ["publication"])


def take_message(message_id: int, *, owner: str, promotion: Promotion | None, at: datetime) -> Message | None:
    """Write down, in one committed statement, that this message is being sent; None when it must not be.

    Holder, lease, campaign, run, channel switch, consent, suppression and expiry are read again. The
    recipient gets their coupon in the same transaction: a Refusal of `publish_coupon` comes through, and the
    message stays claimed.
    """
    with transaction.atomic():
        # Before the message's own row, as a merge does: who is being merged gets one message, not two.
        recipient = Message.objects.values_list("customer", flat=True).get(pk=message_id)
        lock_live_customers([recipient], shared=True)
        with connection.cursor() as cursor:
            cursor.execute(TAKE, {"ids": [message_id], "owner": owner, "lease": sending_lease()})
            row = cursor.fetchone()
        if row is None or row[0] == MessageState.PENDING:
            return None
        message = Message.objects.with_recipient().get(pk=message_id)
        if message.state != MessageState.SENDING:
            _give_back(message, at=at)
            return None
        if promotion is not None and message.publication is None:
            message.publication = publish_coupon(
                promotion,
                customer=message.customer,
                source_id=f"message:{message.pk}",
                channel=None,
                at=at,
            )
            message.save(update_fields=["publication"])
    return message


def record_result(message: Message, *, owner: str, result: Result, at: datetime) -> str | None:
    """Write down what the provider said; return the new state, or None when the message is no longer ours.

    A sender that was only slow still tells, after a reaper had to call the message UNKNOWN.
    """
    with transaction.atomic():
        match result.outcome:
            case Outcome.ACCEPTED:
                return _end(message, owner, MessageState.SENT, result.detail, at=at)
            case Outcome.REJECTED:
                return _reject(message, owner, result, at=at)
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
            _give_back(message, at=at)
        return state


def leave_out(message_id: int, *, owner: str, reason: MessageReason) -> None:
    """End a message that this process holds and that must not be sent, before anything of it has left."""
    held = Message.objects.filter(pk=message_id, owner=owner, state=MessageState.CLAIMED)
    held.update(state=MessageState.SUPPRESSED, reason=reason, owner="", lease_until=None)


def reap_leases(*, at: datetime) -> int:
    """Take messages from processes that died: claimed ones wait again, those being sent become UNKNOWN."""
    Message.objects.filter(state=MessageState.CLAIMED, lease_until__lte=Now()).update(
        state=MessageState.PENDING, owner="", lease_until=None
    )
    with transaction.atomic():
        lost = list(
            Message.objects.select_for_update(skip_locked=True, of=["self"])
            .select_related("campaign", "customer")
            .filter(state=MessageState.SENDING, lease_until__lte=Now())
        )
        for message in lost:
            message.state, message.reason = MessageState.UNKNOWN, MessageReason.SENDER_DIED
            message.lease_until = None
        Message.objects.bulk_update(lost, ["state", "reason", "lease_until"])
        record_events([_event("unknown", message, at) for message in lost])
    return len(lost)


def give_back_coupons(messages: QuerySet[Message], *, at: datetime) -> None:
    """Return the coupons of messages that were never accepted to their promotion."""
    for message in messages.select_related("publication__coupon", "publication__promotion"):
        _give_back(message, at=at)


def _end(
    message: Message, owner: str, state: str, detail: str, *, at: datetime, reason: str = ""
) -> str | None:
    changed = Message.objects.filter(
        pk=message.pk, owner=owner, state__in=[MessageState.SENDING, MessageState.UNKNOWN]
    ).update(
        state=state,
        reason=reason,
        detail=detail,
        lease_until=None,
        sent_at=Now() if state == MessageState.SENT else None,
    )
    if not changed:
        return None
    if state == MessageState.SENT and message.gift_card:
        card, version = message.gift_card
        wipe_code(card, version=version)
    record_events([_event(state.lower(), message, at)])
    return state


def _reject(message: Message, owner: str, result: Result, *, at: datetime) -> str | None:
    reason = MessageReason.HARD_BOUNCE if result.hard_bounce else MessageReason.REFUSED
    state = _end(message, owner, MessageState.FAILED, result.detail, reason=reason, at=at)
    if state is None:
        return None
    _give_back(message, at=at)
    if result.hard_bounce:
        suppress(message.channel, message.address, reason=Suppression.Reason.BOUNCED)
        record_events([_event("bounced", message, at)])
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
        _give_back(message, at=at)
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


def _give_back(message: Message, *, at: datetime) -> None:
    """A coupon that a campaign reserved goes back; one that somebody else gave is not ours to take."""
    publication = message.publication
    if message.run_id is None or publication is None:
        return
    if publication.status == Publication.Status.PUBLISHED:
        withdraw_publication(publication, at=at)


def _event(what: str, message: Message, at: datetime) -> Event:
    return new_event(
        f"message.{what}",
        external_id=f"message:{message.pk}:{what}",
        occurred_at=at,
        customer=message.customer,
        payload=_payload(message),
    )


def _payload(message: Message) -> dict:
    campaign = message.campaign
    return {
        "message": message.pk,
        "campaign": campaign.code if campaign else None,
        "channel": message.channel,
    }
