"""Why one customer fits a rule, or does not: the tree again, with what is true of it."""

from datetime import date, datetime
from typing import Any

from customers.models import Customer, Segment
from customers.segments.catalogue import Kind, catalogue
from customers.segments.happenings import plain
from customers.segments.moments import Moment
from customers.segments.rules import Group, Leaf, parse_rules
from customers.segments.sentences import sentence_of, words_of


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
        "label": leaf.field.label_of(leaf.code),
        "met": Customer.objects.filter(leaf.condition(moment), pk=customer.pk).exists(),
        "actual": _actual(leaf, customer, moment),
    }


def _actual(leaf: Leaf, customer: Customer, moment: Moment) -> Any:
    reader = leaf.field.reader
    if leaf.field.kind is Kind.EVENT:
        return plain(reader.figure(customer.pk, leaf.value, moment=moment, parts=leaf.parts))
    return plain(reader.actual(customer.pk, moment=moment, parts=leaf.parts))


def with_words(segment: Segment, explained: dict[str, Any]) -> dict[str, Any]:
    """Return an explanation of a segment with each rule's `words` beside its `met` and `actual`."""
    if segment.rules is None:
        return explained
    return explained | _with_words(parse_rules(segment.rules, catalogue()), explained)


def _with_words(rule: Group | Leaf, explained: dict[str, Any]) -> dict[str, Any]:
    if isinstance(rule, Leaf):
        return explained | {"words": words_of(rule)}
    rules = [_with_words(one, each) for one, each in zip(rule.rules, explained["rules"], strict=True)]
    return explained | {"words": sentence_of(rule).text, "rules": rules}
