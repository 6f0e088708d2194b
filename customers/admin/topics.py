"""What customers say: the topics of notes, and how often each came up."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.admin import ModelAdmin
from unfold.decorators import action

from customers.models import CustomerNote, NoteTopic
from customers.topics import topic_bars, topic_counts, topics_by_month
from operations import formats
from operations.figure_files import wanted_file
from operations.figures import Cell, Chart, Column, Series, Table

NOTES_SHOWN = 25
LONGEST_SHOWN = 160


@admin.register(NoteTopic)
class NoteTopicAdmin(ModelAdmin):
    """A topic is never deleted: notes keep it. Switched off it is not offered for new ones."""

    list_display = ["name", "code", "active"]
    list_per_page = 25
    search_fields = ["name", "code"]
    fields = ["name", "code", "active"]
    actions_list = ["said"]

    def get_readonly_fields(self, request: HttpRequest, obj: NoteTopic | None = None) -> list[str]:
        return ["code"] if obj else []

    def has_delete_permission(self, request: HttpRequest, obj: NoteTopic | None = None) -> bool:
        return False

    @action(description=gettext_lazy("What customers say"), permissions=["said"], icon="forum")
    def said(self, request: HttpRequest) -> HttpResponse:
        return redirect("admin:customers_said")

    def has_said_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return request.user.has_perm("customers.view_customernote")

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.said_view)
        return [path("said/", view, name="customers_said"), *super().get_urls()]

    def said_view(self, request: HttpRequest) -> HttpResponse:
        """Show how often each topic came up, by month, and the latest notes."""
        if not self.has_said_permission(request):
            raise PermissionDenied
        context = self._said_context(request)
        request.current_app = self.admin_site.name
        return wanted_file(request, context) or TemplateResponse(request, "customers/said.html", context)

    def _said_context(self, request: HttpRequest) -> dict[str, Any]:
        at = timezone.now()
        months, rows = topics_by_month(at=at)
        chart = Chart(
            _("By month"),
            [formats.month(month) for month in months],
            [Series(str(topic), counts) for topic, counts in rows],
            kind="bar",
            stacked=True,
            key="topics",
        )
        return {
            **self.admin_site.each_context(request),
            "title": _("What customers say"),
            "chart": chart if rows else None,
            "bars": topic_bars(topic_counts(at=at)),
            "notes": _notes(),
        }


def _notes() -> Table:
    notes = CustomerNote.objects.filter(topic__isnull=False).select_related("topic", "customer", "author")
    rows = [
        [
            formats.moment(note.written_at),
            str(note.topic),
            Cell(
                _shortened(note.text),
                url=f"{reverse('admin:customers_customer_change', args=[note.customer_id])}?tab=notes",
            ),
            note.author.get_full_name() or str(note.author),
        ]
        for note in notes.order_by("-written_at", "-pk")[:NOTES_SHOWN]
    ]
    return Table(
        [Column(_("When")), Column(_("Topic")), Column(_("Note")), Column(_("Author"))],
        rows,
        caption=_("The latest notes with a topic"),
        empty_title=_("Nothing was written down yet"),
        empty_text=_("Choose a topic when you write a note on a customer's page; here they are counted."),
        empty_icon="forum",
    )


def _shortened(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= LONGEST_SHOWN else f"{line[: LONGEST_SHOWN - 1]}…"
