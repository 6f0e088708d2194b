"""The fields that customers give to segment rules: who they are, what they allow, what they did."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from django.db.models import BigIntegerField, Count, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from customers.models import (
    Channel,
    Consent,
    Customer,
    Household,
    Identity,
    Namespace,
    Purpose,
    Rollup,
    RollupScope,
    SegmentMembership,
    Source,
    SourceProfile,
    Trait,
)
from customers.models.consent import CONSENT_CHANNELS, ConsentState
from customers.segments.birthdays import Age, DaysToBirthday
from customers.segments.catalogue import Field, Group, Kind
from customers.segments.event_fields import EVENT_FIELDS, EVENTS, ORDER_FIELDS, by_code, segment_names
from customers.segments.happenings import Happenings
from customers.segments.known import known_values
from customers.segments.moments import Moment
from customers.segments.readers import Column, Found, JsonMember, JsonValue, Rows
from customers.segments.scope_fields import scope_fields
from customers.segments.shares import Share

__all__ = [
    "EVENT_FIELDS",
    "FIELDS",
    "ORDER_FIELDS",
    "Column",
    "Field",
    "Found",
    "Happenings",
    "JsonValue",
    "Kind",
    "Rows",
    "by_code",
]

RECENT_CUSTOMERS = 2000
BIRTH = Column("birth_date", nullable="birth_date")


def _choices(choices: Iterable[tuple[str, Any]]) -> Callable[[], dict[str, Any]]:
    return lambda: dict(choices)


def _live_statuses() -> dict[str, Any]:
    live = (Customer.Status.ACTIVE, Customer.Status.PROSPECT)
    return {status.value: status.label for status in live}


def _source_names() -> dict[str, str]:
    return dict(Source.objects.order_by("name").values_list("code", "name"))


def _members_at(moment: Moment) -> QuerySet:
    entered = SegmentMembership.objects.filter(entered_at__lt=moment.until)
    return entered.filter(Q(left_at__isnull=True) | Q(left_at__gte=moment.until))


def _consents(channel: str, purpose: str) -> Field:
    return Field(
        f"consent.{channel}.{purpose}",
        format_lazy("{}: {}, {}", _("Consent"), Channel(channel).label, Purpose(purpose).label),
        Kind.CHOICE,
        Rows(
            lambda moment: Consent.objects.filter(channel=channel, purpose=purpose),
            Column("state"),
            several=True,
        ),
        # A new condition begins with the first: nearly always it is the granted ones that are meant.
        choices=_choices(sorted(ConsentState.choices, key=lambda each: each[0] != ConsentState.GRANTED)),
        group=Group.CONSENT,
    )


def _reachable(channel: str) -> Field:
    return Field(
        f"reachable.{channel}",
        format_lazy("{}: {}", _("Can be reached"), Channel(channel).label),
        Kind.BOOLEAN,
        Found(lambda moment: Consent.objects.granted(channel).unsuppressed().exclude(address="")),
        group=Group.CONSENT,
    )


def _attribute_names() -> list[str]:
    """Return the attributes that the newest customers have: enough to choose from, and quick at any size."""
    newest = Customer.objects.order_by("-pk").values_list("attributes", flat=True)[:RECENT_CUSTOMERS]
    return sorted({name for attributes in newest for name in attributes})


def _lifetime(moment: Moment) -> QuerySet:
    return Rollup.objects.filter(scope=RollupScope.ALL, scope_value="")


def _households(moment: Moment) -> QuerySet:
    members = Customer.objects.live().filter(household=OuterRef("pk")).order_by().values("household")
    lifetime = Q(rollups__scope=RollupScope.ALL, rollups__scope_value="")
    return Household.objects.annotate(
        size=Subquery(members.annotate(size=Count("pk")).values("size")),
        net_amount=Coalesce(
            Subquery(members.annotate(sum=Sum("rollups__net_amount", filter=lifetime)).values("sum")),
            0,
            output_field=BigIntegerField(),
        ),
    )


FIELDS: list[Field] = [
    *[
        replace(field, group=Group.PERSON)
        for field in [
            Field("customer.first_name", _("First name"), Kind.TEXT, Column("first_name", blank=True)),
            Field("customer.last_name", _("Last name"), Kind.TEXT, Column("last_name", blank=True)),
            Field("customer.city", _("City"), Kind.TEXT, Column("city", blank=True)),
            Field("customer.region", _("Region"), Kind.TEXT, Column("region", blank=True)),
            Field("customer.postcode", _("Postcode"), Kind.TEXT, Column("postcode", blank=True)),
            Field("customer.country", _("Country"), Kind.TEXT, Column("country", blank=True)),
            Field("customer.language", _("Language"), Kind.TEXT, Column("language", blank=True)),
            Field("customer.status", _("Status"), Kind.CHOICE, Column("status"), choices=_live_statuses),
            Field(
                "customer.kind",
                _("Person or company"),
                Kind.CHOICE,
                Column("kind"),
                choices=_choices(Customer.Kind.choices),
            ),
            Field(
                "customer.birth_month",
                _("Month of birth"),
                Kind.INTEGER,
                Column("birth_date__month", nullable="birth_date"),
                minimum=1,
                maximum=12,
            ),
            Field("customer.birth_date", _("Date of birth"), Kind.DATE, BIRTH),
            Field(
                "customer.age",
                _("Age"),
                Kind.INTEGER,
                Age("birth_date", nullable="birth_date"),
                unit="years",
                minimum=0,
                maximum=150,
            ),
            Field(
                "customer.days_to_birthday",
                _("Days until the birthday"),
                Kind.INTEGER,
                DaysToBirthday("birth_date", nullable="birth_date"),
                unit="days",
                minimum=0,
                maximum=366,
            ),
            Field("customer.created_at", _("Customer since"), Kind.DATE, Column("created_at", instant=True)),
            Field(
                "customer.source",
                _("Known to the source"),
                Kind.CHOICE,
                Rows(lambda moment: SourceProfile.objects.all(), Column("source__code"), several=True),
                choices=_source_names,
            ),
            Field(
                "customer.identity",
                _("Known by"),
                Kind.CHOICE,
                Rows(lambda moment: Identity.objects.all(), Column("namespace"), several=True),
                choices=_choices(Namespace.choices),
            ),
            Field(
                "household.size",
                _("Members of the household"),
                Kind.INTEGER,
                Rows(_households, Column("size"), owner="members", default=1),
                minimum=1,
            ),
            Field(
                "household.net_amount",
                _("Value of the household"),
                Kind.MONEY,
                Rows(_households, Column("net_amount"), owner="members"),
            ),
            Field(
                "attribute.*",
                _("Attribute"),
                Kind.ANY,
                JsonMember("attributes"),
                expand=_attribute_names,
                parameter=_("Name of the attribute"),
            ),
            Field(
                "trait.*",
                _("Trait"),
                Kind.ANY,
                Rows(lambda moment, code: Trait.objects.filter(code=code), JsonValue("value")),
                expand=lambda: known_values(Trait, "code"),
                parameter=_("Code of the trait"),
            ),
        ]
    ],
    *[_consents(channel, purpose) for channel in CONSENT_CHANNELS for purpose in Purpose.values],
    *[_reachable(channel) for channel in CONSENT_CHANNELS],
    *[
        replace(field, group=Group.PURCHASES)
        for field in [
            Field(
                "stats.orders",
                _("Orders"),
                Kind.INTEGER,
                Rows(_lifetime, Column("orders"), default=0),
                minimum=0,
            ),
            Field(
                "stats.net_amount",
                _("Spent"),
                Kind.MONEY,
                Rows(_lifetime, Column("net_amount"), default=0),
            ),
            Field(
                "stats.first_order_at",
                _("First order"),
                Kind.DATE,
                Rows(_lifetime, Column("first_order_at", instant=True)),
            ),
            Field(
                "stats.last_order_at",
                _("Last order"),
                Kind.DATE,
                Rows(_lifetime, Column("last_order_at", instant=True)),
            ),
            Field(
                "stats.days_since_first_order",
                _("Days since the first order"),
                Kind.INTEGER,
                Rows(_lifetime, Column("first_order_at", days_since=True)),
                unit="days",
            ),
            Field(
                "stats.days_since_last_order",
                _("Days since the last order"),
                Kind.INTEGER,
                Rows(_lifetime, Column("last_order_at", days_since=True)),
                unit="days",
            ),
        ]
    ],
    *scope_fields(),
    *EVENTS,
    Field(
        "segment",
        _("Segment"),
        Kind.CHOICE,
        Rows(_members_at, Column("segment__code"), several=True),
        choices=segment_names,
        group=Group.SEGMENTS,
    ),
    Field(
        "random.*",
        _("Random number"),
        Kind.NUMBER,
        Share(),
        expand=lambda: ["a", "b", "c"],
        group=Group.SEGMENTS,
        unit="percent",
        minimum=0,
        maximum=100,
        parameter=_("Any word: each draws anew"),
    ),
]
