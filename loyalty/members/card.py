"""The card on top of a member's page: whose it is, its number, and what a till scans."""

from django.utils.translation import gettext as _

from customers.models import Identity, Namespace
from loyalty.members.sections import Member, Section


def card_section(member: Member) -> Section:
    """Return the card; always the first thing on the page."""
    cards = Identity.objects.filter(customer=member.customer, namespace=Namespace.LOYALTY_CARD, shared=False)
    number = cards.order_by("-pk").values_list("value", flat=True).first() or ""
    return Section("card", _("My card"), "card", "loyalty/member/card.html", {"number": number}, order=0)
