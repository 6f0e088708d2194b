"""The kinds of events that sources send, as fields of rules: each with what its payload holds."""

from collections.abc import Mapping
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from customers.event_types import TYPES, EventType
from customers.models import Event
from customers.segments.catalogue import Field, Group, Kind
from customers.segments.happenings import Happenings
from customers.segments.readers import JsonMember

NAMES: dict[str, Promise] = {
    "visit.recorded": _("Visit"),
    "product.viewed": _("Article viewed"),
    "product.configured": _("Article configured"),
    "product.tried": _("Article tried"),
    "product.registered": _("Article registered"),
    "cart.updated": _("Cart changed"),
    "cart.abandoned": _("Cart abandoned"),
    "review.written": _("Review written"),
    "nps.answered": _("Recommendation (NPS)"),
    "survey.answered": _("Survey answered"),
    "packaging.returned": _("Packaging brought back"),
    "complaint.made": _("Complaint"),
    "defect.reported": _("Defect reported"),
    "ticket.opened": _("Ticket opened"),
    "ticket.closed": _("Ticket closed"),
    "social.mentioned": _("Mention on a social network"),
    "social.commented": _("Comment on a social network"),
    "social.shared": _("Share on a social network"),
    "social.liked": _("Like on a social network"),
    "social.followed": _("Follows on a social network"),
    "iot.activated": _("Connected product switched on"),
    "iot.measured": _("Connected product measured"),
    "iot.alarm_raised": _("Connected product reported a fault"),
    "iot.consumable_low": _("Consumable running out"),
    "iot.service_due": _("Service due"),
}
KINDS = {
    "string": Kind.TEXT,
    "integer": Kind.INTEGER,
    "number": Kind.NUMBER,
    "boolean": Kind.BOOLEAN,
    "array": Kind.ANY,
}


def told_events(common: Mapping[str, Field]) -> list[Field]:
    """Return a field for every kind of event that sources tell; `common` are the fields all events have."""
    return [_event(kind, common) for kind in TYPES if "*" not in kind.code]


def _event(kind: EventType, common: Mapping[str, Field]) -> Field:
    code = kind.code
    details = {f"payload.{name}": _detail(name, schema) for name, schema in kind.fields.items()}
    return Field(
        f"event.{code}",
        NAMES.get(code, code),
        Kind.EVENT,
        Happenings(lambda: Event.objects.filter(type=code).for_profiling(), "occurred_at"),
        where={**details, **common},
        group=Group.EVENTS,
    )


def _detail(name: str, schema: Mapping[str, Any]) -> Field:
    kind = KINDS.get(schema.get("type", ""), Kind.ANY)
    options = {value: value for value in schema.get("enum", ())}
    return Field(
        f"payload.{name}",
        name.replace("_", " ").capitalize(),
        Kind.CHOICE if options else kind,
        JsonMember("payload", key=name),
        choices=(lambda: options) if options else None,
        minimum=_whole(schema.get("minimum")),
        maximum=_whole(schema.get("maximum")),
    )


def _whole(limit: Any) -> int | None:
    return limit if isinstance(limit, int) else None
