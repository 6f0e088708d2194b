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

from django.db.models import (
    BooleanField,
    Case,
    DecimalField,
    Exists,
    Expression,
    F,
    Func,
    JSONField,
    OuterRef,
    Q,
    QuerySet,
    TextField,
    Value,
    When,
)
from django.db.models.functions import Cast, Coalesce, NullIf, TruncDate
from django.db.models.lookups import (
    Exact,
    GreaterThan,
    GreaterThanOrEqual,
    IContains,
    IStartsWith,
    LessThan,
    LessThanOrEqual,
)

from customers.models import Customer
from customers.segments.moments import LONGEST_DAYS, Moment, programme_zone, start_of

ONE_DAY = timedelta(days=1)
COMPARE = {
    "=": comparisons.eq,
    "<": comparisons.lt,
    "<=": comparisons.le,
    ">": comparisons.gt,
    ">=": comparisons.ge,
}
LOOKUPS = {"=": "exact", "<": "lt", "<=": "lte", ">": "gt", ">=": "gte", "in": "in"}
COMPARISONS = {"<": LessThan, "<=": LessThanOrEqual, ">": GreaterThan, ">=": GreaterThanOrEqual}
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
    marks an instant that is compared by its local day, `days_since` one that is compared by its age in days,
    `days_until` one that is compared by the days left.
    """

    path: str
    nullable: str = ""
    blank: bool = False
    instant: bool = False
    days_since: bool = False
    days_until: bool = False

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
        if self.days_until:
            return (Moment.of(value).today - moment.today).days
        return Moment.of(value).today if self.instant else value

    def measure(self, *, numeric: bool, parts: tuple[str, ...] = (), prefix: str = "") -> Any:
        """Return what an aggregate runs over: the value, NULL where it is empty; an instant is its day."""
        path = f"{prefix}{self.path}"
        if self.instant:
            return TruncDate(path, tzinfo=programme_zone())
        return NullIf(path, Value("")) if self.blank else F(path)

    def _known(self) -> Q:
        return Q(**{f"{self.nullable}__isnull": False}) if self.nullable else Q()

    def _filled(self) -> Q:
        return self._known() & ~Q(**{self.path: ""}) if self.blank else self._known()

    def _comparison(self, operator: str, value: Any, moment: Moment) -> Q:
        if operator == "between":
            low, high = value
            return self._comparison(">=", low, moment) & self._comparison("<=", high, moment)
        if (self.days_since or self.days_until) and operator == "in":
            return _any(self._comparison("=", each, moment) for each in value)
        if self.days_since:
            return self._aged(operator, value, moment)
        if self.days_until:
            return self._on_day(operator, _days_from(moment.today, value))
        if isinstance(value, RelativeDay):
            value = value.at(moment)
        if self.instant:
            return self._on_day(operator, value)
        return Q(**{f"{self.path}__{LOOKUPS[operator]}": value})

    def _aged(self, operator: str, days: int, moment: Moment) -> Q:
        mirrored = {"=": "=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}[operator]
        return self._on_day(mirrored, _days_from(moment.today, -days))

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
    an owner without a row (they have one at most) has that value instead of an empty one. `join` is the way
    from the owner to the rows, for aggregates.
    """

    rows: Callable[..., QuerySet]
    column: Column
    owner: str = "customer"
    default: int | None = None
    several: bool = False
    join: str = ""

    def condition(self, operator: str, value: Any, *, moment: Moment, parts: tuple[str, ...]) -> Q:
        if self.default is None:
            return Q(self._exists(self.column.condition(operator, value, moment=moment), moment, parts))
        if operator == "notNull":
            return ALWAYS
        holds = self.column.condition(operator, value, moment=moment)
        if default_holds(self.default, operator, value):
            return ~Q(self._exists(~holds, moment, parts))
        return Q(self._exists(holds, moment, parts))

    def actual(self, owner_id: int, *, moment: Moment, parts: tuple[str, ...]) -> Any:
        rows = self.rows(moment, *parts).filter(**{self.owner: owner_id})
        values = [self.column.shown(value, moment) for value in rows.values_list(self.column.path, flat=True)]
        if self.several:
            return sorted(values)
        return values[0] if values else self.default

    def measure(self, *, numeric: bool, parts: tuple[str, ...] = (), prefix: str = "") -> Any:
        """Return what an aggregate over an owner's rows runs over."""
        return self.column.measure(numeric=numeric, parts=parts, prefix=f"{prefix}{self.join}__")

    def _exists(self, condition: Q, moment: Moment, parts: tuple[str, ...]) -> Exists:
        return Exists(self.rows(moment, *parts).filter(condition, **{self.owner: OuterRef("pk")}))


@dataclass(frozen=True)
class JsonValue(Column):
    """A column of JSON whose type is only known row by row: a value is compared with its own kind alone.

    `contains` looks inside a text, or for a member of a list.
    """

    def condition(self, operator: str, value: Any, *, moment: Moment, parts: tuple[str, ...] = ()) -> Q:
        return self._compared(self._json(parts), operator, value)

    def measure(self, *, numeric: bool, parts: tuple[str, ...] = (), prefix: str = "") -> Any:
        value = self._json(parts, prefix)
        if not numeric:
            return NullIf(text_of(value), Value(""))
        number = Cast(text_of(value), DecimalField(max_digits=40, decimal_places=10))
        return Case(When(_type_is(value, "number"), then=number))

    def _json(self, parts: tuple[str, ...], prefix: str = "") -> Expression:
        return F(f"{prefix}{self.path}")

    def _compared(self, json: Expression, operator: str, value: Any) -> Q:
        match operator:
            case "notNull":
                return ~Q(_type_is(json, "null"))
            case "between":
                return self._compared(json, ">=", value[0]) & self._compared(json, "<=", value[1])
            case "in":
                return _any(self._compared(json, "=", each) for each in value)
            case "=":
                return Q(Exact(json, json_of(value)))
            case "beginsWith":
                return Q(_type_is(json, "string")) & Q(IStartsWith(text_of(json), value))
            case "contains":
                inside = Q(_type_is(json, "string")) & Q(IContains(text_of(json), value))
                return inside | Q(JsonHolds(json, json_of([value])))
        kind = "string" if isinstance(value, str) else "number"
        return Q(_type_is(json, kind)) & Q(COMPARISONS[operator](json, json_of(value)))


@dataclass(frozen=True)
class JsonMember(JsonValue):
    """A member of a JSON object: `key`, or what the field code's `*` stands for; absent, it is empty."""

    key: str = ""

    def actual(self, owner_id: int, *, moment: Moment, parts: tuple[str, ...] = ()) -> Any:
        objects = Customer.objects.filter(pk=owner_id).values_list(self.path, flat=True)
        return (objects.first() or {}).get(self.key or parts[0])

    def _json(self, parts: tuple[str, ...], prefix: str = "") -> Expression:
        member = JsonGet(F(f"{prefix}{self.path}"), Value(self.key or parts[0], output_field=TextField()))
        return Coalesce(member, json_of(None))


class JsonGet(Func):
    """`object -> key`: SQL's NULL where the object has no such key."""

    template = "(%(expressions)s)"
    arg_joiner = " -> "
    output_field = JSONField()


class JsonHolds(Func):
    """`json @> part`."""

    template = "(%(expressions)s)"
    arg_joiner = " @> "
    output_field = BooleanField()
    conditional = True


@dataclass(frozen=True)
class Found:
    """Yes or no: whether a customer has a row of these. `rows(moment, *parts)` selects them."""

    rows: Callable[..., QuerySet]
    owner: str = "customer"

    def condition(self, operator: str, value: Any, *, moment: Moment, parts: tuple[str, ...]) -> Q:
        found = Q(Exists(self.rows(moment, *parts).filter(**{self.owner: OuterRef("pk")})))
        return found if value else ~found

    def actual(self, owner_id: int, *, moment: Moment, parts: tuple[str, ...]) -> Any:
        return self.rows(moment, *parts).filter(**{self.owner: owner_id}).exists()


def _days_from(day: date, days: int) -> date:
    """Return a day that many days away; what lies beyond a century is a century away."""
    return day + timedelta(days=max(-LONGEST_DAYS, min(LONGEST_DAYS, days)))


def json_of(value: Any) -> Value:
    return Value(value, output_field=JSONField())


def _type_is(json: Expression, name: str) -> Exact:
    return Exact(Func(json, function="jsonb_typeof", output_field=TextField()), name)


def text_of(json: Expression) -> Func:
    return Func(json, template="(%(expressions)s #>> '{}')", output_field=TextField())


def _any(conditions: Iterable[Q]) -> Q:
    return reduce(or_, conditions, NEVER)


def default_holds(default: int, operator: str, value: Any) -> bool:
    if operator == "between":
        return value[0] <= default <= value[1]
    return default in value if operator == "in" else COMPARE[operator](default, value)
