"""What one person allows who was known as several, whatever the order in which they were merged. Pure."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from customers.models.consent import ConsentState

S = ConsentState
RESTRICTION = {S.GRANTED: 0, S.PENDING: 1, S.EXPIRED: 2, S.DENIED: 3, S.WITHDRAWN: 4, S.OBJECTED: 5}


@dataclass(frozen=True)
class Statement:
    """One entry of the consent ledger, and under which customer it was entered (`origin`)."""

    id: int
    channel: str
    purpose: str
    address: str
    state: str
    occurred_at: datetime
    origin: int

    @property
    def rank(self) -> tuple[datetime, int, int]:
        """Order statements on one contact point: the latest holds, of one instant the more restrictive."""
        return (self.occurred_at, min(RESTRICTION[self.state], 2), -self.id)


Point = tuple[str, str, str]


def settled_consents(
    statements: Iterable[Statement], *, joined_at: Callable[[int, int], datetime | None]
) -> dict[Point, Statement]:
    """Return the statement that decides each contact point `(channel, purpose, address)`.

    On one contact point the latest statement holds. Where customers were merged that had different contact
    points, the most restrictive of them holds for each (I8), until the person says something new: something
    that occurred after `joined_at(origin, origin)`, when the two became one.
    """
    by_use: dict[tuple[str, str], list[Statement]] = {}
    for statement in statements:
        by_use.setdefault((statement.channel, statement.purpose), []).append(statement)
    settled: dict[Point, Statement] = {}
    for use, said in by_use.items():
        latest = _latest_by(said, lambda one: one.address)
        own = _latest_by(said, lambda one: (one.origin, one.address))
        for address, statement in latest.items():
            holders = {one.origin for one in said if one.address == address}
            others = [
                one
                for one in own.values()
                if one.origin not in holders
                and not _is_since(statement, joined_at(one.origin, statement.origin))
            ]
            strictest = max(others, key=_severity, default=statement)
            stricter = RESTRICTION[strictest.state] > RESTRICTION[statement.state]
            settled[*use, address] = strictest if stricter else statement
    return settled


def _is_since(statement: Statement, joined_at: datetime | None) -> bool:
    return joined_at is None or statement.occurred_at > joined_at


def _latest_by(said: list[Statement], key: Callable) -> dict:
    latest: dict = {}
    for one in said:
        held = latest.get(key(one))
        if held is None or one.rank > held.rank:
            latest[key(one)] = one
    return latest


def _severity(statement: Statement) -> tuple[int, datetime, int]:
    return (RESTRICTION[statement.state], statement.occurred_at, -statement.id)
