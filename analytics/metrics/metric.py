"""What a key figure is: a number taken from the facts of a span of time."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any, Protocol

from django.utils.functional import Promise

from analytics.windows import SCOPES, Scope, Window
from customers.models import RollupScope, Segment

Value = Decimal | float | int | None
EVERY_SCOPE = frozenset(SCOPES)
ONLY_ALL = frozenset([RollupScope.ALL])


class Unit(StrEnum):
    """In what a metric is told; amounts are minor units, shares from 0 to 1."""

    NUMBER = "number"
    PERCENT = "percent"
    MONEY = "money"


class Better(StrEnum):
    """Which way is good news."""

    UP = "up"
    DOWN = "down"
    NEITHER = "neither"


class Source(Protocol):
    """Counts the facts of spans that follow each other; `before` is the span in front of the first."""

    def __call__(
        self, windows: Sequence[Window], before: Window, *, scope: Scope, segment: Segment | None
    ) -> Sequence[Any]: ...


@dataclass(frozen=True)
class Metric:
    """One figure. `scopes` are the kinds of parts of the business it can be narrowed to.

    `segments` says whether it can be narrowed to the members of a segment. `digits` are shown decimals. What
    `accumulates` grows from the first day of a span to its last, as revenue does and a rate does not; of what
    `adds_up` the single days add up to that, too (buyers of two days may be the same people).
    What is `costly` is only counted when it is asked for by name.
    """

    code: str
    label: str | Promise
    unit: Unit
    better: Better
    group: str | Promise
    meaning: str | Promise
    source: Source
    value: Callable[[Any], Value]
    scopes: frozenset[str] = EVERY_SCOPE
    segments: bool = True
    digits: int = 0
    accumulates: bool = False
    adds_up: bool = False
    costly: bool = False

    def can_be_narrowed(self, scope: Scope | None, segment: Segment | None) -> bool:
        """Return whether the metric exists for a part of the business and for a segment."""
        return (scope.kind if scope else RollupScope.ALL) in self.scopes and (self.segments or not segment)
