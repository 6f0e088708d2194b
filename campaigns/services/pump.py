"""Sends what is due, for a bounded time, over connections that stay open."""

import hashlib
import os
import socket
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime

import structlog
from django.conf import settings
from django.db import connection
from django.utils import timezone
from liquid.exceptions import LiquidError

from campaigns.channels import Outcome, Outgoing, Sender, open_sender
from campaigns.content import Content, render_content
from campaigns.errors import CodeGone, MoveNotPossible, NothingToSay, UnsafeHeader
from campaigns.models import CampaignRun, CampaignVersion, Message, MessageReason
from campaigns.services.campaigns import pause_campaign
from campaigns.services.outbox import (
    claim_messages,
    leave_out,
    record_result,
    refuse_content,
    release_claims,
    reserve_coupons,
    take_message,
)
from campaigns.services.recipients import language_of, values_for
from campaigns.services.transactional import transactional_content
from coupons.errors import (
    CouponExpired,
    NoPersonalOffer,
    PromotionHasNoCoupon,
    PromotionNotPublishable,
    PromotionStopped,
)
from operations.errors import Refusal

log = structlog.get_logger(__name__)

LONGEST_SECONDS = 20.0
BATCH = 100


@dataclass
class Pump:
    """One process's turn at a lane: claims a batch, sends its messages one by one, claims the next."""

    lane: str
    seconds: float = LONGEST_SECONDS
    owner: str = field(
        default_factory=lambda: f"{socket.gethostname()[:20]}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
    )
    sent: int = 0
    _senders: dict[str, Sender] = field(default_factory=dict)
    _versions: dict[int, CampaignVersion] = field(default_factory=dict)
    _ends_at: float = 0.0
    _away: bool = False

    def run(self) -> bool:
        """Send until nothing is due, the time is up or the provider is away; return whether work is left."""
        self._ends_at = time.monotonic() + self.seconds
        try:
            while self._has_time():
                if not self._send_a_round():
                    return False
            return not self._away
        finally:
            release_claims(owner=self.owner)
            for sender in self._senders.values():
                sender.close()

    def _has_time(self) -> bool:
        return not self._away and time.monotonic() < self._ends_at

    def _send_a_round(self) -> bool:
        """Give every run that sends one batch, so that none waits for another; return whether any was due."""
        found = False
        for run in (None, *CampaignRun.objects.sending().order_by("pk")):
            holds_until = time.monotonic() + settings.MESSAGE_LEASE_SECONDS
            claim = claim_messages(lane=self.lane, owner=self.owner, run=run, limit=BATCH)
            found = found or bool(claim.message_ids)
            version = self._version(run)
            if version and version.promotion and claim.message_ids:
                reserve_coupons(claim, promotion=version.promotion, at=timezone.now())
            for message_id in claim.message_ids:
                if not self._has_time() or time.monotonic() > holds_until:
                    break
                if not self._send_one(message_id, run):
                    break
            release_claims(owner=self.owner)
            if not self._has_time():
                break
        return found

    def _send_one(self, message_id: int, run: CampaignRun | None) -> bool:
        """Send one message; return False when the rest of its batch has to wait."""
        at = timezone.now()
        version = self._version(run)
        try:
            message = take_message(
                message_id, owner=self.owner, promotion=version.promotion if version else None, at=at
            )
        except NoPersonalOffer:  # It ended, or they objected, since the run was planned.
            leave_out(message_id, owner=self.owner, reason=MessageReason.NO_OFFER)
            return True
        except Refusal as error:
            return self._hold(run, error, at)
        if message is None:
            return True
        try:
            sender = self._sender(message.channel)
            envelope = sender.prepare(_outgoing(message, version, at=at))
        except (LiquidError, UnsafeHeader, CodeGone, NothingToSay) as error:
            refuse_content(message, owner=self.owner, detail=str(error), at=at)
            return True
        [result] = sender.send([envelope])
        record_result(message, owner=self.owner, result=result, at=timezone.now())
        self.sent += result.outcome == Outcome.ACCEPTED
        self._away = result.unreachable
        return not self._away

    def _hold(self, run: CampaignRun | None, error: Refusal, at: datetime) -> bool:
        """Nothing goes out without its code: the run waits until somebody decides."""
        log.warning("run_paused", run=run.pk if run else None, key=error.key)
        with suppress(MoveNotPossible):  # Somebody stopped it in the meantime.
            pause_campaign(run.campaign, at=at, reason=_pause_reason(error))
        return False

    def _version(self, run: CampaignRun | None) -> CampaignVersion | None:
        if run is None:
            return None
        if run.version_id not in self._versions:
            found = CampaignVersion.objects.select_related("promotion", "campaign")
            self._versions[run.version_id] = found.prefetch_related("contents").get(pk=run.version_id)
        return self._versions[run.version_id]

    def _sender(self, channel: str) -> Sender:
        if channel not in self._senders:
            self._senders[channel] = open_sender(channel)
        return self._senders[channel]


def pump(lane: str, *, seconds: float = LONGEST_SECONDS) -> bool:
    """Run one pump of the lane, unless as many run already as settings allow; return whether work is left."""
    with _slot(lane) as free:
        return free and Pump(lane, seconds=seconds).run()


@contextmanager
def _slot(lane: str) -> Iterator[bool]:
    """Hold one of the lane's slots: a session lock, which dies with its process."""
    taken = None
    with connection.cursor() as cursor:
        for number in range(settings.MESSAGE_PUMPS_PER_LANE):
            key = int.from_bytes(hashlib.sha256(f"pump:{lane}:{number}".encode()).digest()[:8], signed=True)
            cursor.execute("SELECT pg_try_advisory_lock(%s)", [key])
            if cursor.fetchone()[0]:
                taken = key
                break
    try:
        yield taken is not None
    finally:
        if taken is not None:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [taken])


def _pause_reason(error: Refusal) -> str:
    if isinstance(error, PromotionStopped | PromotionNotPublishable | PromotionHasNoCoupon | CouponExpired):
        return CampaignRun.PauseReason.PROMOTION_NOT_ACTIVE
    return CampaignRun.PauseReason.NO_COUPON


def _outgoing(message: Message, version: CampaignVersion | None, *, at: datetime) -> Outgoing:
    content = _content(message, version) if version else transactional_content(message)
    return Outgoing(message, render_content(content, values=values_for(message, version)), version, at)


def _content(message: Message, version: CampaignVersion) -> Content:
    written = version.content_for(
        step=message.step,
        variant=message.variant,
        channel=message.channel,
        language=language_of(message.customer),
    )
    if written is None:
        raise NothingToSay(f"{message.step} {message.channel}")
    return Content(written.subject, written.html, written.text)
