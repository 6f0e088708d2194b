"""What an order earns: put one together, or choose an event, and see what each rule gives and why."""

from datetime import timedelta
from typing import Any

from django import forms
from django.conf import settings
from django.http import HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.generic import FormView
from unfold.views import UnfoldModelAdminViewMixin

from coupons.admin.fields import local_time_field, name_field
from coupons.admin.promotion_form import RowsForm
from coupons.admin.simulator import CartRow, find_one
from coupons.engine.money import times
from customers.models import Customer, Product
from customers.services.prices import with_prices
from loyalty.earning_words import circumstances_in_words, promise
from loyalty.rewarded_events import STANDARD
from loyalty.rules import ORDER, Gives
from loyalty.services.simulations import SimulatedRule, Simulation, simulate_earning
from operations.formats import day, number
from operations.number_fields import MoneyField

LAST_INSTANT = timedelta(microseconds=1)  # An expiry is the first instant at which points are gone.


class EarningSimulationForm(RowsForm):
    """What was bought or happened, by whom, where and when."""

    ROWS = {"lines": CartRow}

    event = forms.ChoiceField(label=gettext_lazy("What happens"), initial=ORDER)
    customer = forms.CharField(
        label=gettext_lazy("Customer"),
        required=False,
        max_length=200,
        help_text=gettext_lazy("E-mail, phone, card or number; empty: somebody unknown."),
    )
    at = local_time_field(label=gettext_lazy("When"), help_text=gettext_lazy("Empty: now."))
    store = name_field("stores", label=gettext_lazy("Store"), max_length=64, required=False)
    sales_channel = name_field(
        "sales_channels", label=gettext_lazy("Sales channel"), max_length=64, required=False
    )
    paid_with_points = MoneyField(label=gettext_lazy("Paid with points"), required=False, min_value=0)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["event"].choices = [(one.type, one.label) for one in STANDARD]

    def buyer(self) -> Customer | None:
        """Return who it is; one that is not found is a mistake beside the field."""
        text = self.cleaned_data["customer"].strip()
        customer = find_one(text) if text else None
        if text and customer is None:
            self.add_error("customer", _("Nobody is known under this."))
        return customer

    def lines(self) -> list[dict[str, Any]]:
        """Return the lines, at the catalogue's prices where none is given."""
        rows = self.rows["lines"].given
        if not rows and self.cleaned_data["event"] == ORDER:
            self.add_error(None, _("Put at least one article into the order."))
        skus = {row.cleaned_data["sku"] for row in rows}
        known = {one.sku: one for one in with_prices(Product.objects.filter(sku__in=skus), at=timezone.now())}
        lines = []
        for row in rows:
            given = row.cleaned_data
            product, price = known.get(given["sku"]), given["unit_price"]
            price = product.price_amount if price is None and product else price
            if price is None and self.cleaned_data["event"] == ORDER:
                row.add_error("unit_price", _("The catalogue has no price for this: say one."))
                continue
            quantity = given["quantity"]
            lines.append({"sku": given["sku"], "quantity": quantity, "amount": times(price or 0, quantity)})
        return lines

    @property
    def is_wrong(self) -> bool:
        return bool(self.errors) or any(row.errors for row in self.rows["lines"].given)


class EarningSimulatorView(UnfoldModelAdminViewMixin, FormView):
    """One page: the order on the left, what it earns on the right."""

    title = gettext_lazy("What an order earns")
    permission_required = "loyalty.view_earningrule"
    template_name = "loyalty/earning_simulator.html"
    form_class = EarningSimulationForm
    extra_context = {"currency": settings.PROGRAMME_CURRENCY}

    def get_initial(self) -> dict[str, Any]:
        priced = with_prices(Product.objects.all(), at=timezone.now()).filter(price_amount__isnull=False)
        skus = priced.order_by("sku").values_list("sku", flat=True)[:2]
        return {"rows": {"lines": [{"quantity": 1, "sku": sku} for sku in skus]}}

    def form_valid(self, form: EarningSimulationForm) -> HttpResponse:
        customer, lines = form.buyer(), form.lines()
        if form.is_wrong:
            return self.form_invalid(form)
        given = form.cleaned_data
        simulation = simulate_earning(
            customer,
            at=given["at"] or timezone.now(),
            event_type=given["event"],
            lines=lines,
            paid_with_points=given["paid_with_points"] or 0,
            store=given["store"],
            sales_channel=given["sales_channel"],
        )
        return self.render_to_response(self.get_context_data(form=form, **_shown(simulation, customer)))


def _shown(simulation: Simulation, customer: Customer | None) -> dict[str, Any]:
    cards = [_card(one) for one in simulation.rules]
    return {
        "simulation": simulation,
        "who": customer,
        "worth": simulation.points * settings.POINT_VALUE_AMOUNT,
        "cards": sorted(cards, key=lambda card: (-card["units"], not card["applies"])),
        "benefit": simulation.occasion.benefit,
    }


def _card(one: SimulatedRule) -> dict[str, Any]:
    """Return one rule with what it gives, how that came about, and each condition."""
    evaluation, terms = one.evaluation, one.rule.current.terms
    steps = []
    if evaluation.applies:
        steps = [
            (f"× {number(found.factor, 2)}", "; ".join(circumstances_in_words(found.when)) or _("always"))
            for found in evaluation.multipliers
        ]
        if terms.benefits and evaluation.benefit != 1:
            steps.append((f"× {number(evaluation.benefit, 2)}", _("tier or membership")))
        if one.held_back:
            steps.append((f"−{number(one.held_back)}", _("held back by a cap")))
    return {
        "rule": one.rule,
        "gives": promise(one.rule),
        "applies": one.applies,
        "units": one.units,
        "entries": one.gives == Gives.DRAW_ENTRIES,
        "superseded_by": one.superseded_by,
        "basis": evaluation.basis if evaluation.applies else None,
        "lines": [line.sku for line in evaluation.lines],
        "steps": steps,
        "failed": [check for check in one.trace if not check.passed],
        "passed": [check for check in one.trace if check.passed],
        "spendable": one.spendable_from,
        "until": day(one.expires_at - LAST_INSTANT) if one.expires_at else "",
    }
