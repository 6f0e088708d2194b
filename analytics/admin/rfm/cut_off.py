"""Whom it pays to contact: the slider over the sum of scores, loyalty levels, and the merchant's terms."""

from typing import Any

from babel.numbers import get_currency_precision
from django import forms
from django.conf import settings
from django.contrib import messages
from django.db import OperationalError, connection, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.generic import View
from unfold.views import UnfoldModelAdminViewMixin

from analytics import services
from analytics.admin.rfm.page import RfmModelPage
from analytics.models import RfmModel
from analytics.rfm_cut_off import cut_off_figures
from coupons.admin.fields import count_field
from coupons.admin.forms import RefusalForm
from operations.errors import FidelioError

MAY_CHANGE = "analytics.change_rfmmodel"
MEASURE_SECONDS = 120
PRECISION = get_currency_precision(settings.PROGRAMME_CURRENCY)


class CostField(forms.DecimalField):
    """An amount that may be a fraction of the smallest coin; its value is in minor units."""

    def __init__(self, **kwargs: Any) -> None:
        widget = forms.TextInput(attrs={"inputmode": "decimal"})
        super().__init__(min_value=0, max_digits=12, decimal_places=4, localize=True, widget=widget, **kwargs)

    def clean(self, value: Any) -> Any:
        amount = super().clean(value)
        return None if amount is None else amount.scaleb(PRECISION)

    def prepare_value(self, value: Any) -> Any:
        return value


class TermsForm(RefusalForm):
    """What a contact costs and brings."""

    contact_amount = CostField(label=gettext_lazy("Cost of a contact"))
    reward_amount = CostField(label=gettext_lazy("Cost of the reward"))
    margin_percent = forms.DecimalField(
        label=gettext_lazy("Margin, percent"), min_value=0, max_value=100, max_digits=5, decimal_places=2,
        localize=True, widget=forms.TextInput(attrs={"inputmode": "decimal"}),
    )  # fmt: skip
    uplift_percent = forms.DecimalField(
        label=gettext_lazy("Uplift, percent"), min_value=0, max_value=100, max_digits=5, decimal_places=2,
        localize=True, widget=forms.TextInput(attrs={"inputmode": "decimal"}),
    )  # fmt: skip
    horizon_days = count_field(label=gettext_lazy("Days"), max_value=365, required=True)


class RfmCutOffView(RfmModelPage):
    """The smallest sum worth contacting, and what every other cut-off would drop and give up."""

    title = gettext_lazy("Whom it pays to contact")
    template_name = "analytics/rfm_cut_off.html"
    tab = "analytics_rfm_cut_off"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = {"cut_off": None}
        if self.last_run:
            row = services.cut_off_of(self.model)
            form = kwargs.pop("form", None) or TermsForm(initial=_initial(row))
            context = {
                "cut_off": row,
                "form": form,
                "currency": settings.PROGRAMME_CURRENCY,
                **cut_off_figures(row, self.last_run),
            }
        return super().get_context_data(**kwargs, **context)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Keep the terms; with other days to look at, what followed is measured again."""
        if not request.user.has_perm(MAY_CHANGE):
            return self.handle_no_permission()
        form = TermsForm(request.POST)
        if form.is_valid():
            try:
                row = services.edit_cut_off(self.model, services.ContactTerms(**form.cleaned_data))
            except FidelioError as error:
                form.show(error)
            else:
                if not row.observed_on:
                    _measure(request, self.model)
                messages.success(request, _("Worked out by these terms."))
                return redirect(request.path)
        return self.render_to_response(self.get_context_data(form=form, **kwargs))


class ModelAct(UnfoldModelAdminViewMixin, View):
    """Something done to a model's cut-off by a button."""

    title = ""
    permission_required = MAY_CHANGE
    http_method_names = ["post"]

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        self.act(request, get_object_or_404(RfmModel, pk=pk))
        return redirect(reverse("admin:analytics_rfm_cut_off", args=[pk]))

    def act(self, request: HttpRequest, model: RfmModel) -> None:
        raise NotImplementedError


class MeasureOutcomesView(ModelAct):
    def act(self, request: HttpRequest, model: RfmModel) -> None:
        if _measure(request, model):
            messages.success(request, _("Measured up to today."))


class ChooseCutOffView(ModelAct):
    """A segment of everybody from the chosen sum up."""

    def has_permission(self) -> bool:
        return super().has_permission() and self.request.user.has_perm("customers.add_segment")

    def act(self, request: HttpRequest, model: RfmModel) -> None:
        asked = request.POST.get("score_sum", "")
        chosen = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 3 else 0
        try:
            services.choose_cut_off(model, chosen, at=timezone.now())
        except FidelioError as error:
            messages.error(request, " ".join(str(one.message) for one in error.details) or error.message)
        else:
            messages.success(request, _("The segment holds everybody from %(sum)d up.") % {"sum": chosen})


def _measure(request: HttpRequest, model: RfmModel) -> bool:
    try:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SET LOCAL statement_timeout = %s", [MEASURE_SECONDS * 1000])
            services.measure_outcomes(model, as_of=timezone.localdate())
    except FidelioError as error:
        messages.warning(request, error.message)
    except OperationalError:
        messages.warning(request, _("This took too long; it is measured in the night to Monday."))
    else:
        return True
    return False


def _initial(row: Any) -> dict[str, Any]:
    return {
        "horizon_days": row.horizon_days,
        "margin_percent": row.margin_percent.normalize() + 0,
        "uplift_percent": row.uplift_percent.normalize() + 0,
        "contact_amount": row.contact_amount.scaleb(-PRECISION).normalize() + 0,
        "reward_amount": row.reward_amount.scaleb(-PRECISION).normalize() + 0,
    }
