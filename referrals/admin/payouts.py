"""Payouts to those who invite: what is owed, the lists, who agreed, the file for the bank, what was paid."""

import csv
from collections.abc import Iterator

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe
from unfold.admin import ModelAdmin
from unfold.decorators import display

from operations import formats
from operations.admin.pages import PageMixin
from operations.cells import inert
from operations.errors import FidelioError
from operations.models import Approval
from referrals import services
from referrals.models import Payout, PayoutBatch
from referrals.services.payouts import APPROVAL_KIND

SHOWN = 500
EXPORT = "operations.export_data"
ACCOUNT = "iban"  # Where the merchant keeps accounts: an attribute of the customer.
TONES = {"WAITING": "warning", "APPROVED": "info", "PAID": "success", "REJECTED": "danger"}


@admin.register(PayoutBatch)
class PayoutBatchAdmin(PageMixin, ModelAdmin):
    list_display = ["__str__", "state", "sum_of", "people", "created_at", "created_by", "paid_at"]
    list_filter = ["status"]
    list_select_related = ["created_by"]
    list_per_page = 25
    list_before_template = "referrals/payouts_owed.html"

    @display(description=gettext_lazy("status"), ordering="status", label=TONES)
    def state(self, batch: PayoutBatch) -> tuple[str, str]:
        return batch.status, batch.get_status_display()

    @admin.display(description=gettext_lazy("total"), ordering="total_amount")
    def sum_of(self, batch: PayoutBatch) -> str:
        return formats.money(batch.total_amount, batch.currency)

    def has_delete_permission(self, request: HttpRequest, obj: PayoutBatch | None = None) -> bool:
        return False

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("make/", wrap(require_POST(self.make_view)), name="referrals_payouts_make"),
            path("<int:pk>/paid/", wrap(require_POST(self.paid_view)), name="referrals_payouts_paid"),
            path("<int:pk>/file/", wrap(require_safe(self.file_view)), name="referrals_payouts_file"),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: dict | None = None) -> HttpResponse:
        """List the lists, below what is owed now."""
        more = {
            "owed_amount": services.owed_amount(),
            "may_make": self.has_add_permission(request),
            "has_add_permission": False,  # The button below makes one, when there is something to pay.
        }
        return super().changelist_view(request, (extra_context or {}) | more)

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict | None = None
    ) -> HttpResponse:
        """Lead to the list of lists, where the button makes one: nothing is typed."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        return redirect("admin:referrals_payoutbatch_changelist")

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict | None = None
    ) -> HttpResponse:
        """Show who is paid what, and what can be done now."""
        batch = self.get_object(request, object_id)
        if batch is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        if not self.has_view_permission(request, batch):
            raise PermissionDenied
        approval = Approval.objects.filter(kind=APPROVAL_KIND, subject_id=batch.pk).first()
        context = {
            "batch": batch,
            "payouts": batch.payouts.select_related("customer").order_by("-amount", "pk")[:SHOWN],
            "approval": approval,
            "without_account": batch.payouts.exclude(customer__attributes__has_key=ACCOUNT).count(),
            "may_decide": request.user.has_perm("operations.change_approval"),
            "may_pay": self.has_change_permission(request, batch),
            "may_export": request.user.has_perm(EXPORT),
        }
        title = _("Payout list %(number)s") % {"number": batch}
        return self._page(request, "referrals/payouts.html", title, context, batch)

    def make_view(self, request: HttpRequest) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        try:
            batch = services.make_payouts(by=request.user, at=timezone.now())
        except FidelioError as error:
            messages.error(request, str(error.message))
            return redirect("admin:referrals_payoutbatch_changelist")
        messages.success(request, _("The list is made; another person has to approve it."))
        return redirect(_url(batch))

    def paid_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        batch = get_object_or_404(PayoutBatch, pk=pk)
        if not self.has_change_permission(request, batch):
            raise PermissionDenied
        try:
            services.mark_paid(batch, reference=request.POST.get("reference", ""), at=timezone.now())
        except FidelioError as error:
            messages.error(request, str(error.message))
        else:
            messages.success(request, _("Marked as paid."))
        return redirect(_url(batch))

    def file_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Answer the list as CSV for the bank, once it is approved; every cell is inert."""
        batch = get_object_or_404(PayoutBatch, pk=pk)
        if not (self.has_view_permission(request, batch) and request.user.has_perm(EXPORT)):
            raise PermissionDenied
        try:
            batch = services.export_payouts(batch, at=timezone.now())
        except FidelioError as error:
            messages.error(request, str(error.message))
            return redirect(_url(batch))
        self.log_change(request, batch, "Exported")
        payouts = batch.payouts.select_related("customer").order_by("pk")
        answer = StreamingHttpResponse(_lines(payouts, batch), content_type="text/csv; charset=utf-8")
        answer["Content-Disposition"] = f'attachment; filename="payouts-{batch.pk}.csv"'
        return answer


class _Echo:
    """Hands the writer's line on."""

    def write(self, line: str) -> str:
        return line


def _lines(payouts: QuerySet[Payout], batch: PayoutBatch) -> Iterator[str]:
    writer = csv.writer(_Echo())
    yield writer.writerow(["payout", "customer", "name", "account", "amount", "currency"])
    for payout in payouts.iterator(2000):
        customer = payout.customer
        account = str(customer.attributes.get(ACCOUNT, ""))
        name = customer.full_name
        cells = [f"{batch.pk}-{payout.pk}", str(customer.public_id), name, account]
        amount = str(formats.major(payout.amount, batch.currency))
        yield writer.writerow([*map(inert, cells), amount, batch.currency])


def _url(batch: PayoutBatch) -> str:
    return reverse("admin:referrals_payoutbatch_change", args=[batch.pk])
