"""How fast, and when not: the arithmetic of rate limits and quiet hours, without a database."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

MINUTE = 60.0


@dataclass(frozen=True)
class Pace:
    """A bucket of tokens that lets at most `per_minute` messages through in any minute.

    `capacity` may leave at once, about a second's worth; what refills it is so much less that the two
    together never exceed the limit, wherever the minute begins.
    """

    per_minute: int

    @property
    def capacity(self) -> float:
        return float(max(1, self.per_minute // 60))

    @property
    def per_second(self) -> float:
        # With a bucket of one, tokens are MINUTE / per_minute apart: a half-open minute holds per_minute.
        burst = 0.0 if self.capacity == 1 else self.capacity
        return (self.per_minute - burst) / MINUTE


@dataclass(frozen=True)
class Quiet:
    """Hours of the night in which nobody is written to, by the recipient's clock; the end is exclusive."""

    starts_at: time
    ends_at: time

    def until(self, instant: datetime, zone: ZoneInfo) -> datetime | None:
        """Return when the quiet hours that `instant` falls into end; None outside them.

        An end that the clocks jump over comes as much later.
        """
        local = instant.astimezone(zone)
        clock = local.time()
        if self.starts_at < self.ends_at:
            quiet, ends_on = self.starts_at <= clock < self.ends_at, local.date()
        else:
            quiet = clock >= self.starts_at or clock < self.ends_at
            ends_on = local.date() + timedelta(days=clock >= self.starts_at)
        if not quiet:
            return None
        end = datetime.combine(ends_on, self.ends_at, tzinfo=zone)
        # Of an hour that comes twice the second is meant when the first has passed.
        if end.timestamp() <= instant.timestamp():
            end = end.replace(fold=1)
        return end.astimezone(instant.tzinfo)


def domain_of(address: str) -> str:
    """Return the domain that an e-mail address belongs to, as limits name it; empty for any other address."""
    return address.rpartition("@")[2].lower() if "@" in address else ""
