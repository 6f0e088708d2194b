"""The quarantine in the console: what could not be read, by reason; correct it, replay it, discard it."""

import json
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Max, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST
from unfold.decorators import action

from customers import services
from customers.admin.lists import FactAdmin
from customers.api.events import read_event
from customers.event_types import event_type
from customers.models import QuarantinedEvent
from customers.quarantine_words import reason_in_words
from customers.services.quarantine import Replay
from operations.admin.pages import PageMixin
from operations.formats import number
from operations.services import promise_job

REASONS_SHOWN = 20
REPLAYED_AT_ONCE = 500
LIST = "admin:customers_quarantinedevent_changelist"


class PrettyJson(json.JSONEncoder):
    """Indented, as a person writes it."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs | {"indent": 2, "ensure_ascii": False})


class ContentForm(forms.Form):
    """What was sent, to be corrected."""

    content = forms.JSONField(
        label=gettext_lazy("What was sent"),
        encoder=PrettyJson,
        widget=forms.Textarea(attrs={"rows": 22, "spellcheck": "false", "class": "fi-mono"}),
        error_messages={"invalid": gettext_lazy("This is not valid JSON.")},
    )


@admin.register(QuarantinedEvent)
class QuarantinedEventAdmin(PageMixin, FactAdmin):
    """What was sent as an event and could not be read; corrected or replayed it becomes one."""

    empty_text = gettext_lazy(
        "Every event was understood. One that is not waits here with its reason, to be mended."
    )
    empty_next = (
        "admin:customers_event_changelist",
        gettext_lazy("Events"),
    )

    list_display = ["received_at", "said_type", "why", "source", "external_id"]
    list_select_related = ["source"]
    list_filter = ["source", "type"]
    list_filter_submit = True
    search_fields = ["reason", "external_id__exact"]
    search_help_text = gettext_lazy("a part of the reason, or the id in the source")
    ordering = ["-pk"]
    list_before_template = "customers/quarantine_reasons.html"
    actions = ["replay_selected", "discard_selected"]

    def has_replay_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("customers.change_quarantinedevent")

    def has_discard_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("customers.delete_quarantinedevent")

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("replay/", wrap(require_POST(self.replay_view)), name="customers_quarantinedevent_replay"),
            path(
                "<int:pk>/discard/",
                wrap(require_POST(self.discard_view)),
                name="customers_quarantinedevent_discard",
            ),
            *super().get_urls(),
        ]

    @admin.display(description=gettext_lazy("type"), ordering="type")
    def said_type(self, event: QuarantinedEvent) -> str:
        return event.type or "–"

    @admin.display(description=gettext_lazy("reason"), ordering="reason")
    def why(self, event: QuarantinedEvent) -> str:
        return reason_in_words(event.reason)

    def changelist_view(self, request: HttpRequest, extra_context: dict | None = None) -> HttpResponse:
        reasons = (
            QuarantinedEvent.objects.order_by()
            .values("reason")
            .annotate(waiting=Count("pk"), latest=Max("received_at"))
            .order_by("-waiting", "reason")
        )
        context = {
            "reasons": [one | {"words": reason_in_words(one["reason"])} for one in reasons[:REASONS_SHOWN]],
            "may_replay": self.has_replay_permission(request),
        }
        return super().changelist_view(request, context | (extra_context or {}))

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict | None = None
    ) -> HttpResponse:
        """Show what was sent and why it was not taken; posted, replay what was corrected."""
        event = self.get_object(request, object_id)
        if event is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        if not self.has_view_permission(request, event):
            raise PermissionDenied
        form = ContentForm(request.POST or None, initial={"content": event.payload})
        if request.method == "POST":
            if not self.has_replay_permission(request):
                raise PermissionDenied
            if form.is_valid() and self._correct(request, event, form):
                return redirect(LIST)
            event.refresh_from_db()
        kind = event_type(event.type)
        context = {
            "event": event,
            "why": reason_in_words(event.reason),
            "form": form,
            "kind": kind,
            "fields": _fields(kind) if kind else [],
            "may_replay": self.has_replay_permission(request),
            "may_discard": self.has_discard_permission(request),
        }
        return self._page(request, "customers/quarantined.html", _("Quarantined event"), context, event)

    def _correct(self, request: HttpRequest, event: QuarantinedEvent, form: ContentForm) -> bool:
        content = form.cleaned_data["content"]
        replay, reason = services.correct_event(event, content, read=read_event, at=timezone.now())
        if replay.still:
            form.add_error("content", reason)
            return False
        self.log_change(request, event, "replayed")
        messages.success(request, words(replay))
        return True

    def replay_view(self, request: HttpRequest) -> HttpResponse:
        """Replay everything of one reason as a job."""
        reason = request.POST.get("reason", "")
        waiting = QuarantinedEvent.objects.filter(reason=reason).count()
        if not self.has_replay_permission(request):
            raise PermissionDenied
        if not waiting:
            messages.info(request, _("Nothing waits for this reason any more."))
            return redirect(LIST)
        job = promise_job(
            "quarantine.replay",
            title=_("Replay of quarantined events"),
            owner=request.user,
            total=waiting,
            parameters={"reason": reason},
        )
        return redirect("admin:operations_jobrun_change", job.pk)

    def discard_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        event = get_object_or_404(QuarantinedEvent, pk=pk)
        if not self.has_discard_permission(request):
            raise PermissionDenied
        self.log_deletions(request, QuarantinedEvent.objects.filter(pk=event.pk))
        services.discard_events(QuarantinedEvent.objects.filter(pk=event.pk))
        messages.success(request, _("The event was discarded."))
        return redirect(LIST)

    @action(description=gettext_lazy("Replay"), permissions=["replay"])
    def replay_selected(self, request: HttpRequest, queryset: QuerySet[QuarantinedEvent]) -> None:
        chosen = QuarantinedEvent.objects.filter(pk__in=queryset.values("pk"))
        replay, last = services.replay_events(chosen, read=read_event, at=timezone.now())
        while replay.total and replay.total % REPLAYED_AT_ONCE == 0:
            more, last = services.replay_events(chosen, read=read_event, at=timezone.now(), after=last)
            if not more.total:
                break
            replay += more
        messages.success(request, words(replay))

    @action(description=gettext_lazy("Discard"), permissions=["discard"])
    def discard_selected(self, request: HttpRequest, queryset: QuerySet[QuarantinedEvent]) -> None:
        chosen = QuarantinedEvent.objects.filter(pk__in=list(queryset.values_list("pk", flat=True)))
        self.log_deletions(request, chosen)
        count = services.discard_events(chosen)
        text = ngettext("%(count)s event was discarded.", "%(count)s events were discarded.", count)
        messages.success(request, text % {"count": number(count)})


def words(replay: Replay) -> str:
    """Return what became of replayed events as a sentence."""
    parts = [
        (replay.recorded, _("recorded: %(count)s")),
        (replay.duplicates, _("known before: %(count)s")),
        (replay.contradicting, _("kept as conflicts: %(count)s")),
        (replay.refused, _("refused for good: %(count)s")),
        (replay.still, _("still not understood: %(count)s")),
    ]
    said = [text % {"count": number(count)} for count, text in parts if count]
    return _("Replayed. %(what)s.") % {"what": ", ".join(said) or _("nothing was left to do")}


def _fields(kind: Any) -> list[tuple[str, str, bool]]:
    """Return the fields of a type's payload: name, what it is, and whether it must be there."""
    return [
        (name, definition.get("type", ""), name in kind.required) for name, definition in kind.fields.items()
    ]
