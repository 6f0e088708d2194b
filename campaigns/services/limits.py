"""The limits of sending: read once a round, counted in PostgreSQL by all workers together."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import connection, transaction

from campaigns.models import (
    Allowance,
    Breaker,
    CampaignRun,
    FrequencyCap,
    Lane,
    Message,
    MessageState,
    QuietHours,
    RateLimit,
)
from campaigns.pace import Pace, Quiet
from customers.models import Purpose
from customers.services import record_event
from operations.models import User

# Whoever draws at the same moment waits for the row, and counts on from what the other left.
DRAW = """
WITH full_by_now AS (
    SELECT key, least(%(capacity)s, tokens + %(per_second)s
                      * greatest(0, extract(epoch FROM clock_timestamp() - counted_at))) AS tokens
    FROM campaigns_allowance WHERE key = %(key)s
    FOR UPDATE
)
UPDATE campaigns_allowance AS allowance
SET tokens = full_by_now.tokens - least(floor(full_by_now.tokens), %(asked)s), counted_at = clock_timestamp()
FROM full_by_now WHERE allowance.key = full_by_now.key
RETURNING least(floor(full_by_now.tokens), %(asked)s)
"""
GIVE_BACK = """
UPDATE campaigns_allowance SET tokens = least(%(capacity)s, tokens + %(count)s) WHERE key = %(key)s
"""


MOVE = """
UPDATE campaigns_message AS message
SET not_before = quiet.until
FROM customers_customer AS customer,
     unnest(%(channels)s::text[], %(purposes)s::text[], %(lanes)s::text[], %(zones)s::text[],
            %(planned)s::timestamptz[], %(until)s::timestamptz[])
     AS quiet(channel, purpose, lane, zone, planned, until)
WHERE message.run_id = %(run)s AND message.step = %(step)s AND message.state = 'PENDING'
  AND customer.id = message.customer_id AND customer.time_zone = quiet.zone
  AND message.channel = quiet.channel AND message.purpose = quiet.purpose AND message.lane = quiet.lane
  AND message.not_before = quiet.planned
"""


@dataclass(frozen=True)
class Waiting:
    """What limits ask of a claimed message; the domain is empty for what is no mail."""

    id: int
    channel: str
    domain: str
    purpose: str
    lane: str
    time_zone: str


@dataclass(frozen=True)
class SendingLimits:
    """Quiet hours by channel; rates by key, as `Allowance` names them."""

    quiet: Mapping[str, Quiet] = field(default_factory=dict)
    rates: Mapping[str, Pace] = field(default_factory=dict)

    def rates_of(self, message: Waiting) -> list[str]:
        """Return the keys of the rates that a message falls under."""
        keys = (channel_key(message.channel), domain_key(message.domain))
        return [key for key in keys if key in self.rates]


@dataclass(frozen=True)
class Held:
    """Until when messages may not leave, and for how many seconds the limits used up give nothing."""

    until: Mapping[int, datetime]
    full: Mapping[str, float]


@dataclass(frozen=True)
class CapTerms:
    """A frequency cap as somebody wants it; an empty channel means all together."""

    messages: int
    days: int
    channel: str = ""


@dataclass(frozen=True)
class RateTerms:
    """A rate limit as somebody wants it."""

    kind: str
    key: str
    per_minute: int


@dataclass(frozen=True)
class BreakerTerms:
    """When a run pauses by itself; shares in percent."""

    bounce_percent: Decimal
    complaint_percent: Decimal
    minimum_sample: int


def channel_key(channel: str) -> str:
    return f"channel:{channel}"


def domain_key(domain: str) -> str:
    return f"domain:{domain}"


def campaign_key(campaign_id: int) -> str:
    return f"campaign:{campaign_id}"


def read_limits() -> SendingLimits:
    """Return the limits as they stand."""
    keys = {RateLimit.Kind.CHANNEL: channel_key, RateLimit.Kind.DOMAIN: domain_key}
    return SendingLimits(
        quiet={one.channel: Quiet(one.starts_at, one.ends_at) for one in QuietHours.objects.all()},
        rates={keys[one.kind](one.key): Pace(one.per_minute) for one in RateLimit.objects.all()},
    )


def breaker() -> Breaker:
    """Return when a run pauses by itself; as it comes until somebody changed it."""
    return Breaker.objects.filter(pk=Breaker.ONLY).first() or Breaker()


@transaction.atomic
def change_limits(
    *,
    caps: Sequence[CapTerms],
    quiet: Mapping[str, Quiet],
    rates: Sequence[RateTerms],
    pauses: BreakerTerms,
    at: datetime,
    by: User | None = None,
) -> None:
    """Put these limits in the place of those that stand; they hold from the next message on."""
    FrequencyCap.objects.all().delete()
    FrequencyCap.objects.bulk_create(
        FrequencyCap(channel=one.channel, messages=one.messages, days=one.days) for one in caps
    )
    QuietHours.objects.all().delete()
    QuietHours.objects.bulk_create(
        QuietHours(channel=channel, starts_at=one.starts_at, ends_at=one.ends_at)
        for channel, one in quiet.items()
    )
    RateLimit.objects.all().delete()
    RateLimit.objects.bulk_create(
        RateLimit(kind=one.kind, key=one.key, per_minute=one.per_minute) for one in rates
    )
    Breaker.objects.update_or_create(pk=Breaker.ONLY, defaults=vars(pauses))
    record_event(
        "sending_limits.changed",
        external_id=f"sending_limits:{at.isoformat()}",
        occurred_at=at,
        payload={
            "caps": [vars(one) for one in caps],
            "quiet": {name: f"{one.starts_at:%H:%M}-{one.ends_at:%H:%M}" for name, one in quiet.items()},
            "rates": [vars(one) for one in rates],
            "breaker": {name: str(value) for name, value in vars(pauses).items()},
            "by": by.get_username() if by else None,
        },
    )


def draw(key: str, pace: Pace, *, asked: int) -> int:
    """Take up to `asked` messages' worth from what may leave now under a limit; return how many it gave.

    Exact over all workers. A new limit begins full, and a clock set back costs nothing.
    """
    values = {"key": key, "asked": asked, "capacity": pace.capacity, "per_second": pace.per_second}
    with connection.cursor() as cursor:
        cursor.execute(DRAW, values)
        row = cursor.fetchone()
        if row is None:
            Allowance.objects.bulk_create(
                [Allowance(key=key, tokens=pace.capacity, counted_at=datetime.now().astimezone())],
                ignore_conflicts=True,
            )
            cursor.execute(DRAW, values)
            row = cursor.fetchone()
    return int(row[0])


def give_back(key: str, pace: Pace, *, count: int) -> None:
    """Return what was drawn and not sent."""
    if count > 0:
        with connection.cursor() as cursor:
            cursor.execute(GIVE_BACK, {"key": key, "capacity": pace.capacity, "count": count})


def hold_back(claimed: Iterable[Waiting], limits: SendingLimits, *, at: datetime) -> Held:
    """Return which of the claimed messages may not leave now, and from when on they may.

    Those are in their recipients' quiet hours, or more than their channel or domain takes at present.
    """
    held: dict[int, datetime] = {}
    full: dict[str, float] = {}
    by_rate: dict[str, list[int]] = {}
    for message in claimed:
        until = quiet_until(message, limits, at=at)
        if until is not None:
            held[message.id] = until
            continue
        for key in limits.rates_of(message):
            by_rate.setdefault(key, []).append(message.id)
    for key, ids in by_rate.items():
        pace = limits.rates[key]
        wanted = [pk for pk in ids if pk not in held]
        granted = draw(key, pace, asked=len(wanted)) if wanted else 0
        for place, pk in enumerate(wanted[granted:], start=1):
            held[pk] = at + timedelta(seconds=place / pace.per_second)
            full[key] = min(1.0, 1 / pace.per_second)
    return Held(held, full)


def move_out_of_quiet_hours(run: CampaignRun, *, step: str) -> int:
    """Let what was planned into its recipients' quiet hours wait until they end; return how many that are."""
    limits = read_limits()
    if not limits.quiet:
        return 0
    planned = Message.objects.filter(
        run=run, step=step, state=MessageState.PENDING, channel__in=list(limits.quiet)
    )
    found = planned.values_list("channel", "purpose", "lane", "customer__time_zone", "not_before").distinct()
    moves = []
    for channel, purpose, lane, zone, not_before in found:
        until = quiet_until(Waiting(0, channel, "", purpose, lane, zone), limits, at=not_before)
        if until is not None:
            moves.append((channel, purpose, lane, zone, not_before, until))
    if not moves:
        return 0
    names = ("channels", "purposes", "lanes", "zones", "planned", "until")
    values = dict(zip(names, map(list, zip(*moves, strict=True)), strict=True))
    with connection.cursor() as cursor:
        cursor.execute(MOVE, values | {"run": run.pk, "step": step})
        return cursor.rowcount


def quiet_until(message: Waiting, limits: SendingLimits, *, at: datetime) -> datetime | None:
    """Return when this message may leave; None when now. Whoever waits for a message gets it at any hour."""
    quiet = limits.quiet.get(message.channel)
    if quiet is None or (message.purpose == Purpose.SERVICE and message.lane == Lane.FAST):
        return None
    return quiet.until(at, ZoneInfo(message.time_zone or settings.PROGRAMME_TIME_ZONE))
