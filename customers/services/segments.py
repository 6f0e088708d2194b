"""Segments: written down, previewed, compared, and explained. Who is in them: services/memberships.py."""

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import psycopg
from django.db import IntegrityError, OperationalError, connection, transaction
from django.db.models import Count, Q
from django.utils.translation import gettext as _

from customers.errors import RulesTooExpensive, SegmentTaken
from customers.models import Channel, Customer, Segment, SegmentMembership, SegmentOverride
from customers.segments.catalogue import catalogue
from customers.segments.dependencies import is_circular
from customers.segments.evaluation import evaluate_rules
from customers.segments.explanations import explain_rules
from customers.segments.reachability import Reachability, reachability_of
from customers.segments.rules import parse_rules
from operations.errors import InvalidInput
from operations.locks import lock_keys

SAMPLE_SIZE = 10
PREVIEW_SECONDS = 30


@dataclass(frozen=True)
class SegmentChange:
    """What bringing a segment up to date did: how many entered and left, and how many are in it now."""

    entered: int
    left: int
    size: int


@dataclass(frozen=True)
class SegmentOverlap:
    """How many customers two segments share, and how many each has alone."""

    first: int
    second: int
    both: int

    @property
    def first_only(self) -> int:
        return self.first - self.both

    @property
    def second_only(self) -> int:
        return self.second - self.both

    @property
    def either(self) -> int:
        return self.first + self.second - self.both

    @property
    def share(self) -> float | None:
        """Return which part of all of them is in both (Jaccard's index); None when nobody is in either."""
        return self.both / self.either if self.either else None


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
    refresh: str = Segment.Refresh.NIGHTLY,
) -> Segment:
    """Write down a segment; a rule segment is empty until it is refreshed.

    Raises InvalidInput for rules that are not valid, SegmentTaken when the code is in use.
    """
    try:
        with transaction.atomic():
            if kind == Segment.Kind.RULE:
                _lock_rules()
                _check_rules(rules, code=code)
            return Segment.objects.create(
                code=code, name=name, rules=rules, kind=kind, description=description, refresh=refresh
            )
    except IntegrityError as error:
        raise SegmentTaken from error


def edit_segment(
    segment: Segment,
    *,
    name: str | None = None,
    rules: dict[str, Any] | None = None,
    description: str | None = None,
    active: bool | None = None,
    refresh: str | None = None,
    announce: bool = False,
) -> Segment:
    """Change a segment's words or rules; new rules are a new version, not evaluated until the next refresh.

    What is None stays as it is. Campaigns do not hear of who enters and leaves because of new rules, unless
    `announce`. Raises InvalidInput for rules that are not valid.
    """
    with transaction.atomic():
        if rules is not None:
            _lock_rules()
        segment = Segment.objects.select_for_update(no_key=True).get(pk=segment.pk)
        if segment.kind == Segment.Kind.RULE and rules is not None and rules != segment.rules:
            _check_rules(rules, code=segment.code)
            segment.rules = rules
            segment.version += 1
            if not announce:
                # Not refreshed under this definition: the next refresh tells nobody who entered and left.
                segment.refreshed_at = None
        given = {"name": name, "description": description, "active": active, "refresh": refresh}
        for field_name, value in given.items():
            if value is not None:
                setattr(segment, field_name, value)
        segment.save()
    return segment


def preview_segment(
    rules: dict[str, Any], *, as_of: date | datetime, seconds: float = PREVIEW_SECONDS
) -> SegmentPreview:
    """Return who the rules hold as of an instant, counted exactly, without writing anything.

    Raises InvalidInput for rules that are not valid, RulesTooExpensive when one statement takes longer than
    `seconds`.
    """
    try:
        return _preview(rules, as_of, seconds)
    except OperationalError as error:
        if isinstance(error.__cause__, psycopg.errors.QueryCanceled):
            raise RulesTooExpensive from error
        raise


def _preview(rules: dict[str, Any], as_of: date | datetime, seconds: float) -> SegmentPreview:
    with transaction.atomic():
        give_memory()
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('statement_timeout', %s, true)", [f"{round(seconds * 1000)}ms"])
        members = evaluate_rules(rules, as_of=as_of)
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


def overlap_of(first: Segment, second: Segment) -> SegmentOverlap:
    """Return how many customers are in two segments now, in one statement; the sizes are counted too."""
    current = SegmentMembership.objects.current()
    both = current.filter(segment=first, customer__in=current.filter(segment=second).values("customer"))
    found = current.aggregate(
        first=Count("pk", filter=Q(segment=first)),
        second=Count("pk", filter=Q(segment=second)),
        both=Count("pk", filter=Q(pk__in=both.values("pk"))),
    )
    return SegmentOverlap(**found)


def explain_membership(segment: Segment, customer: Customer, *, as_of: date | datetime) -> dict[str, Any]:
    """Return why a customer fits a segment's rules or does not, and whether they are in it.

    Each rule says `met`, each condition its `actual` value. A segment without rules has no conditions.
    `decision` is what a person decided for this customer, INCLUDE or EXCLUDE, else empty; it wins.
    """
    membership = SegmentMembership.objects.current().filter(segment=segment, customer=customer).first()
    tree: dict[str, Any] = {"combinator": "and", "not": False, "met": membership is not None, "rules": []}
    if segment.kind == Segment.Kind.RULE:
        tree = explain_rules(parse_rules(segment.rules, catalogue()), customer, as_of=as_of)
    decision = SegmentOverride.objects.filter(segment=segment, customer=customer).first()
    return tree | {
        "segment": segment.code,
        "decision": decision.kind if decision else "",
        "decision_reason": decision.reason if decision else "",
        "member": membership is not None,
        "entered_at": membership.entered_at if membership else None,
    }


def give_memory() -> None:
    """Let this transaction hash millions of ids in memory; what does not fit is looked up row by row."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL work_mem = '64MB'")


def _lock_rules() -> None:
    """Let one after the other look for a circle: two that close one would each see only their half."""
    lock_keys("segment", ["rules"])


def _check_rules(rules: Any, *, code: str) -> None:
    if is_circular(code, parse_rules(rules, catalogue())):
        raise InvalidInput.at("/rules", _("A segment cannot be a condition of itself."))
