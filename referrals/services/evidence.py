"""What is known of two people that may show a referral to be a trick; and what shops tell for it.

Fingerprints are kept as HMACs with a key made of SECRET_KEY: they can be compared, and nothing else.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Exists, OuterRef
from django.utils.crypto import salted_hmac

from customers.mailboxes import mailbox_of
from customers.models import Customer, Identity, Namespace, Order
from customers.rules import normalise_email, normalise_phone
from customers.services.locks import hold_customer
from operations.errors import InvalidInput
from referrals.fraud import Evidence
from referrals.models import Fingerprint, Referral, ReferralCode
from referrals.rules import plain_address

KINDS = {kind.value.lower(): kind.value for kind in Fingerprint.Kind}
DAY = timedelta(days=1)
BOUGHT = [Order.Status.PAID, Order.Status.REFUNDED]


def fingerprint_of(kind: str, value: str) -> str:
    """Return what is stored of a value of this kind."""
    plain = plain_address(value) if kind == Fingerprint.Kind.ADDRESS else value.strip()
    return salted_hmac(f"referrals.fingerprint.{kind}", plain, algorithm="sha256").hexdigest()


def note_fingerprints(customer: Customer, fingerprints: Mapping[str, str], *, at: datetime) -> int:
    """Keep how somebody was seen to pay and from where; `fingerprints` is {payment, device, address}.

    Returns how many were new. Called by whoever holds the customer, or on its own.
    """
    customer = hold_customer(customer)
    new = [
        Fingerprint(
            customer=customer, kind=KINDS[name], digest=fingerprint_of(KINDS[name], value), seen_at=at
        )
        for name, value in sorted(fingerprints.items())
        if value.strip()
    ]
    before = Fingerprint.objects.filter(customer=customer).count()
    Fingerprint.objects.bulk_create(new, ignore_conflicts=True)
    return Fingerprint.objects.filter(customer=customer).count() - before


def evidence_about(code: ReferralCode, friend: Customer, *, at: datetime) -> Evidence:
    """Return what is known now of a friend and of who invited them."""
    referrer = code.customer
    theirs, own = _contacts(referrer), _contacts(friend)
    with_friends, with_buyers = _shared_with_others(code, friend)
    return Evidence(
        same_customer=referrer.pk == friend.pk,
        same_mailbox=_share_a_mailbox(theirs[Namespace.EMAIL], own[Namespace.EMAIL]),
        same_phone=not set(theirs[Namespace.PHONE]).isdisjoint(own[Namespace.PHONE]),
        same_address=_address_of(referrer) == _address_of(friend) != "",
        same_household=referrer.household_id is not None and referrer.household_id == friend.household_id,
        mailbox_of_friends=_is_mailbox_of_friends(code, friend, own[Namespace.EMAIL]),
        shared_with_referrer=_kinds(_of_others(friend).filter(customer=referrer)),
        shared_with_friends=with_friends,
        shared_with_buyers=with_buyers,
        came_today=_came_since(code, at - DAY, besides=friend) + 1,
        usual_per_day=code.programme.velocity_per_day,
    )


def is_self(referrer: Customer, *, email: str = "", phone: str = "") -> bool:
    """Return whether what a friend is named by is a mailbox or phone of who invites.

    Raises InvalidInput for what is neither.
    """
    theirs = _contacts(referrer)
    emails = [_normal(normalise_email, email, "/referee/email")] if email else []
    country = settings.PROGRAMME_COUNTRY
    phones = [_normal(normalise_phone, phone, "/referee/phone", country)] if phone else []
    return _share_a_mailbox(theirs[Namespace.EMAIL], emails) or not set(theirs[Namespace.PHONE]).isdisjoint(
        phones
    )


def has_bought(customer: Customer) -> bool:
    """Return whether somebody is a customer already, be it under another spelling of their mailbox."""
    bought = Order.objects.filter(status__in=BOUGHT)
    if bought.filter(customer=customer).exists():
        return True
    mailboxes = {mailbox_of(email) for email in _contacts(customer)[Namespace.EMAIL]}
    same = Identity.objects.in_mailboxes(mailboxes).values_list("customer", flat=True)
    # Found first, since they are few: what an order has to do with a mailbox nobody can estimate.
    return bool(mailboxes) and bought.filter(customer__in=list(same)).exists()


def _shared_with_others(code: ReferralCode, friend: Customer) -> tuple[frozenset[str], frozenset[str]]:
    """Return the kinds of fingerprints that the referrer's other friends have too, and that buyers have."""
    others = _of_others(friend).exclude(customer=code.customer)
    friends = Referral.objects.filter(referrer=code.customer, referee=OuterRef("customer"))
    buyers = Order.objects.filter(customer=OuterRef("customer"), status__in=BOUGHT)
    with_friends = others.filter(Exists(friends))
    return _kinds(with_friends), _kinds(others.exclude(Exists(friends)).filter(Exists(buyers)))


def _is_mailbox_of_friends(code: ReferralCode, friend: Customer, emails: list[str]) -> bool:
    """Return whether another friend of the same person has one of these mailboxes."""
    others = Referral.objects.filter(referrer=code.customer).exclude(referee=friend)
    same = Identity.objects.in_mailboxes({mailbox_of(email) for email in emails})
    return bool(emails) and others.filter(referee__in=list(same.values_list("customer", flat=True))).exists()


def _of_others(friend: Customer) -> Any:
    own = Fingerprint.objects.filter(customer=friend, kind=OuterRef("kind"), digest=OuterRef("digest"))
    return Fingerprint.objects.filter(Exists(own)).exclude(customer=friend)


def _kinds(fingerprints: Any) -> frozenset[str]:
    return frozenset(fingerprints.values_list("kind", flat=True).distinct())


def _came_since(code: ReferralCode, since: datetime, *, besides: Customer) -> int:
    came = Referral.objects.filter(referrer=code.customer, registered_at__gt=since)
    return came.exclude(referee=besides).count()


def _address_of(customer: Customer) -> str:
    if not customer.street.strip() or not customer.postcode.strip():
        return ""
    return plain_address(f"{customer.street} {customer.postcode}")


def _share_a_mailbox(emails: list[str], others: list[str]) -> bool:
    return not {mailbox_of(email) for email in emails}.isdisjoint(mailbox_of(email) for email in others)


def _normal(normalise: Any, text: str, pointer: str, *more: str) -> str:
    try:
        return normalise(text, *more)
    except ValueError as error:
        raise InvalidInput.at(pointer, str(error)) from error


def _contacts(customer: Customer) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {Namespace.EMAIL: [], Namespace.PHONE: []}
    for identity in Identity.objects.filter(customer=customer, namespace__in=found):
        found[identity.namespace].append(identity.value)
    return found
