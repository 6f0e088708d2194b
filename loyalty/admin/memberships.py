"""Paid memberships in the console: the plans, who has them, what was paid, and how one ends."""

from datetime import timedelta
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST
from unfold.admin import ModelAdmin
from unfold.decorators import display

from customers.admin.lists import FactAdmin
from loyalty.admin.grants import GIVE, said
from loyalty.admin.membership_forms import CancelForm, PlanForm
from loyalty.models import Membership, MembershipPlan
from loyalty.services.memberships import cancel_membership, give_welcome, refund_amount, refund_now
from loyalty.services.plans import create_plan, edit_plan
from loyalty.services.tier_figures import benefits_in_words
from loyalty.services.tier_values import local_day
from operations import formats
from operations.admin.pages import PageMixin
from operations.errors import FidelioError
from operations.figures import Cell, Column, Delta, Table

STATES = {"ACTIVE": "success", "CANCELLED": "warning", "ENDED": "danger"}


@admin.register(MembershipPlan)
class MembershipPlanAdmin(PageMixin, ModelAdmin):
    """A plan is never deleted: switched off nobody new has it, and what is paid stays."""

    list_display = ["name", "price", "gives", "members", "offered"]
    empty_text = gettext_lazy(
        "A membership people pay for. The shop takes the money and reports each payment over the API."
    )
    list_per_page = 25
    search_fields = ["name", "code"]
    ordering = ["-active", "name"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[MembershipPlan]:
        living = ~Q(memberships__status=Membership.Status.ENDED)
        return super().get_queryset(request).annotate(living=Count("memberships", filter=living))

    @admin.display(description=gettext_lazy("price"), ordering="price_amount")
    def price(self, plan: MembershipPlan) -> str:
        return price_in_words(plan)

    @admin.display(description=gettext_lazy("gives"))
    def gives(self, plan: MembershipPlan) -> str:
        return ", ".join(line for _icon, line in benefits_in_words(plan)) or "–"

    @admin.display(description=gettext_lazy("members"), ordering="living")
    def members(self, plan: MembershipPlan) -> str:
        return formats.number(plan.living)

    @display(description=gettext_lazy("status"), label={"on": "success", "off": "danger"})
    def offered(self, plan: MembershipPlan) -> tuple[str, str]:
        return ("on", _("Offered")) if plan.active else ("off", _("Not offered"))

    def has_delete_permission(self, request: HttpRequest, obj: MembershipPlan | None = None) -> bool:
        return False

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict | None = None
    ) -> HttpResponse:
        """Write down a plan."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = PlanForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            try:
                create_plan(**form.arguments(), at=timezone.now(), by=request.user)
            except FidelioError as error:
                form.show(error)
            else:
                messages.success(request, _("The plan is there; the shop reports who pays for it."))
                return redirect(reverse("admin:loyalty_membershipplan_changelist"))
        return self._page(request, "loyalty/plan_form.html", _("New plan"), {"form": form})

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict | None = None
    ) -> HttpResponse:
        """Change a plan: its price is for new payments, its benefits for everybody who has it."""
        plan = self.get_object(request, object_id)
        if plan is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        if not self.has_view_permission(request, plan):
            raise PermissionDenied
        may_change = self.has_change_permission(request, plan)
        form = PlanForm(request.POST or None, row=plan)
        if request.method == "POST" and not may_change:
            raise PermissionDenied
        if request.method == "POST" and form.is_valid():
            try:
                edit_plan(plan, **form.arguments(), at=timezone.now(), by=request.user)
            except FidelioError as error:
                form.show(error)
            else:
                messages.success(request, _("Saved; it holds at once for everybody who has it."))
                return redirect(reverse("admin:loyalty_membershipplan_changelist"))
        context = {"form": form if may_change else form.frozen(), "plan": plan, "locked": not may_change}
        return self._page(request, "loyalty/plan_form.html", plan.name, context, plan)


@admin.register(Membership)
class MembershipAdmin(PageMixin, FactAdmin):
    """Memberships begin and go on by what the shop reports; here they are read, and ended."""

    list_display = ["holder", "plan", "state", "started_on", "renews", "ends"]
    empty_text = MembershipPlanAdmin.empty_text
    list_filter = ["status", "plan", ("owed_reward", admin.EmptyFieldListFilter)]
    list_select_related = ["customer", "plan"]
    ordering = ["-id"]

    @admin.display(description=gettext_lazy("customer"))
    def holder(self, membership: Membership) -> str:
        return str(membership.customer)

    @display(description=gettext_lazy("status"), label=STATES)
    def state(self, membership: Membership) -> tuple[str, str]:
        return membership.status, membership.get_status_display()

    @admin.display(description=gettext_lazy("renews on"), ordering="renews_on", empty_value="–")
    def renews(self, membership: Membership) -> str | None:
        runs = membership.status == Membership.Status.ACTIVE
        return formats.day(membership.renews_on) if runs else None

    @admin.display(description=gettext_lazy("benefits until"), ordering="ends_at")
    def ends(self, membership: Membership) -> str:
        return formats.moment(membership.ends_at)

    def get_urls(self) -> list[URLPattern]:
        cancel = self.admin_site.admin_view(require_POST(self.cancel_view))
        welcome = self.admin_site.admin_view(require_POST(self.welcome_view))
        return [
            path("<int:pk>/cancel/", cancel, name="loyalty_membership_cancel"),
            path("<int:pk>/welcome/", welcome, name="loyalty_membership_welcome"),
            *super().get_urls(),
        ]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict | None = None
    ) -> HttpResponse:
        """Show one membership with its payments, and how it could end."""
        membership = self.get_object(request, object_id)
        if membership is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        if not self.has_view_permission(request, membership):
            raise PermissionDenied
        return self._membership_page(request, membership, CancelForm())

    def cancel_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """End a membership, today or with what is paid."""
        if not request.user.has_perm("loyalty.change_membership"):
            raise PermissionDenied
        membership = get_object_or_404(Membership.objects.select_related("plan", "customer"), pk=pk)
        form = CancelForm(request.POST)
        if form.is_valid():
            at_once = form.cleaned_data["how"] == "now"
            try:
                ended = cancel_membership(
                    membership, at_once=at_once, reason=form.cleaned_data["reason"], at=timezone.now()
                )
            except FidelioError as error:
                form.show(error)
            else:
                messages.success(request, _said(ended))
                return redirect(reverse("admin:loyalty_membership_change", args=[pk]))
        return self._membership_page(request, membership, form)

    def welcome_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Give the welcome reward that could not be given when the membership began."""
        if not request.user.has_perm(GIVE):
            raise PermissionDenied
        membership = get_object_or_404(Membership.objects.select_related("owed_reward"), pk=pk)
        try:
            give_welcome(membership, at=timezone.now())
        except FidelioError as error:
            messages.error(request, said(error))
        else:
            if reward := membership.owed_reward:
                messages.success(request, _("%(reward)s is theirs.") % {"reward": reward.name})
        return redirect(reverse("admin:loyalty_membership_change", args=[pk]))

    def _membership_page(
        self, request: HttpRequest, membership: Membership, form: CancelForm
    ) -> HttpResponse:
        today = local_day(timezone.now())
        context = {
            "membership": membership,
            "customer": membership.customer,
            "price": price_in_words(membership.plan),
            "figures": _strip(membership),
            "payments": _payments(membership),
            "form": form,
            "owed": _owed(membership),
            "may_give": request.user.has_perm(GIVE),
            "back_now": formats.money(refund_now(membership, on=today), membership.plan.currency),
            "may_cancel": membership.status != Membership.Status.ENDED
            and membership.ends_at > timezone.now()
            and request.user.has_perm("loyalty.change_membership"),
        }
        return self._page(request, "loyalty/membership.html", membership.plan.name, context, membership)


def price_in_words(plan: MembershipPlan) -> str:
    """Return a plan's price with its period."""
    words = {
        MembershipPlan.Period.MONTH: _("%(price)s a month"),
        MembershipPlan.Period.YEAR: _("%(price)s a year"),
        MembershipPlan.Period.DAYS: ngettext(
            "%(price)s for %(days)s day", "%(price)s for %(days)s days", plan.period_days or 0
        ),
    }
    told: dict[str, Any] = {
        "price": formats.money(plan.price_amount, plan.currency),
        "days": plan.period_days,
    }
    return words[MembershipPlan.Period(plan.period)] % told


def _owed(membership: Membership) -> str:
    """Return why a welcome reward is still owed; empty where none is."""
    if not membership.owed_because:
        return ""
    words = ngettext(
        "%(count)d reward could not be given: %(reason)s.",
        "%(count)d rewards could not be given: %(reason)s.",
        1,
    )
    return words % {"count": 1, "reason": membership.owed_because.replace("_", " ")}


def _said(membership: Membership) -> str:
    if membership.status != Membership.Status.ENDED:
        return _("It runs out on %(day)s.") % {"day": formats.day(membership.renews_on)}
    back = refund_amount(membership)
    if not back:
        return _("It has ended.")
    return _("It has ended; the shop is to refund %(amount)s.") % {
        "amount": formats.money(back, membership.plan.currency)
    }


def _strip(membership: Membership) -> list[Delta]:
    paid = sum(payment.amount for payment in membership.payments.all())
    back = refund_amount(membership)
    currency = membership.plan.currency
    figures = [
        Delta(_("Paid"), formats.money(paid, currency), icon="payments"),
        Delta(_("Member since"), formats.day(membership.started_on), icon="event_available"),
        Delta(_("Paid until"), formats.day(membership.renews_on - timedelta(days=1)), icon="event"),
        Delta(_("Benefits until"), formats.moment(membership.ends_at), icon="schedule"),
    ]
    return (
        [*figures, Delta(_("To be refunded"), formats.money(back, currency), icon="undo")]
        if back
        else figures
    )


def _payments(membership: Membership) -> Table:
    currency = membership.plan.currency
    rows = [
        [
            payment.external_id,
            formats.day(payment.paid_at),
            f"{formats.day(payment.covers_from)} – {formats.day(payment.covers_until)}",
            Cell(formats.money(payment.amount, currency), value=formats.major(payment.amount, currency)),
            Cell(
                formats.money(payment.refund_amount, currency),
                value=formats.major(payment.refund_amount, currency),
            ),
        ]
        for payment in membership.payments.all()
    ]
    columns = [
        Column(_("Id in the shop")),
        Column(_("Paid on")),
        Column(_("From – until before")),
        Column(_("Amount"), numeric=True),
        Column(_("To be refunded"), numeric=True),
    ]
    return Table(columns, rows, caption=_("Payments"))
