"""The code a customer shares, and the invitations they send with it."""

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction
from django.db.models import F

from customers.models import Customer, SegmentMembership
from customers.services import record_event
from customers.services.locks import lock_live_customers
from referrals.conversion import variant_for
from referrals.errors import MayNotRefer, ProgrammeStopped
from referrals.models import Invitation, ReferralCode, ReferralProgramme, ReferralVariant
from referrals.rules import new_code
from referrals.services.evidence import note_fingerprints
from referrals.services.leaderboard import recount_codes


def may_refer(customer: Customer, programme: ReferralProgramme) -> bool:
    """Return whether a programme is for this customer: whoever is in its segment, or everybody."""
    if programme.segment_id is None:
        return True
    members = SegmentMembership.objects.current().filter(segment=programme.segment_id)
    return members.filter(customer=customer).exists()


def programme_for(customer: Customer) -> ReferralProgramme | None:
    """Return the programme that a customer can share now.

    Of those that are on, one for a segment of theirs goes before one for everybody, then the older one.
    """
    programmes = ReferralProgramme.objects.filter(active=True).order_by(
        F("segment").asc(nulls_last=True), "pk"
    )
    return next((programme for programme in programmes if may_refer(customer, programme)), None)


def code_of(customer: Customer, programme: ReferralProgramme) -> ReferralCode:
    """Return the customer's code in a programme, made when first asked for, with what it promises.

    One that was made stays theirs, also when they leave the segment. Raises MayNotRefer.
    """
    with transaction.atomic():
        customer = lock_live_customers([customer.pk])[customer.pk]
        mine = ReferralCode.objects.filter(programme=programme, customer=customer, current=True)
        if known := mine.select_related("programme", "variant").first():
            known.customer = customer
            return known
        if not may_refer(customer, programme):
            raise MayNotRefer
        return ReferralCode.objects.create(
            programme=programme,
            customer=customer,
            code=_free_code(),
            variant=_variant_of(customer, programme),
        )


def invite_friend(
    customer: Customer,
    programme: ReferralProgramme,
    *,
    channel: str = "",
    fingerprints: Mapping[str, str] | None = None,
    at: datetime,
) -> ReferralCode:
    """Record that a customer invites somebody through a channel; return the code and link to share.

    `fingerprints` ({payment, device, address}) are those of who invites: friends are compared with them.

    Raises ProgrammeStopped, MayNotRefer.
    """
    programme.refresh_from_db(fields=["active"])
    if not programme.active:
        raise ProgrammeStopped
    with transaction.atomic():
        code = code_of(customer, programme)
        note_fingerprints(code.customer, fingerprints or {}, at=at)
        invitation = Invitation.objects.create(code=code, channel=channel, invited_at=at)
        recount_codes([code.pk])
        record_event(
            "referral.invited",
            external_id=f"invitation:{invitation.pk}",
            customer=code.customer,
            occurred_at=at,
            payload={"programme": programme.code, "code": code.code, "channel": channel},
        )
    return code


def _variant_of(customer: Customer, programme: ReferralProgramme) -> ReferralVariant | None:
    variants = list(programme.variants.order_by("pk"))
    place = variant_for(
        str(customer.public_id),
        programme=programme.code,
        shares=[variant.share_percent for variant in variants],
    )
    return None if place is None else variants[place]


def _free_code() -> str:
    code = new_code()
    while ReferralCode.objects.filter(code=code).exists():
        code = new_code()
    return code
