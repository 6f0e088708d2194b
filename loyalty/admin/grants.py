"""Rewards given: what waits to be handed over, and what is done with one at the desk."""

from collections.abc import Iterable
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST
from unfold.admin import ModelAdmin
from unfold.decorators import display

from customers.models import Customer
from loyalty import services
from loyalty.models import Reward, RewardGrant
from loyalty.wording import gift_words
from operations import formats
from operations.admin.pages import PageMixin
from operations.admin.reauthentication import require_proof
from operations.errors import FidelioError
from operations.figures import Cell, Column, Table

GIVE, TAKE_BACK = "loyalty.give_reward", "loyalty.take_back_reward"
LONGEST_TOKEN = 40


@admin.register(RewardGrant)
class RewardGrantAdmin(PageMixin, ModelAdmin):
    """Every reward given, written by services alone. No search: it would put people into addresses."""

    list_display = ["when", "reward", "who", "state", "cost"]
    list_filter = ["status", "reward"]
    list_select_related = ["reward", "customer"]
    list_per_page = 25
    show_full_result_count = False
    ordering = ["-id"]

    @admin.display(description=gettext_lazy("given at"), ordering="granted_at")
    def when(self, grant: RewardGrant) -> str:
        return formats.moment(grant.granted_at)

    @admin.display(description=gettext_lazy("customer"))
    def who(self, grant: RewardGrant) -> str:
        return str(grant.customer)

    @display(
        description=gettext_lazy("status"),
        label={"WAITING": "warning", "GIVEN": "success", "TAKEN_BACK": "danger"},
    )
    def state(self, grant: RewardGrant) -> tuple[str, str]:
        return grant.status, grant.get_status_display()

    @admin.display(description=gettext_lazy("points"), ordering="spent_points", empty_value="–")
    def cost(self, grant: RewardGrant) -> str | None:
        return formats.number(grant.spent_points) if grant.spent_points else None

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: RewardGrant | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: RewardGrant | None = None) -> bool:
        return False

    def get_urls(self) -> list[URLPattern]:
        def page(address: str, view: Any, name: str) -> URLPattern:
            return path(address, self.admin_site.admin_view(require_POST(view)), name=name)

        return [
            page("<int:pk>/hand-over/", self.hand_over_view, "loyalty_grant_hand_over"),
            page("<int:pk>/take-back/", self.take_back_view, "loyalty_grant_take_back"),
            page("redeem/<int:customer_pk>/<int:pk>/", self.redeem_view, "loyalty_grant_redeem"),
            *super().get_urls(),
        ]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict | None = None
    ) -> HttpResponse:
        """Show one reward given: to whom, what of it there is, and what can be done."""
        found = RewardGrant.objects.whole().select_related("handed_over_by", "taken_back_by", "spent_entry")
        found = found.select_related("reward__promotion", "reward__product")
        number = object_id.isascii() and object_id.isdigit() and len(object_id) < 19
        grant = found.filter(pk=int(object_id)).first() if number else None
        if grant is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        if not self.has_view_permission(request, grant):
            raise PermissionDenied
        user = request.user
        context = {
            "grant": grant,
            "gives": gift_words(grant.reward),
            "may_hand_over": grant.status == RewardGrant.Status.WAITING and user.has_perm(GIVE),
            "may_take_back": grant.status != RewardGrant.Status.TAKEN_BACK and user.has_perm(TAKE_BACK),
        }
        return self._page(request, "loyalty/grant.html", grant.reward.name, context, grant)

    def redeem_view(self, request: HttpRequest, customer_pk: int, pk: int) -> HttpResponse:
        """Give a customer a reward for their points, at the desk; a form sent twice gives once."""
        self._demand(request, GIVE)
        customer = get_object_or_404(Customer.objects.present(), pk=customer_pk)
        reward = get_object_or_404(Reward, pk=pk)
        token = request.POST.get("token", "")
        if token and len(token) <= LONGEST_TOKEN and token.isascii() and "\0" not in token:
            key = f"desk:{customer.pk}:{reward.pk}:{token}"
            try:
                services.redeem_reward(customer, reward, source_key=key, at=timezone.now())
            except FidelioError as error:
                messages.error(request, said(error))
            else:
                messages.success(request, _("%(reward)s is theirs.") % {"reward": reward.name})
        return back_to(customer.pk)

    def hand_over_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Note that the customer has the product now."""
        self._demand(request, GIVE)
        grant = get_object_or_404(RewardGrant, pk=pk)
        try:
            services.hand_over_grant(grant, at=timezone.now(), by=request.user)
        except FidelioError as error:
            messages.error(request, said(error))
        else:
            messages.success(request, _("Handed over."))
        return _back(request, grant)

    def take_back_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Take a reward back as far as it can be, with the points it had cost."""
        self._demand(request, TAKE_BACK)
        require_proof(request)
        grant = get_object_or_404(RewardGrant, pk=pk)
        reason = request.POST.get("reason", "")
        try:
            back = services.take_back_grant(grant, reason=reason, at=timezone.now(), by=request.user)
        except FidelioError as error:
            messages.error(request, said(error))
        else:
            told = {"points": formats.number(back.points_back)}
            words = ngettext(
                "Taken back; %(points)s point went back to them.",
                "Taken back; %(points)s points went back to them.",
                back.points_back,
            )
            messages.success(request, words % told)
        return _back(request, grant)

    def _demand(self, request: HttpRequest, permission: str) -> None:
        if not request.user.has_perm(permission):
            raise PermissionDenied


def grant_table(grants: Iterable[RewardGrant]) -> Table:
    """Return who had a reward, newest first, as a table."""
    rows = [
        [
            Cell(formats.moment(grant.granted_at), url=grant_page(grant)),
            Cell(
                str(grant.customer), url=reverse("admin:customers_customer_change", args=[grant.customer_id])
            ),
            grant.get_status_display(),
            formats.number(grant.spent_points) if grant.spent_points else formats.NOTHING,
        ]
        for grant in grants
    ]
    columns = [
        Column(_("When")),
        Column(_("Customer")),
        Column(_("Status")),
        Column(_("Points"), numeric=True),
    ]
    return Table(
        columns,
        rows,
        caption=_("Who had it, newest first"),
        empty_title=_("Nobody has had it yet"),
        empty_text=_("Members find it on their card; the service desk redeems it on a customer's page."),
        empty_icon="redeem",
    )


def grant_page(grant: RewardGrant) -> str:
    return reverse("admin:loyalty_rewardgrant_change", args=[grant.pk])


def said(error: FidelioError) -> str:
    """Return a refusal in one sentence."""
    return "; ".join(str(mistake.message) for mistake in error.details) or str(error.message)


def _back(request: HttpRequest, grant: RewardGrant) -> HttpResponse:
    return redirect(grant_page(grant)) if "stay" in request.POST else back_to(grant.customer_id)


def back_to(customer_pk: int) -> HttpResponse:
    return redirect(f"{reverse('admin:customers_customer_change', args=[customer_pk])}?tab=rewards")
