"""A source leaves: what it told of people goes in one job, whoever only it knew is erased."""

from collections.abc import Collection, Iterable
from datetime import datetime

from django.db import connection, transaction
from django.db.models import CharField, Q, QuerySet, Value
from django.db.models.functions import Cast, Concat
from django.utils import timezone
from django.utils.translation import gettext_noop

from customers.errors import SourceLeft
from customers.models import (
    Consent,
    Customer,
    EventConflict,
    Identity,
    Order,
    Purpose,
    QuarantinedEvent,
    Source,
    SourceProfile,
)
from customers.models.consent import ConsentState
from customers.services.consents import StatedConsent, record_consents
from customers.services.erasure import erase_records
from customers.services.events import own_source
from customers.services.golden import refresh_golden_records
from customers.services.rollups import lock_customers, refresh_rollups
from operations.models import JobRun, User
from operations.services import advance_job, promise_job

KIND = "customers.source_leaves"
TITLE = gettext_noop("A source leaves")
PEOPLE, ROWS = 100, 5_000
LEFT = "left:"
# The event's own row first, then its key, which nobody waits for any more.
DELETE_EVENTS = """
WITH leaving AS MATERIALIZED ({which}),
pending AS (DELETE FROM customers_pendingevent USING leaving WHERE event_id = leaving.id),
events AS (
    DELETE FROM customers_event AS event USING leaving
    WHERE event.id = leaving.id AND event.occurred_at = leaving.occurred_at
)
DELETE FROM customers_eventkey AS key USING leaving WHERE key.id = leaving.id
"""
NEXT_OF_SOURCE = """
SELECT id, occurred_at FROM customers_eventkey WHERE source_id = %(source)s ORDER BY id LIMIT %(limit)s
"""
OF_PEOPLE = """
SELECT id, occurred_at FROM customers_event WHERE source_id = %(source)s AND customer_id = ANY(%(customers)s)
"""
LET_GO_OF_ORDERS = """
UPDATE customers_event SET customer_id = NULL, source_profile_id = NULL
WHERE customer_id = ANY(%(customers)s) AND type LIKE 'order.%%' AND source_id = %(own)s
  AND payload ->> 'order' = ANY(%(orders)s)
"""


@transaction.atomic
def leave_source(source: Source, *, at: datetime, by: User | None = None) -> JobRun:
    """Take nothing of a source any more from now on, and promise the job that lets its rows go.

    When that job failed or was stopped, asking again promises another that goes on with what is left.
    Raises SourceLeft when it has left before.
    """
    source = Source.objects.select_for_update().get(pk=source.pk)
    if not can_leave(source):
        raise SourceLeft
    source.left_at = source.left_at or at
    source.save(update_fields=["left_at"])
    people = SourceProfile.objects.filter(source=source).values("customer").distinct().count()
    return promise_job(KIND, title=TITLE, owner=by, total=people, parameters={"source": source.pk})


def can_leave(source: Source) -> bool:
    """Return whether a source is still here, or what it told is because the job that lets it go failed."""
    if source.left_at is None:
        return True
    last = JobRun.objects.filter(kind=KIND, parameters__source=source.pk).order_by("-pk").first()
    return last is None or last.status in (JobRun.Status.FAILED, JobRun.Status.CANCELLED)


def run_leaving(job: JobRun) -> dict[str, int]:
    """Let the rows of the source go that this job names; begun again, it goes on with what is left."""
    source = Source.objects.get(pk=job.parameters["source"])
    counts = {"people": job.done, "erased": 0, "events": _delete_events(source)}
    after = 0
    while ids := _next_people(source, after):
        after = ids[-1]
        counts["people"] += len(ids)
        counts["erased"] += let_go(source, ids, at=timezone.now())
        advance_job(job, done=counts["people"])
    counts["set_aside"] = _delete_set_aside(source)
    return counts


def _delete_events(source: Source) -> int:
    deleted = 0
    while True:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL fidelio.leaving = 'on'")
            statement = DELETE_EVENTS.format(which=NEXT_OF_SOURCE)
            cursor.execute(statement, {"source": source.pk, "limit": ROWS})
            deleted += cursor.rowcount
            if cursor.rowcount < ROWS:
                return deleted


def _next_people(source: Source, after: int) -> list[int]:
    """Return the next of those whom something of the source still belongs to, by ascending id."""
    kinds: list[QuerySet] = [
        SourceProfile.objects.filter(source=source).exclude(external_id__startswith=LEFT),
        Order.objects.filter(source=source, customer__isnull=False),
        Identity.objects.filter(source=source),
        Consent.objects.filter(record__source=source, state__in=[ConsentState.GRANTED, ConsentState.PENDING]),
    ]
    found: set[int] = set()
    for rows in kinds:
        ahead = rows.filter(customer__gt=after).order_by("customer_id")
        found.update(ahead.values_list("customer_id", flat=True).distinct()[:PEOPLE])
    return sorted(found)[:PEOPLE]


@transaction.atomic
def let_go(source: Source, ids: list[int], *, at: datetime) -> int:
    """Take what the source told of these people; return how many of them nobody else knew."""
    lock_customers(ids)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL fidelio.leaving = 'on'")
        cursor.execute(DELETE_EVENTS.format(which=OF_PEOPLE), {"source": source.pk, "customers": sorted(ids)})
        cursor.execute("SET LOCAL fidelio.leaving = ''")
    unknown = _known_to_it_alone(source, ids)
    erase_records(unknown, at=at, suppress=False)
    expire_consents(source, ids, at=at, purposes=Purpose.values)
    orders = list(Order.objects.filter(source=source, customer__in=ids).values_list("pk", flat=True))
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL fidelio.leaving = 'on'")
        cursor.execute(
            LET_GO_OF_ORDERS, {"customers": ids, "orders": [str(pk) for pk in orders], "own": own_source().pk}
        )
        cursor.execute("SET LOCAL fidelio.leaving = ''")
    Order.objects.filter(pk__in=orders).update(customer=None, source_profile=None)
    _let_go_of_identities(source, ids)
    _empty_profiles(source, ids)
    refresh_rollups(ids)
    refresh_golden_records(set(ids) - {customer.pk for customer in unknown}, at=at)
    return sum(customer.merged_into_id is None for customer in unknown)


def expire_consents(source: Source, ids: list[int], *, at: datetime, purposes: Collection[str]) -> None:
    """What the source said is allowed is so no longer; what it said is refused stays refused."""
    allowed = Consent.objects.filter(
        customer__in=ids,
        record__source=source,
        state__in=[ConsentState.GRANTED, ConsentState.PENDING],
        purpose__in=purposes,
    )
    record_consents(
        [
            StatedConsent(
                customer=consent.customer,
                channel=consent.channel,
                purpose=consent.purpose,
                state=ConsentState.EXPIRED,
                address=consent.address,
                text_version="source-left",
                lawful_basis="source-left",
            )
            for consent in allowed.select_related("customer").order_by("pk")
        ],
        at=at,
    )


def _empty_profiles(source: Source, ids: list[int]) -> None:
    """The rows stay, empty and under a name that tells nothing: old events point to them."""
    SourceProfile.objects.filter(source=source, customer__in=ids).update(
        data={}, observed={}, external_id=Concat(Value(LEFT), Cast("pk", CharField()))
    )


def _let_go_of_identities(source: Source, ids: list[int]) -> None:
    """A key that another source tells, too, is that one's from now on; any other goes."""
    others: dict[tuple[int, str], Source] = {}
    profiles = SourceProfile.objects.filter(customer__in=ids).exclude(source=source)
    for profile in profiles.select_related("source"):
        for value in profile.data.values():
            if isinstance(value, str):
                others[profile.customer_id, value] = profile.source
    for identity in Identity.objects.filter(source=source, customer__in=ids):
        if other := others.get((identity.customer_id, identity.value)):
            identity.source = other
            identity.save(update_fields=["source"])
        else:
            identity.delete()


def _known_to_it_alone(source: Source, ids: Iterable[int]) -> list[Customer]:
    """Return those of whom no other source told a profile, a key or a purchase, with all merged into them."""
    ids = set(ids)
    known: set[int] = set()
    for model in (SourceProfile, Identity, Order):
        others = model.objects.filter(customer__in=ids).exclude(source=source)
        known.update(others.values_list("customer_id", flat=True))
    gone = Customer.objects.filter(pk__in=ids - known).exclude(status=Customer.Status.ERASED)
    return list(Customer.objects.filter(Q(pk__in=gone) | Q(merged_into__in=gone)).order_by("pk"))


def _delete_set_aside(source: Source) -> int:
    quarantined, _ = QuarantinedEvent.objects.filter(source=source).delete()
    conflicts, _ = EventConflict.objects.filter(source=source).delete()
    return quarantined + conflicts
