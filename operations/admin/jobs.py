"""Long jobs: how far each is, what came out, and a way to stop it."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST
from unfold.admin import ModelAdmin
from unfold.decorators import display

from operations import formats
from operations.admin.exports import download_view
from operations.models import JobRun
from operations.services import cancel_job

RUNNING_SHOWN = 5


@admin.register(JobRun)
class JobRunAdmin(ModelAdmin):
    """Jobs are started by what needs them, never by hand here; the page of one shows its progress."""

    list_display = ["title", "state", "progress", "owner", "created_at", "took"]
    list_display_links = ["title"]
    list_filter = ["status", "kind"]
    list_filter_submit = True
    list_select_related = ["owner"]
    list_per_page = 25
    search_fields = ["title"]
    date_hierarchy = "created_at"

    @display(
        description=gettext_lazy("status"),
        ordering="status",
        label={"DONE": "success", "FAILED": "danger", "RUNNING": "info", "CANCELLED": "warning"},
    )
    def state(self, job: JobRun) -> tuple[str, str]:
        return job.status, job.get_status_display()

    @admin.display(description=gettext_lazy("progress"))
    def progress(self, job: JobRun) -> str:
        share = f"{job.percent}%" if job.percent is not None else "–"
        return f"{share} · {formats.number(job.done)}" if job.done else share

    @admin.display(description=gettext_lazy("took"))
    def took(self, job: JobRun) -> str:
        return formats.duration(seconds_of(job))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: JobRun | None = None) -> bool:
        return False

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("running/", wrap(self.running_view), name="operations_running_jobs"),
            path("<int:pk>/progress/", wrap(self.progress_view), name="operations_job_progress"),
            path("<int:pk>/file/", wrap(download_view), name="operations_job_file"),
            path("<int:pk>/cancel/", wrap(require_POST(self.cancel_view)), name="operations_job_cancel"),
            *super().get_urls(),
        ]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict | None = None
    ) -> HttpResponse:
        """Show the job's progress in place of a form: a job is not edited."""
        job = self.get_object(request, object_id)
        if job is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        if not self.has_view_permission(request, job):
            raise PermissionDenied
        context = {
            **self.admin_site.each_context(request),
            **self._progress_context(request, job),
            "opts": self.opts,
            "original": job,
            "title": job.title,
        }
        request.current_app = self.admin_site.name
        return TemplateResponse(request, "operations/job.html", context)

    def progress_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Answer the part of the page that refreshes itself."""
        job = get_object_or_404(JobRun.objects.select_related("owner"), pk=pk)
        if not self.has_view_permission(request, job):
            raise PermissionDenied
        return TemplateResponse(request, "operations/job_progress.html", self._progress_context(request, job))

    def running_view(self, request: HttpRequest) -> HttpResponse:
        """Answer the running jobs, for the card of a home page that refreshes itself."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        return TemplateResponse(request, "operations/running_jobs_list.html", {"jobs": jobs_of_now()})

    def cancel_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        job = get_object_or_404(JobRun, pk=pk)
        if not self.has_change_permission(request, job):
            raise PermissionDenied
        cancel_job(job)
        messages.info(request, _("The job stops at its next step; what it has finished stays."))
        return redirect(reverse("admin:operations_jobrun_change", args=[pk]))

    def _progress_context(self, request: HttpRequest, job: JobRun) -> dict[str, Any]:
        return {
            "job": job,
            "seconds": seconds_of(job),
            "unfinished": job.status in {JobRun.Status.QUEUED, JobRun.Status.RUNNING},
            "may_cancel": self.has_change_permission(request, job) and not job.cancel_requested,
            "results": readable_results(job.result),
            "file": job.files.handed_over().first() if job.owner_id == request.user.pk else None,
        }


def jobs_of_now() -> QuerySet[JobRun]:
    """Return the few jobs that are queued or running, the oldest first."""
    return JobRun.objects.unfinished().order_by("pk")[:RUNNING_SHOWN]


def seconds_of(job: JobRun) -> float | None:
    """Return how long a job has taken so far, or took in all."""
    if not job.started_at:
        return None
    return ((job.finished_at or timezone.now()) - job.started_at).total_seconds()


def readable_results(result: dict | None) -> list[tuple[str, str]]:
    """Return a job's result as labelled values: counters first as numbers, the rest as text."""
    readable = []
    for key, value in (result or {}).items():
        if isinstance(value, dict | list):
            continue
        counted = isinstance(value, int) and not isinstance(value, bool)
        written = formats.number(value) if counted else str(value)
        readable.append((str(key).replace("_", " ").capitalize(), written))
    return readable
