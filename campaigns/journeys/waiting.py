"""When a wait is over, and which way the lot sends somebody."""

import hashlib
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from campaigns.journeys.steps import WaitStep
from campaigns.triggers.local_time import local_instant

MORNING = time(9)


def wait_until(step: WaitStep, *, since: datetime, zone: str) -> datetime:
    """Return when somebody who came at `since` and lives in `zone` goes on, if nothing happens before.

    With a clock the wait ends at the first such local time after it: “2 days, at 9:00”.
    """
    if step.until is not None:
        return local_instant(step.until, step.clock or MORNING, zone)
    ends_at = since + (step.length or timedelta())
    return ends_at if step.clock is None else _next_time(step.clock, ends_at, zone)


def drawn_share(key: str, shares: Sequence[tuple[int, str]]) -> int:
    """Return the number of the share that the lot gives to a key: a fixed function of both."""
    digest = hashlib.md5(key.encode(), usedforsecurity=False).hexdigest()
    draw = int(digest[:8], 16) % 100
    for number, (percent, _target) in enumerate(shares):
        draw -= percent
        if draw < 0:
            return number
    return len(shares) - 1


def _next_time(clock: time, after: datetime, zone: str) -> datetime:
    day: date = after.astimezone(ZoneInfo(zone)).date()
    instant = local_instant(day, clock, zone)
    return instant if instant >= after else local_instant(day + timedelta(days=1), clock, zone)
