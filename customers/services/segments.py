"""Segments: written down, previewed, and brought up to date by one set-based difference."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import structlog
from django.core.exceptions import EmptyResultSet
from django.db import IntegrityError, connection, transaction
from django.db.models import Count, QuerySet
from django.utils.translation import gettext as _

from customers.errors import SegmentHasNoRules, SegmentTaken
from customers.models import Channel, Customer, Event, Segment, SegmentMembership
from customers.models.customer import CustomerQuerySet
from customers.segments.catalogue import catalogue
from customers.segments.compiler import compile_rules
from customers.segments.explanations import explain_rules
from customers.segments.reachability import Reachability, reachability_of
from customers.segments.rules import Group, parse_rules
from customers.services.events import content_hash, own_source, record_events
from operations.errors import FidelioError, InvalidInput

log = structlog.get_logger(__name__)

SAMPLE_SIZE = 10
EVENTS_AT_ONCE = 1000
# Pairs of a membership's id and its customer's.
Members = list[list[int]]


@dataclass(frozen=True)
class SegmentChange:
    """What bringing a segment up to date did: how many entered and left, and how many are in it now."""

    entered: int
    left: int
    size: int


@dataclass(frozen=True)
class SegmentPreview:
    """Who a rule would hold: how many, how many of them can be reached through what, and a few of them."""

    count: int
    reachability: dict[str, Reachability]
    sample: list[Customer] = field(default_factory=list)


def create_segment(
    *,
    code: str,
    name: str,
    rules: dict[str, Any] | None = None,
    kind: str = Segment.Kind.RULE,
    description: str = "",
) -> Segment:
    """Write down a segment; a rule segment is empty until it is refreshed.

    Raises InvalidInput for rules that are not valid, SegmentTaken when the code is in use.
    """
    if kind == Segment.Kind.RULE:
        _check_rules(rules, code=code)
    try:
        with transaction.atomic():
            return Segment.objects.create(
                code=code, name=name, rules=rules, kind=kind, description=description
            )
    except IntegrityError as error:
        raise SegmentTaken from error


def edit_segment(
    segment: Segment, *, name: str, rules: dict[str, Any] | None, description: str = "", active: bool = True
) -> Segment:
    """Change a segment's words or rules; new rules are a new version, not evaluated until the next refresh.

    Raises InvalidInput for rules that are not valid.
    """
    with transaction.atomic():
        segment = Segment.objects.select_for_update().get(pk=segment.pk)
        if segment.kind == Segment.Kind.RULE and rules != segment.rules:
            _check_rules(rules, code=segment.code)
            segment.rules = rules
            segment.version += 1
            # Not refreshed under this definition: the next refresh tells nobody who entered and left.
            segment.refreshed_at = None
        segment.name, segment.description, segment.active = name, description, active
        segment.save()
    return segment


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
        members = compile_rules(segment.rules, as_of=as_of or at)
        return replace_members(
            segment, members, at=at, announce=announce and segment.refreshed_at is not None
        )


def replace_members(
    segment: Segment, customers: CustomerQuerySet | Iterable[int], *, at: datetime, announce: bool = False
) -> SegmentChange:
    """Make exactly these customers the segment's members: one statement writes the difference alone.

    `customers` is a QuerySet of customers or of rows with a `customer`, or customers' ids. Two refreshes of
    one segment wait for each other at its row. Called again with the same customers, it changes nothing.
    """
    with transaction.atomic():
        segment = _lock(segment)
        change, entered, left = _write_difference(segment, customers, at, named=announce)
        Segment.objects.filter(pk=segment.pk).update(size=change.size, refreshed_at=at)
        _announce(segment, "segment.entered", entered, at)
        _announce(segment, "segment.left", left, at)
    return change


def preview_segment(rules: dict[str, Any], *, as_of: date | datetime) -> SegmentPreview:
    """Return who the rules hold as of an instant, counted exactly, without writing anything.

    Raises InvalidInput for rules that are not valid.
    """
    members = compile_rules(rules, as_of=as_of)
    with transaction.atomic():
        give_memory()
        sample = list(members.order_by("pk")[:SAMPLE_SIZE])
        reachability = reachability_of(members)
    return SegmentPreview(reachability[Channel.EMAIL].total, reachability, sample)


def count_reachable_members(segments: list[Segment], *, channel: str = Channel.EMAIL) -> dict[int, int]:
    """Return for each segment how many of its members can be reached through a channel, in one statement."""
    members = SegmentMembership.objects.current().filter(
        segment__in=segments, customer__in=Customer.objects.reachable(channel).values("pk")
    )
    counted = dict(members.values("segment").annotate(people=Count("pk")).values_list("segment", "people"))
    return {segment.pk: counted.get(segment.pk, 0) for segment in segments}


def explain_membership(segment: Segment, customer: Customer, *, as_of: date | datetime) -> dict[str, Any]:
    """Return why a customer fits a segment's rules or does not, and whether they are in it.

    Each rule says `met`, each condition its `actual` value. A segment without rules has no conditions.
    """
    membership = SegmentMembership.objects.current().filter(segment=segment, customer=customer).first()
    tree: dict[str, Any] = {"combinator": "and", "not": False, "met": membership is not None, "rules": []}
    if segment.kind == Segment.Kind.RULE:
        tree = explain_rules(parse_rules(segment.rules, catalogue()), customer, as_of=as_of)
    return tree | {
        "segment": segment.code,
        "member": membership is not None,
        "entered_at": membership.entered_at if membership else None,
    }


def refresh_segments(*, at: datetime, announce: bool = True) -> dict[str, SegmentChange]:
    """Refresh every active rule segment, those that others name first; return the changes by code.

    A segment whose rules are no longer valid keeps its members and is left out; the others are refreshed.
    """
    changes: dict[str, SegmentChange] = {}
    for segment in in_order_of_reference(list(Segment.objects.refreshable())):
        try:
            changes[segment.code] = refresh_segment(segment, at=at, announce=announce)
        except FidelioError as error:
            log.error("segment_not_refreshed", segment=segment.code, key=error.key, message=error.message)
    return changes


def in_order_of_reference(segments: list[Segment]) -> list[Segment]:
    """Return the segments so that each comes after those its rules name."""
    waiting = {segment.code: segment for segment in segments}
    ordered: list[Segment] = []

    def place(segment: Segment) -> None:
        for code in sorted(_named_segments(segment)):
            if named := waiting.pop(code, None):
                place(named)
        ordered.append(segment)

    while waiting:
        place(waiting.pop(next(iter(waiting))))
    return ordered


def _named_segments(segment: Segment) -> set[str]:
    """Return the codes that the segment's rules name; rules that are no longer valid name nobody."""
    try:
        return referenced_segments(parse_rules(segment.rules, catalogue()))
    except InvalidInput:
        return set()


def referenced_segments(group: Group) -> set[str]:
    """Return the codes of the segments that a checked tree names."""
    codes: set[str] = set()
    for leaf in group.leaves():
        if leaf.code == "segment" and leaf.value is not None:
            codes |= set(leaf.value) if isinstance(leaf.value, list) else {leaf.value}
    return codes


def give_memory() -> None:
    """Let this transaction hash millions of ids in memory; what does not fit is looked up row by row."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL work_mem = '64MB'")


def _check_rules(rules: Any, *, code: str) -> None:
    waiting = referenced_segments(parse_rules(rules, catalogue()))
    seen: set[str] = set()
    while waiting:
        named = waiting.pop()
        if named == code:
            raise InvalidInput.at("/rules", _("A segment cannot be a condition of itself."))
        seen.add(named)
        segment = Segment.objects.filter(code=named, kind=Segment.Kind.RULE).first()
        if segment:
            waiting |= referenced_segments(parse_rules(segment.rules, catalogue())) - seen


def _lock(segment: Segment) -> Segment:
    return Segment.objects.select_for_update().get(pk=segment.pk)


_DIFFERENCE = """
WITH wanted AS ({wanted}),
     leaving AS (
        UPDATE customers_segmentmembership member SET left_at = GREATEST(member.entered_at, %s)
        WHERE member.segment_id = %s AND member.left_at IS NULL
          AND NOT EXISTS (SELECT FROM wanted WHERE wanted.id = member.customer_id)
        RETURNING member.id, member.customer_id),
     entering AS (
        INSERT INTO customers_segmentmembership (entered_at, segment_id, definition_version, customer_id)
        SELECT %s, %s, %s, wanted.id FROM wanted
        WHERE NOT EXISTS (
            SELECT FROM customers_segmentmembership member
            WHERE member.segment_id = %s AND member.left_at IS NULL
              AND member.customer_id = wanted.id)
        RETURNING id, customer_id)
SELECT (SELECT count(*) FROM entering), (SELECT count(*) FROM leaving), (SELECT count(*) FROM wanted),
       CASE WHEN %s THEN (SELECT array_agg(ARRAY[id, customer_id]) FROM entering) END,
       CASE WHEN %s THEN (SELECT array_agg(ARRAY[id, customer_id]) FROM leaving) END
"""


def _write_difference(
    segment: Segment, customers: CustomerQuerySet | Iterable[int], at: datetime, *, named: bool
) -> tuple[SegmentChange, Members, Members]:
    """Return the change and, when they are to be `named`, the memberships that began and ended."""
    wanted, values = _selection(customers)
    values += [at, segment.pk, at, segment.pk, segment.version, segment.pk, named, named]
    with connection.cursor() as cursor:
        give_memory()
        cursor.execute(_DIFFERENCE.format(wanted=wanted), values)
        entered, left, size, entering, leaving = cursor.fetchone()
    return SegmentChange(entered, left, size), entering or [], leaving or []


def _selection(customers: QuerySet | Iterable[int]) -> tuple[str, list[Any]]:
    """Return SQL that yields each wanted customer once as `id`, and its parameters."""
    if not isinstance(customers, QuerySet):
        return "SELECT DISTINCT unnest(%s::bigint[]) AS id", [list(customers)]
    ids = customers.order_by().values("pk" if customers.model is Customer else "customer")
    try:
        sql, values = ids.query.sql_with_params()
    except EmptyResultSet:
        return "SELECT NULL::bigint AS id WHERE false", []
    return f"SELECT DISTINCT chosen.id FROM ({sql}) AS chosen(id)", list(values)


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
