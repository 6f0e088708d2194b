"""Readers: how a field's comparison becomes a condition that is either true or false, never unknown.

SQL's third truth value would drop people from a rule and from its opposite alike, so a comparison with an
empty value is false here; what `!=`, `notIn` and `null` then include follows from negating it.
"""

import operator as comparisons
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import reduce
from operator import or_
from typing import Any

from django.db.models import Count, Exists, F, Func, JSONField, OuterRef, Q, QuerySet, TextField, Value
from django.db.models.lookups import Exact, IContains, IStartsWith

from customers.models import Customer
from customers.segments.moments import Moment, Window, start_of

ONE_DAY = timedelta(days=1)
COMPARE = {
    "=": comparisons.eq,
    "<": comparisons.lt,
    "<=": comparisons.le,
    ">": comparisons.gt,
    ">=": comparisons.ge,
}
LOOKUPS = {"=": "exact", "<": "lt", "<=": "lte", ">": "gt", ">=": "gte", "in": "in"}
LOOKUPS |= {"contains": "icontains", "beginsWith": "istartswith"}
# Not an empty Q: negated, that one still matches everything.
ALWAYS = Q(pk__isnull=False)
NEVER = Q(pk__isnull=True)


@dataclass(frozen=True)
class RelativeDay:
    """A day kept as its distance from the day of evaluation; negative lies ahead."""

    days_ago: int

    def at(self, moment: Moment) -> date:
        return moment.today - timedelta(days=self.days_ago)


@dataclass(frozen=True)
class Column:
    """A column of the owner, or of a row that it refers to.

    `nullable` names the column whose NULL makes the value empty; `blank` says that '' is empty too. `instant`
    marks an instant that is compared by its local day, `days_since` one that is compared by its age in days.
    """

    path: str
    nullable: str = ""
    blank: bool = False
    instant: bool = False
    days_since: bool = False

    def condition(self, operator: str, value: Any, *, moment: Moment, parts: tuple[str, ...] = ()) -> Q:
        if operator == "notNull":
            return self._filled() or ALWAYS
        return self._known() & self._comparison(operator, value, moment)

    def actual(self, owner_id: int, *, moment: Moment, parts: tuple[str, ...] = ()) -> Any:
        value = Customer.objects.filter(pk=owner_id).values_list(self.path, flat=True).first()
        return self.shown(value, moment)

    def shown(self, value: Any, moment: Moment) -> Any:
        """Return a stored value as a rule would write it."""
        if value in (None, ""):
            return None
        if self.days_since:
            return (moment.today - Moment.of(value).today).days
        return Moment.of(value).today if self.instant else value

    def _known(self) -> Q:
        return Q(**{f"{self.nullable}__isnull": False}) if self.nullable else Q()

    def _filled(self) -> Q:
        return self._known() & ~Q(**{self.path: ""}) if self.blank else self._known()

    def _comparison(self, operator: str, value: Any, moment: Moment) -> Q:
        if operator == "between":
            low, high = value
            return self._comparison(">=", low, moment) & self._comparison("<=", high, moment)
        if self.days_since and operator == "in":
            return _any(self._comparison("=", each, moment) for each in value)
        if self.days_since:
            return self._aged(operator, value, moment)
        if isinstance(value, RelativeDay):
            value = value.at(moment)
        if self.instant:
            return self._on_day(operator, value)
        return Q(**{f"{self.path}__{LOOKUPS[operator]}": value})

    def _aged(self, operator: str, days: int, moment: Moment) -> Q:
        mirrored = {"=": "=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}[operator]
        return self._on_day(mirrored, moment.today - timedelta(days=days))

    def _on_day(self, operator: str, day: date) -> Q:
        begins, ends = start_of(day), start_of(day + ONE_DAY)
        return {
            "=": Q(**{f"{self.path}__gte": begins, f"{self.path}__lt": ends}),
            "<": Q(**{f"{self.path}__lt": begins}),
            "<=": Q(**{f"{self.path}__lt": ends}),
            ">": Q(**{f"{self.path}__gte": ends}),
            ">=": Q(**{f"{self.path}__gte": begins}),
        }[operator]


@dataclass(frozen=True)
class Rows:
    """Rows that belong to an owner: the comparison holds when it holds for one of them.

    `rows(moment, *parts)` selects them; `column` is compared; `owner` is their foreign key. With `default`,
    an owner without a row (they have one at most) has that value instead of an empty one.
    """

    rows: Callable[..., QuerySet]
    column: Column
    owner: str = "customer"
    default: int | None = None
    several: bool = False

    def condition(self, operator: str, value: Any, *, moment: Moment, parts: tuple[str, ...]) -> Q:
        if self.default is None:
            return Q(self._exists(self.column.condition(operator, value, moment=moment), moment, parts))
        if operator == "notNull":
            return ALWAYS
        holds = self.column.condition(operator, value, moment=moment)
        if _default_holds(self.default, operator, value):
            return ~Q(self._exists(~holds, moment, parts))
        return Q(self._exists(holds, moment, parts))

    def actual(self, owner_id: int, *, moment: Moment, parts: tuple[str, ...]) -> Any:
        rows = self.rows(moment, *parts).filter(**{self.owner: owner_id})
        values = [self.column.shown(value, moment) for value in rows.values_list(self.column.path, flat=True)]
        if self.several:
            return sorted(values)
        return values[0] if values else self.default

    def _exists(self, condition: Q, moment: Moment, parts: tuple[str, ...]) -> Exists:
        return Exists(self.rows(moment, *parts).filter(condition, **{self.owner: OuterRef("pk")}))


@dataclass(frozen=True)
class Happening:
    """How often something has to have happened, when, and what must be true of each time."""

    mode: str
    threshold: int
    window: Window
    where: Any = None


@dataclass(frozen=True)
class Happenings:
    """Things that happened to a customer at an instant: `rows(*parts)`, at the column `at`.

    Counting is a GROUP BY of its own, never a count per customer (decision 0060).
    """

    rows: Callable[..., QuerySet]
    at: str

    def condition(self, operator: str, value: Any, *, moment: Moment, parts: tuple[str, ...]) -> Q:
        # "At least" is the only positive question: the others are its opposite, which includes those to
        # whom nothing of the kind ever happened.
        match value.mode:
            case "atLeast":
                return self._at_least(value.threshold, value, moment, parts)
            case "atMost":
                return ~self._at_least(value.threshold + 1, value, moment, parts)
            case "none":
                return ~self._at_least(1, value, moment, parts)
            case "exactly":
                least = self._at_least(value.threshold, value, moment, parts)
                return least & ~self._at_least(value.threshold + 1, value, moment, parts)
        raise ValueError(value.mode)

    def actual(self, owner_id: int, *, moment: Moment, parts: tuple[str, ...]) -> Any:
        raise NotImplementedError("A happening's number depends on its leaf: use `times`.")

    def times(self, owner_id: int, value: Happening, *, moment: Moment, parts: tuple[str, ...]) -> int:
        """Return how often it happened to one customer, in the leaf's window and under its conditions."""
        return self._happened(value, moment, parts).filter(customer=owner_id).count()

    def _at_least(self, times: int, value: Happening, moment: Moment, parts: tuple[str, ...]) -> Q:
        if times == 0:
            return ALWAYS
        happened = self._happened(value, moment, parts)
        if times == 1:
            return Q(Exists(happened.filter(customer=OuterRef("pk"))))
        # Without the customers nobody knows: one NULL would make every NOT IN unknown.
        counted = happened.filter(customer__isnull=False).order_by().values("customer")
        return Q(pk__in=counted.annotate(times=Count("pk")).filter(times__gte=times).values("customer"))

    def _happened(self, value: Happening, moment: Moment, parts: tuple[str, ...]) -> QuerySet:
        since, until = value.window.bounds(moment)
        rows = self.rows(*parts).filter(**{f"{self.at}__lt": until})
        if since is not None:
            rows = rows.filter(**{f"{self.at}__gte": since})
        return rows.filter(value.where.condition(moment)) if value.where else rows


@dataclass(frozen=True)
class JsonValue(Column):
    """A column of JSON whose type is only known row by row: a value is compared with its own kind alone.

    `contains` looks inside a text, or for a member of a list.
    """

    def _filled(self) -> Q:
        return ~Q(self._type_is("null"))

    def _comparison(self, operator: str, value: Any, moment: Moment) -> Q:
        match operator:
            case "between":
                return self._comparison(">=", value[0], moment) & self._comparison("<=", value[1], moment)
            case "in":
                return _any(self._comparison("=", each, moment) for each in value)
            case "=":
                return Q(**{self.path: Value(value, output_field=JSONField())})
            case "beginsWith":
                return Q(self._type_is("string")) & Q(IStartsWith(self._text(), value))
            case "contains":
                inside = Q(self._type_is("string")) & Q(IContains(self._text(), value))
                return inside | Q(**{f"{self.path}__contains": [value]})
        kind = "string" if isinstance(value, str) else "number"
        return Q(self._type_is(kind)) & Q(**{f"{self.path}__{LOOKUPS[operator]}": value})

    def _type_is(self, name: str) -> Exact:
        return Exact(Func(F(self.path), function="jsonb_typeof", output_field=TextField()), name)

    def _text(self) -> Func:
        return Func(F(self.path), template="(%(expressions)s #>> '{}')", output_field=TextField())


def _any(conditions: Iterable[Q]) -> Q:
    return reduce(or_, conditions, NEVER)


def _default_holds(default: int, operator: str, value: Any) -> bool:
    if operator == "between":
        return value[0] <= default <= value[1]
    return default in value if operator == "in" else COMPARE[operator](default, value)
