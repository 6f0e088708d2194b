"""Batches of codes in the console: made, followed, printed."""

from datetime import timedelta
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext
from django.views.generic import TemplateView, View
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.views import UnfoldModelAdminViewMixin

from coupons import services
from coupons.admin.code_forms import GENERATE, CodesForm, SheetForm
from coupons.models import CodeBatch, Promotion
from coupons.services.code_files import ERRORS
from coupons.services.coupons import AT_ONCE
from coupons.sheets import CODES_PER_SHEET, labels_of
from operations.errors import FidelioError
from operations.figures import Delta
from operations.formats import number
from operations.models import JobRun

MAY_MAKE = "coupons.add_coupon"
SEE = "coupons.view_codebatch"


class BatchPage(UnfoldModelAdminViewMixin):
    """A page about one batch, under its key."""

    permission_required: Any = SEE
    title = ""

    def batch(self) -> CodeBatch:
        batches = CodeBatch.objects.select_related("promotion", "job", "issued_by", "client", "holder")
        return get_object_or_404(batches, pk=self.kwargs["pk"])


class MakeCodesView(UnfoldModelAdminViewMixin, TemplateView):
    """Codes to print or to hand to a partner, or a partner's own codes."""

    permission_required = MAY_MAKE
    template_name = "coupons/make_codes.html"
    title = gettext_lazy("Make codes")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        promotion = self.promotion()
        form = kwargs.pop("form", None) or (CodesForm(promotion=promotion) if promotion else None)
        return super().get_context_data(
            **kwargs, promotion=promotion, form=form, choices=[] if promotion else self.choices()
        )

    def promotion(self) -> Promotion | None:
        reference = self.request.GET.get("promotion", "")
        if not reference:
            return None
        promotion = Promotion.objects.by_reference(reference).first()
        if promotion is None or promotion.trigger != Promotion.Trigger.COUPON:
            raise Http404
        return promotion

    def choices(self) -> QuerySet[Promotion]:
        """Return the newest promotions that may still get codes."""
        open_status = [Promotion.Status.DRAFT, Promotion.Status.SCHEDULED, Promotion.Status.ACTIVE]
        with_codes = Promotion.objects.filter(trigger=Promotion.Trigger.COUPON, status__in=open_status)
        return with_codes.exclude(coupons__public=True).order_by("-id")[:50]

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        promotion = self.promotion()
        if promotion is None:
            raise Http404
        form = CodesForm(request.POST, request.FILES, promotion=promotion)
        if form.is_valid():
            try:
                return redirect("admin:coupons_codebatch_change", self.make(promotion, form).pk)
            except FidelioError as error:
                form.show(error)
        return self.render_to_response(self.get_context_data(form=form))

    def make(self, promotion: Promotion, form: CodesForm) -> CodeBatch:
        at, terms = timezone.now(), form.terms() | {"issued_by": self.request.user}
        if form.cleaned_data["way"] != GENERATE:
            return services.import_codes(promotion, file=form.upload(), at=at, **terms).code_batch
        count = form.cleaned_data["count"]
        if count > AT_ONCE:
            return services.queue_coupons(promotion, count=count, at=at, **terms).code_batch
        batch = services.issue_coupons(promotion, count=count, at=at, **terms)[0].batch
        text = ngettext("%(count)s code was made.", "%(count)s codes were made.", count)
        messages.success(self.request, text % {"count": number(count)})
        return batch


class CodeBatchView(BatchPage, TemplateView):
    """One batch: how far it is, what became of each line, and the ways out: sheet, list, file of errors."""

    template_name = "coupons/code_batch.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        batch = self.batch()
        self.title = _("Codes for %(promotion)s") % {"promotion": batch.promotion.name}
        codes = reverse("admin:coupons_coupon_changelist")
        export = reverse("admin:operations_export", args=["coupons", "coupon"])
        query = f"batch__id__exact={batch.pk}"
        return super().get_context_data(
            **kwargs,
            **progress_of(batch),
            codes_url=f"{codes}?{query}",
            export_url=f"{export}?{query}",
            sample=batch.coupons.order_by("pk")[:12],
            last_minute=batch.valid_until and batch.valid_until - timedelta(minutes=1),
            may_export=self.request.user.has_perm("operations.export_data"),
        )


class BatchProgressView(BatchPage, View):
    """The part of the page that refreshes itself while the job is at work."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        progress = progress_of(self.batch())
        answer = TemplateResponse(request, "coupons/code_batch_progress.html", progress)
        if not progress["unfinished"]:
            answer["HX-Refresh"] = "true"  # With the buttons that a finished batch has.
        return answer


class BatchErrorsView(BatchPage, View):
    """The lines of the file that were refused, each with the reason."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        batch = self.batch()
        file = batch.job.files.filter(code=ERRORS).first() if batch.job else None
        if file is None:
            raise Http404
        return FileResponse(file.file.open(), as_attachment=True, filename=file.name)


class SheetView(BatchPage, TemplateView):
    """Codes of a batch to be printed and cut, laid out for A4."""

    template_name = "coupons/sheet.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        batch = self.batch()
        form = SheetForm(self.request.GET or None)
        chosen = form.cleaned_data if form.is_bound and form.is_valid() else {}
        per_page, picture = chosen.get("per_page", 10), chosen.get("picture", "qr")
        parts = max(1, -(-batch.made // CODES_PER_SHEET))
        part = min(chosen.get("page") or 1, parts)
        coupons = batch.coupons.filter(active=True).order_by("pk")
        shown = coupons[(part - 1) * CODES_PER_SHEET : part * CODES_PER_SHEET]
        self.title = _("Sheet of codes: %(promotion)s") % {"promotion": batch.promotion.name}
        labels = labels_of(shown, batch.promotion, picture=picture)
        return super().get_context_data(
            **kwargs,
            batch=batch,
            form=form if form.is_bound else SheetForm(initial={"heading": batch.promotion.name}),
            heading=chosen.get("heading", batch.promotion.name),
            pages=[labels[start : start + per_page] for start in range(0, len(labels), per_page)],
            per_page=per_page,
            part=part,
            parts=parts,
            part_numbers=range(1, min(parts, 50) + 1),
        )


def progress_of(batch: CodeBatch) -> dict[str, Any]:
    """Return what a page shows of how far a batch is."""
    job = batch.job
    unfinished = bool(job) and job.status in {JobRun.Status.QUEUED, JobRun.Status.RUNNING}
    figures = [Delta(_("Codes made"), number(batch.made))]
    if batch.origin == CodeBatch.Origin.IMPORTED:
        figures.append(Delta(_("Were here already"), number(batch.unchanged)))
        figures.append(Delta(pgettext("how many", "Refused"), number(batch.rejected)))
    return {
        "batch": batch,
        "job": job,
        "unfinished": unfinished,
        "figures": figures,
        "has_errors": bool(job) and not unfinished and job.files.filter(code=ERRORS).exists(),
    }


@admin.register(CodeBatch)
class CodeBatchAdmin(ModelAdmin):
    """Codes that were made together; the page of one shows its progress and prints it."""

    list_display = ["label", "promotion", "origin", "state", "count", "who", "created_at"]
    list_display_links = ["label"]
    list_filter = ["origin"]
    list_select_related = ["promotion", "job", "issued_by", "client"]
    list_per_page = 25
    show_full_result_count = False
    search_fields = ["promotion__name", "=promotion__code", "file_name"]
    ordering = ["-id"]
    empty_text = gettext_lazy(
        "Codes to print on cards and flyers or to hand to a partner: made by the thousand, or imported from "
        "a file. Campaigns make their own."
    )

    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(MAY_MAKE)

    def has_change_permission(self, request: HttpRequest, obj: CodeBatch | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: CodeBatch | None = None) -> bool:
        return False

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        return lookup == "promotion__id__exact" or super().lookup_allowed(lookup, value, request)

    @admin.display(description=gettext_lazy("batch"), ordering="id")
    def label(self, batch: CodeBatch) -> str:
        return batch.file_name or batch.pattern or f"#{batch.pk}"

    @display(
        description=gettext_lazy("status"),
        label={"DONE": "success", "FAILED": "danger", "RUNNING": "info", "CANCELLED": "warning"},
    )
    def state(self, batch: CodeBatch) -> tuple[str, str]:
        if batch.job is None:
            return JobRun.Status.DONE, JobRun.Status.DONE.label
        return batch.job.status, batch.job.get_status_display()

    @admin.display(description=gettext_lazy("codes"), ordering="made")
    def count(self, batch: CodeBatch) -> str:
        return number(batch.made)

    @admin.display(description=gettext_lazy("made by"))
    def who(self, batch: CodeBatch) -> str:
        return str(batch.issued_by or batch.client or "–")

    def add_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return MakeCodesView.as_view(model_admin=self)(request)

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> HttpResponse:
        if not object_id.isdigit():
            raise Http404
        return CodeBatchView.as_view(model_admin=self)(request, pk=int(object_id))

    def get_urls(self) -> list[URLPattern]:
        def page(route: str, view: Any, name: str) -> URLPattern:
            wrapped = self.admin_site.admin_view(view.as_view(model_admin=self))
            return path(f"<int:pk>/{route}/", wrapped, name=f"coupons_codebatch_{name}")

        return [
            page("progress", BatchProgressView, "progress"),
            page("errors", BatchErrorsView, "errors"),
            page("sheet", SheetView, "sheet"),
            *super().get_urls(),
        ]
