"""A list as a file: the page that says what it will hold, and the file itself."""

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from operations.exports import columns_of, filtered_rows, log, may_export, queue_export
from operations.models import JobFile


class ExportForm(forms.Form):
    form = forms.ChoiceField(
        label=gettext_lazy("File"),
        choices=[("csv", gettext_lazy("CSV (UTF-8)")), ("xlsx", gettext_lazy("Excel (.xlsx)"))],
        widget=forms.RadioSelect,
        initial="csv",
    )


def export_view(request: HttpRequest, app: str, model: str) -> HttpResponse:
    """Say how many rows and which columns the file will have; a POST promises it."""
    model_admin = _admin_of(app, model)
    if not may_export(request.user, model_admin):
        raise PermissionDenied
    query = request.GET.urlencode()
    session = {name: request.session.get(name) for name in getattr(model_admin, "session_filters", ())}
    form = ExportForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        if not model_admin.has_view_permission(request):
            raise PermissionDenied
        chosen = form.cleaned_data["form"]
        job = queue_export(model_admin, query=query, form=chosen, owner=request.user, session=session)
        return redirect("admin:operations_jobrun_change", job.pk)
    opts = model_admin.opts
    back = reverse(f"admin:{opts.app_label}_{opts.model_name}_changelist")
    context = {
        **admin.site.each_context(request),
        "title": _("Export: %(list)s") % {"list": opts.verbose_name_plural},
        "form": form,
        "rows": filtered_rows(model_admin, request.user, query, session).count(),
        "filtered": bool(query),
        "columns": [column.label for column in columns_of(model_admin)],
        "back": f"{back}?{query}" if query else back,
    }
    request.current_app = admin.site.name
    return TemplateResponse(request, "operations/export.html", context)


def download_view(request: HttpRequest, pk: int) -> HttpResponse:
    """Hand the file that a job was for to who asked for it, and to nobody else."""
    file = get_object_or_404(JobFile.objects.handed_over().select_related("job"), job=pk)
    if file.job.owner_id != request.user.pk:
        raise PermissionDenied
    log.info("export_downloaded", job=pk, kind=file.job.kind, user=request.user.pk)
    return FileResponse(file.file.open(), as_attachment=True, filename=file.name)


def _admin_of(app: str, model: str) -> admin.ModelAdmin:
    for known, model_admin in admin.site._registry.items():
        if (known._meta.app_label, known._meta.model_name) == (app, model):
            return model_admin
    raise Http404
