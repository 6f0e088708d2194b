"""What was computed or declared about a person, on their page."""

from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _

from customers.models import Customer
from customers.panels import Panel
from customers.traits import known_traits, trait_label, trait_words


def traits_panel(customer: Customer, request: HttpRequest) -> Panel | None:
    """Return the traits of a customer in the order of the catalogue, then those that nobody named."""
    if not request.user.has_perm("customers.view_trait"):
        return None
    order = {code: place for place, code in enumerate(known_traits())}
    traits = sorted(customer.traits.all(), key=lambda trait: (order.get(trait.code, len(order)), trait.code))
    if not traits:
        return None
    return Panel(
        code="traits",
        title=_("Traits"),
        template="customers/tab_traits.html",
        context={"rows": [_row(trait) for trait in traits]},
        count=len(traits),
    )


def _row(trait: Any) -> dict[str, Any]:
    known = known_traits().get(trait.code)
    return {
        "trait": trait,
        "label": trait_label(trait.code),
        "value": trait_words(trait.code, trait.value),
        "hint": known.hint if known else "",
    }
