"""Who is in a segment: brought up to date by one set-based difference, and decided by hand."""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

import structlog
from django.core.exceptions import EmptyResultSet
from django.db import connection, transaction
from django.db.models import QuerySet

from customers.errors import CustomerNotLive, SegmentHasNoRules
from customers.models import Because, Customer, Event, Segment, SegmentMembership, SegmentOverride
from customers.models.customer import CustomerQuerySet
from customers.segments.compiler import compile_rules
from customers.segments.dependencies import in_order_of_reference
from customers.segments.evaluation import evaluate_rules
from customers.services.events import content_hash, own_source, record_events
from customers.services.locks import hold_customer
from customers.services.segments import SegmentChange, give_memory
from operations.errors import FidelioError
from operations.models import User

log = structlog.get_logger(__name__)

EVENTS_AT_ONCE = 1000
# Pairs of a membership's id and its customer's.
Members = list[list[int]]


def refresh_segment(
    segment: Segment, *, at: datetime, as_of: date | datetime | None = None, announce: bool = False
) -> SegmentChange:
    """Bring a rule segment's members up to date; the rules are evaluated as of `as_of` (default `at`).

    With `announce`, entering and leaving are events that campaigns hear of, unless the rules were edited
    since the last refresh. Raises SegmentHasNoRules for segments whose members are decided elsewhere.
    """
    if segment.kind != Segment.Kind.RULE:
        raise SegmentHasNoRules
    with transaction.atomic():
        segment = _lock(segment)
        edited = segment.refreshed_at is None
        give_memory()
        # Into a table first: a statement that writes is never carried out in parallel.
        members = evaluate_rules(segment.rules, as_of=as_of or at)
        cause = Because.DEFINITION if edited and segment.version > 1 else Because.RULE
        return _replace(segment, members, at=at, announce=announce and not edited, cause=cause)


def replace_members(
    segment: Segment, customers: CustomerQuerySet | Iterable[int], *, at: datetime, announce: bool = False
) -> SegmentChange:
    """Make exactly these customers the segment's members: one statement writes the difference alone.

    `customers` is a QuerySet of customers or of rows with a `customer`, or ids; what was decided by
    hand stays so. Two refreshes of one segment wait for each other at its row. Called again with the same
    customers, it changes nothing.
    """
    with transaction.atomic():
        return _replace(_lock(segment), customers, at=at, announce=announce, cause=Because.RULE)


def refresh_members(
    segment: Segment, customers: Iterable[int], *, at: datetime, announce: bool = True
) -> SegmentChange:
    """Bring only these customers' memberships of one segment up to date.

    A segment without rules keeps whom it has, but for what was decided by hand. The segment's whole refresh
    is still to come: `refreshed_at` stays.
    """
    among = sorted(set(customers))
    with transaction.atomic():
        segment = _lock(segment)
        chosen = _chosen_among(segment, among, at)
        edited = segment.kind == Segment.Kind.RULE and segment.refreshed_at is None
        announce = announce and not edited
        return _write(segment, chosen, at=at, announce=announce, cause=Because.RULE, among=among)


def place_members(
    segment: Segment, members: Iterable[int], *, among: Iterable[int], at: datetime, announce: bool = True
) -> SegmentChange:
    """Make exactly `members` of these customers the segment's, and leave everybody else where they are.

    For segments that follow rows of another app, written in the transaction of those rows. What was decided
    by hand stays so. Locks the segment.
    """
    with transaction.atomic():
        segment = _lock(segment)
        concerned = sorted(set(among))
        return _write(segment, list(members), at=at, announce=announce, cause=Because.RULE, among=concerned)


def refresh_segments(*, at: datetime, announce: bool = True) -> dict[str, SegmentChange]:
    """Refresh every active rule segment, those that others name first; return the changes by code.

    A segment that cannot be refreshed keeps its members and says why (`problem`); the others are refreshed.
    """
    return refresh_each(list(Segment.objects.refreshable()), at=at, announce=announce)


def refresh_each(segments: list[Segment], *, at: datetime, announce: bool = True) -> dict[str, SegmentChange]:
    """Refresh these segments, each in a transaction of its own; return the changes of those that could be."""
    changes: dict[str, SegmentChange] = {}
    for segment in in_order_of_reference(segments):
        try:
            changes[segment.code] = refresh_segment(segment, at=at, announce=announce)
        except Exception as error:
            note_problem(segment, error)
    return changes


def note_problem(segment: Segment, error: Exception) -> None:
    """Keep why a segment could not be brought up to date, for its page and the log."""
    problem = str(error.message) if isinstance(error, FidelioError) else type(error).__name__
    details = "; ".join(str(each.message) for each in getattr(error, "details", ()))
    log.error("segment_not_refreshed", segment=segment.code, problem=problem, details=details, exc_info=error)
    Segment.objects.filter(pk=segment.pk).update(problem=f"{problem} {details}".strip()[:300])


def include_customer(
    segment: Segment, customer: Customer, *, at: datetime, reason: str = "", by: User | None = None
) -> SegmentOverride:
    """Put a customer into a segment for good, whatever its rules say. Raises CustomerNotLive."""
    return _decide(segment, customer, SegmentOverride.Kind.INCLUDE, at=at, reason=reason, by=by)


def exclude_customer(
    segment: Segment, customer: Customer, *, at: datetime, reason: str = "", by: User | None = None
) -> SegmentOverride:
    """Keep a customer out of a segment for good, whatever its rules say. Raises CustomerNotLive."""
    return _decide(segment, customer, SegmentOverride.Kind.EXCLUDE, at=at, reason=reason, by=by)


def forget_decision(segment: Segment, customer: Customer, *, at: datetime) -> SegmentChange:
    """Let the segment's rules decide about a customer again; without rules, who was put in leaves."""
    with transaction.atomic():
        customer = _held(customer)
        _lock(segment)
        SegmentOverride.objects.filter(segment=segment, customer=customer).delete()
        return refresh_members(segment, [customer.pk], at=at)


def _decide(
    segment: Segment, customer: Customer, kind: str, *, at: datetime, reason: str, by: User | None
) -> SegmentOverride:
    with transaction.atomic():
        customer = _held(customer)
        _lock(segment)
        decision, _ = SegmentOverride.objects.update_or_create(
            segment=segment,
            customer=customer,
            defaults={"kind": kind, "reason": reason, "decided_by": by, "decided_at": at},
        )
        refresh_members(segment, [customer.pk], at=at)
    return decision


def _lock(segment: Segment) -> Segment:
    # Not against foreign keys: a merge that moves a membership need not wait.
    return Segment.objects.select_for_update(no_key=True).get(pk=segment.pk)


def _held(customer: Customer) -> Customer:
    found = hold_customer(customer)
    if found.status not in (Customer.Status.ACTIVE, Customer.Status.PROSPECT):
        raise CustomerNotLive
    return found


def _chosen_among(segment: Segment, among: list[int], at: datetime) -> QuerySet:
    if segment.kind == Segment.Kind.RULE:
        return compile_rules(segment.rules, as_of=at, among=among)
    members = SegmentMembership.objects.current().filter(segment=segment, customer__in=among)
    return members.exclude(entered_because=Because.BY_HAND)


def _replace(
    segment: Segment,
    customers: CustomerQuerySet | Iterable[int],
    *,
    at: datetime,
    announce: bool,
    cause: str,
) -> SegmentChange:
    change = _write(segment, customers, at=at, announce=announce, cause=cause)
    Segment.objects.filter(pk=segment.pk).update(refreshed_at=at, problem="")
    return change


_DIFFERENCE = """
WITH chosen AS ({chosen}),
     decided AS (
        SELECT customer_id, kind FROM customers_segmentoverride
        WHERE segment_id = %(segment)s AND (%(among)s::bigint[] IS NULL OR customer_id = ANY(%(among)s))),
     wanted AS (
        SELECT chosen.id FROM chosen
        WHERE NOT EXISTS (SELECT FROM decided WHERE decided.customer_id = chosen.id)
        UNION ALL
        SELECT customer.id FROM decided JOIN customers_customer customer ON customer.id = decided.customer_id
        WHERE decided.kind = 'INCLUDE' AND customer.status IN ('ACTIVE', 'PROSPECT')),
     leaving AS (
        UPDATE customers_segmentmembership member
        SET left_at = GREATEST(member.entered_at, %(at)s), left_because = CASE WHEN EXISTS (
            SELECT FROM decided WHERE decided.customer_id = member.customer_id
        ) THEN 'BY_HAND' ELSE %(cause)s END
        WHERE member.segment_id = %(segment)s AND member.left_at IS NULL
          AND (%(among)s::bigint[] IS NULL OR member.customer_id = ANY(%(among)s))
          AND NOT EXISTS (SELECT FROM wanted WHERE wanted.id = member.customer_id)
        RETURNING member.id, member.customer_id),
     entering AS (
        INSERT INTO customers_segmentmembership
            (entered_at, segment_id, definition_version, customer_id, entered_because, left_because)
        SELECT %(at)s, %(segment)s, %(version)s, wanted.id, CASE WHEN EXISTS (
            SELECT FROM decided WHERE decided.customer_id = wanted.id
        ) THEN 'BY_HAND' ELSE %(cause)s END, ''
        FROM wanted
        WHERE NOT EXISTS (
            SELECT FROM customers_segmentmembership member
            WHERE member.segment_id = %(segment)s AND member.left_at IS NULL
              AND member.customer_id = wanted.id)
        RETURNING id, customer_id)
SELECT (SELECT count(*) FROM entering), (SELECT count(*) FROM leaving), (SELECT count(*) FROM wanted),
       CASE WHEN %(named)s THEN (SELECT array_agg(ARRAY[id, customer_id]) FROM entering) END,
       CASE WHEN %(named)s THEN (SELECT array_agg(ARRAY[id, customer_id]) FROM leaving) END
"""


def _write(
    segment: Segment,
    customers: CustomerQuerySet | Iterable[int],
    *,
    at: datetime,
    announce: bool,
    cause: str,
    among: list[int] | None = None,
) -> SegmentChange:
    """Write the difference to who is wanted, of all customers or only `among` some; keep the size."""
    values = {
        "at": at,
        "segment": segment.pk,
        "version": segment.version,
        "cause": cause,
        "named": announce,
        "among": among,
    }
    with connection.cursor() as cursor:
        give_memory()
        chosen = _selection(customers, cursor)
        cursor.execute(_DIFFERENCE.replace("{chosen}", chosen), values)
        entered, left, size, entering, leaving = cursor.fetchone()
    size = size if among is None else segment.size + entered - left
    Segment.objects.filter(pk=segment.pk).update(size=size)
    _announce(segment, "segment.entered", entering or [], at)
    _announce(segment, "segment.left", leaving or [], at)
    return SegmentChange(entered, left, size)


def _selection(customers: QuerySet | Iterable[int], cursor: Any) -> str:
    """Return SQL, complete with its values, that yields each wanted customer once as `id`."""
    if not isinstance(customers, QuerySet):
        return _complete("SELECT DISTINCT unnest(%s::bigint[]) AS id", [list(customers)], cursor)
    ids = customers.order_by().values("pk" if customers.model is Customer else "customer")
    try:
        sql, values = ids.query.sql_with_params()
    except EmptyResultSet:
        return "SELECT NULL::bigint AS id WHERE false"
    return _complete(f"SELECT DISTINCT chosen.id FROM ({sql}) AS chosen(id)", list(values), cursor)


def _complete(sql: str, values: list[Any], cursor: Any) -> str:
    # Literals may hold a % that is no placeholder of the statement they become a part of.
    return cursor.mogrify(sql, values).replace("%", "%%")


def _announce(segment: Segment, type: str, members: Members, at: datetime) -> None:
    source, payload = own_source(), {"segment": segment.code}
    for start in range(0, len(members), EVENTS_AT_ONCE):
        record_events(
            [
                Event(
                    type=type,
                    occurred_at=at,
                    source=source,
                    external_id=f"{type}:{membership}",
                    customer_id=customer,
                    payload=payload,
                    content_hash=content_hash(payload),
                )
                for membership, customer in members[start : start + EVENTS_AT_ONCE]
            ]
        )
