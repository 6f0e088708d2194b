"""The traits that the value model writes about a person."""

from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from customers.traits import KnownTrait, TraitKind

# In days; also those of analytics.value.clv, which is not imported here: it takes scipy along.
HORIZONS = (30, 90, 365)
PROBABILITY_ACTIVE, PREDICTED_CLV = "probability_active", "predicted_clv"

TRAITS = [
    KnownTrait(
        PROBABILITY_ACTIVE,
        _("Probability of still being a customer"),
        TraitKind.PROBABILITY,
        _("How likely it is, from the rhythm of the own orders, that more will follow."),
    ),
    *[
        KnownTrait(
            f"expected_orders_{days}",
            format_lazy(_("Expected orders in {days} days"), days=days),
            TraitKind.NUMBER,
            digits=2,
        )
        for days in HORIZONS
    ],
    *[
        KnownTrait(
            f"predicted_value_{days}",
            format_lazy(_("Predicted value of {days} days"), days=days),
            TraitKind.MONEY,
            _("Expected orders times the expected size of an order."),
        )
        for days in HORIZONS
    ],
    KnownTrait(
        PREDICTED_CLV,
        _("Predicted lifetime value"),
        TraitKind.MONEY,
        _("The margin of what is still expected, worth as much as money in hand today."),
    ),
]
CODES = [trait.code for trait in TRAITS]
