"""The moves of a message between the row and the wire; the only code that changes its state.

A claim is a lease on a batch. Each message of it is then taken by one statement, committed before any byte
leaves, that re-reads everything that could forbid it. What the provider said is written down by its holder.
"""

import random
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from campaigns.channels import SENDERS, Envelope, Outcome, Result, open_sender
from campaigns.models import (
    LIVE,
    WAITING,
    CampaignRun,
    CampaignVersion,
    ChannelSwitch,
    Message,
    MessageReason,
    MessageState,
)
from campaigns.rules import retry_delay
from campaigns.services.limits import Waiting
from campaigns.services.verdicts import HOLD_RECIPIENT, SENDABLE, TAKE, TAKE_PREPARED
from coupons.models import Promotion, Publication
from coupons.services import Recipient, publish_coupon, publish_coupons, withdraw_publication
from coupons.services.sealed_codes import wipe_code
from customers.models import Event, Suppression
from customers.services import record_events, suppress
from customers.services.events import new_event, own_source
from customers.services.locks import lock_live_customers
from operations.errors import Refusal
from operations.statements import run_together

CLAIM = """
WITH due AS MATERIALIZED (
    SELECT id FROM campaigns_message
    WHERE state = 'PENDING' AND lane = %(lane)s AND not_before <= statement_timestamp()
      AND {queue} AND channel <> ALL(%(off)s) {open}
    ORDER BY not_before, id
    LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED
)
UPDATE campaigns_message AS message
SET state = 'CLAIMED', owner = %(owner)s, lease_until = statement_timestamp() + %(lease)s
FROM due
JOIN campaigns_message AS claimed ON claimed.id = due.id
JOIN customers_customer AS customer ON customer.id = claimed.customer_id
WHERE message.id = due.id
RETURNING message.id, message.channel, CASE WHEN position('@' IN message.address) > 0
          THEN lower(split_part(message.address, '@', -1)) ELSE '' END,
          message.purpose, message.lane, customer.time_zone
"""
OPEN_DOMAINS = "AND lower(split_part(address, '@', -1)) <> ALL(%(full)s)"
PUT_OFF = """
UPDATE campaigns_message AS message
SET state = 'PENDING', not_before = held.until, owner = '', lease_until = NULL
FROM unnest(%(ids)s::bigint[], %(until)s::timestamptz[]) AS held(id, until)
WHERE message.id = held.id AND message.state = 'CLAIMED' AND message.owner = %(owner)s
"""
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


UNTOLD = """
SELECT message.id FROM campaigns_message AS message
WHERE message.run_id = %(run)s AND message.state = 'SENT' AND NOT EXISTS (
    SELECT FROM customers_eventkey AS told
    WHERE told.source_id = %(source)s AND told.external_id = 'message:' || message.id || ':sent')
ORDER BY message.id
"""
BATCH_OF_EVENTS = 1_000
# How many messages one transaction ends: with their coupons, and without.
AT_ONCE, MANY = 500, 10_000
# How soon a message asks again that let another campaign's go first.
PATIENCE = timedelta(seconds=3)


@dataclass(frozen=True)
class Claim:
    """A batch of messages that one process holds until its lease ends."""

    owner: str
    waiting: list[Waiting]

    @property
    def message_ids(self) -> list[int]:
        return [one.id for one in self.waiting]

    def without(self, ids: Collection[int]) -> "Claim":
        """Return the claim less some messages that were put back."""
        return Claim(self.owner, [one for one in self.waiting if one.id not in ids])


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


def claim_lease() -> timedelta:
    """Return how long a process holds a batch that it has not begun to send."""
    return timedelta(seconds=settings.MESSAGE_LEASE_SECONDS)


def sending_lease() -> timedelta:
    """Return how long a process may take over one message: longer than any send with its time-outs."""
    return 4 * claim_lease()


def claim_messages(
    *, lane: str, owner: str, run: CampaignRun | None, limit: int = 100, full: Collection[str] = ()
) -> Claim:
    """Hold up to `limit` due messages of a run, or of no run; never one that somebody else holds.

    `full` are channels and domains that take nothing at present, as limits name them.
    """
    off = set(ChannelSwitch.objects.filter(off=True).values_list("channel", flat=True))
    full_domains = [name.removeprefix("domain:") for name in full if name.startswith("domain:")]
    values = {
        "lane": lane,
        "owner": owner,
        "lease": claim_lease(),
        "limit": limit,
        "run": run.pk if run else None,
        "off": [*off, *(name.removeprefix("channel:") for name in full if name.startswith("channel:"))],
        "full": full_domains,
    }
    queue = "run_id = %(run)s" if run else "run_id IS NULL"
    with connection.cursor() as cursor:
        cursor.execute(CLAIM.format(queue=queue, open=OPEN_DOMAINS if full_domains else ""), values)
        return Claim(owner, sorted((Waiting(*row) for row in cursor.fetchall()), key=lambda one: one.id))


def put_off(claim: Claim, until: Mapping[int, datetime]) -> None:
    """Put messages of a claim back, each until its time."""
    values = {"ids": list(until), "until": list(until.values()), "owner": claim.owner}
    with connection.cursor() as cursor:
        cursor.execute(PUT_OFF, values)


def release_claims(*, owner: str) -> int:
    """Put back what this process holds and has not begun to send; return how many."""
    return Message.objects.filter(owner=owner, state=MessageState.CLAIMED).update(
        state=MessageState.PENDING, owner="", lease_until=None
    )


def reserve_coupons(claim: Claim, *, version: CampaignVersion, at: datetime) -> None:
    """Give the recipients of a claimed batch their coupons, in few statements for all of them.

    Only those that nothing forbids to send; one that is then not sent all the same gives its coupon back.
    A person has one coupon for each occurrence of a campaign, whatever steps and channels bring it. A
    promotion that cannot give so many leaves them to `take_message`, which says so of the first that gets
    none.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(SENDABLE, {"ids": claim.message_ids})
            sendable = [row[0] for row in cursor.fetchall()]
        waiting = Message.objects.filter(
            pk__in=sendable, owner=claim.owner, state=MessageState.CLAIMED, publication=None
        )
        # Not shared: two that bring one coupon see what became of each other.
        lock_live_customers(waiting.values_list("customer", flat=True))
        messages = list(waiting.select_related("customer").select_for_update(of=["self"]).order_by("pk"))
        by_promotion: dict[Promotion, list[Message]] = {}
        for message in messages:
            promotion = version.promotion_for(message.variant, step=message.step)
            if promotion is not None:
                by_promotion.setdefault(promotion, []).append(message)
        for promotion in sorted(by_promotion, key=lambda one: one.pk):
            _reserve(promotion, by_promotion[promotion], at=at)


def _reserve(promotion: Promotion, messages: Sequence[Message], *, at: datetime) -> None:
    shown = _shown_already(promotion, messages)
    first: dict[tuple[int, str], Message] = {}
    for message in messages:
        if _turn(message) not in shown:
            first.setdefault(_turn(message), message)
    recipients = [Recipient(one.customer, f"message:{one.pk}") for one in first.values()]
    try:
        with transaction.atomic():
            publications = publish_coupons(promotion, recipients, at=at)
    except Refusal:  # Whose code is there already gets it all the same.
        publications, first = [], {}
    shown |= zip(first, publications, strict=True)
    given = [message for message in messages if _turn(message) in shown]
    for message in given:
        message.publication = shown[_turn(message)]
    Message.objects.bulk_update(given, ["publication"])


def _turn(message: Message) -> tuple[int, str]:
    """Return what one coupon of a campaign is for: the person's occurrence."""
    return message.customer_id, message.occurrence


def _shown_already(promotion: Promotion, messages: Sequence[Message]) -> dict[tuple[int, str], Publication]:
    """Return the coupons of a promotion that other steps or channels of a campaign bring, and that stand."""
    others = Message.objects.filter(
        campaign__in={one.campaign_id for one in messages},
        customer__in={one.customer_id for one in messages},
        occurrence__in={one.occurrence for one in messages},
        publication__promotion=promotion,
        publication__status=Publication.Status.PUBLISHED,
    )
    others = others.select_related("publication__coupon__promotion").order_by("-pk")
    return {_turn(one): one.publication for one in others}


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
            values = {"ids": [message_id], "owner": owner, "lease": sending_lease(), "patience": PATIENCE}
            cursor.execute(TAKE, values)
            row = cursor.fetchone()
        if row is None or row[0] == MessageState.PENDING:
            return None
        message = Message.objects.with_recipient().get(pk=message_id)
        if message.state != MessageState.SENDING:
            _give_back(message, at=at)
            return None
        promotion = version.promotion_for(message.variant, step=message.step) if version else None
        if promotion is not None and message.publication is None:
            shown = _shown_already(promotion, [message]).get(_turn(message))
            message.publication = shown or publish_coupon(
                promotion,
                customer=message.customer,
                source_id=f"message:{message.pk}",
                channel=None,
                at=at,
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


def tell_sent(messages: Sequence[Message], *, at: datetime) -> None:
    """Record the events of messages that were written down as sent; again, nothing."""
    record_events([_event("sent", message, at) for message in messages])


def tell_untold(run: CampaignRun, *, at: datetime) -> int:
    """Record the events that a process which died had not told yet; return how many."""
    with connection.cursor() as cursor:
        cursor.execute(UNTOLD, {"run": run.pk, "source": own_source().pk})
        untold = [row[0] for row in cursor.fetchall()]
    for start in range(0, len(untold), BATCH_OF_EVENTS):
        tell_sent(
            Message.objects.with_recipient().filter(pk__in=untold[start : start + BATCH_OF_EVENTS]), at=at
        )
    return len(untold)


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
            _give_back(message, at=at)
        return state


def leave_out(message_id: int, *, owner: str, reason: MessageReason) -> None:
    """End a message that this process holds and that must not be sent, before anything of it has left."""
    held = Message.objects.filter(pk=message_id, owner=owner, state=MessageState.CLAIMED)
    held.update(state=MessageState.SUPPRESSED, reason=reason, owner="", lease_until=None)


def reap_leases(*, at: datetime) -> int:
    """Take messages from processes that died: claimed ones wait again, those being sent become UNKNOWN.

    Where the provider takes keys, those being sent wait again, too. Returns how many were being sent.
    """
    held = Message.objects.filter(lease_until__lte=Now())
    held.filter(state=MessageState.CLAIMED).update(state=MessageState.PENDING, owner="", lease_until=None)
    repeatable = [channel for channel in SENDERS if open_sender(channel).capabilities.idempotent]
    again = held.filter(state=MessageState.SENDING, channel__in=repeatable).update(
        state=MessageState.PENDING, reason=MessageReason.SENDER_DIED, owner="", lease_until=None
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
    return len(lost) + again


def cancel_waiting(messages: QuerySet[Message], *, reason: str, at: datetime) -> int:
    """End messages of which no byte has left, portion by portion; return how many there were.

    Their coupons go back. Called again after being killed it goes on. Locks the people, then their messages.
    """
    waiting = messages.filter(state__in=WAITING)
    cancelled = {"state": MessageState.CANCELLED, "reason": reason, "owner": "", "lease_until": None}
    ended = 0
    while portion := list(
        waiting.filter(publication__isnull=False).order_by("pk").values_list("pk", "customer")[:AT_ONCE]
    ):
        with transaction.atomic():
            # A send locks the person, its message, then the coupon; in another order the two would deadlock.
            lock_live_customers([customer for _pk, customer in portion])
            held = Message.objects.filter(pk__in=[pk for pk, _customer in portion], state__in=WAITING)
            owed = list(held.select_for_update(of=["self"]).order_by("pk").values_list("pk", flat=True))
            ended += Message.objects.filter(pk__in=owed).update(**cancelled)
            give_back_coupons(Message.objects.filter(pk__in=owed), at=at)
    while portion := list(
        waiting.filter(publication=None).order_by("pk").values_list("pk", flat=True)[:MANY]
    ):
        with transaction.atomic():
            held = Message.objects.filter(pk__in=portion, state__in=WAITING, publication=None)
            owed = list(held.select_for_update().order_by("pk").values_list("pk", flat=True))
            ended += Message.objects.filter(pk__in=owed).update(**cancelled)
    return ended


def give_back_coupons(messages: QuerySet[Message], *, at: datetime) -> None:
    """Return the coupons of messages that were never accepted to their promotion."""
    for message in messages.select_related("publication__coupon", "publication__promotion"):
        _give_back(message, at=at)


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
    """A coupon that a campaign reserved goes back, unless another step or channel shows it, too.

    One that somebody else gave is not ours to take.
    """
    publication = message.publication
    if message.run_id is None or publication is None:
        return
    if publication.status != Publication.Status.PUBLISHED:
        return
    lock_live_customers([message.customer_id])
    others = Message.objects.filter(publication=publication, state__in=LIVE).exclude(pk=message.pk)
    if not others.exists():
        withdraw_publication(publication, at=at)


def _event(what: str, message: Message, at: datetime) -> Event:
    return new_event(
        f"message.{what}",
        external_id=f"message:{message.pk}:{what}",
        occurred_at=message.sent_at or at,
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
