"""Writing a model: the form in sentences, what it would come to before it is saved, what one may look up."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import OperationalError, connection, transaction
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.generic import FormView, View
from django_countries import countries
from unfold.views import UnfoldModelAdminViewMixin

from analytics import services
from analytics.admin.rfm.forms import RfmModelForm, initial_of, threshold_initial
from analytics.model_words import model_in_words
from analytics.models import RfmModel, RfmRun
from analytics.services.purchases import estimated_orders
from analytics.services.rfm import Preview
from analytics.services.rfm_queue import ORDERS_AT_ONCE
from analytics.words import bands
from customers.models import BusinessUnit, Product, SalesChannel, Store
from operations import formats
from operations.errors import FidelioError

MAY_ADD, MAY_CHANGE, MAY_SEE = (f"analytics.{act}_rfmmodel" for act in ("add", "change", "view"))
PREVIEW_SECONDS = 30
SUGGESTED = 20
SIZES_SHOWN = 30


class NewRfmModelView(UnfoldModelAdminViewMixin, FormView):
    """A model on one page; it scores nobody before its first run."""

    title = gettext_lazy("New RFM model")
    permission_required = MAY_ADD
    template_name = "analytics/rfm_form.html"
    form_class = RfmModelForm

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        # Where a preview takes seconds it is asked for, and not read again with every change.
        few = estimated_orders() <= ORDERS_AT_ONCE
        return super().get_context_data(**kwargs, preview_at_once=few, currency=settings.PROGRAMME_CURRENCY)

    def form_valid(self, form: RfmModelForm) -> HttpResponse:
        try:
            model = services.create_rfm_model(form.cleaned_data["code"], **form.settings())
        except FidelioError as error:
            form.show(error)
            return self.form_invalid(form)
        messages.success(self.request, _("The model is saved. Run it now, or wait for the night."))
        return redirect(reverse("admin:analytics_rfm_model_map", args=[model.pk]))


class EditRfmModelView(NewRfmModelView):
    """A model's settings; they hold from its next run on."""

    permission_required = MAY_SEE

    @property
    def title(self) -> str:
        return self.model.name

    @cached_property
    def model(self) -> RfmModel:
        found = RfmModel.objects.select_related("season", "segment_map")
        return get_object_or_404(found, pk=self.kwargs["pk"])

    def get_form_kwargs(self) -> dict[str, Any]:
        return super().get_form_kwargs() | {"model": self.model}

    def get_initial(self) -> dict[str, Any]:
        return initial_of(self.model)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        read_only = not self.request.user.has_perm(MAY_CHANGE)
        return super().get_context_data(**kwargs, model=self.model, read_only=read_only)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not request.user.has_perm(MAY_CHANGE):
            return self.handle_no_permission()
        return super().post(request, *args, **kwargs)

    def form_valid(self, form: RfmModelForm) -> HttpResponse:
        model = self.model
        for name, value in form.settings().items():
            setattr(model, name, value)
        try:
            model.full_clean()
        except ValidationError as error:
            for name, texts in error.message_dict.items():
                form.add_error(form._field_of(f"/{name}"), texts)
            return self.form_invalid(form)
        services.edit_rfm_model(model)
        messages.success(self.request, _("The model is saved; its next run goes by this."))
        return redirect(reverse("admin:analytics_rfm_model_map", args=[model.pk]))


class FormPart(UnfoldModelAdminViewMixin, View):
    """What the form asks for while it is filled in; the model is the one in the form, saved or not."""

    title = ""
    http_method_names = ["post"]

    def has_permission(self) -> bool:
        return self.request.user.has_perm(MAY_ADD) or self.request.user.has_perm(MAY_CHANGE)

    @cached_property
    def saved(self) -> RfmModel | None:
        known = self.request.POST.get("model", "")
        digits = known.isascii() and known.isdigit() and len(known) < 19
        return RfmModel.objects.filter(pk=int(known)).first() if digits else None

    def form(self, **changes: str) -> RfmModelForm:
        data = self.request.POST.copy()
        for name, value in changes.items():
            data[name] = value
        # A model may be tried before anybody thought of what it is called.
        for name in ("name", "code"):
            data[name] = data.get(name) or "draft"
        return RfmModelForm(data, model=self.saved)


class PreviewView(FormPart):
    """What the model in the form would come to today: who counts, thresholds, sizes of the segments."""

    def post(self, request: HttpRequest) -> HttpResponse:
        return render(request, "analytics/rfm_preview.html", self._context())

    def _context(self) -> dict[str, Any]:
        form = self.form()
        if not form.is_valid():
            return {"missing": [text for texts in form.errors.values() for text in texts]}
        draft = form.draft()
        try:
            draft.full_clean(validate_unique=False, validate_constraints=False)
            preview = _timely(lambda: services.preview_rfm_model(draft, as_of=timezone.localdate()))
        except ValidationError as error:
            return {"missing": error.messages}
        except FidelioError as error:
            return {"sentences": model_in_words(draft), "refused": error.message}
        except OperationalError:
            slow = _("This takes too long to try here. Save the model to run by hand, and start a run.")
            return {"sentences": model_in_words(draft), "refused": slow}
        run = RfmRun(model=draft, thresholds=preview.thresholds)
        return {
            "sentences": model_in_words(draft),
            "preview": preview,
            "average_sum": preview.score_sums["sum"] / preview.population if preview.population else None,
            "bands": bands(run) if preview.population else [],
            "sizes": _sizes(draft, preview, self.saved),
            "draft": draft,
        }


class ThresholdsView(FormPart):
    """The thresholds of today's fifths, to start from: every score stays as it is."""

    def post(self, request: HttpRequest) -> HttpResponse:
        form = self.form(binning=RfmModel.Binning.QUANTILE)
        context: dict[str, Any] = {"currency": settings.PROGRAMME_CURRENCY}
        initial: dict[str, Any] = {}
        if not form.is_valid():
            context["refused"] = " ".join(text for texts in form.errors.values() for text in texts)
        else:
            try:
                initial = threshold_initial(
                    _timely(lambda: services.starting_thresholds(form.draft(), as_of=timezone.localdate()))
                )
            except FidelioError as error:
                context["refused"] = error.message
            except OperationalError:
                context["refused"] = _("This takes too long to work out here.")
        context["form"] = RfmModelForm(initial=initial) if initial else RfmModelForm(request.POST)
        return render(request, "analytics/rfm_thresholds.html", context)


class SuggestView(UnfoldModelAdminViewMixin, View):
    """Values of a scope under the beginning of a name; nothing about people."""

    title = ""
    permission_required = MAY_SEE

    def get(self, request: HttpRequest, kind: str) -> HttpResponse:
        text = request.GET.get("q", "").strip()[:60]
        suggest = SUGGESTIONS.get(kind)
        return JsonResponse({"found": suggest(text) if suggest and "\0" not in text else []})


def _timely(work: Any) -> Any:
    """Do work that only reads, but not for longer than somebody waits for a page."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = %s", [PREVIEW_SECONDS * 1000])
        return work()


def _sizes(draft: RfmModel, preview: Preview, saved: RfmModel | None) -> list[dict[str, Any]]:
    """Return the segments of a preview, with what the saved model's last run said of the same ones."""
    last = saved.last_run() if saved else None
    before = last.segment_sizes if last else {}
    largest = max(preview.sizes.values(), default=0)
    rows = [
        {
            "segment": segment,
            "customers": preview.sizes[segment.code],
            "share": preview.sizes[segment.code] / largest if largest else 0,
            "of_all": formats.percent(preview.sizes[segment.code] / preview.population)
            if preview.population
            else "",
            "change": preview.sizes[segment.code] - before[segment.code] if segment.code in before else None,
        }
        for segment in draft.segments.segments
    ]
    return rows[:SIZES_SHOWN]


def _names(field: str) -> Any:
    def suggest(text: str) -> list[dict[str, str]]:
        model = Product if field == "product_line" else Store
        names = model.objects.exclude(**{field: ""}).filter(**{f"{field}__icontains": text})
        found = names.order_by(field).values_list(field, flat=True).distinct()[:SUGGESTED]
        return [{"value": name, "label": ""} for name in found]

    return suggest


def _places(model: type) -> Any:
    def suggest(text: str) -> list[dict[str, str]]:
        rows = model.objects.filter(Q(code__istartswith=text) | Q(name__icontains=text)).order_by("code")
        return [{"value": one.code, "label": one.name} for one in rows[:SUGGESTED]]

    return suggest


def _countries(text: str) -> list[dict[str, str]]:
    codes = Store.objects.exclude(country="").order_by("country").values_list("country", flat=True).distinct()
    wanted = text.lower()
    named = [(code, str(countries.name(code) or code)) for code in codes]
    return [
        {"value": code, "label": name}
        for code, name in named
        if code.lower() == wanted or wanted in name.lower()
    ][:SUGGESTED]


SUGGESTIONS = {
    RfmModel.Scope.PRODUCT_LINE: _names("product_line"),
    RfmModel.Scope.BUSINESS_UNIT: _places(BusinessUnit),
    RfmModel.Scope.CHANNEL: _places(SalesChannel),
    RfmModel.Scope.STORE: _places(Store),
    RfmModel.Scope.STORE_GROUP: _names("store_group"),
    RfmModel.Scope.COUNTRY: _countries,
}
