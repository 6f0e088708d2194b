"""Sets of personal offers in the console: guards, what they come to, and the decision."""

from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST
from django.views.generic import FormView, TemplateView
from unfold.decorators import display
from unfold.views import UnfoldModelAdminViewMixin

from analytics.admin.scores import ReadOnlyAdmin
from analytics.models import BehaviourRun, OfferSet
from analytics.offer_pages import offer_set_page
from analytics.services.offer_sets import confirm_offer_set, discard_offer_set, propose_offers
from coupons.models import Promotion
from customers.models import Segment
from operations import formats
from operations.errors import FidelioError, InvalidInput
from operations.figure_files import ChartsPage


class OfferSetForm(forms.ModelForm):
    """The guards; amounts and percentages by what the promotion gives."""

    promotion = forms.ModelChoiceField(
        Promotion.objects.none(),
        label=gettext_lazy("Promotion"),
        help_text=gettext_lazy("One whose value is each person's own."),
    )
    segment = forms.ModelChoiceField(
        Segment.objects.none(),
        label=gettext_lazy("For"),
        required=False,
        empty_label=gettext_lazy("Everybody who bought"),
    )

    class Meta:
        model = OfferSet
        fields = [
            "name", "promotion", "segment", "horizon", "lowest", "highest", "step", "margin_percent",
            "margin_floor_percent", "response", "valid_days", "codes",
        ]  # fmt: skip
        help_texts = {
            "lowest": gettext_lazy("Percent; of a promotion that takes amounts off, cents."),
            "highest": gettext_lazy("Nobody gets more."),
            "step": gettext_lazy("Only these values are handed out: 5 makes 5, 10, 15."),
            "margin_percent": gettext_lazy(
                "At full price; where the costs of what somebody bought are known, theirs."
            ),
            "margin_floor_percent": gettext_lazy("After the discount at least this is left of a basket."),
            "response": gettext_lazy("8: ten percent off multiply an average person's odds to buy by 2.2."),
            "horizon": gettext_lazy("The chance to buy within so many days is what the offer should raise."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        personal = Promotion.objects.filter(effect__personal=True).exclude(status__in=["STOPPED", "EXPIRED"])
        self.fields["promotion"].queryset = personal
        if len(personal) == 1:
            self.initial.setdefault("promotion", personal[0].pk)
        self.fields["segment"].queryset = Segment.objects.filter(active=True).order_by("name")

    def _post_clean(self) -> None:
        """The service validates, so that the API and this form say the same."""


class OfferSetAdd(UnfoldModelAdminViewMixin, FormView):
    title = gettext_lazy("New set of personal offers")
    permission_required = "analytics.add_offerset"
    template_name = "analytics/offer_set_form.html"
    form_class = OfferSetForm

    def get_initial(self) -> dict[str, Any]:
        return {"lowest": 5, "highest": 20, "step": 5, "segment": self.request.GET.get("segment")}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(
            **kwargs,
            promotions=Promotion.objects.filter(effect__personal=True).exists(),
            predicted=BehaviourRun.objects.exists(),
        )

    def form_valid(self, form: OfferSetForm) -> HttpResponse:
        try:
            offers = propose_offers(**form.cleaned_data, as_of=timezone.localdate(), by=self.request.user)
        except InvalidInput as error:
            for mistake in error.details:
                name = mistake.pointer.strip("/")
                form.add_error(name if name in form.fields else None, mistake.message)
            return self.form_invalid(form)
        except FidelioError as error:
            form.add_error(None, str(error.message))
            return self.form_invalid(form)
        return HttpResponseRedirect(reverse("admin:analytics_offer_set", args=[offers.pk]))


class OfferSetView(UnfoldModelAdminViewMixin, ChartsPage, TemplateView):
    """What a set comes to, before and after the decision."""

    title = gettext_lazy("Personal offers")
    permission_required = "analytics.view_offerset"
    template_name = "analytics/offer_set.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        offers = get_object_or_404(
            OfferSet.objects.select_related("promotion", "segment", "job", "decided_by", "model"),
            pk=self.kwargs["pk"],
        )
        # With campaigns to begin from: whom the set is for, and the promotion that hands out their own.
        begun = {"segment": offers.segment_id, "promotion": offers.promotion_id}
        return super().get_context_data(
            **kwargs,
            offers=offers,
            campaign_query=urlencode({name: pk for name, pk in begun.items() if pk}),
            **offer_set_page(offers),
        )


@admin.register(OfferSet)
class OfferSetAdmin(ReadOnlyAdmin):
    """Every set with its state; the newest first."""

    list_display = ["name", "promotion", "state", "people", "offered", "cost", "gain", "as_of"]
    list_filter = ["status", "promotion"]
    list_select_related = ["promotion"]
    list_before_template = "analytics/offer_set_list.html"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("analytics.add_offerset")

    def add_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return OfferSetAdd.as_view(model_admin=self)(request)

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> HttpResponse:
        if not object_id.isascii() or not object_id.isdigit():
            raise Http404
        return redirect("admin:analytics_offer_set", int(object_id))

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path(
                "<int:pk>/offers/", wrap(OfferSetView.as_view(model_admin=self)), name="analytics_offer_set"
            ),
            path("<int:pk>/decide/", wrap(require_POST(self.decide)), name="analytics_offer_set_decide"),
            *super().get_urls(),
        ]

    def decide(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Confirm or discard what was proposed."""
        if not request.user.has_perm("analytics.change_offerset"):
            raise PermissionDenied
        offers = get_object_or_404(OfferSet, pk=pk)
        decide = confirm_offer_set if "confirm" in request.POST else discard_offer_set
        try:
            decide(offers, by=request.user, at=timezone.now())
        except FidelioError as error:
            messages.warning(request, error.message)
        else:
            messages.success(
                request,
                _("The offers stand now.")
                if decide is confirm_offer_set
                else _("The offers were discarded."),
            )
        return redirect("admin:analytics_offer_set", pk)

    @display(
        description=gettext_lazy("status"),
        ordering="status",
        label={"PROPOSED": "warning", "CONFIRMED": "success", "FAILED": "danger", "COMPUTING": "info"},
    )
    def state(self, offers: OfferSet) -> tuple[str, str]:
        return offers.status, offers.get_status_display()

    @admin.display(description=gettext_lazy("people"))
    def people(self, offers: OfferSet) -> str:
        return formats.number(offers.figures.get("people"))

    @admin.display(description=gettext_lazy("with an offer"))
    def offered(self, offers: OfferSet) -> str:
        return formats.number(offers.figures.get("offered"))

    @admin.display(description=gettext_lazy("expected cost"))
    def cost(self, offers: OfferSet) -> str:
        return formats.whole_money(offers.figures.get("cost"))

    @admin.display(description=gettext_lazy("expected gain"))
    def gain(self, offers: OfferSet) -> str:
        if not offers.figures:
            return formats.NOTHING
        return formats.whole_money(offers.figures["margin"] - offers.figures["margin_without"])
