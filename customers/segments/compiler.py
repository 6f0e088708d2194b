"""From a checked tree to customers."""

from datetime import date, datetime
from typing import Any

from django.utils import timezone

from customers.models import Customer
from customers.models.customer import CustomerQuerySet
from customers.segments.catalogue import catalogue
from customers.segments.moments import Moment
from customers.segments.rules import Group, parse_rules


def compile_rules(rules: dict[str, Any], *, as_of: date | datetime | None = None) -> CustomerQuerySet:
    """Return the live customers for whom the rules hold at an instant (or at the end of a local day).

    For any tree, those for whom it holds and those for whom its negation holds are all customers, once.

    Raises InvalidInput with the place of every mistake.
    """
    return customers_matching(parse_rules(rules, catalogue()), as_of=as_of)


def customers_matching(group: Group, *, as_of: date | datetime | None = None) -> CustomerQuerySet:
    """Return the live customers for whom a checked tree holds."""
    return Customer.objects.live().filter(group.condition(Moment.of(as_of or timezone.now())))
