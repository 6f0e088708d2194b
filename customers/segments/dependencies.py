"""Which segments a rule names, so that they are brought up to date first and never form a circle."""

from collections.abc import Iterable
from typing import Any

from customers.models import Segment
from customers.segments.catalogue import Kind, catalogue
from customers.segments.rules import Group, Leaf, parse_rules
from operations.errors import InvalidInput


def referenced_segments(group: Group) -> set[str]:
    """Return the codes of the segments that a checked tree names, also in what it asks of events."""
    codes: set[str] = set()
    for leaf in all_leaves(group):
        if leaf.code == "segment" and leaf.value is not None:
            codes |= set(leaf.value) if isinstance(leaf.value, list) else {leaf.value}
    return codes


def all_leaves(group: Group | None) -> Iterable[Leaf]:
    """Yield every condition of a tree, with the conditions inside events and the steps after them."""
    for leaf in group.leaves() if group else ():
        yield leaf
        if leaf.field.kind is Kind.EVENT:
            yield from all_leaves(leaf.value.where)
            for step in getattr(leaf.value, "steps", ()):
                yield from all_leaves(step.where)


def named_segments(rules: Any) -> set[str]:
    """Return the codes that stored rules name; rules that are no longer valid name nobody."""
    try:
        return referenced_segments(parse_rules(rules, catalogue()))
    except InvalidInput:
        return set()


def in_order_of_reference(segments: list[Segment]) -> list[Segment]:
    """Return the segments so that each comes after those its rules name."""
    waiting = {segment.code: segment for segment in segments}
    named = {segment.code: named_segments(segment.rules) for segment in segments}
    ordered: list[Segment] = []

    def place(segment: Segment) -> None:
        for code in sorted(named[segment.code]):
            if before := waiting.pop(code, None):
                place(before)
        ordered.append(segment)

    while waiting:
        place(waiting.pop(next(iter(waiting))))
    return ordered


def is_circular(code: str, group: Group) -> bool:
    """Return whether a segment with these rules would be a condition of itself, however many lie between."""
    waiting, seen = referenced_segments(group), set()
    while waiting:
        named = waiting.pop()
        if named == code:
            return True
        seen.add(named)
        segment = Segment.objects.filter(code=named, kind=Segment.Kind.RULE).first()
        if segment:
            waiting |= named_segments(segment.rules) - seen
    return False


def segments_named_by(segment: Segment) -> list[Segment]:
    """Return the segments that this one's rules name."""
    codes = named_segments(segment.rules) if segment.kind == Segment.Kind.RULE else set()
    return list(Segment.objects.filter(code__in=codes))


def segments_naming(segment: Segment) -> list[Segment]:
    """Return the segments whose rules name this one."""
    others = Segment.objects.filter(kind=Segment.Kind.RULE).exclude(pk=segment.pk)
    return [other for other in others if segment.code in named_segments(other.rules)]
