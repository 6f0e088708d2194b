"""Points within the household on a member's page: whether they agree, and giving some to who agreed, too."""

from collections.abc import Mapping

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from customers.models import Customer
from loyalty.errors import NotInHousehold
from loyalty.members.sections import Member, Section
from loyalty.models import TransferConsent
from loyalty.services.balances import points_of
from loyalty.services.transfers import (
    allow_transfers,
    forbid_transfers,
    may_receive_from,
    transfer_points,
    transfers_are_allowed,
)
from operations.errors import InvalidInput
from operations.formats import number

LONGEST_KEY = 60
DIGITS = 9


def household_section(member: Member) -> Section | None:
    """Return it for somebody who lives with others; who they are is told of those alone who agreed, too."""
    person = member.customer
    if not transfers_are_allowed() or person.household_id is None:
        return None
    if not person.household.members.live().exclude(pk=person.pk).exists():
        return None
    agreed = TransferConsent.objects.filter(customer=person).exists()
    return Section(
        "household",
        _("Your household"),
        "friends",
        "loyalty/member/household.html",
        {
            "agreed": agreed,
            "members": may_receive_from(person) if agreed else [],
            "balance": points_of(person, at=member.at).balance,
        },
        order=65,
    )


def agree(member: Member, data: Mapping[str, str]) -> str:
    """Agree to transfers, or take that back."""
    if data.get("agreed") == "yes":
        allow_transfers(member.customer, source="member page", at=member.at)
        return _("You agreed. As soon as others of your household have, too, you can share points.")
    forbid_transfers(member.customer, source="member page", at=member.at)
    return _("Your points stay with you, and nobody gives you theirs.")


def give_points(member: Member, data: Mapping[str, str]) -> str:
    """Give points to somebody of the household; the same key gives once."""
    text = data.get("points", "").strip()
    if not (text.isascii() and text.isdigit() and len(text) <= DIGITS):
        raise InvalidInput.at("/points", _("Write a number of points."))
    to = next((one for one in may_receive_from(member.customer) if _name(one) == data.get("to")), None)
    if to is None:
        raise NotInHousehold
    key = data.get("key", "").partition(":")[0][:LONGEST_KEY]
    moved = transfer_points(
        member.customer,
        to=to,
        points=int(text),
        source_key=f"member:{member.customer.pk}:{key}",
        at=member.at,
    )
    words = ngettext(
        "%(points)s point went to %(name)s.", "%(points)s points went to %(name)s.", moved.points
    )
    return words % {"points": number(moved.points), "name": to.first_name}


def _name(customer: Customer) -> str:
    return str(customer.public_id)
