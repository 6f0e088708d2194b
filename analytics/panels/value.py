"""What a customer is worth and still will be, on their page."""

from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _

from analytics.models import ValueRun
from analytics.value.traits import CODES, HORIZONS, PREDICTED_CLV, PROBABILITY_ACTIVE
from customers.models import Customer
from customers.panels import Figure, Panel
from operations import formats


def value_panel(customer: Customer, request: HttpRequest) -> Panel | None:
    """Return the predicted value for the strip, and a tab that says in words what it is made of."""
    if not request.user.has_perm("customers.view_trait"):
        return None
    known = dict(customer.traits.filter(code__in=CODES).values_list("code", "value"))
    if PROBABILITY_ACTIVE not in known:
        return None
    active = known[PROBABILITY_ACTIVE]
    return Panel(
        code="value",
        title=_("Value"),
        template="analytics/customer_value.html",
        context={
            "active": active,
            "words": activity_words(active),
            "horizons": [
                (days, known.get(f"expected_orders_{days}"), known.get(f"predicted_value_{days}"))
                for days in HORIZONS
            ],
            "clv": known.get(PREDICTED_CLV),
            "economics": _economics(),
        },
        figures=[
            Figure(
                _("Expected in a year"),
                formats.whole_money(known.get("predicted_value_365")),
                _("still a customer: %(share)s") % {"share": formats.percent(active, 0)},
            )
        ],
    )


def activity_words(probability: float) -> str:
    """Return what a probability of still being a customer means for whoever serves or writes to them."""
    if probability >= 0.8:
        return _("Buys in the usual rhythm: nothing points to an end.")
    if probability >= 0.5:
        return _("Has been quiet a little longer than usual.")
    if probability >= 0.2:
        return _("Has been quiet much longer than usual: this is the moment to win them back.")
    return _("Has most likely gone.")


def _economics() -> dict[str, Any] | None:
    return ValueRun.objects.done().values_list("economics", flat=True).first()
