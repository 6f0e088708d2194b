"""Giving, taking and moving points by hand; and the list of who did, and what waits for approval."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.generic import FormView, TemplateView, View
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.views import UnfoldModelAdminViewMixin

from customers.models import Customer
from loyalty import services
from loyalty.admin.adjustment_forms import AdjustmentForm, TransferForm
from loyalty.models import PointsAdjustment, TransferConsent
from loyalty.services.transfers import may_receive_from, transfers_are_allowed
from operations.admin.reauthentication import Reauthenticated
from operations.errors import FidelioError
from operations.formats import number
from operations.models import Approval

MEMBERS_SHOWN = 50
ADJUST, TRANSFER = "loyalty.adjust_points", "loyalty.transfer_points"


class ForCustomerView(UnfoldModelAdminViewMixin, Reauthenticated):
    """A page about the points of the customer in the address."""

    title = ""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not self.has_permission():
            raise PermissionDenied
        self.customer = get_object_or_404(Customer.objects.present(), pk=kwargs["customer_pk"])
        return super().dispatch(request, *args, **kwargs)

    def to_customer(self) -> HttpResponse:
        return redirect(reverse("admin:customers_customer_change", args=[self.customer.pk]))


class AdjustView(ForCustomerView, FormView):
    """Give or take a customer's points, saying why: at once, or when another person agrees."""

    permission_required = ADJUST
    template_name = "loyalty/adjust_points.html"
    title = gettext_lazy("Give or take points")
    form_class = AdjustmentForm

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        now = timezone.now()
        limit = services.points_limit(self.request.user, at=now)
        used = min(100, limit.used_points * 100 // limit.daily_points) if limit.daily_points else 100
        points = services.points_of(self.customer, at=now)
        return super().get_context_data(
            **kwargs, customer=self.customer, points=points, limit=limit, limit_percent=used
        )

    def form_valid(self, form: AdjustmentForm) -> HttpResponse:
        try:
            asked = services.request_points(
                self.customer, agent=self.request.user, **form.adjustment(), at=timezone.now()
            )
        except FidelioError as error:
            form.show(error)
            return self.form_invalid(form)
        if asked.status == PointsAdjustment.Status.AWAITING_APPROVAL:
            return redirect(reverse("admin:loyalty_pointsadjustment_change", args=[asked.pk]))
        balance = services.points_of(self.customer, at=timezone.now()).total
        messages.success(
            self.request,
            ngettext(
                "%(change)s point: the account now holds %(balance)s.",
                "%(change)s points: the account now holds %(balance)s.",
                abs(asked.points),
            )
            % {
                "change": f"{'+' if asked.points > 0 else ''}{number(asked.points)}",
                "balance": number(balance),
            },
        )
        return self.to_customer()


class TransferView(ForCustomerView, FormView):
    """Give points of a customer to a member of their household, when both agreed."""

    permission_required = TRANSFER
    template_name = "loyalty/transfer_points.html"
    title = gettext_lazy("Give points to the household")
    form_class = TransferForm

    def get_form_kwargs(self) -> dict[str, Any]:
        return super().get_form_kwargs() | {"members": may_receive_from(self.customer)}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        living = Customer.objects.live().filter(household__isnull=False, household=self.customer.household)
        others = list(living.exclude(pk=self.customer.pk).order_by("pk")[:MEMBERS_SHOWN])
        consents = TransferConsent.objects.filter(customer__in=[self.customer, *others])
        agreed = set(consents.values_list("customer", flat=True))
        return super().get_context_data(
            **kwargs,
            customer=self.customer,
            points=services.points_of(self.customer, at=timezone.now()),
            allowed=transfers_are_allowed(),
            agreed=self.customer.pk in agreed,
            members=[(one, one.pk in agreed) for one in others],
            receivers=self.customer.pk in agreed and any(one.pk in agreed for one in others),
        )

    def form_valid(self, form: TransferForm) -> HttpResponse:
        given = form.cleaned_data
        try:
            moved = services.transfer_points(
                self.customer,
                to=given["to"],
                points=given["points"],
                source_key=f"desk:{given['token']}",
                agent=self.request.user,
                at=timezone.now(),
            )
        except FidelioError as error:
            form.show(error)
            return self.form_invalid(form)
        messages.success(
            self.request,
            ngettext(
                "%(points)s point went to %(customer)s.",
                "%(points)s points went to %(customer)s.",
                moved.points,
            )
            % {"points": number(moved.points), "customer": given["to"]},
        )
        return self.to_customer()


class ConsentView(ForCustomerView, View):
    """Write down that a customer agrees to transfers, or no longer does."""

    permission_required = TRANSFER
    http_method_names = ["post"]

    def post(self, request: HttpRequest, customer_pk: int) -> HttpResponse:
        change = services.allow_transfers if request.POST.get("agreed") else services.forbid_transfers
        try:
            change(self.customer, source=f"console: {request.user.get_username()}", at=timezone.now())
        except FidelioError as error:
            messages.error(request, str(error.message))
        else:
            messages.success(request, _("Written down."))
        return redirect(reverse("admin:loyalty_transfer_points", args=[customer_pk]))


class AdjustmentView(UnfoldModelAdminViewMixin, TemplateView):
    """What somebody asked for, and what became of it."""

    permission_required = "loyalty.view_pointsadjustment"
    template_name = "loyalty/adjustment.html"
    title = gettext_lazy("Points changed by hand")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        found = PointsAdjustment.objects.select_related("agent", "customer", "entry")
        asked = get_object_or_404(found, pk=self.kwargs["pk"])
        approval = Approval.objects.filter(kind="points", subject_id=asked.pk).select_related("decided_by")
        return super().get_context_data(**kwargs, asked=asked, approval=approval.first())


@admin.register(PointsAdjustment)
class PointsAdjustmentAdmin(ModelAdmin):
    """Read only: what was done stays. No search: reasons and names are no addresses' business."""

    list_display = ["changed", "customer", "reason", "state", "agent", "requested_at"]
    list_filter = ["status"]
    list_select_related = ["customer", "agent"]
    list_per_page = 25
    show_full_result_count = False

    @admin.display(description=gettext_lazy("points"), ordering="points")
    def changed(self, asked: PointsAdjustment) -> str:
        return f"{'+' if asked.points > 0 else ''}{number(asked.points)}"

    @display(
        description=gettext_lazy("status"),
        ordering="status",
        label={"DONE": "success", "REJECTED": "danger", "AWAITING_APPROVAL": "warning"},
    )
    def state(self, asked: PointsAdjustment) -> tuple[str, str]:
        return asked.status, asked.get_status_display()

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: PointsAdjustment | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: PointsAdjustment | None = None) -> bool:
        return False

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> HttpResponse:
        if not object_id.isdigit():
            raise Http404
        return AdjustmentView.as_view(model_admin=self)(request, pk=int(object_id))

    def get_urls(self) -> list[URLPattern]:
        def page(route: str, view: type, name: str) -> URLPattern:
            return path(route, self.admin_site.admin_view(view.as_view(model_admin=self)), name=name)

        return [
            page("customer/<int:customer_pk>/", AdjustView, "loyalty_adjust_points"),
            page("customer/<int:customer_pk>/transfer/", TransferView, "loyalty_transfer_points"),
            page("customer/<int:customer_pk>/agreement/", ConsentView, "loyalty_transfer_consent"),
            *super().get_urls(),
        ]
