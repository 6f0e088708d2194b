"""Writing a promotion: the form in sentences, what it says while one types, and what one may look up."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.generic import FormView, View
from django_countries import countries

from coupons import answers, services
from coupons.admin.promotion_form import LatePromotionForm, PromotionForm, fits_the_form, initial_of
from coupons.admin.promotion_pages import MAY_CHANGE, PromotionPage, page_of
from coupons.definitions import read_effect
from coupons.models import Promotion
from coupons.notices import catalogue_notices, legal_notices, price_notices
from coupons.samples import try_on_sample
from coupons.services import Author
from coupons.services.versions import newest_number
from coupons.wording import checks_in_words, describe, missing_in_words
from customers.models import BusinessUnit, Product, SalesChannel, Store
from operations.errors import FidelioError, InvalidInput

MAY_ADD = "coupons.add_promotion"
SUGGESTED = 20
MISTAKES_SHOWN = 3


class NewPromotionView(PromotionPage, FormView):
    """A promotion on one page; nothing is given before it is activated."""

    title = gettext_lazy("New promotion")
    permission_required = MAY_ADD
    template_name = "coupons/promotion_form.html"
    form_class = PromotionForm
    extra_context = {"currency": settings.PROGRAMME_CURRENCY}

    def form_valid(self, form: PromotionForm) -> HttpResponse:
        try:
            promotion = services.create_promotion(
                code=form.cleaned_data["code"],
                created_by=self.request.user,
                at=timezone.now(),
                **form.definition(),
            )
        except FidelioError as error:
            form.show(error)
            return self.form_invalid(form)
        messages.success(self.request, _("Saved as a draft. Look it over, then activate it."))
        return redirect(page_of(promotion))


class EditPromotionView(PromotionPage, FormView):
    """All of a draft; of a promotion that was started only what nobody was promised."""

    title = gettext_lazy("Edit promotion")
    permission_required = MAY_CHANGE

    @property
    def whole(self) -> bool:
        promotion = self.promotion()
        return promotion.status == Promotion.Status.DRAFT and fits_the_form(promotion)

    def get_template_names(self) -> list[str]:
        return ["coupons/promotion_form.html" if self.whole else "coupons/promotion_edit.html"]

    def get_form_class(self) -> type:
        return PromotionForm if self.whole else LatePromotionForm

    def get_form_kwargs(self) -> dict[str, Any]:
        return super().get_form_kwargs() | {"promotion": self.promotion()}

    def get_initial(self) -> dict[str, Any]:
        return initial_of(self.promotion())

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        promotion = self.promotion()
        return super().get_context_data(
            **kwargs,
            promotion=promotion,
            version=newest_number(promotion),
            currency=settings.PROGRAMME_CURRENCY,
        )

    def _seen(self) -> int | None:
        """Return the version that the form was filled from."""
        number = self.request.POST.get("version", "")
        return int(number) if number.isascii() and number.isdigit() else None

    def form_valid(self, form: PromotionForm | LatePromotionForm) -> HttpResponse:
        promotion = self.promotion()
        try:
            services.edit_promotion(
                promotion,
                by=Author(self.request.user),
                seen=self._seen(),
                at=timezone.now(),
                **form.definition(),
            )
        except FidelioError as error:
            form.show(error)
            return self.form_invalid(form)
        messages.success(self.request, _("The promotion is saved."))
        return redirect(page_of(promotion))


class PreviewView(PromotionPage, View):
    """What is in the form so far, in words, and what it does to a sample cart."""

    title = ""
    http_method_names = ["post"]

    def has_permission(self) -> bool:
        return self.request.user.has_perm(MAY_ADD) or self.request.user.has_perm(MAY_CHANGE)

    def post(self, request: HttpRequest) -> HttpResponse:
        return render(request, "coupons/promotion_preview.html", self._context(request))

    def _context(self, request: HttpRequest) -> dict[str, Any]:
        at = timezone.now()
        reference = request.POST.get("promotion", "")
        promotion = Promotion.objects.by_reference(reference).first() if reference else None
        form = PromotionForm(request.POST, promotion=promotion)
        definition = form.preview()
        try:
            effect = read_effect(definition["effect"])
            said = describe(definition, zone=Promotion().time_zone)
            sample = try_on_sample(definition, at=at)
        except InvalidInput as error:
            return {"missing": form.said_of(error)[:MISTAKES_SHOWN]}
        notices = legal_notices(definition["legal_kind"], effect)
        notices += catalogue_notices(definition["effect"], definition["conditions"])
        public = (definition["coupon"] or {}).get("code")
        if definition["trigger"] == Promotion.Trigger.AUTOMATIC or public:
            notices += price_notices(effect, at=at)
        checks = checks_in_words(answers.trace(sample.outcome.trace), definition["currency"])
        return {
            "sentences": said,
            "sample": sample,
            "notices": notices,
            "failed": [check for check in checks if not check.passed],
            "missing_words": missing_in_words(sample.outcome.missing, definition["currency"]),
        }


class SuggestView(PromotionPage, View):
    """What the catalogue has under the beginning of a name; nothing about people."""

    title = ""

    def has_permission(self) -> bool:
        return self.request.user.has_perm("coupons.view_promotion")

    def get(self, request: HttpRequest, kind: str) -> HttpResponse:
        text = request.GET.get("q", "").strip()[:60]
        suggest = SUGGESTIONS.get(kind)
        return JsonResponse({"found": suggest(text) if suggest and "\0" not in text else []})


def _articles(text: str) -> list[dict[str, str]]:
    products = Product.objects.order_by("sku")
    if text:
        products = products.filter(Q(sku__istartswith=text) | Q(name__icontains=text))
    return [{"value": one.sku, "label": one.name} for one in products[:SUGGESTED]]


def _of_products(field: str) -> Any:
    def suggest(text: str) -> list[dict[str, str]]:
        names = Product.objects.exclude(**{field: ""}).filter(**{f"{field}__icontains": text})
        found = names.order_by(field).values_list(field, flat=True).distinct()[:SUGGESTED]
        return [{"value": name, "label": ""} for name in found]

    return suggest


def _places(model: type) -> Any:
    def suggest(text: str) -> list[dict[str, str]]:
        rows = model.objects.filter(Q(code__istartswith=text) | Q(name__icontains=text)).order_by("code")
        return [{"value": one.code, "label": one.name} for one in rows[:SUGGESTED]]

    return suggest


def _countries(text: str) -> list[dict[str, str]]:
    wanted = text.lower()
    found = [
        (code, name) for code, name in countries if code.lower() == wanted or wanted in str(name).lower()
    ]
    return [{"value": code, "label": str(name)} for code, name in found[:SUGGESTED]]


def _languages(text: str) -> list[dict[str, str]]:
    known = [("it", _("Italian")), ("en", _("English")), ("de", _("German")), ("fr", _("French"))]
    known += [("es", _("Spanish")), ("pt", _("Portuguese"))]
    wanted = text.lower()
    return [
        {"value": code, "label": name}
        for code, name in known
        if wanted in (code, "") or wanted in name.lower()
    ]


def _regions(text: str) -> list[dict[str, str]]:
    stores = Store.objects.exclude(region="").filter(region__icontains=text)
    return [
        {"value": name, "label": ""}
        for name in stores.order_by("region").values_list("region", flat=True).distinct()[:SUGGESTED]
    ]


def _parts(text: str) -> list[dict[str, str]]:
    return [*_of_products("category")(text), *_of_products("brand")(text), *_articles(text)][:SUGGESTED]


def _promotions(text: str) -> list[dict[str, str]]:
    rows = Promotion.objects.filter(Q(code__istartswith=text) | Q(name__icontains=text)).order_by("-pk")
    return [{"value": one.code, "label": one.name} for one in rows[:SUGGESTED]]


SUGGESTIONS = {
    "promotions": _promotions,
    "skus": _articles,
    "parts": _parts,
    "categories": _of_products("category"),
    "brands": _of_products("brand"),
    "collections": _of_products("collection"),
    "products": _of_products("name"),
    "stores": _places(Store),
    "business_units": _places(BusinessUnit),
    "sales_channels": _places(SalesChannel),
    "countries": _countries,
    "languages": _languages,
    "regions": _regions,
}
