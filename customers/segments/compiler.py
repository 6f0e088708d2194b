"""From a checked tree to customers."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from django.utils import timezone

from customers.models import Customer
from customers.models.customer import CustomerQuerySet
from customers.segments.catalogue import catalogue
from customers.segments.moments import Moment
from customers.segments.rules import Group, parse_rules


def compile_rules(
    rules: dict[str, Any], *, as_of: date | datetime | None = None, among: Sequence[int] | None = None
) -> CustomerQuerySet:
    """Return the live customers for whom the rules hold at an instant (or at the end of a local day).

    For any tree, those for whom it holds and those for whom its negation holds are all customers, once. With
    `among`, only these customers (ids) are looked at, and nobody else's history is read.

    Raises InvalidInput with the place of every mistake.
    """
    return customers_matching(parse_rules(rules, catalogue()), as_of=as_of, among=among)


def customers_matching(
    group: Group, *, as_of: date | datetime | None = None, among: Sequence[int] | None = None
) -> CustomerQuerySet:
    """Return the live customers for whom a checked tree holds."""
    moment = Moment.of(as_of or timezone.now())
    if among is None:
        return Customer.objects.live().filter(group.condition(moment))
    moment = replace(moment, among=tuple(among))
    return Customer.objects.live().filter(group.condition(moment), pk__any_of=among)
