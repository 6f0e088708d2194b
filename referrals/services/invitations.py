"""The code a customer shares, and the invitations they send with it."""

from datetime import datetime

from django.db import transaction

from customers.models import Customer
from customers.services import record_event
from customers.services.locks import lock_live_customers
from referrals.errors import ProgrammeStopped
from referrals.models import Invitation, ReferralCode, ReferralProgramme
from referrals.rules import new_code


def code_of(customer: Customer, programme: ReferralProgramme) -> ReferralCode:
    """Return the customer's code in a programme, made when first asked for."""
    with transaction.atomic():
        customer = lock_live_customers([customer.pk])[customer.pk]
        mine = ReferralCode.objects.filter(programme=programme, customer=customer, current=True)
        return mine.select_related("programme").first() or ReferralCode.objects.create(
            programme=programme, customer=customer, code=_free_code()
        )


def invite_friend(
    customer: Customer, programme: ReferralProgramme, *, channel: str = "", at: datetime
) -> ReferralCode:
    """Record that a customer invites somebody through a channel; return the code and link to share.

    Raises ProgrammeStopped.
    """
    programme.refresh_from_db(fields=["active"])
    if not programme.active:
        raise ProgrammeStopped
    code = code_of(customer, programme)
    customer = code.customer
    invitation = Invitation.objects.create(code=code, channel=channel, invited_at=at)
    record_event(
        "referral.invited",
        external_id=f"invitation:{invitation.pk}",
        customer=customer,
        occurred_at=at,
        payload={"programme": programme.code, "code": code.code, "channel": channel},
    )
    return code


def _free_code() -> str:
    code = new_code()
    while ReferralCode.objects.filter(code=code).exists():
        code = new_code()
    return code
