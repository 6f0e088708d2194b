"""Random shares: a number from 0 to 100 per customer that stays the same, drawn from a word and their id."""

import hashlib
from dataclasses import dataclass
from typing import Any

from django.db.models import F, FloatField, Func, Q, TextField, Value
from django.db.models.functions import Cast
from django.db.models.lookups import Exact, GreaterThan, GreaterThanOrEqual, LessThan, LessThanOrEqual

from customers.models import Customer
from customers.segments.moments import Moment

COMPARISONS = {
    "=": Exact,
    "<": LessThan,
    "<=": LessThanOrEqual,
    ">": GreaterThan,
    ">=": GreaterThanOrEqual,
}
SIXTEENTH_POWER = 16**8


@dataclass(frozen=True)
class Share:
    """The number that a word (what the code's `*` stands for) gives each customer, for good."""

    def condition(self, operator: str, value: Any, *, moment: Moment, parts: tuple[str, ...]) -> Q:
        if operator == "notNull":
            return Q(pk__isnull=False)
        if operator == "between":
            low = self.condition(">=", value[0], moment=moment, parts=parts)
            return low & self.condition("<=", value[1], moment=moment, parts=parts)
        return Q(COMPARISONS[operator](_drawn(parts[0]), Value(float(value))))

    def actual(self, owner_id: int, *, moment: Moment, parts: tuple[str, ...]) -> float | None:
        public_id = Customer.objects.filter(pk=owner_id).values_list("public_id", flat=True).first()
        return None if public_id is None else round(number_of(parts[0], str(public_id)), 2)


def number_of(word: str, public_id: str) -> float:
    """Return what the database draws: the first 32 bits of the MD5 of both, scaled to 0..100."""
    digest = hashlib.md5(f"{word}:{public_id}".encode(), usedforsecurity=False).hexdigest()
    return int(digest[:8], 16) / SIXTEENTH_POWER * 100


def _drawn(word: str) -> Func:
    return Func(
        Value(f"{word}:"),
        Cast(F("public_id"), TextField()),
        template="(('x' || left(md5(%(expressions)s), 8))::bit(32)::bigint::float8 / 4294967296 * 100)",
        arg_joiner=" || ",
        output_field=FloatField(),
    )
