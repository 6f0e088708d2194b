"""Two customers side by side, for a person who must decide whether they are one."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext as _

from customers.models import Customer, Evidence, Namespace
from customers.rules import fold_name
from customers.services.rollups import stats_of
from operations import formats


@dataclass(frozen=True)
class Row:
    """One thing the two records say: alike (True), contradicting (False), or only one says it (None)."""

    label: str | Promise
    values: tuple[str, str]
    alike: bool | None = None


@dataclass(frozen=True)
class Weighed:
    """One piece of evidence of a pair with what it counts; `share` is of the heaviest, for a bar."""

    label: str | Promise
    weight: float
    share: float


def weighed(explanation: Iterable[list]) -> list[Weighed]:
    """Return the evidence of a candidate, the heaviest first."""
    heaviest = max((abs(weight) for _code, weight in explanation), default=1) or 1
    return sorted(
        (
            Weighed(Evidence(code).label, weight, abs(weight) / heaviest)
            for code, weight in explanation
            if code in Evidence.values
        ),
        key=lambda one: -one.weight,
    )


def compare_customers(first: Customer, second: Customer) -> list[Row]:
    """Return what the two records say, line by line; lines that are empty on both sides are left out."""
    sides = [_facts(customer) for customer in (first, second)]
    rows = [
        Row(label, (sides[0][label], sides[1][label]), _alike(sides[0][label], sides[1][label], compared))
        for label, compared in _lines()
    ]
    return [row for row in rows if any(row.values)]


def _alike(one: str, other: str, compared: bool) -> bool | None:
    if not compared or not one or not other:
        return None
    ours, theirs = ({fold_name(part) for part in text.split(" · ")} for text in (one, other))
    return bool(ours & theirs)


def _lines() -> list[tuple[str, bool]]:
    """Return the lines in their order, and whether a difference between the two sides means something."""
    return [
        (_("First name"), True), (_("Last name"), True), (_("Birth date"), True), (_("E-mail"), True),
        (_("Phone"), True), (_("Loyalty card"), True), (_("Tax code"), True), (_("Street"), True),
        (_("Postcode and city"), True), (_("Known to"), False), (_("Customer since"), False),
        (_("Orders"), False), (_("Value"), False), (_("Last order"), False),
    ]  # fmt: skip


def _facts(customer: Customer) -> dict[str, str]:
    keys: dict[str, list[str]] = {}
    for identity in customer.identities.order_by("pk"):
        keys.setdefault(identity.namespace, []).append(identity.value)
    sources = customer.profiles.select_related("source").order_by("source__name")
    stats = stats_of(customer)
    return {
        _("First name"): customer.first_name,
        _("Last name"): customer.last_name,
        _("Birth date"): formats.day(customer.birth_date) if customer.birth_date else "",
        _("E-mail"): " · ".join(keys.get(Namespace.EMAIL, [])),
        _("Phone"): " · ".join(keys.get(Namespace.PHONE, [])),
        _("Loyalty card"): " · ".join(keys.get(Namespace.LOYALTY_CARD, [])),
        _("Tax code"): " · ".join(keys.get(Namespace.TAX_CODE, [])),
        _("Street"): customer.street,
        _("Postcode and city"): f"{customer.postcode} {customer.city}".strip(),
        _("Known to"): ", ".join(sorted({profile.source.name for profile in sources})),
        _("Customer since"): formats.day(customer.created_at),
        _("Orders"): formats.number(stats.orders if stats else 0),
        _("Value"): formats.money(stats.net_amount if stats else 0),
        _("Last order"): formats.day(stats.last_order_at) if stats else "",
    }
