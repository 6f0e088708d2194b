"""Which of several sources is believed, field by field.

Pure: the same testimonies and locks give the same golden record, in whatever order they arrived. Locked
before verified before the source's trust before recency before completeness (customers.md, section 1).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from customers.models.golden import GoldenRule

GOLDEN_FIELDS = (
    "first_name", "last_name", "birth_date", "language", "time_zone", "country", "region", "city", "postcode",
    "street",
)  # fmt: skip


@dataclass(frozen=True)
class Testimony:
    """What one source profile says of a person.

    `observed` names the fields that were last heard of earlier than the profile as a whole. The source
    vouches for the fields named by `data["verified"]`: it saw a document, or the person confirmed them.
    """

    trust: int
    observed_at: datetime
    source: str
    external_id: str
    data: Mapping[str, Any]
    observed: Mapping[str, str] = field(default_factory=dict)
    profile_id: int | None = None

    def says(self, name: str) -> bool:
        return bool(self.data.get(name))

    def vouches_for(self, name: str) -> bool:
        return name in (self.data.get("verified") or ())

    def heard_at(self, name: str) -> datetime:
        """Return when this source last spoke of the field."""
        earlier = self.observed.get(name)
        return datetime.fromisoformat(earlier) if earlier else self.observed_at

    @property
    def completeness(self) -> int:
        return sum(1 for name in GOLDEN_FIELDS if self.says(name))


@dataclass(frozen=True)
class Lock:
    """What a person at the desk decided a field to be, whatever the sources say; empty is a decision too."""

    value: str
    locked_at: datetime


@dataclass(frozen=True)
class Choice:
    """The value of one golden field, who says so, since when, and what made them win."""

    value: str
    rule: GoldenRule
    observed_at: datetime
    testimony: Testimony | None = None


def choose_values(
    testimonies: Iterable[Testimony], locks: Mapping[str, Lock] | None = None
) -> dict[str, Choice]:
    """Return the choice for each golden field that is locked or that some source speaks of."""
    testimonies, locks = list(testimonies), locks or {}
    choices = {name: _choose(name, testimonies, locks.get(name)) for name in GOLDEN_FIELDS}
    return {name: choice for name, choice in choices.items() if choice}


def _choose(name: str, testimonies: list[Testimony], lock: Lock | None) -> Choice | None:
    if lock:
        return Choice(lock.value, GoldenRule.LOCKED, lock.locked_at)
    speaking = sorted(
        (testimony for testimony in testimonies if testimony.says(name)),
        key=lambda testimony: (*_merits(name, testimony), testimony.source, testimony.external_id),
        reverse=True,
    )
    if not speaking:
        return None
    best = speaking[0]
    return Choice(best.data[name], _rule(name, speaking), best.heard_at(name), best)


def _merits(name: str, testimony: Testimony) -> tuple:
    return (
        testimony.vouches_for(name),
        testimony.trust,
        testimony.heard_at(name),
        testimony.completeness,
    )


_BY_MERIT = (GoldenRule.VERIFIED, GoldenRule.TRUST, GoldenRule.RECENT, GoldenRule.COMPLETE)


def _rule(name: str, ranked: list[Testimony]) -> GoldenRule:
    """Return by what the first wins over the best of those who say something else."""
    best = ranked[0]
    if len(ranked) == 1:
        return GoldenRule.SOLE
    rival = next((other for other in ranked if other.data[name] != best.data[name]), None)
    if rival is None:
        return GoldenRule.AGREED
    merits = zip(_BY_MERIT, _merits(name, best), _merits(name, rival), strict=True)
    return next((rule for rule, ours, theirs in merits if ours != theirs), GoldenRule.ORDER)


def golden_attributes(before: Mapping[str, Any], testimonies: Iterable[Testimony]) -> dict[str, Any]:
    """Return the attributes of all profiles together, the most trusted and latest last; None removes one."""
    attributes = dict(before)
    ranked = sorted(testimonies, key=lambda t: (t.trust, t.observed_at, t.source, t.external_id))
    for testimony in ranked:
        attributes |= testimony.data.get("attributes") or {}
    return {name: value for name, value in attributes.items() if value is not None}
