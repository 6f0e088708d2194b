"""Why one customer fits a rule, or does not: the tree again, with what is true of it."""

from datetime import date, datetime
from typing import Any

from customers.models import Customer
from customers.segments.moments import Moment
from customers.segments.readers import Happening
from customers.segments.rules import Group, Leaf


def explain_rules(group: Group, customer: Customer, *, as_of: date | datetime) -> dict[str, Any]:
    """Return the tree as JSON, each rule with `met`, and each condition with the `actual` value."""
    return _explain_group(group, customer, Moment.of(as_of))


def _explain_group(group: Group, customer: Customer, moment: Moment) -> dict[str, Any]:
    rules = [
        _explain_group(rule, customer, moment)
        if isinstance(rule, Group)
        else _explain(rule, customer, moment)
        for rule in group.rules
    ]
    join = all if group.combinator == "and" else any
    met = not rules or join(rule["met"] for rule in rules)
    return {
        "combinator": group.combinator,
        "not": group.negated,
        "met": met is not group.negated,
        "rules": rules,
    }


def _explain(leaf: Leaf, customer: Customer, moment: Moment) -> dict[str, Any]:
    return {
        "field": leaf.code,
        "operator": leaf.operator,
        "value": leaf.source.get("value"),
        "met": Customer.objects.filter(leaf.condition(moment), pk=customer.pk).exists(),
        "actual": _actual(leaf, customer, moment),
    }


def _actual(leaf: Leaf, customer: Customer, moment: Moment) -> Any:
    reader = leaf.field.reader
    if isinstance(leaf.value, Happening):
        return reader.times(customer.pk, leaf.value, moment=moment, parts=leaf.parts)
    actual = reader.actual(customer.pk, moment=moment, parts=leaf.parts)
    return actual.isoformat() if isinstance(actual, date) else actual
