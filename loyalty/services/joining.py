"""From an address typed on the page to join, to a member with a card: its owner confirms by one press.

Whoever types an address is answered the same, known or not; only its owner learns more.
"""

import hashlib
import hmac
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction

from customers.errors import NotAProspect
from customers.models import Channel, Customer, Namespace, Purpose, SourceProfile, Store
from customers.models.consent import ConsentState
from customers.services import record_event, register_prospect, upsert_customers
from customers.services.confirmations import good_for
from customers.services.events import own_source
from customers.services.locks import hold_customer, lock_customer
from customers.services.preferences import current_text
from customers.services.references import ensure_customers, ensure_sources, identity_key
from loyalty.errors import JoinNotPossible
from loyalty.models import Employee, JoinRequest
from loyalty.services.cards import ensure_card
from loyalty.services.member_mails import Letter, MemberMail, send
from loyalty.services.staff import enrol_customer
from operations.inserts import insert_missing

SOURCE = "join"
MOST_MAILS = 5
BETWEEN_MAILS = timedelta(minutes=1)
NAMESPACES = {Channel.EMAIL: Namespace.EMAIL, Channel.SMS: Namespace.PHONE}


@dataclass(frozen=True)
class Newcomer:
    """What somebody typed to join; the address is normalised. Store and employee come with the QR.

    `invited_with` is the code a friend shared, told on when they have joined.
    """

    channel: str
    address: str
    language: str
    first_name: str = ""
    last_name: str = ""
    birth_date: date | None = None
    wants_offers: bool = False
    store: Store | None = None
    employee: Employee | None = None
    invited_with: str = ""


def request_to_join(newcomer: Newcomer, *, at: datetime) -> JoinRequest | None:
    """Send the address what completes joining; the same for an address known or unknown.

    One request per address: asked again, the same link is sent again, a few times at most. None where the
    address names nobody alone, or somebody who was erased. Raises BlockedIdentity, InvalidInput.
    """
    key = identity_key(NAMESPACES[newcomer.channel], newcomer.address)
    with transaction.atomic():
        known = ensure_customers([key], status=Customer.Status.PROSPECT, at=at).customers.get(key)
        if known is None or known.status == Customer.Status.ERASED or known.restricted_at:
            return None
        request = _request(newcomer, hold_customer(known), at=at)
        if request.mails < MOST_MAILS and (not request.mailed_at or at - request.mailed_at >= BETWEEN_MAILS):
            _send(request, at=at)
    return request


def _request(newcomer: Newcomer, customer: Customer, *, at: datetime) -> JoinRequest:
    told = {
        "first_name": newcomer.first_name,
        "last_name": newcomer.last_name,
        "birth_date": newcomer.birth_date,
        "language": newcomer.language,
        "wants_offers": newcomer.wants_offers,
        "store": newcomer.store,
        "employee": newcomer.employee,
        "invited_with": newcomer.invited_with,
    }
    hashed = _hash(newcomer.channel, newcomer.address)
    row = JoinRequest(
        customer=customer,
        channel=newcomer.channel,
        address=newcomer.address,
        address_hash=hashed,
        asked_at=at,
        **told,
    )
    insert_missing([row], unique=["address_hash"])
    request = JoinRequest.objects.select_for_update(of=("self",)).get(address_hash=hashed)
    if request.joined_at is None or at - request.joined_at > good_for():
        # A later joining of somebody who left, or moved, begins anew.
        if request.joined_at is not None:
            request.joined_at, request.mails, request.asked_at = None, 0, at
        for name, value in told.items():
            setattr(request, name, value)
        request.customer = customer
        request.save()
    return request


def _send(request: JoinRequest, *, at: datetime) -> None:
    request.mails += 1
    request.mailed_at = at
    request.save(update_fields=["mails", "mailed_at"])
    reference = f"{request.pk}:{request.asked_at:%Y%m%d%H%M%S}:{request.mails}"
    letter = Letter(
        MemberMail.JOIN,
        request.customer,
        request.channel,
        request.address,
        reference,
        expires_at=at + good_for(),
    )
    send(letter, at=at)


def join_request_of(token: UUID, *, at: datetime) -> JoinRequest | None:
    """Return the request under a link while it is in time; None for one that is not ours."""
    found = JoinRequest.objects.select_related("customer__merged_into", "store", "employee")
    request = found.filter(token=token).first()
    if request is None or request.mailed_at is None or at >= request.mailed_at + good_for():
        return None
    return request


def complete_joining(request: JoinRequest, *, wants_offers: bool | None = None, at: datetime) -> Customer:
    """Make the address's owner a member with a card, once; what they allowed is noted with its proof.

    `wants_offers` is what they said when they pressed: whoever typed the address may have been somebody else.
    Pressed again it returns the same member. Raises JoinNotPossible where nobody can be a member under it.
    """
    if wants_offers is not None:
        request.wants_offers = wants_offers
    with transaction.atomic():
        _name(request, at=at)
        (outcome,) = upsert_customers([_item(request, at=at)], at=at)
        if outcome.error is not None:
            raise JoinNotPossible from outcome.error
        customer = lock_customer(outcome.row)
        request = JoinRequest.objects.select_for_update(of=("self",)).get(pk=request.pk)
        if customer.status == Customer.Status.ERASED or customer.restricted_at:
            raise JoinNotPossible
        ensure_card(customer, at=at)
        if request.joined_at is None:
            request.joined_at, request.customer = at, customer
            request.save(update_fields=["joined_at", "customer"])
            _tell(request, customer, at=at)
            if request.store or request.employee:
                enrol_customer(
                    customer,
                    source_key=_joined_key(request),
                    employee=request.employee,
                    store=request.store,
                    at=at,
                )
    return customer


def _name(request: JoinRequest, *, at: datetime) -> None:
    """Let a prospect be called what they typed, and be who joins: by a telephone alone nobody is known.

    Whose telephone it is already, as a customer, joins only under their own name.
    """
    key = identity_key(NAMESPACES[request.channel], request.address)
    with suppress(NotAProspect):  # A customer already.
        lead, _new = register_prospect(
            key,
            source=own_source(),
            origin=SOURCE,
            first_name=request.first_name,
            last_name=request.last_name,
            at=at,
        )
        profile = SourceProfile(
            source=ensure_sources([SOURCE])[SOURCE],
            external_id=_profile_id(request),
            customer=lead.customer,
            observed_at=at,
        )
        insert_missing([profile], unique=["source", "external_id"])


def _profile_id(request: JoinRequest) -> str:
    return f"join-{request.pk}"


def _item(request: JoinRequest, *, at: datetime) -> dict:
    field = NAMESPACES[request.channel]
    item = {
        "source": SOURCE,
        "source_id": _profile_id(request),
        field: request.address,
        "verified": [field],
        "language": request.language,
    }
    for name in ("first_name", "last_name", "birth_date"):
        if value := getattr(request, name):
            item[name] = value
    if request.wants_offers:
        text = current_text(Purpose.MARKETING, request.language)
        item["consents"] = [
            {
                "channel": request.channel,
                "purpose": Purpose.MARKETING,
                "state": ConsentState.GRANTED,
                "address": request.address,
                "text_version": text.version if text else "",
                "proof": {
                    "page": "join",
                    "asked_at": request.asked_at.isoformat(),
                    "confirmed_at": at.isoformat(),
                },
            }
        ]
    return item


def _joined_key(request: JoinRequest) -> str:
    return f"join:{request.pk}:{request.asked_at.isoformat()}"


def _tell(request: JoinRequest, customer: Customer, *, at: datetime) -> None:
    record_event(
        "member.joined",
        external_id=_joined_key(request),
        customer=customer,
        store=request.store,
        occurred_at=at,
        payload={
            "channel": request.channel,
            "employee": request.employee.code if request.employee else "",
            "store": request.store.code if request.store else "",
            "invited_with": request.invited_with,
        },
    )


def _hash(channel: str, address: str) -> bytes:
    told = f"{channel}\n{address}".encode()
    return hmac.new(settings.SECRET_KEY.encode(), told, hashlib.sha256).digest()
