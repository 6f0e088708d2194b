"""The checks of the books: when, what held, what did not, and one more now."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST
from unfold.admin import ModelAdmin
from unfold.decorators import display

from operations import formats
from operations.figures import Cell, Column, Table
from operations.invariants import invariants
from operations.models import InvariantResult, InvariantRun, JobRun
from operations.services import promise_job
from operations.services.invariants import KIND

MAY_CHECK = "operations.check_invariants"


@admin.register(InvariantRun)
class InvariantRunAdmin(ModelAdmin):
    """Written by the checks alone; the page of one names what it found."""

    list_display = ["started_at", "state", "held", "took"]
    list_per_page = 25
    change_list_template = "operations/invariant_runs.html"

    @display(
        description=gettext_lazy("result"),
        label={"HELD": "success", "BROKEN": "danger", "RUNNING": "info"},
    )
    def state(self, run: InvariantRun) -> tuple[str, str]:
        if run.broken is None:
            return "RUNNING", _("running")
        if run.broken == 0:
            return "HELD", _("everything holds")
        return "BROKEN", _("%(count)s broken") % {"count": formats.number(run.broken)}

    @admin.display(description=gettext_lazy("took"))
    def took(self, run: InvariantRun) -> str:
        ended = run.finished_at
        return formats.duration((ended - run.started_at).total_seconds()) if ended else "–"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: InvariantRun | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: InvariantRun | None = None) -> bool:
        return False

    def get_urls(self) -> list[URLPattern]:
        check = self.admin_site.admin_view(require_POST(self.check_view))
        return [path("check/", check, name="operations_invariantrun_check"), *super().get_urls()]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        may_check = {"may_check": request.user.has_perm(MAY_CHECK)}
        return super().changelist_view(request, (extra_context or {}) | may_check)

    def check_view(self, request: HttpRequest) -> HttpResponse:
        """Promise a check; the job's page shows when it is done. One that waits already is shown instead."""
        if not request.user.has_perm(MAY_CHECK):
            raise PermissionDenied
        job = JobRun.objects.unfinished().filter(kind=KIND).first()
        if job is None:
            job = promise_job(KIND, title=_("Check the books"), owner=request.user)
            messages.info(request, _("The books are being checked."))
        return redirect(reverse("admin:operations_jobrun_change", args=[job.pk]))

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict | None = None
    ) -> HttpResponse:
        run = self.get_object(request, object_id)
        if run is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        if not self.has_view_permission(request, run):
            raise PermissionDenied
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": run,
            "run": run,
            "title": _("Check of %(moment)s") % {"moment": formats.moment(run.started_at)},
            "results": _results(run),
            "may_check": request.user.has_perm(MAY_CHECK),
        }
        request.current_app = self.admin_site.name
        return TemplateResponse(request, "operations/invariant_run.html", context)


def _results(run: InvariantRun) -> Table:
    titles = {one.key: str(one.title) for one in invariants()}
    results = sorted(run.results.all(), key=lambda result: (result.holds, result.pk))
    return Table(
        [
            Column(_("What holds")),
            Column(_("Result")),
            Column(_("First difference")),
            Column(_("Took"), numeric=True),
        ],
        [
            [
                titles.get(result.key, result.key),
                Cell(_("holds"), tone="good") if result.holds else Cell(_("broken"), tone="bad"),
                _difference(result),
                _("%(number)s ms") % {"number": formats.number(result.duration_ms)},
            ]
            for result in results
        ],
        caption=_("Every invariant"),
        empty_title=_("Nothing was checked yet"),
    )


def _difference(result: InvariantResult) -> str:
    if result.error:
        return result.error
    return ", ".join(f"{name} {value}" for name, value in (result.difference or {}).items()) or "–"
