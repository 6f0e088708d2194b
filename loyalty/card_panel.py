"""The card on a customer's page."""

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from customers.models import Customer
from customers.panels import Action, Panel
from loyalty.members.card import card_face
from loyalty.models import WalletPass


def card_panel(customer: Customer, request: HttpRequest) -> Panel | None:
    """Return a tab with the card as its owner sees it, and the way to what the desk can do with it."""
    if not request.user.has_perm("loyalty.view_card"):
        return None
    face = card_face(customer)
    return Panel(
        code="card",
        title=_("Card"),
        template="loyalty/customer_card_tab.html",
        context={
            "face": face,
            "passes": WalletPass.objects.filter(customer=customer).order_by("pk"),
        },
        actions=[
            Action(
                _("Card and member page"), reverse("admin:loyalty_customer_card", args=[customer.pk]), "badge"
            )
        ],
        count=1 if face["number"] else 0,
    )
