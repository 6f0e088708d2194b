"""Putting money on gift cards by hand: one card, many, a top-up, an activation."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.generic import FormView, TemplateView, View
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.views import UnfoldModelAdminViewMixin

from coupons import services
from coupons.admin.gift_card_forms import BatchForm, GiftCardForm, NoteForm, TopUpForm, new_token
from coupons.models import GiftCard, GiftCardBatch, GiftCardRequest
from customers.models import Channel, Customer
from operations.admin.reauthentication import Reauthenticated
from operations.errors import FidelioError
from operations.formats import money, number
from operations.models import User

ISSUE, APPROVE = "coupons.issue_giftcard", "coupons.approve_giftcard"
SHOWN_CARD = "gift_card_shown_once"


class GivingView(UnfoldModelAdminViewMixin, Reauthenticated, FormView):
    """A form that gives money within the person's limit of the day, or asks somebody else."""

    permission_required = ISSUE
    template_name = "coupons/gift_card_form.html"

    def give(self, given: dict[str, Any]) -> GiftCardRequest:
        """Carry out what the form asks for. Raises FidelioError."""
        raise NotImplementedError

    def get_initial(self) -> dict[str, Any]:
        return {"token": new_token()}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        limit = services.gift_card_limit(self.request.user, at=timezone.now())
        used = min(100, limit.used_amount * 100 // limit.daily_amount) if limit.daily_amount else 100
        return super().get_context_data(**kwargs, limit=limit, limit_percent=used)

    def form_valid(self, form: Any) -> HttpResponse:
        try:
            request = self.give(form.cleaned_data)
        except FidelioError as error:
            form.show(error)
            return self.form_invalid(form)
        return self._told(request)

    def _told(self, request: GiftCardRequest) -> HttpResponse:
        if request.status == GiftCardRequest.Status.AWAITING_APPROVAL:
            return redirect(reverse("admin:coupons_giftcard_request", args=[request.pk]))
        if request.batch_id:
            return redirect(reverse("admin:coupons_giftcardbatch_change", args=[request.batch_id]))
        if request.kind == GiftCardRequest.Kind.ISSUE and not request.card.channel:
            self.request.session[SHOWN_CARD] = request.card_id
        messages.success(self.request, _("Done."))
        return redirect(reverse("admin:coupons_giftcard_change", args=[request.card_id]))


class IssueGiftCardView(GivingView):
    """A card for whoever gets it."""

    title = gettext_lazy("Issue a gift card")
    form_class = GiftCardForm
    customer: Customer | None = None

    def get_form_kwargs(self) -> dict[str, Any]:
        return super().get_form_kwargs() | {"to_customer": self.customer is not None}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**kwargs, customer=self.customer, button=_("Issue the card"))

    def give(self, given: dict[str, Any]) -> GiftCardRequest:
        form = self.get_form()
        form.cleaned_data = given
        return services.give_gift_card(
            **form.card_fields(),
            agent=self.request.user,
            customer=self.customer,
            reason=given["reason"],
            note=given["note"],
            channel=Channel.EMAIL if given.get("send") else None,
            active=not given["inactive"],
            token=given["token"],
            at=timezone.now(),
        )


class IssueToCustomerView(IssueGiftCardView):
    """A card for one customer."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        self.customer = get_object_or_404(Customer.objects.present(), pk=kwargs["pk"])
        return super().dispatch(request, *args, **kwargs)


class IssueBatchView(GivingView):
    """Many cards at once, by a job."""

    title = gettext_lazy("Issue many gift cards")
    form_class = BatchForm

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**kwargs, button=_("Issue the cards"), many=True)

    def give(self, given: dict[str, Any]) -> GiftCardRequest:
        form = self.get_form()
        form.cleaned_data = given
        names = ("name", "count", "note", "active", "token")
        return services.give_batch(
            **form.card_fields(),
            **{name: given[name] for name in names},
            agent=self.request.user,
            at=timezone.now(),
        )


class GiveToCardView(GivingView):
    """Money on a card there is: a top-up, or the activation with what it was issued with."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        self.card = get_object_or_404(GiftCard.objects.whole(), pk=kwargs["pk"])
        if kwargs["what"] not in ("top-up", "activation"):
            raise Http404
        self.tops_up = kwargs["what"] == "top-up"
        self.title = (_("Top up %(card)s") if self.tops_up else _("Activate %(card)s")) % {"card": self.card}
        return super().dispatch(request, *args, **kwargs)

    def get_form_class(self) -> type:
        return TopUpForm if self.tops_up else NoteForm

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        button = _("Top it up") if self.tops_up else _("Activate it")
        return super().get_context_data(**kwargs, card=self.card, activates=not self.tops_up, button=button)

    def give(self, given: dict[str, Any]) -> GiftCardRequest:
        service = services.give_top_up if self.tops_up else services.give_activation
        return service(self.card, agent=self.request.user, at=timezone.now(), **given)


class RequestView(UnfoldModelAdminViewMixin, TemplateView):
    """What somebody asked to put on cards, and what became of it."""

    permission_required = "coupons.view_giftcard"
    template_name = "coupons/gift_card_request.html"
    title = gettext_lazy("Gift cards asked for")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        found = GiftCardRequest.objects.select_related("agent", "customer", "card__account", "batch")
        return super().get_context_data(**kwargs, asked=get_object_or_404(found, pk=self.kwargs["pk"]))


class BatchView(UnfoldModelAdminViewMixin, TemplateView):
    """A batch: how far its job is, and its codes, once."""

    permission_required = "coupons.view_giftcardbatch"
    template_name = "coupons/gift_card_batch.html"
    title = ""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        found = GiftCardBatch.objects.select_related("job", "issued_by", "fetched_by")
        batch = get_object_or_404(found, pk=self.kwargs["pk"])
        self.title = batch.name
        made = batch.cards.count()
        return super().get_context_data(
            **kwargs,
            batch=batch,
            made=made,
            percent=made * 100 // batch.count,
            complete=made == batch.count,
            kept=services.codes_are_kept(batch, at=timezone.now()),
            may_fetch=may_fetch(self.request.user, batch),
        )


def may_fetch(user: User, batch: GiftCardBatch) -> bool:
    """Return whether these codes, which are money, are for this person: for who issued them or approves."""
    if not user.has_perm(ISSUE):
        return False
    return batch.issued_by_id in (None, user.pk) or user.has_perm(APPROVE)


class FetchCodesView(UnfoldModelAdminViewMixin, Reauthenticated, View):
    """The codes of a batch as a file, once."""

    permission_required = ISSUE
    title = ""
    http_method_names = ["post"]

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        batch = get_object_or_404(GiftCardBatch, pk=pk)
        if not may_fetch(request.user, batch):
            raise PermissionDenied
        try:
            text = services.fetch_codes(batch, by=request.user, at=timezone.now())
        except FidelioError as error:
            messages.error(request, error.message)
            return redirect(reverse("admin:coupons_giftcardbatch_change", args=[pk]))
        return HttpResponse(
            text.encode("utf-8-sig"),
            content_type="text/csv; charset=utf-8",
            headers={
                "Content-Disposition": f'attachment; filename="gift-cards-{pk}.csv"',
                "Cache-Control": "no-store",
            },
        )


@admin.register(GiftCardBatch)
class GiftCardBatchAdmin(ModelAdmin):
    """Cards issued together."""

    list_display = ["name", "cards_made", "each", "issued_by", "created_at", "codes"]
    list_select_related = ["issued_by"]
    list_per_page = 25
    search_fields = ["name"]

    @admin.display(description=gettext_lazy("cards"), ordering="count")
    def cards_made(self, batch: GiftCardBatch) -> str:
        return number(batch.count)

    @admin.display(description=gettext_lazy("amount on each"), ordering="amount")
    def each(self, batch: GiftCardBatch) -> str:
        return money(batch.amount, batch.currency)

    @display(description=gettext_lazy("codes"), label={"FETCHED": "success", "KEPT": "warning"})
    def codes(self, batch: GiftCardBatch) -> tuple[str, str]:
        return ("FETCHED", _("fetched")) if batch.fetched_at else ("KEPT", _("not fetched"))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: GiftCardBatch | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: GiftCardBatch | None = None) -> bool:
        return False

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> HttpResponse:
        if not object_id.isdigit():
            raise Http404
        return BatchView.as_view(model_admin=self)(request, pk=int(object_id))

    def get_urls(self) -> list[URLPattern]:
        fetch = self.admin_site.admin_view(FetchCodesView.as_view(model_admin=self))
        return [path("<int:pk>/codes/", fetch, name="coupons_giftcardbatch_codes"), *super().get_urls()]
