"""Who a customer is, on their page: keys, sources, where each field comes from; look-alikes; household."""

from dataclasses import dataclass

from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django_countries import countries

from customers.models import Customer, DuplicateCandidate, GoldenRule, GoldenValue, SourceProfile
from customers.panels import Figure, Panel
from customers.services.golden import golden_values_of
from operations.formats import day, money, number, whole_money

MEMBERS_SHOWN = 25
PAIRS_SHOWN = 25


@dataclass(frozen=True)
class Origin:
    """Where one field of the golden record comes from, and what the other sources say instead."""

    label: str | Promise
    value: str
    provenance: GoldenValue
    others: list[tuple[SourceProfile, str]]

    @property
    def is_locked(self) -> bool:
        return self.provenance.rule == GoldenRule.LOCKED


def identities_panel(customer: Customer, request: HttpRequest) -> Panel | None:
    """Return the keys under which the customer is known, what each source says, and whom we believe."""
    if not request.user.has_perm("customers.view_identity"):
        return None
    identities = list(customer.identities.select_related("source").order_by("namespace", "pk"))
    profiles = list(customer.profiles.select_related("source").order_by("-source__trust", "pk"))
    return Panel(
        code="identities",
        title=_("Identities and sources"),
        template="customers/tab_identities.html",
        context={
            "identities": identities,
            "origins": _origins(customer, profiles),
            "profiles": [(profile, _told(profile)) for profile in profiles],
        },
        count=len(identities) + len(profiles),
    )


def _origins(customer: Customer, profiles: list[SourceProfile]) -> list[Origin]:
    return [
        Origin(
            label=_label(row.field),
            value=_shown(row.field, row.value),
            provenance=row,
            others=[
                (profile, _shown(row.field, profile.data[row.field]))
                for profile in profiles
                if profile.pk != row.profile_id and profile.data.get(row.field) not in (None, "", row.value)
            ],
        )
        for row in golden_values_of(customer)
    ]


def _label(field: str) -> str:
    return str(Customer._meta.get_field(field).verbose_name).capitalize()


def _shown(field: str, value: str) -> str:
    if field == "birth_date" and value:
        return day(Customer._meta.get_field(field).to_python(value))
    if field == "country" and value:
        return str(countries.name(value) or value)
    return str(value)


def _told(profile: SourceProfile) -> list[tuple[str, str]]:
    """Return what a profile says, in words: the name of each field and its value."""
    names = {field.name: str(field.verbose_name).capitalize() for field in Customer._meta.concrete_fields}
    names |= {
        "email": _("E-mail"),
        "phone": _("Phone"),
        "loyalty_card": _("Loyalty card"),
        "tax_code": _("Tax code"),
        "verified": _("Verified by the source"),
    }
    told = []
    for name, value in sorted(profile.data.items()):
        if name == "verified":
            value = ", ".join(str(names.get(one, one)) for one in value)
        elif name == "attributes" and isinstance(value, dict):
            told += [(key, str(one)) for key, one in sorted(value.items())]
            continue
        told.append((names.get(name, name), _shown(name, value) if value else "–"))
    return told


def duplicates_panel(customer: Customer, request: HttpRequest) -> Panel | None:
    """Return the pairs in which this customer may be somebody else too; None without any."""
    if not request.user.has_perm("customers.view_duplicatecandidate"):
        return None
    pairs = DuplicateCandidate.objects.of(customer.pk).select_related("first", "second", "decided_by")
    pairs = list(pairs.order_by("-status", "-weight")[:PAIRS_SHOWN])
    if not pairs:
        return None
    waiting = sum(1 for pair in pairs if pair.status == DuplicateCandidate.Status.OPEN)
    return Panel(
        code="duplicates",
        title=_("Possible duplicates"),
        template="customers/tab_duplicates.html",
        context={
            "pairs": [(pair, pair.second if pair.first_id == customer.pk else pair.first) for pair in pairs]
        },
        count=waiting,
    )


def household_panel(customer: Customer, request: HttpRequest) -> Panel | None:
    """Return with whom this customer lives, as far as we can tell; None without a household."""
    if customer.household_id is None or not request.user.has_perm("customers.view_household"):
        return None
    members = list(
        customer.household.members.live().with_totals().order_by("created_at", "pk")[:MEMBERS_SHOWN]
    )
    revenue = sum(member.net_amount or 0 for member in members)
    orders = sum(member.orders_count or 0 for member in members)
    return Panel(
        code="household",
        title=_("Household"),
        template="customers/tab_household.html",
        context={
            "household": customer.household,
            "totals": [
                Figure(_("Members"), number(len(members))),
                Figure(_("Value of the household"), whole_money(revenue)),
                Figure(_("Orders of the household"), number(orders)),
            ],
            "members": [
                (
                    member,
                    number(member.orders_count or 0),
                    money(member.net_amount or 0),
                    day(member.last_order_at),
                )
                for member in members
            ],
        },
        count=len(members),
    )
