"""Double opt-in: a consent waits until the owner of the address confirms it through a link sent there."""

from datetime import datetime, timedelta

from django.conf import settings
from django.core.signing import BadSignature, Signer
from django.db import transaction

from customers.models import Consent, ConsentRecord, Customer, Identity, Namespace
from customers.models.consent import ConsentState
from customers.services.consents import StatedConsent, record_consents

SEPARATOR = "."
BATCH = 500


def confirmation_url(record: ConsentRecord) -> str:
    """Return the address that confirms this waiting consent; it says nothing about the person."""
    return f"{settings.PUBLIC_URL}/c/{_signer().sign(str(record.pk))}"


def waiting_consent(token: str, *, at: datetime) -> Consent | None:
    """Return the consent that a link would confirm: still waiting, and in time; None for any other link."""
    try:
        pk = int(_signer().unsign(token))
    except (BadSignature, ValueError):
        return None
    waiting = Consent.objects.select_related("record", "customer").filter(
        record=pk, state=ConsentState.PENDING
    )
    consent = waiting.exclude(address="").first()
    return consent if consent and at < consent.record.occurred_at + good_for() else None


def good_for() -> timedelta:
    """Return how long a link confirms."""
    return timedelta(days=settings.DOUBLE_OPT_IN_DAYS)


@transaction.atomic
def confirm_consent(token: str, *, at: datetime) -> Consent | None:
    """Grant the consent that a link stands for; the click is its proof. None when nothing waits any more."""
    consent = waiting_consent(token, at=at)
    if consent is None:
        return None
    asked = consent.record
    proof = {
        "double_opt_in": asked.pk,
        "asked_at": asked.occurred_at.isoformat(),
        "confirmed_at": at.isoformat(),
    }
    granted = _said(consent, ConsentState.GRANTED, proof | {"asked": asked.proof or {}})
    return record_consents([granted], at=at)[0]


def note_confirmed_address(customer: Customer, address: str, *, at: datetime) -> None:
    """Note that an e-mail address is this customer's: they followed a link that was sent there."""
    unproven = Identity.objects.filter(customer=customer, namespace=Namespace.EMAIL, value=address)
    unproven.filter(verified_at=None).update(verified_at=at)


def expire_waiting_consents(*, at: datetime) -> int:
    """Let the consents expire that nobody confirmed in time; return how many."""
    expired = 0
    overdue = Consent.objects.filter(state=ConsentState.PENDING, changed_at__lte=at - good_for())
    while waiting := list(overdue.select_related("record", "customer").order_by("pk")[:BATCH]):
        record_consents([_said(consent, ConsentState.EXPIRED, None) for consent in waiting], at=at)
        expired += len(waiting)
    return expired


def _said(consent: Consent, state: str, proof: dict | None) -> StatedConsent:
    return StatedConsent(
        customer=consent.customer,
        channel=consent.channel,
        purpose=consent.purpose,
        state=state,
        address=consent.address,
        source=consent.record.source,
        text_version=consent.record.text_version,
        text_hash=consent.record.text_hash,
        lawful_basis=consent.record.lawful_basis,
        proof=proof,
    )


def _signer() -> Signer:
    return Signer(sep=SEPARATOR, salt="customers.confirmations")
