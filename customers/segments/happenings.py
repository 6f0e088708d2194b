"""What customers did, and how a rule asks about it: how often, how much, the last time, one after another.

Every question is asked in the positive and answered by a set of customers; counting is a GROUP BY of its own,
never a count per customer (decision 0060).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import (
    Avg,
    Count,
    DateTimeField,
    DecimalField,
    DurationField,
    Exists,
    Expression,
    F,
    Func,
    Max,
    Min,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Sum,
    Value,
)
from django.db.models.expressions import CombinedExpression
from django.db.models.functions import Coalesce
from django.db.models.lookups import LessThanOrEqual

from customers.segments.moments import Moment, Window, programme_zone
from customers.segments.readers import ALWAYS, LOOKUPS, default_holds
from customers.segments.totals import Totals

FUNCTIONS = {"sum": Sum, "avg": Avg, "max": Max, "min": Min, "distinct": Count}
# Of somebody to whom nothing happened these are 0; the others are empty.
ZERO_WITHOUT = ("sum", "distinct")
EVER = [("atLeast", 1), ("atMost", 0), ("none", 0)]


@dataclass(frozen=True)
class Happening:
    """How often something has to have happened, when, and what must be true of each time."""

    mode: str
    threshold: int
    window: Window
    where: Any = None


@dataclass(frozen=True)
class Aggregate:
    """A figure over what happened: `function` of the field `of` (a where-field), compared with `value`."""

    function: str
    of: Any
    of_parts: tuple[str, ...]
    operator: str
    value: Any
    window: Window
    where: Any = None


@dataclass(frozen=True)
class Extreme:
    """What must be true of the last time (or the first) that something happened."""

    first: bool
    window: Window
    where: Any = None


@dataclass(frozen=True)
class Step:
    """What happened next, or (the last step) did not; `within` counts from the step before."""

    event: "Deed"
    negated: bool = False
    within: "Within | None" = None
    where: Any = None


@dataclass(frozen=True)
class Sequence:
    """Something happened, and then something else did or did not."""

    steps: tuple[Step, ...]
    window: Window
    where: Any = None


@dataclass(frozen=True)
class Within:
    """A time limit: to the end of the local day `days` later, or less than `hours` later."""

    days: int | None = None
    hours: int | None = None

    def after(self, instant: Any) -> Expression:
        """Return the first instant that is too late."""
        if self.hours is not None:
            return _plus(instant, timedelta(hours=self.hours))
        zone = Value(programme_zone().key)
        local = Func(zone, instant, function="timezone", output_field=DateTimeField())
        day = Func(Value("day"), local, function="date_trunc", output_field=DateTimeField())
        end = _plus(day, timedelta(days=self.days + 1))
        return Func(zone, end, function="timezone", output_field=DateTimeField())


@dataclass(frozen=True)
class Deed:
    """A kind of thing that customers do, as a rule names it; `parts` are what the code's `*` stood for."""

    code: str
    label: str
    reader: "Happenings"
    parts: tuple[str, ...]

    def rows(self) -> QuerySet:
        return self.reader.rows(*self.parts)


@dataclass(frozen=True)
class After:
    """A window that begins with the customer's last (or first) time of something else."""

    event: Deed
    first: bool = False


@dataclass(frozen=True)
class Happenings:
    """Things that happened to a customer at an instant: `rows(*parts)`, at the column `at`.

    What `totals` know of them is not read from the rows.
    """

    rows: Callable[..., QuerySet]
    at: str
    customer: str = "customer"
    totals: Totals | None = None

    def condition(self, operator: str, value: Any, *, moment: Moment, parts: tuple[str, ...]) -> Q:
        match value:
            case Happening():
                return self._happening(value, moment, parts)
            case Aggregate():
                return self._aggregate(value, moment, parts)
            case Extreme():
                return self._extreme(value, moment, parts)
        return Q(pk__in=self._sequences(value, moment, parts).values(self.customer))

    def actual(self, owner_id: int, *, moment: Moment, parts: tuple[str, ...]) -> Any:
        raise NotImplementedError("What is true of a happening depends on its leaf: use `figure`.")

    def figure(self, owner_id: int, value: Any, *, moment: Moment, parts: tuple[str, ...]) -> Any:
        """Return what is true of one customer: how often, how much, or when it happened."""
        own = Q(**{self.customer: owner_id})
        if isinstance(value, Sequence):
            return self._sequences(value, moment, parts).filter(own).count()
        if isinstance(value, Extreme):
            found = self._extremes(value, moment, parts).filter(own)
            return found.values_list(self.at, flat=True).first()
        rows = self._happened(value, moment, parts).filter(own).order_by()
        if isinstance(value, Happening):
            return rows.count()
        return plain(rows.aggregate(figure=_figure(value))["figure"])

    def _happening(self, value: Happening, moment: Moment, parts: tuple[str, ...]) -> Q:
        # "At least" is the only positive question: the others are its opposite, which includes those to
        # whom nothing of the kind ever happened.
        match value.mode:
            case "atLeast":
                return self._at_least(value.threshold, value, moment, parts)
            case "atMost":
                return ~self._at_least(value.threshold + 1, value, moment, parts)
            case "none":
                return ~self._at_least(1, value, moment, parts)
        least = self._at_least(value.threshold, value, moment, parts)
        return least & ~self._at_least(value.threshold + 1, value, moment, parts)

    def is_told_by_totals(self, value: Any, moment: Moment) -> bool:
        """Return whether a condition is about ever or never, and totals know it."""
        ever = isinstance(value, Happening) and (value.mode, value.threshold) in EVER
        return ever and self._told(value, moment) is not None

    def _told(self, value: Happening, moment: Moment) -> Q | None:
        return self.totals.ever(value.window, value.where, moment) if self.totals else None

    def _at_least(self, times: int, value: Happening, moment: Moment, parts: tuple[str, ...]) -> Q:
        if times == 0:
            return ALWAYS
        if times == 1 and (known := self._told(value, moment)) is not None:
            return known
        happened = self._happened(value, moment, parts)
        if times == 1:
            return Q(Exists(happened.filter(**{self.customer: OuterRef("pk")})))
        counted = self._per_customer(happened).annotate(times=Count("*")).filter(times__gte=times)
        return Q(pk__in=moment.kept(counted.values(self.customer)))

    def _aggregate(self, value: Aggregate, moment: Moment, parts: tuple[str, ...]) -> Q:
        figures = self._per_customer(self._happened(value, moment, parts)).annotate(figure=_figure(value))
        compared = _compare("figure", value.operator, value.value)
        if value.function in ZERO_WITHOUT and default_holds(0, value.operator, value.value):
            return ~Q(pk__in=moment.kept(figures.filter(~compared).values(self.customer)))
        return Q(pk__in=moment.kept(figures.filter(compared).values(self.customer)))

    def _extreme(self, value: Extreme, moment: Moment, parts: tuple[str, ...]) -> Q:
        found = self._extremes(value, moment, parts)
        if value.where:
            found = found.filter(value.where.condition(moment))
        return Q(pk__in=found.values(self.customer))

    def _extremes(self, value: Extreme, moment: Moment, parts: tuple[str, ...]) -> QuerySet:
        """Return each customer's last (or first) row, whatever is asked of it."""
        order = [self.at, "pk"] if value.first else [f"-{self.at}", "-pk"]
        rows = self._in_window(value.window, moment, parts)
        chosen = self._known(rows).order_by(self.customer, *order).distinct(self.customer)
        return rows.filter(pk__in=chosen.values("pk")).order_by()

    def _sequences(self, value: Sequence, moment: Moment, parts: tuple[str, ...]) -> QuerySet:
        """Return the rows with which a sequence begins that came to be."""
        begun = self._known(self._happened(value, moment, parts))
        return begun.filter(self._followed(value.steps, moment)).order_by()

    def _followed(self, steps: tuple[Step, ...], moment: Moment) -> Q:
        step, *rest = steps
        reader = step.event.reader
        later = step.event.rows().filter(
            **{
                f"{reader.at}__lt": moment.until,
                reader.customer: OuterRef(self.customer),
                f"{reader.at}__gt": OuterRef(self.at),
            }
        )
        if step.within:
            later = later.filter(**{f"{reader.at}__lt": step.within.after(OuterRef(self.at))})
        if step.where:
            later = later.filter(step.where.condition(moment))
        if rest:
            later = later.filter(reader._followed(tuple(rest), moment))
        if not step.negated:
            return Q(Exists(later))
        over = Q(LessThanOrEqual(step.within.after(F(self.at)), moment.until)) if step.within else ALWAYS
        return over & ~Q(Exists(later))

    def _happened(self, value: Any, moment: Moment, parts: tuple[str, ...]) -> QuerySet:
        rows = self._in_window(value.window, moment, parts)
        return rows.filter(value.where.condition(moment)) if value.where else rows

    def _in_window(self, window: Window, moment: Moment, parts: tuple[str, ...]) -> QuerySet:
        since, until = window.bounds(moment)
        rows = self.rows(*parts).filter(**{f"{self.at}__lt": until})
        if moment.among is not None:
            rows = rows.filter(**{f"{self.customer}__in": moment.among})
        if since is not None:
            rows = rows.filter(**{f"{self.at}__gte": since})
        if window.after is not None:
            rows = rows.filter(**{f"{self.at}__gt": self._beginning(window.after, moment)})
        return rows

    def _beginning(self, after: After, moment: Moment) -> Subquery:
        reader = after.event.reader
        own = {reader.customer: OuterRef(self.customer), f"{reader.at}__lt": moment.until}
        order = reader.at if after.first else f"-{reader.at}"
        return Subquery(after.event.rows().filter(**own).order_by(order).values(reader.at)[:1])

    def _per_customer(self, rows: QuerySet) -> QuerySet:
        return self._known(rows).order_by().values(self.customer)

    def _known(self, rows: QuerySet) -> QuerySet:
        # Without the customers nobody knows: one NULL would make every NOT IN unknown.
        return rows.filter(**{f"{self.customer}__isnull": False})


def plain(value: Any) -> Any:
    """Return a figure as JSON can say it."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else round(float(value), 4)
    return value.isoformat() if isinstance(value, date | datetime) else value


def _figure(value: Aggregate) -> Expression:
    if value.function == "distinct":
        return Count(value.of.reader.measure(numeric=False, parts=value.of_parts), distinct=True)
    figure = FUNCTIONS[value.function](value.of.reader.measure(numeric=True, parts=value.of_parts))
    if value.function != "sum":
        return figure
    return Coalesce(figure, Value(0), output_field=DecimalField(max_digits=40, decimal_places=10))


def _compare(name: str, operator: str, value: Any) -> Q:
    if operator == "between":
        return Q(**{f"{name}__gte": value[0], f"{name}__lte": value[1]})
    return Q(**{f"{name}__{LOOKUPS[operator]}": value})


def _plus(instant: Any, distance: timedelta) -> CombinedExpression:
    return CombinedExpression(instant, "+", Value(distance, DurationField()), output_field=DateTimeField())
