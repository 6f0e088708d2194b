"""Gift cards in the console: found by their code, with their money, their story and what can be done."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.generic import FormView, TemplateView, View
from unfold.admin import ModelAdmin
from unfold.decorators import action, display
from unfold.views import UnfoldModelAdminViewMixin

from coupons import services
from coupons.admin import gift_card_giving as giving
from coupons.admin.gift_card_forms import CodeForm, MoveForm, new_token
from coupons.admin.liabilities import LiabilitiesFileView, LiabilitiesView
from coupons.gift_card_codes import written_code
from coupons.gift_card_story import card_chapters, ledger_lines
from coupons.models import GiftCard, GiftCardRequest
from coupons.services.sealed_codes import open_code
from customers.models import Channel
from operations.admin.reauthentication import Reauthenticated
from operations.errors import FidelioError
from operations.formats import day, money

SHOWN_CARD = giving.SHOWN_CARD
VIEW, ISSUE, SWITCH = "coupons.view_giftcard", "coupons.issue_giftcard", "coupons.disable_giftcard"


class GiftCardView(UnfoldModelAdminViewMixin, TemplateView):
    """One card: its money, its ledger, its story. Right after it was made, and only then, its code."""

    permission_required = VIEW
    template_name = "coupons/gift_card.html"
    title = ""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        card = get_object_or_404(
            GiftCard.objects.whole().select_related("bought_on", "issued_by", "batch"), pk=self.kwargs["pk"]
        )
        at, user = timezone.now(), self.request.user
        self.title = _("Gift card %(card)s") % {"card": card}
        status = card.status_at(at)
        waiting = GiftCardRequest.Status.AWAITING_APPROVAL
        return super().get_context_data(
            **kwargs,
            card=card,
            status=status,
            status_text=GiftCard.Status(status).label,
            available=card.available_at(at),
            last_day=day(card.last_minute) if card.expires_at else "",
            lines=ledger_lines(card),
            chapters=card_chapters(card),
            waiting=card.requests.filter(status=waiting),
            code=self._code_once(card),
            token=new_token(),
            may_give=user.has_perm(ISSUE),
            may_switch=user.has_perm(SWITCH),
            may_extend=user.has_perm(SWITCH) and card.expires_at and status in ("ACTIVE", "INACTIVE"),
        )

    def _code_once(self, card: GiftCard) -> str:
        if self.request.session.get(SHOWN_CARD) != card.pk:
            return ""
        del self.request.session[SHOWN_CARD]
        return written_code(open_code(card.pk, at=timezone.now()) or "")


class GiftCardMoveView(UnfoldModelAdminViewMixin, Reauthenticated, View):
    """Switch a card off or on, make it good for longer, or give it a new code."""

    permission_required = SWITCH
    title = ""
    http_method_names = ["post"]

    def post(self, request: HttpRequest, pk: int, move: str) -> HttpResponse:
        card, form = get_object_or_404(GiftCard, pk=pk), MoveForm(request.POST)
        if move not in ("off", "on", "extend", "renew"):
            raise Http404
        if not form.is_valid():
            messages.error(request, " ".join(one for found in form.errors.values() for one in found))
            return redirect(page_of(card))
        given = {"reason": form.cleaned_data["reason"], "by": request.user, "at": timezone.now()}
        try:
            self._move(card, move, form=form, given=given)
        except FidelioError as error:
            messages.error(request, "; ".join(str(one.message) for one in error.details) or error.message)
        return redirect(page_of(card))

    def _move(self, card: GiftCard, move: str, *, form: MoveForm, given: dict[str, Any]) -> None:
        if move == "off":
            services.disable_gift_card(card, **given)
            messages.success(self.request, _("The card is switched off."))
        elif move == "on":
            services.enable_gift_card(card, **given)
            messages.success(self.request, _("The card is good again."))
        elif move == "extend":
            services.extend_gift_card(card, expires_at=form.expires_at, **given)
            messages.success(self.request, _("The card is good for longer."))
        else:
            send = form.cleaned_data["send"]
            if send:
                services.renew_gift_card(card, channel=Channel.EMAIL, **given)
            else:
                services.show_new_code(card, agent=given["by"], reason=given["reason"], at=given["at"])
            messages.success(self.request, _("The card has a new code; the old one is good no more."))
            if not send:
                self.request.session[SHOWN_CARD] = card.pk


class FindGiftCardView(UnfoldModelAdminViewMixin, FormView):
    """From the code somebody holds in their hand to the card's page."""

    permission_required = VIEW
    template_name = "coupons/gift_card_find.html"
    title = gettext_lazy("Find a gift card")
    form_class = CodeForm

    def form_valid(self, form: CodeForm) -> HttpResponse:
        card = services.find_gift_card(form.cleaned_data["code"])
        if card is None:
            form.add_error("code", _("There is no gift card with this code."))
            return self.form_invalid(form)
        return redirect(page_of(card))


@admin.register(GiftCard)
class GiftCardAdmin(ModelAdmin):
    """Every card. Its code is no search term: it would stand in addresses and logs."""

    list_display = [
        "card",
        "state",
        "balance",
        "issued_with",
        "holder_name",
        "reason",
        "good_until",
        "issued_at",
    ]
    list_display_links = ["card"]
    list_filter = ["status", "reason", "vat_kind"]
    list_filter_submit = True
    list_per_page = 25
    show_full_result_count = False
    search_fields = ["=last4"]
    search_help_text = gettext_lazy("The last four characters of the code.")
    ordering = ["-id"]
    actions_list = ["find_one", "issue_one", "issue_many", "batches"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[GiftCard]:
        return super().get_queryset(request).select_related("account__customer").with_money(timezone.now())

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: GiftCard | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: GiftCard | None = None) -> bool:
        return False

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        return lookup == "batch__id__exact" or super().lookup_allowed(lookup, value, request)

    @admin.display(description=gettext_lazy("card"), ordering="last4")
    def card(self, card: GiftCard) -> str:
        return str(card)

    @display(
        description=gettext_lazy("status"),
        label={"ACTIVE": "success", "DISABLED": "danger", "EXPIRED": "warning", "INACTIVE": "info"},
    )
    def state(self, card: GiftCard) -> tuple[str, str]:
        status = card.status_at(timezone.now())
        return status, GiftCard.Status(status).label

    @admin.display(description=gettext_lazy("balance"), ordering="spendable_units")
    def balance(self, card: GiftCard) -> str:
        return money(card.available_at(timezone.now()), card.currency)

    @admin.display(description=gettext_lazy("issued with"), ordering="amount")
    def issued_with(self, card: GiftCard) -> str:
        return money(card.amount, card.currency)

    @admin.display(description=gettext_lazy("holder"), empty_value="–")
    def holder_name(self, card: GiftCard) -> str | None:
        return str(card.holder) if card.holder else None

    @admin.display(description=gettext_lazy("good until"), ordering="expires_at", empty_value="–")
    def good_until(self, card: GiftCard) -> str | None:
        return day(card.last_minute) if card.expires_at else None

    @action(description=gettext_lazy("Find by its code"), permissions=["view"], icon="search")
    def find_one(self, request: HttpRequest) -> HttpResponse:
        return redirect("admin:coupons_giftcard_find")

    @action(description=gettext_lazy("Issue a gift card"), permissions=["issue"], icon="add_card")
    def issue_one(self, request: HttpRequest) -> HttpResponse:
        return redirect("admin:coupons_giftcard_issue")

    @action(description=gettext_lazy("Issue many"), permissions=["issue"], icon="library_add")
    def issue_many(self, request: HttpRequest) -> HttpResponse:
        return redirect("admin:coupons_giftcard_many")

    @action(description=gettext_lazy("Batches"), permissions=["issue"], icon="stacks")
    def batches(self, request: HttpRequest) -> HttpResponse:
        return redirect("admin:coupons_giftcardbatch_changelist")

    def has_issue_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return request.user.has_perm(ISSUE)

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> HttpResponse:
        if not object_id.isdigit():
            raise Http404
        return GiftCardView.as_view(model_admin=self)(request, pk=int(object_id))

    def get_urls(self) -> list[URLPattern]:
        def page(address: str, view: type[View], name: str) -> URLPattern:
            wrapped = self.admin_site.admin_view(view.as_view(model_admin=self))
            return path(address, wrapped, name=f"coupons_giftcard_{name}")

        return [
            page("find/", FindGiftCardView, "find"),
            page("issue/", giving.IssueGiftCardView, "issue"),
            page("issue/<int:pk>/", giving.IssueToCustomerView, "issue_to"),
            page("many/", giving.IssueBatchView, "many"),
            page("asked/<int:pk>/", giving.RequestView, "request"),
            page("<int:pk>/give/<slug:what>/", giving.GiveToCardView, "give"),
            page("<int:pk>/move/<slug:move>/", GiftCardMoveView, "move"),
            *self._liability_urls(),
            *super().get_urls(),
        ]

    def _liability_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        report = wrap(LiabilitiesView.as_view(model_admin=self))
        file = wrap(LiabilitiesFileView.as_view(model_admin=self))
        return [
            path("liabilities/", report, name="coupons_liabilities"),
            path("liabilities/csv/", file, name="coupons_liabilities_file"),
        ]


def page_of(card: GiftCard) -> str:
    return reverse("admin:coupons_giftcard_change", args=[card.pk])
