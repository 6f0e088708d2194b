"""The simulator: put together a cart and see what each incentive does to it, and why not."""

from contextlib import suppress
from datetime import datetime
from decimal import Decimal
from typing import Any

from django import forms
from django.conf import settings
from django.http import HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.generic import FormView
from unfold.views import UnfoldModelAdminViewMixin

from coupons import answers, engine
from coupons.admin.fields import NamesField, local_time_field, name_field
from coupons.admin.promotion_form import RowsForm
from coupons.admin.promotion_pages import page_of
from coupons.admin.rows import Row
from coupons.definitions import read_effect
from coupons.models import Promotion, Redemption
from coupons.notices import covered_products, price_notices
from coupons.services import Buyer, Purchase, Redeemable, Spending, buyer_of
from coupons.services.gift_cards import find_gift_card
from coupons.services.simulations import Simulation, is_tried, simulate
from coupons.services.spendings import Offer
from coupons.wording import checks_in_words, headline, missing_in_words, outcome_in_words
from customers.models import Customer, Product
from customers.rules import normalise_phone
from customers.services.prices import with_prices
from customers.services.references import customers_known_as
from operations.errors import FidelioError
from operations.number_fields import MoneyField

Kind = Redemption.Kind
Status = engine.OutcomeStatus
TRIED_AT_MOST = 10
CODES_AT_MOST = 30


class CartRow(Row):
    """So many pieces of an article, at a price: the catalogue's, unless one is given."""

    quantity = forms.DecimalField(
        label=gettext_lazy("Pieces"), min_value=Decimal("0.001"), max_digits=9, decimal_places=3, initial=1,
        localize=True, widget=forms.TextInput(attrs={"inputmode": "decimal"}),
    )  # fmt: skip
    sku = name_field("skus", label=gettext_lazy("Article (SKU)"), max_length=64)
    unit_price = MoneyField(label=gettext_lazy("Price of a piece"), required=False, min_value=0)


class SimulationForm(RowsForm):
    """A cart, who buys it, where and when, with which codes."""

    ROWS = {"lines": CartRow}

    customer = forms.CharField(
        label=gettext_lazy("Customer"),
        required=False,
        max_length=200,
        help_text=gettext_lazy("E-mail, phone, card or number; empty: somebody unknown."),
    )
    codes = NamesField(label=gettext_lazy("Codes"), help_text=gettext_lazy("Of coupons or gift cards."))
    promotions = NamesField(
        label=gettext_lazy("Promotions to try"),
        suggest="promotions",
        help_text=gettext_lazy("By their code; drafts too, as if they ran."),
    )
    points = forms.IntegerField(label=gettext_lazy("Points to pay with"), required=False, min_value=1)
    automatic = forms.BooleanField(
        label=gettext_lazy("With the promotions that apply by themselves"), required=False, initial=True
    )
    at = local_time_field(label=gettext_lazy("When"), help_text=gettext_lazy("Empty: now."))
    store = name_field("stores", label=gettext_lazy("Store"), max_length=64, required=False)
    sales_channel = name_field(
        "sales_channels", label=gettext_lazy("Sales channel"), max_length=64, required=False
    )
    country = name_field("countries", label=gettext_lazy("Country"), max_length=2, required=False)
    shipping_amount = MoneyField(label=gettext_lazy("Shipping"), required=False, min_value=0)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        for name, most in (("codes", CODES_AT_MOST), ("promotions", TRIED_AT_MOST)):
            if len(cleaned.get(name) or []) > most:
                self.add_error(name, _("At most %(count)d at a time.") % {"count": most})
        return cleaned

    def buyer(self) -> Buyer:
        """Return who buys; one that is not found is a mistake beside the field."""
        text = self.cleaned_data["customer"].strip()
        if not text:
            return Buyer()
        customer = find_one(text)
        if customer is None:
            self.add_error("customer", _("Nobody is known under this."))
        return buyer_of(customer)

    def cart(self, at: datetime) -> engine.Cart | None:
        """Return the cart, at the catalogue's prices where none is given; None with mistakes beside rows."""
        rows = self.rows["lines"].given
        if not rows:
            self.add_error(None, _("Put at least one article into the cart."))
            return None
        skus = {row.cleaned_data["sku"] for row in rows}
        known = {one.sku: one for one in with_prices(Product.objects.filter(sku__in=skus), at=at)}
        lines = []
        for place, row in enumerate(rows, start=1):
            product, price = known.get(row.cleaned_data["sku"]), row.cleaned_data["unit_price"]
            price = product.price_amount if price is None and product else price
            if price is None:
                row.add_error("unit_price", _("The catalogue has no price for this: say one."))
                continue
            lines.append(_line(str(place), row.cleaned_data, product, price))
        if len(lines) < len(rows):
            return None
        given = self.cleaned_data
        return engine.Cart(
            tuple(lines),
            settings.PROGRAMME_CURRENCY,
            shipping_amount=given["shipping_amount"] or 0,
            store=given["store"],
            sales_channel=given["sales_channel"],
            country=given["country"].upper(),
        )

    def tried(self) -> list[Promotion]:
        """Return the promotions to try; one that is not found is a mistake beside the field."""
        found = {one.code: one for one in Promotion.objects.filter(code__in=self.cleaned_data["promotions"])}
        for code in self.cleaned_data["promotions"]:
            if code not in found:
                self.add_error("promotions", _("There is no promotion %(code)s.") % {"code": code})
        return list(found.values())

    def redeemables(self) -> tuple[Redeemable, ...]:
        given = self.cleaned_data
        named = [_redeemable(code) for code in given["codes"]]
        if given["points"]:
            named.append(Redeemable(Kind.POINTS, units=given["points"]))
        return tuple(named)


class SimulatorView(UnfoldModelAdminViewMixin, FormView):
    """One page: the cart on the left, what becomes of it on the right."""

    title = gettext_lazy("Simulator")
    permission_required = "coupons.view_promotion"
    template_name = "coupons/simulator.html"
    form_class = SimulationForm
    extra_context = {"currency": settings.PROGRAMME_CURRENCY}

    def get_initial(self) -> dict[str, Any]:
        promotion = Promotion.objects.by_reference(self.request.GET.get("promotion", "")).first()
        skus = _some_articles(promotion)
        return {
            "promotions": [promotion.code] if promotion else [],
            "rows": {"lines": [{"quantity": 1, "sku": sku} for sku in skus]},
        }

    def form_valid(self, form: SimulationForm) -> HttpResponse:
        at = form.cleaned_data["at"] or timezone.now()
        buyer, cart, tried = form.buyer(), form.cart(at), form.tried()
        redeemables = form.redeemables()
        if form.errors or cart is None:
            return self.form_invalid(form)
        spending = Spending(
            purchase=Purchase(cart),
            buyer=buyer,
            redeemables=redeemables,
            automatic=form.cleaned_data["automatic"],
            application=engine.Application.PARTIAL,
        )
        try:
            simulation = simulate(spending, tried=tried, at=at)
        except FidelioError as error:
            form.show(error)
            return self.form_invalid(form)
        return self.render_to_response(self.get_context_data(form=form, **_shown(simulation, at=at)))


def find_one(text: str) -> Customer | None:
    """Return the one customer known under an e-mail, phone, card or number."""
    compact = "".join(text.split()).replace("-", "")
    values = {text, text.lower(), text.upper(), compact, compact.upper()}
    with suppress(ValueError):
        values.add(normalise_phone(compact, settings.PROGRAMME_COUNTRY))
    found = list(customers_known_as(values, source_id=text)[:2])
    if not found and text.isascii() and text.isdigit() and len(text) < 19:
        found = list(Customer.objects.present().filter(pk=int(text)))
    return found[0] if len(found) == 1 else None


def _line(line_id: str, given: dict[str, Any], product: Product | None, price: int) -> engine.Line:
    known = {}
    if product is not None:
        known = {
            "category": product.category,
            "brand": product.brand,
            "collection": product.collection,
            "unit_cost": product.unit_cost_amount,
            "tax_rate": product.tax_rate or Decimal(0),
        }
    return engine.Line(line_id, unit_price=price, quantity=given["quantity"], sku=given["sku"], **known)


def _redeemable(code: str) -> Redeemable:
    """Return a gift card or a coupon, whichever has this code."""
    return Redeemable(Kind.GIFT_CARD if find_gift_card(code) else Kind.COUPON, code)


def _some_articles(promotion: Promotion | None) -> list[str]:
    """Return articles to begin with: some that the promotion is for."""
    if promotion is None:
        return []
    covered = with_prices(covered_products(read_effect(promotion.effect)), at=timezone.now())
    return list(covered.filter(price_amount__isnull=False).order_by("sku").values_list("sku", flat=True)[:2])


def _shown(simulation: Simulation, *, at: datetime) -> dict[str, Any]:
    """Return what the page shows of a simulation."""
    calculation = simulation.verdict.calculation
    skus = {line.sku for line in calculation.cart.lines}
    names = dict(Product.objects.filter(sku__in=skus).values_list("sku", "name"))
    together = {_key(offer) for offer, _outcome in simulation.outcomes}
    return {
        "simulation": simulation,
        "lines": [
            {"name": names.get(one.line.sku) or one.line.sku, "sku": one.line.sku, "total": one}
            for one in calculation.lines
        ],
        "totals": answers.order_totals(calculation),
        "cards": [_card(offer, outcome, simulation) for offer, outcome in simulation.outcomes],
        "others": [
            _card(offer, outcome, simulation)
            for offer, outcome in simulation.alone
            if _key(offer) not in together
        ],
        "at": at,
    }


def _key(offer: Offer) -> tuple[int | None, int | None]:
    return offer.promotion.pk if offer.promotion else None, offer.coupon.pk if offer.coupon else None


def _card(offer: Offer, outcome: engine.Outcome, simulation: Simulation) -> dict[str, Any]:
    """Return one incentive with what it did and each rule that was asked."""
    promotion, cart = offer.promotion, simulation.verdict.calculation.cart
    name = promotion.name if promotion else offer.shown_name or _("Points")
    checks = checks_in_words(answers.trace(outcome.trace), cart.currency)
    covers = {line.line_id: line.sku for line in cart.lines}
    notices = []
    if promotion and promotion.trigger == Promotion.Trigger.AUTOMATIC and outcome.discounts:
        notices = price_notices(read_effect(promotion.effect), at=timezone.now())
    return {
        "name": name,
        "code": "" if is_tried(offer) or not offer.coded else offer.shown_name,
        "gives": headline(promotion) if promotion else "",
        "url": page_of(promotion) if promotion else "",
        "status": outcome.status,
        "status_text": outcome_in_words(outcome.status),
        "amount": outcome.discount_amount + outcome.shipping_amount,
        "tender_amount": outcome.tender_amount,
        "allocations": [(covers[line_id], amount) for line_id, amount in outcome.discounts.items()],
        "shipping_amount": outcome.shipping_amount,
        "gifts": outcome.gifts,
        "missing": missing_in_words(outcome.missing, cart.currency),
        "failed": [check for check in checks if not check.passed],
        "passed": [check for check in checks if check.passed],
        "notices": notices,
    }
