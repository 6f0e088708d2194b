"""Evaluating rules over everybody: once, and long histories only of those still in question."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import date, datetime
from itertools import count
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import QuerySet
from django.db.models.expressions import RawSQL

from customers.models import Customer
from customers.models.customer import CustomerQuerySet
from customers.segments.catalogue import Kind, catalogue
from customers.segments.happenings import Happening
from customers.segments.moments import Moment
from customers.segments.rules import Group, Leaf, parse_rules

# Of more customers than these, everybody's history is read sooner in one go.
FEW = 200_000
COUNTED, NARROWED, EVALUATED = "counted_customers", "narrowed_customers", "evaluated_customers"


def evaluate_rules(rules: dict[str, Any], *, as_of: date | datetime) -> CustomerQuerySet:
    """Return the live customers for whom the rules hold, from a temporary table: evaluated once.

    They are those of `compile_rules`, found in two steps: the conditions of an `and` that narrow people
    down, then, of those left, the ones that need a whole history ("never bought"). Works in the caller's
    transaction, with which the tables go. Raises InvalidInput with the place of every mistake.
    """
    group, moment = parse_rules(rules, catalogue()), replace(Moment.of(as_of), keep=_count())
    customers = Customer.objects.live()
    first, then = _steps(group, moment)
    if first.rules and then.rules:
        left = _keep(NARROWED, customers.filter(first.condition(moment)))
        customers, group = Customer.objects.filter(pk__in=_ids(NARROWED)), then
        if left <= FEW:
            moment = replace(moment, among=_ids(NARROWED))
    _keep(EVALUATED, customers.filter(group.condition(moment)))
    return Customer.objects.filter(pk__in=_ids(EVALUATED))


def _steps(group: Group, moment: Moment) -> tuple[Group, Group]:
    """Return what narrows people down and what is asked of those left; both have to hold."""
    if group.combinator == "or" or group.negated:
        return Group("and", False, ()), group
    first = tuple(rule for rule in group.rules if not _needs_history(rule, moment))
    then = tuple(rule for rule in group.rules if _needs_history(rule, moment))
    return replace(group, rules=first), replace(group, rules=then)


def _needs_history(rule: Group | Leaf, moment: Moment) -> bool:
    leaves: Iterable[Leaf] = rule.leaves() if isinstance(rule, Group) else [rule]
    return any(leaf.field.kind is Kind.EVENT and not _is_quick(leaf, moment) for leaf in leaves)


def _is_quick(leaf: Leaf, moment: Moment) -> bool:
    """Return whether totals tell it, or it has to have happened in a stretch of time with a beginning."""
    value = leaf.value
    if leaf.field.reader.is_told_by_totals(value, moment):
        return True
    if not isinstance(value, Happening) or value.mode not in ("atLeast", "exactly"):
        return False
    window = value.window
    return any(each is not None for each in (window.last_days, window.days_ago, window.season, window.since))


def _keep(table: str, customers: CustomerQuerySet) -> int:
    """Write the customers' ids into a temporary table of this transaction and return how many they are."""
    try:
        sql, values = customers.order_by().values("pk").query.sql_with_params()
    except EmptyResultSet:
        sql, values = "SELECT NULL::bigint WHERE false", ()
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE IF EXISTS pg_temp.{table}")
        # In order and known to be unique: whoever looks them up in an index reads each of its pages once.
        ids = f"SELECT DISTINCT kept.id FROM ({sql}) AS kept (id) ORDER BY 1"
        cursor.execute(f"CREATE TEMP TABLE {table} (id) ON COMMIT DROP AS {ids}", values)
        size = cursor.rowcount
        cursor.execute(f"CREATE UNIQUE INDEX ON pg_temp.{table} (id)")
        cursor.execute(f"ANALYZE {table}")
    return size


def _count() -> Callable[[QuerySet], RawSQL]:
    """Return what writes the outcome of a count down, each into a table of its own."""
    numbers = count()

    def keep(ids: QuerySet) -> RawSQL:
        table = f"{COUNTED}_{next(numbers)}"
        try:
            sql, values = ids.query.sql_with_params()
        except EmptyResultSet:
            sql, values = "SELECT NULL::bigint WHERE false", ()
        with connection.cursor() as cursor:
            cursor.execute(f"DROP TABLE IF EXISTS pg_temp.{table}")
            cursor.execute(f"CREATE TEMP TABLE {table} (id) ON COMMIT DROP AS {sql}", values)
            cursor.execute(f"ANALYZE {table}")
        return _ids(table)

    return keep


def _ids(table: str) -> RawSQL:
    return RawSQL(f"SELECT id FROM pg_temp.{table}", [])
