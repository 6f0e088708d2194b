"""Messages held by one process: a batch under a lease, put back by its holder or taken from the dead."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models.functions import Now

from campaigns.channels import SENDERS, open_sender
from campaigns.models import (
    CampaignRun,
    ChannelSwitch,
    Message,
    MessageReason,
    MessageState,
)
from campaigns.rules import MOST_RETRIES
from campaigns.services.limits import Waiting
from campaigns.services.telling import message_event
from customers.services import record_events

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


def claim_lease() -> timedelta:
    """Return how long a process holds a batch that it has not begun to send."""
    return timedelta(seconds=settings.MESSAGE_LEASE_SECONDS)


def sending_lease() -> timedelta:
    """Return how long a process may take over one message: longer than any send with its time-outs."""
    return 4 * claim_lease()


def channels_off() -> frozenset[str]:
    """Return the channels through which nothing is sent at present."""
    return frozenset(ChannelSwitch.objects.filter(off=True).values_list("channel", flat=True))


def claim_messages(
    *, lane: str, owner: str, run: CampaignRun | None, limit: int = 100, full: Collection[str] = ()
) -> Claim:
    """Hold up to `limit` due messages of a run, or of no run; never one that somebody else holds.

    `full` are channels and domains that take nothing at present, as limits name them.
    """
    off = channels_off()
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


def reap_leases(*, at: datetime) -> int:
    """Take messages from processes that died: claimed ones wait again, those being sent become UNKNOWN.

    Where the provider takes keys, those being sent wait again, too, as often as a refusal is tried again.
    Returns how many were being sent.
    """
    held = Message.objects.filter(lease_until__lte=Now())
    held.filter(state=MessageState.CLAIMED).update(state=MessageState.PENDING, owner="", lease_until=None)
    repeatable = [channel for channel in SENDERS if open_sender(channel).capabilities.idempotent]
    # One that has ended its sender so often would do so for ever.
    sending = held.filter(state=MessageState.SENDING, channel__in=repeatable, attempts__lte=MOST_RETRIES)
    again = sending.update(
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
        record_events([message_event("unknown", message, at) for message in lost])
    return len(lost) + again
