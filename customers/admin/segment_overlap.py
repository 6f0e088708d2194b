"""Two segments laid over each other: how many they share, and how many each has alone."""

from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from customers import services
from customers.models import Segment
from operations import formats
from operations.figures import Delta


def overlap_context(request: HttpRequest) -> dict[str, Any]:
    """Return the two segments chosen and what they share; nothing yet until both are chosen."""
    segments = list(Segment.objects.order_by("name"))
    by_key = {str(segment.pk): segment for segment in segments}
    first, second = by_key.get(request.GET.get("first", "")), by_key.get(request.GET.get("second", ""))
    context = {"segments": segments, "first": first, "second": second}
    if not (first and second):
        return context
    return context | _shares(first, second)


def _shares(first: Segment, second: Segment) -> dict[str, Any]:
    found = services.overlap_of(first, second)
    parts = [
        (_("In both"), found.both, [first, second], []),
        (_("Only in %(segment)s") % {"segment": first}, found.first_only, [first], [second]),
        (_("Only in %(segment)s") % {"segment": second}, found.second_only, [second], [first]),
    ]
    shared = formats.percent(found.share)
    return {
        "figures": [
            Delta(str(first), formats.number(found.first), icon="group"),
            Delta(str(second), formats.number(found.second), icon="group"),
            Delta(_("In both"), formats.number(found.both), icon="join_inner"),
            Delta(_("Shared"), shared, hint=_("of everybody in either"), icon="percent"),
        ],
        "parts": [
            {
                "label": label,
                "value": count,
                "share": count / found.either if found.either else 0,
                "text": f"{formats.number(count)} · {_share(count, found.either)}",
                "colour": place,
                "new_url": _new_segment(inside, outside),
            }
            for place, (label, count, inside, outside) in enumerate(parts, start=1)
        ],
    }


def _share(count: int, of: int) -> str:
    return formats.percent(count / of if of else None, 0)


def _new_segment(inside: list[Segment], outside: list[Segment]) -> str:
    wanted = [f"within={segment.code}" for segment in inside]
    wanted += [f"without={segment.code}" for segment in outside]
    return f"{reverse('admin:customers_segment_add')}?{'&'.join(wanted)}"
