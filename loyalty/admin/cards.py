"""Members' cards: who has which, how they look, printed ones, and what the service desk does with one."""

import base64
from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.generic import TemplateView
from unfold.admin import ModelAdmin
from unfold.views import UnfoldModelAdminViewMixin

from coupons.barcodes import barcode_svg
from customers.models import Customer
from loyalty.admin.card_forms import BlockForm, DesignForm, LinkForm, PrintForm
from loyalty.card_numbers import written
from loyalty.members.card import card_face
from loyalty.members.sections import Member
from loyalty.models import Card, CardBatch, CardDesign, WalletPass
from loyalty.public import page_context
from loyalty.services.cards import block_number, ensure_card, link_card, print_cards
from loyalty.services.member_links import revoke_member_links
from loyalty.services.member_mails import send_member_link
from loyalty.wallets import apple, google
from operations.errors import FidelioError
from operations.formats import day, number

SEE, CHANGE, PRINT = "loyalty.view_card", "loyalty.change_card", "loyalty.add_cardbatch"
DESIGN, REVOKE = "loyalty.change_carddesign", "loyalty.change_memberlink"
PER_PAGE, PER_PART = 10, 100


@admin.register(Card)
class CardAdmin(ModelAdmin):
    """No search: the search of the console finds the holder of a number, which stays out of addresses."""

    list_display = ["number_written", "holder", "status", "batch", "linked_at"]
    list_filter = ["status"]
    list_select_related = ["customer", "batch"]
    list_display_links = None
    list_per_page = 25
    show_full_result_count = False
    list_before_template = "loyalty/card_list.html"

    @admin.display(description=gettext_lazy("number"))
    def number_written(self, card: Card) -> str:
        return written(card.number)

    @admin.display(description=gettext_lazy("customer"))
    def holder(self, card: Card) -> str:
        return str(card.customer) if card.customer else "–"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Card | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Card | None = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Card]:
        return super().get_queryset(request).order_by("-pk")

    def changelist_view(self, request: HttpRequest, extra_context: dict | None = None) -> HttpResponse:
        passes = WalletPass.objects.filter(voided_at__isnull=True)
        context = {
            "batches": CardBatch.objects.select_related("store").order_by("-pk")[:8],
            "may_print": request.user.has_perm(PRINT),
            "may_design": request.user.has_perm(DESIGN),
            "passes": number(passes.count()),
        }
        return super().changelist_view(request, {**(extra_context or {}), **context})

    def get_urls(self) -> list[URLPattern]:
        def page(view: type[UnfoldModelAdminViewMixin]) -> Any:
            return self.admin_site.admin_view(view.as_view(model_admin=self))

        return [
            path("look/", page(DesignView), name="loyalty_card_design"),
            path("print/", page(PrintView), name="loyalty_card_print"),
            path("batches/<int:pk>/", page(SheetView), name="loyalty_card_sheet"),
            path("of/<int:pk>/", page(CustomerCardView), name="loyalty_customer_card"),
            path("of/<int:pk>/page/", page(MemberPageView), name="loyalty_member_page"),
            path("of/<int:pk>/print/", page(CustomerSheetView), name="loyalty_customer_card_sheet"),
            *super().get_urls(),
        ]


class DesignView(UnfoldModelAdminViewMixin, TemplateView):
    """How cards look everywhere, with a preview, and whether the wallets work."""

    title = gettext_lazy("Look of the cards")
    permission_required = SEE
    template_name = "loyalty/card_design.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        design = kwargs.pop("design", None) or CardDesign.current()
        form = kwargs.pop("form", None) or DesignForm(instance=design)
        sample = Customer(first_name="Giulia", last_name="Rossi")
        return super().get_context_data(
            **kwargs,
            form=form,
            face=card_face(sample, number="2900123412341234") | {"design": design},
            wallets=wallet_states(),
            may_design=self.request.user.has_perm(DESIGN),
            join_url=self.request.build_absolute_uri(reverse("member-join")),
        )

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not request.user.has_perm(DESIGN):
            return self.handle_no_permission()
        form = DesignForm(request.POST, request.FILES, instance=CardDesign.current())
        if not form.is_valid():
            context = self.get_context_data(form=form, design=CardDesign.current())
            return self.render_to_response(context)
        form.save_design(at=timezone.now())
        messages.success(request, _("Saved. Passes on telephones follow within minutes."))
        return redirect("admin:loyalty_card_design")


def wallet_states() -> list[dict[str, str]]:
    """Return of each kind of wallet whether it works, and if not, why."""
    return [
        _state("Apple Wallet", apple.is_set(), _apple, "WALLET_APPLE_CERTIFICATE"),
        _state("Google Wallet", google.is_set(), google.account, "WALLET_GOOGLE_CREDENTIALS"),
    ]


def _apple() -> apple.Identity:
    return apple.identity(at=timezone.now())


def _state(name: str, is_set: bool, read: Callable[[], Any], setting: str) -> dict[str, str]:
    if not is_set:
        return {"name": name, "status": "OFF", "text": _("Not set up: see %(name)s.") % {"name": setting}}
    try:
        found = read()
    except apple.NotUsable as error:
        return {"name": name, "status": "FAILED", "text": str(error)}
    if isinstance(found, apple.Identity):
        text = _("%(type)s, certificate until %(day)s") % {"type": found.pass_type, "day": day(found.ends_at)}
    else:
        text = _("Issuer %(issuer)s") % {"issuer": found.issuer}
    return {"name": name, "status": "ACTIVE", "text": text}


class PrintView(UnfoldModelAdminViewMixin, TemplateView):
    """Cards for nobody yet, to be printed and handed out."""

    title = gettext_lazy("Print cards")
    permission_required = PRINT
    template_name = "loyalty/card_print.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**{"form": PrintForm()} | kwargs)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        form = PrintForm(request.POST)
        if not form.is_valid():
            return self.render_to_response(self.get_context_data(form=form))
        batch = print_cards(**form.cleaned_data, by=request.user, at=timezone.now())
        return redirect("admin:loyalty_card_sheet", pk=batch.pk)


class SheetView(UnfoldModelAdminViewMixin, TemplateView):
    """The cards of a batch, laid out for A4."""

    permission_required = SEE
    template_name = "loyalty/card_sheet.html"
    title = ""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        batch = get_object_or_404(CardBatch, pk=self.kwargs["pk"])
        cards = batch.cards.filter(status=Card.Status.BLANK).order_by("pk")
        parts = max(1, -(-cards.count() // PER_PART))
        asked = self.request.GET.get("part", "1")
        part = min(max(1, int(asked)) if asked.isdecimal() and len(asked) < 6 else 1, parts)
        shown = cards[(part - 1) * PER_PART : part * PER_PART]
        self.title = _("Cards: %(name)s") % {"name": batch.name}
        return super().get_context_data(
            **kwargs,
            **sheet([card.number for card in shown]),
            back=reverse("admin:loyalty_card_changelist"),
            part=part,
            part_numbers=range(1, parts + 1),
        )


def sheet(numbers: list[str], *, holder: str = "") -> dict[str, Any]:
    """Return what the sheet's template shows of these numbers."""
    labels = [{"number": written(each), "picture": _bars(each), "holder": holder} for each in numbers]
    return {
        "heading": CardDesign.current().title,
        "pages": [labels[start : start + PER_PAGE] for start in range(0, len(labels), PER_PAGE)],
        "per_page": PER_PAGE,
    }


def _bars(number: str) -> str:
    bars = barcode_svg(number, with_text=False)
    return "data:image/svg+xml;base64," + base64.b64encode(bars).decode() if bars else ""


class OfCustomer(UnfoldModelAdminViewMixin):
    """A page about one customer's card."""

    permission_required: Any = (SEE, "customers.view_customer")
    title = ""

    def customer(self) -> Customer:
        return get_object_or_404(Customer.objects.present(), pk=self.kwargs["pk"])


class CustomerCardView(OfCustomer, TemplateView):
    """A customer's card as they see it, and what the desk can do with it and with the links."""

    template_name = "loyalty/customer_card.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        customer = kwargs.pop("customer", None) or self.customer()
        self.title = _("Card of %(customer)s") % {"customer": customer}
        face = card_face(customer)
        return super().get_context_data(
            **{
                "link_form": LinkForm(),
                "block_form": BlockForm(initial={"number": face["number"]}, auto_id="block_%s"),
            }
            | kwargs,
            customer=customer,
            face=face,
            cards=[(written(card.number), card) for card in customer.cards.order_by("-pk")],
            passes=WalletPass.objects.filter(customer=customer).order_by("pk"),
            may_change=self.request.user.has_perm(CHANGE),
            may_revoke=self.request.user.has_perm(REVOKE),
        )

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        customer = self.customer()
        act = request.POST.get("act", "")
        needed = REVOKE if act in ("send", "revoke") else CHANGE
        if not request.user.has_perm(needed):
            return self.handle_no_permission()
        try:
            said = self._do(act, customer)
        except FidelioError as error:
            messages.error(request, str(error.details[0].message if error.details else error.message))
        else:
            messages.success(request, said)
        return redirect("admin:loyalty_customer_card", pk=customer.pk)

    def _do(self, act: str, customer: Customer) -> str:
        at, given = timezone.now(), self.request.POST
        match act:
            case "give":
                ensure_card(customer, at=at)
                return _("The customer has a card now.")
            case "link":
                link_card(customer, given.get("number", "").strip()[:64], at=at)
                return _("The card belongs to this customer now.")
            case "block":
                number = given.get("number", "").strip()[:64]
                new = block_number(customer, number, reason=given.get("reason", "")[:200], at=at)
                return _("Blocked. The new number is %(number)s.") % {"number": written(new)}
            case "send":
                if send_member_link(customer, at=at):
                    return _("The link to their page is on its way.")
                return _("We know no address of this customer: nothing was sent.")
            case "revoke":
                revoke_member_links(customer, at=at)
                return _("Every link made so far opens nothing any more.")
        return _("Nothing was done.")


class MemberPageView(OfCustomer, TemplateView):
    """The member's page as its owner sees it, without the buttons' effect."""

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        customer = self.customer()
        member = Member(customer, timezone.now())
        language = customer.written_language
        with translation.override(language):
            context = page_context(request, member, language) | {"staff": True}
            return TemplateResponse(request, "loyalty/member/page.html", context).render()


class CustomerSheetView(OfCustomer, TemplateView):
    """One customer's card on paper."""

    template_name = "loyalty/card_sheet.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        customer = self.customer()
        face = card_face(customer)
        self.title = _("Card of %(customer)s") % {"customer": customer}
        return super().get_context_data(
            **kwargs,
            **sheet([face["number"]] if face["number"] else [], holder=customer.full_name),
            back=reverse("admin:loyalty_customer_card", args=[customer.pk]),
            part=1,
            part_numbers=[1],
        )
