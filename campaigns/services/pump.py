"""Sends what is due, for a bounded time, over connections that stay open."""

import os
import socket
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from threading import Thread

import psycopg
import structlog
from django.conf import settings
from django.db import InterfaceError, OperationalError, connection
from django.utils import timezone
from liquid.exceptions import LiquidError

from campaigns.channels import Outcome, Result, Sender, open_sender
from campaigns.errors import CodeGone, MoveNotPossible, NothingToSay, UnsafeHeader
from campaigns.models import CampaignRun, CampaignVersion, Message, MessageReason
from campaigns.pace import Pace
from campaigns.services.breaker import watch_run
from campaigns.services.campaigns import pause_campaign
from campaigns.services.claims import Claim, channels_off, claim_messages, put_off, release_claims
from campaigns.services.limits import SendingLimits, campaign_key, draw, give_back, hold_back, read_limits
from campaigns.services.outbox import (
    Accepted,
    Prepared,
    advance,
    leave_out,
    record_result,
    refuse_content,
    take_message,
)
from campaigns.services.outgoing import outgoing_of
from campaigns.services.pump_slots import pump_slot
from campaigns.services.reservations import reserve_coupons
from campaigns.services.telling import tell_sent
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
# How long a pump waits when all that is due is more than the limits let through now.
BREATH = 0.25
# ... and how long in all before it lets other work of its queue go first; the next tick brings it back.
LONGEST_IDLE = 5.0
# What was drawn from a limit is used within this time, or not at all.
ALLOWANCE_SECONDS = 2.0
# A database that restarts is waited for: what a provider has accepted must not become unknown by that.
PATIENCE_SECONDS = 15.0
NOT_SENDABLE = (LiquidError, UnsafeHeader, CodeGone, NothingToSay)


@dataclass
class Pump:
    """One connection's turn at a lane: claims a batch, sends its messages one by one, claims the next."""

    lane: str
    seconds: float = LONGEST_SECONDS
    owner: str = field(
        default_factory=lambda: f"{socket.gethostname()[:20]}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
    )
    sent: int = 0
    _senders: dict[str, Sender] = field(default_factory=dict)
    _versions: dict[int, CampaignVersion] = field(default_factory=dict)
    _done: Accepted | None = None
    _told: list[Message] = field(default_factory=list)
    _full: dict[str, float] = field(default_factory=dict)
    _off: frozenset[str] = frozenset()
    _ends_at: float = 0.0
    _away: bool = False
    _limited: bool = False
    _harm: bool = False

    def run(self) -> bool:
        """Send until nothing is due, the time is up or the provider is away; return whether work is left.

        Where limits let nothing through for some seconds it ends as if nothing were due.
        """
        self._ends_at = time.monotonic() + self.seconds
        busy_at = time.monotonic()
        try:
            while self._has_time():
                self._limited = False
                if self._send_a_round():
                    busy_at = time.monotonic()
                elif not self._limited or time.monotonic() - busy_at > LONGEST_IDLE:
                    return False
                else:
                    time.sleep(BREATH)
            return not self._away
        finally:
            with suppress(OperationalError, InterfaceError):
                self._settle(None)
                release_claims(owner=self.owner)
            for sender in self._senders.values():
                sender.close()

    def _has_time(self) -> bool:
        return not self._away and time.monotonic() < self._ends_at

    def _send_a_round(self) -> bool:
        """Give every run that sends one batch, so that none waits for another; return whether any was sent.

        What goes before others where a person may get only so much is offered first.
        """
        found = False
        limits, self._off = read_limits(), channels_off()
        sending = CampaignRun.objects.sending().select_related("campaign")
        for run in (None, *sending.order_by("-campaign__priority", "pk")):
            if self._is_silenced(run):
                continue
            with self._allowed(run) as allowed:
                sent_before = self.sent
                if allowed:
                    found = self._send_batch(run, limits, allowed) or found
                allowed.used = self.sent - sent_before
            if not self._has_time():
                break
        return found

    def _is_silenced(self, run: CampaignRun | None) -> bool:
        """Return whether every channel of a run is switched off: its messages need not be looked through."""
        version = self._version(run) if self._off else None
        return version is not None and self._off.issuperset(version.all_channels)

    @contextmanager
    def _allowed(self, run: CampaignRun | None) -> Iterator["Allowed"]:
        """Give how many messages may be claimed now, by the speed of the campaign."""
        pace = Pace(run.campaign.messages_per_minute) if run and run.campaign.messages_per_minute else None
        if pace is None:
            yield Allowed(BATCH)
            return
        key = campaign_key(run.campaign_id)
        allowed = Allowed(draw(key, pace, asked=BATCH))
        self._limited = self._limited or not allowed
        try:
            yield allowed
        finally:
            give_back(key, pace, count=allowed.messages - allowed.used)

    def _send_batch(self, run: CampaignRun | None, limits: SendingLimits, allowed: "Allowed") -> bool:
        """Claim a batch and send it; return whether there was any that may be sent now."""
        holds_for = settings.MESSAGE_LEASE_SECONDS
        if limits.rates or allowed.messages < BATCH:
            holds_for = min(holds_for, ALLOWANCE_SECONDS)
        holds_until = time.monotonic() + holds_for
        claim = claim_messages(
            lane=self.lane, owner=self.owner, run=run, limit=allowed.messages, full=self._full_now()
        )
        claim = self._sort_out(claim, limits)
        if not claim.waiting:
            return False
        version = self._version(run)
        if version and version.gives_coupons:
            reserve_coupons(claim, version=version, at=timezone.now())
        found = Message.objects.with_recipient().in_bulk(claim.message_ids)
        for message_id in claim.message_ids:
            if not self._has_time() or time.monotonic() > holds_until:
                break
            prepared = self._prepare(found.get(message_id), version)
            sent = self._send_prepared(prepared) if prepared else None
            if sent is None and not self._send_slowly(message_id, run):
                break
        self._settle(run)
        release_claims(owner=self.owner)
        return True

    def _sort_out(self, claim: Claim, limits: SendingLimits) -> Claim:
        """Put back what quiet hours and rates hold at present."""
        if not claim.waiting or not (limits.quiet or limits.rates):
            return claim
        held = hold_back(claim.waiting, limits, at=timezone.now())
        if not held.until:
            return claim
        put_off(claim, held.until)
        for key, seconds in held.full.items():
            self._full[key] = time.monotonic() + seconds
        self._limited = self._limited or bool(held.full)
        return claim.without(held.until.keys())

    def _full_now(self) -> list[str]:
        """Return the channels and domains that took nothing a moment ago."""
        now = time.monotonic()
        return [key for key, until in self._full.items() if until > now]

    def _prepare(self, message: Message | None, version: CampaignVersion | None) -> Prepared | None:
        """Put a message into its final form before it is taken; None when that is for the slow way to do.

        That is: no campaign's, a coupon that could not be reserved with the others', or a content that fails.
        """
        if message is None or version is None:
            return None
        if (
            message.publication is None
            and version.promotion_for(message.variant, step=message.step) is not None
        ):
            return None
        try:
            sender = self._sender(message.channel)
            return Prepared(message, sender.prepare(outgoing_of(message, version, at=timezone.now())))
        except NOT_SENDABLE:
            return None

    def _send_prepared(self, prepared: Prepared) -> Outcome | None:
        """Take a message and send it; None when it must not be sent as it is."""
        message = prepared.message
        if not self._advance(prepared):
            return None
        message.attempts += 1
        sender = self._sender(message.channel)
        [result] = sender.send([prepared.envelope])
        if result.outcome == Outcome.ACCEPTED:
            self._done = Accepted(message, result.detail, result.provider_id)
            self.sent += 1
        else:
            self._record(message, result)
        return result.outcome

    def _advance(self, coming: Prepared | None) -> bool:
        """Write down the message before, and that this one is being sent."""
        done, self._done = self._done, None
        if done is not None:
            self._told.append(done.message)
        try:
            return advance(self.owner, done=done, coming=coming)
        except (OperationalError, InterfaceError) as error:
            deadlock = isinstance(error.__cause__, psycopg.errors.DeadlockDetected)
            if connection.in_atomic_block or (done is None and not deadlock):
                raise
            # The two were one transaction: neither is written. What was accepted is, once the database is
            # there; the other is left to the slow way.
            _insist(lambda: advance(self.owner, done=done, coming=None) if done else None)
            return False

    def _send_slowly(self, message_id: int, run: CampaignRun | None) -> bool:
        """Send one message, step by step; return False when the rest of its batch has to wait."""
        if self._away:
            return False
        if self._done is not None:
            self._advance(None)
        at = timezone.now()
        version = self._version(run)
        try:
            message = take_message(message_id, owner=self.owner, version=version, at=at)
        except NoPersonalOffer:  # It ended, or they objected, since the run was planned.
            leave_out(message_id, owner=self.owner, reason=MessageReason.NO_OFFER)
            return True
        except Refusal as error:
            return self._hold(run, error, at)
        if message is None:
            return True
        try:
            sender = self._sender(message.channel)
            envelope = sender.prepare(outgoing_of(message, version, at=at))
        except NOT_SENDABLE as error:
            refuse_content(message, owner=self.owner, detail=str(error), at=at)
            return True
        [result] = sender.send([envelope])
        self._record(message, result)
        self.sent += result.outcome == Outcome.ACCEPTED
        return not self._away

    def _record(self, message: Message, result: Result) -> None:
        idempotent = self._sender(message.channel).capabilities.idempotent
        _insist(
            lambda: record_result(
                message, owner=self.owner, result=result, at=timezone.now(), idempotent=idempotent
            )
        )
        self._away = result.unreachable
        self._harm = self._harm or result.hard_bounce

    def _settle(self, run: CampaignRun | None) -> None:
        """Write down the last message of a batch, tell of all of them, and look at what the run does."""
        if self._done is not None:
            self._advance(None)
        told, self._told = self._told, []
        if told:
            _insist(lambda: tell_sent(told, at=timezone.now()))
        if self._harm and run is not None:
            self._harm = False
            watch_run(run, at=timezone.now())

    def _hold(self, run: CampaignRun | None, error: Refusal, at: datetime) -> bool:
        """Nothing goes out without its code: the run waits until somebody decides."""
        log.warning("run_paused", run=run.pk if run else None, key=error.key)
        with suppress(MoveNotPossible):  # Somebody stopped it in the meantime.
            pause_campaign(run.campaign, at=at, reason=pause_reason(error))
        return False

    def _version(self, run: CampaignRun | None) -> CampaignVersion | None:
        if run is None:
            return None
        if run.version_id not in self._versions:
            found = CampaignVersion.objects.select_related("promotion", "campaign")
            found = found.prefetch_related("contents", "variants__promotion")
            self._versions[run.version_id] = found.get(pk=run.version_id)
        return self._versions[run.version_id]

    def _sender(self, channel: str) -> Sender:
        if channel not in self._senders:
            self._senders[channel] = open_sender(channel)
        return self._senders[channel]


@dataclass
class Allowed:
    """How many messages may be claimed, and how many of them were sent."""

    messages: int
    used: int = 0

    def __bool__(self) -> bool:
        return self.messages > 0


def pump(lane: str, *, seconds: float = LONGEST_SECONDS, connections: int = 1) -> bool:
    """Run one pump of the lane, unless as many run already as settings allow; return whether work is left.

    With several connections each sends messages of its own, so that one sends while another waits.
    """
    with pump_slot(lane) as free:
        if not free:
            return False
        others = [_Beside(lane, seconds) for _number in range(connections - 1)]
        for other in others:
            other.start()
        left = Pump(lane, seconds=seconds).run()
        for other in others:
            other.join()
        return left or any(other.left for other in others)


class _Beside(Thread):
    """A pump in a thread of its own, with its own connections."""

    def __init__(self, lane: str, seconds: float) -> None:
        super().__init__(daemon=True)
        self.pump = Pump(lane, seconds=seconds)
        self.left = False

    def run(self) -> None:
        try:
            self.left = self.pump.run()
        except Exception:
            log.exception("pump_failed", owner=self.pump.owner)
        finally:
            connection.close()


def _insist(write) -> None:
    """Write down what happened outside; a database that goes away meanwhile is waited for."""
    gives_up_at = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            write()
            return
        except (OperationalError, InterfaceError):
            if connection.in_atomic_block or time.monotonic() > gives_up_at:
                raise
            connection.close()
            time.sleep(BREATH)


def pause_reason(error: Refusal) -> str:
    if isinstance(error, PromotionStopped | PromotionNotPublishable | PromotionHasNoCoupon | CouponExpired):
        return CampaignRun.PauseReason.PROMOTION_NOT_ACTIVE
    return CampaignRun.PauseReason.NO_COUPON
