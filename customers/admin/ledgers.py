"""Ledgers and queues: consents, events, conflicts, suppressed contact points."""

import json
from typing import Any

from django.contrib import admin
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import RangeDateTimeFilter
from unfold.decorators import display

from customers.admin.lists import FactAdmin
from customers.models import (
    ConsentRecord,
    Event,
    EventConflict,
    PendingEvent,
)
from customers.timeline import describe

STATE_TONES = {
    "GRANTED": "success", "PENDING": "info", "DENIED": "danger", "WITHDRAWN": "danger", "OBJECTED": "danger",
    "EXPIRED": "warning",
}  # fmt: skip


def pretty(content: Any) -> SafeString:
    """Return JSON as a person reads it."""
    text = json.dumps(content, indent=2, ensure_ascii=False, sort_keys=True)
    return format_html('<pre class="fi-pre">{}</pre>', text)


@admin.register(ConsentRecord)
class ConsentRecordAdmin(FactAdmin):
    """The ledger of consents with their proofs."""

    list_display = ["occurred_at", "customer", "channel", "purpose", "outcome", "source", "text_version"]
    list_select_related = ["customer", "source"]
    list_filter = ["channel", "purpose", "state", ("occurred_at", RangeDateTimeFilter)]
    list_filter_submit = True
    fieldsets = [
        (None, {"fields": [("customer", "address"), ("channel", "purpose", "outcome")]}),
        (_("Proof"), {"fields": [("lawful_basis", "text_version"), ("source",), "evidence"]}),
        (_("When"), {"fields": [("occurred_at", "received_at")]}),
    ]

    @display(description=_("state"), label=STATE_TONES)
    def outcome(self, record: ConsentRecord) -> tuple[str, str]:
        return record.state, record.get_state_display()

    @admin.display(description=_("proof"))
    def evidence(self, record: ConsentRecord) -> SafeString | str:
        return pretty(record.proof) if record.proof else "–"


@admin.register(Event)
class EventAdmin(FactAdmin):
    """Everything that happened, as it was told."""

    list_display = ["occurred_at", "sentence", "customer", "source", "type"]
    list_select_related = ["customer", "source", "sales_channel", "store", "product", "asset__product"]
    list_filter = ["source", ("occurred_at", RangeDateTimeFilter)]
    list_filter_submit = True
    search_fields = ["type__exact"]
    search_help_text = _("a type, such as order.recorded")
    ordering = ["-pk"]
    fieldsets = [
        (None, {"fields": [("sentence", "type"), ("customer", "source", "external_id")]}),
        (_("When"), {"fields": [("occurred_at", "received_at")]}),
        (
            _("What"),
            {
                "fields": [
                    ("product", "asset"),
                    ("sales_channel", "store", "business_unit"),
                    ("amount", "currency"),
                    "content",
                ]
            },
        ),
    ]

    @admin.display(description=_("what happened"))
    def sentence(self, event: Event) -> str:
        return describe(event).title

    @admin.display(description=_("content"))
    def content(self, event: Event) -> SafeString | str:
        return pretty(event.payload) if event.payload else "–"


@admin.register(EventConflict)
class EventConflictAdmin(FactAdmin):
    """What contradicts a fact that was recorded before under the same key."""

    empty_text = _(
        "Sources agree with themselves. An order or event told twice with different content stands here."
    )
    empty_next = ("admin:customers_source_changelist", _("Sources"))

    list_display = ["received_at", "kind", "source", "external_id"]
    list_select_related = ["source"]
    list_filter = ["kind", "source"]
    ordering = ["-pk"]
    fields = [("received_at", "source"), ("kind", "external_id"), "content"]

    @admin.display(description=_("content"))
    def content(self, conflict: EventConflict) -> SafeString:
        return pretty(conflict.payload)


@admin.register(PendingEvent)
class PendingEventAdmin(FactAdmin):
    """Events that some subscriber has not handled yet; more than a few tell that something is broken."""

    list_display = ["event", "not_before", "attempts", "last_error"]
    list_select_related = ["event"]
    ordering = ["-attempts", "not_before"]
    fields = [("event", "not_before", "attempts"), "last_error"]
