"""The preference centre: what a person allows, changed by themselves through a signed link."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.core.signing import BadSignature, Signer
from django.db import transaction

from customers.models import Channel, Consent, ConsentText, Customer, Purpose, Suppression
from customers.models.consent import ConsentState
from customers.services.consents import StatedConsent, record_consents
from customers.services.locks import lock_customer
from customers.services.processing import NOWHERE, contact_points
from customers.services.references import survivor
from customers.services.suppressions import suppress

SEPARATOR = "."
TEXT_VERSION = "preference-centre"
SHOWN_ALWAYS = 2  # Of a masked address: the first characters; the rest is dots.


@dataclass(frozen=True)
class Preference:
    """One thing that a person may allow or not; `address` is masked, for whoever got hold of the link."""

    code: str
    channel: str
    channel_name: str
    purpose: str
    address: str
    allowed: bool
    pending: bool = False


def preferences_url(customer: Customer) -> str:
    """Return the address of a customer's own preference centre; it is good until the secret key changes."""
    return f"{settings.PUBLIC_URL}/p/{_signer().sign(str(customer.public_id))}"


def customer_of_link(token: str) -> Customer | None:
    """Return whose preference centre a link leads to; None for a forged one and for somebody erased."""
    try:
        public_id = UUID(_signer().unsign(token))
    except (BadSignature, ValueError):
        return None
    found = Customer.objects.select_related("merged_into").filter(public_id=public_id).first()
    customer = survivor(found) if found else None
    return None if customer is None or customer.status == Customer.Status.ERASED else customer


def preferences_of(customer: Customer) -> list[Preference]:
    """Return what a person may allow: offers at each contact point, and profiling."""
    states = _states(customer)
    offers = [
        _preference(channel, Purpose.MARKETING, address, states)
        for channel, address in sorted(contact_points(customer), key=_channel_first)
    ]
    profiling = Preference(
        code="profiling",
        channel="",
        channel_name="",
        purpose=Purpose.PROFILING,
        address="",
        allowed=customer.profiling == Customer.Profiling.ALLOWED,
    )
    return [*offers, profiling]


def _channel_first(point: tuple[str, str]) -> tuple[int, str]:
    return (Channel.values.index(point[0]), point[1])


def _states(customer: Customer) -> dict[tuple[str, str, str], Consent]:
    return {(c.channel, c.purpose, c.address): c for c in Consent.objects.filter(customer=customer)}


def _preference(channel: str, purpose: str, address: str, states: dict) -> Preference:
    known = states.get((channel, purpose, address))
    state = known.state if known else None
    return Preference(
        code=code_of(channel, address),
        channel=channel,
        channel_name=str(Channel(channel).label),
        purpose=purpose,
        address=masked(channel, address),
        allowed=state == ConsentState.GRANTED,
        pending=state == ConsentState.PENDING,
    )


def code_of(channel: str, address: str) -> str:
    """Return the name of a contact point in the form; the address itself is not in the page."""
    return f"{channel}-{_signer().signature(address)[:16]}"


def masked(channel: str, address: str) -> str:
    """Return enough of an address for its owner to know it: `gi…@mail.example`, `+39…567`."""
    if channel == Channel.EMAIL:
        name, _, domain = address.partition("@")
        return f"{name[:SHOWN_ALWAYS]}…@{domain}"
    if channel in (Channel.SMS, Channel.PHONE):
        return f"{address[:3]}…{address[-3:]}"
    return ""


def current_text(purpose: str, language: str) -> ConsentText | None:
    """Return the words a person consents to, in the newest version; in English where there are no others."""
    texts = ConsentText.objects.filter(purpose=purpose)
    newest = texts.filter(language=language) or texts.filter(language="en")
    return newest.order_by("-pk").first()


@transaction.atomic
def save_preferences(customer: Customer, allowed: Collection[str], *, language: str, at: datetime) -> int:
    """Enter what a person chose (the codes of what they allow); return how many things changed.

    What is left as it was is no new statement. Allowing keeps the words shown, by version and hash, as proof.
    Who was merged meanwhile chooses for whom they became; of somebody erased nothing is entered.
    """
    customer = lock_customer(customer)
    if customer.status == Customer.Status.ERASED:
        return 0
    states = _states(customer)
    statements = []
    for channel, address in sorted(contact_points(customer)):
        wanted = code_of(channel, address) in allowed
        known = states.get((channel, Purpose.MARKETING, address))
        if wanted != _holds(known, pending=not allowed):
            statements.append(_statement(customer, channel, Purpose.MARKETING, address, wanted, language))
    profiling = "profiling" in allowed
    changed = len(statements)
    if profiling != (customer.profiling == Customer.Profiling.ALLOWED):
        changed += 1
        statements += [
            _statement(customer, channel, Purpose.PROFILING, address, profiling, language)
            for channel, address in sorted(contact_points(customer) or NOWHERE)
        ]
    record_consents(statements, at=at)
    return changed


def _holds(consent: Consent | None, *, pending: bool) -> bool:
    """Return whether there is something to withdraw; who wants nothing at all withdraws what waits, too."""
    if consent is None:
        return False
    return consent.state == ConsentState.GRANTED or (pending and consent.state == ConsentState.PENDING)


def withdraw_everything(customer: Customer, *, language: str, at: datetime) -> int:
    """Withdraw every consent and object to profiling; the contact points join the suppression list."""
    with transaction.atomic():
        customer = lock_customer(customer)
        changed = save_preferences(customer, [], language=language, at=at)
        for channel, address in sorted(contact_points(customer)):
            if address:
                suppress(channel, address, reason=Suppression.Reason.UNSUBSCRIBED)
    return changed


def _statement(
    customer: Customer, channel: str, purpose: str, address: str, allowed: bool, language: str
) -> StatedConsent:
    text = current_text(purpose, language)
    proof = {"page": "preference centre", "language": language}
    return StatedConsent(
        customer=customer,
        channel=channel,
        purpose=purpose,
        state=ConsentState.GRANTED if allowed else ConsentState.WITHDRAWN,
        address=address,
        text_version=text.version if text else TEXT_VERSION,
        text_hash=text.text_hash if text else "",
        proof=proof,
    )


def _signer() -> Signer:
    return Signer(sep=SEPARATOR, salt="customers.preferences")
