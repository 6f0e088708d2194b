"""Imports in the console: upload, mapping, dry run, progress, errors, undo."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST
from unfold.admin import ModelAdmin
from unfold.decorators import display

from customers.admin.import_forms import (
    OptionsForm,
    UploadForm,
    chosen_mapping,
    chosen_values,
    columns_now,
    mapping_rows,
    whole_file_fields,
)
from customers.imports.kinds import KINDS
from customers.imports.plan import guess_mapping
from customers.models.imports import UNDO_WITHIN, ImportRun
from customers.services import imports
from customers.services.undo import start_undo
from operations import formats
from operations.admin.jobs import seconds_of
from operations.admin.pages import PageMixin
from operations.errors import FidelioError
from operations.figures import Column, Delta, Table
from operations.models import JobFile

TONES = {
    "DONE": "success", "CHECKED": "info", "CHECKING": "info", "RUNNING": "info", "FAILED": "danger",
    "STOPPED": "warning", "UNDOING": "warning", "UNDONE": "warning",
}  # fmt: skip


@admin.register(ImportRun)
class ImportRunAdmin(PageMixin, ModelAdmin):
    """Files that were brought in; each has its page with progress, errors and the way back."""

    empty_text = gettext_lazy(
        "Bring customers, orders or products in from a file: you match the columns, and a dry run says what "
        "would happen."
    )

    list_display = ["file", "records", "source", "state", "taken", "refused", "owner", "created_at"]
    list_display_links = ["file"]
    list_filter = ["kind", "status", "source"]
    list_filter_submit = True
    list_select_related = ["source", "owner"]
    list_per_page = 25

    @admin.display(description=gettext_lazy("file"), ordering="file_name")
    def file(self, run: ImportRun) -> str:
        return run.file_name

    @admin.display(description=gettext_lazy("records"), ordering="kind")
    def records(self, run: ImportRun) -> str:
        return run.get_kind_display()

    @display(description=gettext_lazy("status"), ordering="status", label=TONES)
    def state(self, run: ImportRun) -> tuple[str, str]:
        return run.status, run.get_status_display()

    @admin.display(description=gettext_lazy("taken"))
    def taken(self, run: ImportRun) -> str:
        counted = [run.report.get(name, 0) for name in ("created", "updated", "unchanged")]
        return formats.number(sum(counted)) if run.report and run.started_at else "–"

    @admin.display(description=gettext_lazy("refused"))
    def refused(self, run: ImportRun) -> str:
        return formats.number(run.report.get("rejected", 0)) if run.report and run.started_at else "–"

    def has_change_permission(self, request: HttpRequest, obj: ImportRun | None = None) -> bool:
        return False  # What was imported is changed by undoing it.

    def has_delete_permission(self, request: HttpRequest, obj: ImportRun | None = None) -> bool:
        return False

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        acts = {"check": self.check_view, "start": self.start_view, "cancel": self.cancel_view}
        return [
            path("<int:pk>/mapping/", wrap(self.mapping_view), name="customers_import_mapping"),
            path("<int:pk>/progress/", wrap(self.progress_view), name="customers_import_progress"),
            path("<int:pk>/undo/", wrap(self.undo_view), name="customers_import_undo"),
            path("<int:pk>/errors/", wrap(self.errors_view), name="customers_import_errors"),
            *(
                path(f"<int:pk>/{name}/", wrap(require_POST(view)), name=f"customers_import_{name}")
                for name, view in acts.items()
            ),
            *super().get_urls(),
        ]

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Take a file and go on to its columns."""
        self._check_may(request)
        form = UploadForm(request.POST or None, request.FILES or None)
        if request.method == "POST" and form.is_valid():
            given = form.cleaned_data
            try:
                run = imports.create_import(
                    given["kind"], source=given["source"], file=given["file"], owner=request.user
                )
            except FidelioError as error:
                form.add_error("file", str(error.message))
            else:
                return redirect("admin:customers_import_mapping", run.pk)
        context = {"form": form, "opts": self.opts, "back": reverse("admin:customers_importrun_changelist")}
        return self._page(request, "customers/import_upload.html", _("Import a file"), context)

    def mapping_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Say how the file is read and what its columns hold, then check or import it."""
        self._check_may(request)
        run = get_object_or_404(ImportRun.objects.select_related("source"), pk=pk)
        if not run.is_open:
            messages.info(request, imports.ImportNotPossible.message)
            return self._to(run)
        form = OptionsForm(run, request.POST or None)
        if request.method == "POST" and form.is_valid():
            try:
                answer = self._map(request, run, form)
            except FidelioError as error:
                form.add_error(None, str(error.message))
            else:
                if answer:
                    return answer
                run.refresh_from_db()
                form = OptionsForm(run)
        return self._page(
            request, "customers/import_mapping.html", run.file_name, self._columns(run, form), run
        )

    def _map(self, request: HttpRequest, run: ImportRun, form: OptionsForm) -> HttpResponse | None:
        options = form.chosen()
        before = columns_now(run, imports.plan_of(run).options)
        columns = columns_now(run, options)
        mapping = chosen_mapping(run, before, request.POST)
        if columns != before:
            mapping = guess_mapping(KINDS[run.kind], columns, mapping)
        run = imports.map_import(
            run,
            options=options,
            mapping=mapping,
            values=chosen_values(run, request.POST),
            mode=form.cleaned_data.get("mode") or ImportRun.Mode.UPSERT,
            announce=form.cleaned_data.get("announce", False),
        )
        then = request.POST.get("then")
        if columns != before or then not in ("check", "start"):
            return None
        start = imports.start_check if then == "check" else imports.start_import
        return self._to(start(run, owner=request.user))

    def _columns(self, run: ImportRun, form: OptionsForm) -> dict[str, Any]:
        try:
            rows, unreadable = mapping_rows(run), ""
        except FidelioError as error:
            rows, unreadable = [], str(error.message)
        before = ImportRun.objects.filter(
            kind=run.kind, source=run.source, digest=run.digest, status=ImportRun.Status.DONE
        )
        return {
            "run": run,
            "form": form,
            "rows": rows,
            "unreadable": unreadable,
            "values": [(one, run.values.get(one.code, "")) for one in whole_file_fields(run)],
            "missing": [one.label for one in imports.plan_of(run).missing()],
            "before": before.order_by("-pk").first(),
            "kind": KINDS[run.kind],
        }

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Show how far an import is, what became of its records, and what can be done."""
        run = self.get_object(request, object_id)
        if run is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        if not self.has_view_permission(request, run):
            raise PermissionDenied
        return self._page(request, "customers/import.html", run.file_name, self._state(request, run), run)

    def progress_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Answer the part of the page that refreshes itself."""
        run = get_object_or_404(ImportRun, pk=pk)
        if not self.has_view_permission(request, run):
            raise PermissionDenied
        answer = TemplateResponse(request, "customers/import_progress.html", self._state(request, run))
        if not run.is_busy:
            answer.headers["HX-Refresh"] = "true"
        return answer

    def _state(self, request: HttpRequest, run: ImportRun) -> dict[str, Any]:
        dry = run.status in {ImportRun.Status.CHECKING, ImportRun.Status.CHECKED}
        report = (run.checked if run.status == ImportRun.Status.CHECKED else run.report) or {}
        return {
            "run": run,
            "job": run.job,
            "seconds": seconds_of(run.job) if run.job else None,
            "dry": dry,
            "report": report,
            "figures": _figures(report, dry) if report else [],
            "reasons": _reasons(report),
            "notices": _notices(report),
            "has_errors": bool(run.job and run.job.files.filter(code="errors").exists()),
            "may_import": self.has_add_permission(request),
            "undo_until": run.finished_at + UNDO_WITHIN if run.can_be_undone(at=timezone.now()) else None,
        }

    def check_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        return self._act(request, pk, imports.start_check)

    def start_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        return self._act(request, pk, imports.start_import)

    def _act(self, request: HttpRequest, pk: int, act: Any) -> HttpResponse:
        self._check_may(request)
        run = get_object_or_404(ImportRun.objects.select_related("source"), pk=pk)
        try:
            act(run, owner=request.user)
        except FidelioError as error:
            messages.error(request, str(error.message))
        return self._to(run)

    def cancel_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        self._check_may(request)
        run = get_object_or_404(ImportRun.objects.select_related("job"), pk=pk)
        if run.job and run.is_busy:
            imports.cancel_import(run)
            messages.info(request, _("The import stops after the records in hand; what it took stays."))
        return self._to(run)

    def undo_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Say what undoing means for how many records, and do it on a POST."""
        self._check_may(request)
        run = get_object_or_404(ImportRun.objects.select_related("source"), pk=pk)
        if request.method == "POST" or not run.can_be_undone(at=timezone.now()):
            return self._act(request, pk, lambda run, owner: start_undo(run, owner=owner, at=timezone.now()))
        context = {"run": run, "changed": run.rows.count()}
        return self._page(request, "customers/import_undo.html", _("Undo this import"), context, run)

    def errors_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Hand out the refused records with their reasons."""
        self._check_may(request)
        run = get_object_or_404(ImportRun, pk=pk)
        file = JobFile.objects.filter(job=run.job_id, code="errors").first()
        if file is None:
            messages.info(request, _("There is no error file (any more)."))
            return self._to(run)
        return FileResponse(file.file.open(), as_attachment=True, filename=file.name)

    def _check_may(self, request: HttpRequest) -> None:
        if not self.has_add_permission(request):
            raise PermissionDenied

    def _to(self, run: ImportRun) -> HttpResponseRedirect:
        return redirect("admin:customers_importrun_change", run.pk)


def _figures(report: dict[str, Any], dry: bool) -> list[Delta]:
    labels = {
        "created": _("would be new") if dry else _("new"),
        "updated": _("would change") if dry else _("changed"),
        "unchanged": _("known already, the same"),
        "rejected": _("would be refused") if dry else _("refused"),
    }
    return [Delta(label, formats.number(report.get(name, 0))) for name, label in labels.items()]


def _reasons(report: dict[str, Any]) -> Table:
    rows = [
        [
            reason["message"],
            reason["column"] or "–",
            formats.number(reason["line"]),
            formats.number(reason["count"]),
        ]
        for _code, reason in sorted(report.get("reasons", {}).items(), key=lambda each: -each[1]["count"])
    ]
    columns = [
        Column(_("Reason")),
        Column(_("Column")),
        Column(_("First line"), True),
        Column(_("Records"), True),
    ]
    return Table(columns, rows, caption=_("Why records were refused"))


def _notices(report: dict[str, Any]) -> Table:
    names = {
        "unknown_customer": _("Customers that were not known and have been made"),
        "unknown_sku": _("Articles that were not known and have been made"),
        "unknown_store": _("Stores that were not known and have been made"),
        "unknown_sales_channel": _("Sales channels that were not known and have been made"),
        "unknown_business_unit": _("Business units that were not known and have been made"),
        "blocked_identity": _("Fillers in place of an address or number, left out"),
        "identity_taken": _("Addresses or numbers that belong to another customer, left out"),
        "phone_shared": _("Telephone numbers that several customers share"),
        "ambiguous_identity": _("Identities that several customers have"),
    }
    told = {key: count for key, count in report.get("notices", {}).items() if key != "duplicate"}
    rows = [[names.get(key, key.replace("_", " ")), formats.number(count)] for key, count in told.items()]
    return Table([Column(_("Notice")), Column(_("Records"), True)], rows, caption=_("What to know"))
