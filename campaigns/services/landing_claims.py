"""From an address typed on a landing page to a code: the mailbox confirms, then the code is given, once."""

import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection, transaction
from django.db.models.functions import Now

from campaigns.bells import ring_on_commit
from campaigns.errors import CodesGone, CountryNotServed, NotANewcomer, PageClosed
from campaigns.models import LandingClaim, LandingPage, Message, ShareLink
from campaigns.models.placement import OPEN_CAMPAIGNS
from campaigns.services.recipients import LANDING
from coupons.services import publish_coupon
from customers.errors import NotAProspect
from customers.mailboxes import mailbox_hash
from customers.models import Channel, Customer, Namespace, Order, Purpose
from customers.models.consent import ConsentState
from customers.rules import address_hash
from customers.services import record_consent, record_event, register_prospect
from customers.services.confirmations import good_for, note_confirmed_address
from customers.services.events import own_source
from customers.services.locks import hold_customer, lock_live_customers
from customers.services.preferences import current_text
from customers.services.references import ensure_customers, identity_key
from operations.errors import FidelioError, Refusal
from operations.inserts import insert_missing

State = LandingClaim.State
MOST_MAILS = 5
BETWEEN_MAILS = timedelta(minutes=1)
# One more of the first so many, unless there are none left or somebody closed the page: exact, whoever asks
# at once.
GIVE_ONE = """
UPDATE campaigns_landingpage SET given = given + 1
WHERE id = %s AND status = 'OPEN' AND (first_count IS NULL OR given < first_count)
RETURNING given
"""
HOLD_CAMPAIGN = "SELECT status FROM campaigns_campaign WHERE id = %s FOR SHARE"


@dataclass(frozen=True)
class Request:
    """What somebody typed into a landing page, and how they came; `email` is normalised."""

    email: str
    language: str
    first_name: str = ""
    country: str = ""
    wants_offers: bool = False
    utm: dict[str, str] = field(default_factory=dict)
    share: ShareLink | None = None


def request_code(page: LandingPage, request: Request, *, at: datetime) -> LandingClaim | None:
    """Send the address a link under which the code is given; the same for an address known or unknown.

    One claim per page and mailbox: asked again, the same link is sent again, a few times at most. None where
    the address names nobody alone. Nothing is told of what the mailbox's owner may get.

    Raises PageClosed and CodesGone, which hold for everybody.
    """
    if not page.is_open(at):
        raise PageClosed
    if page.left == 0:
        raise CodesGone
    key = identity_key(Namespace.EMAIL, request.email)
    with transaction.atomic():
        known = ensure_customers([key], status=Customer.Status.PROSPECT, at=at).customers.get(key)
        if known is None or known.status == Customer.Status.ERASED:
            return None
        customer = hold_customer(known)
        claim = _claim(page, customer, request, at=at)
        if claim.mails < MOST_MAILS and (not claim.mailed_at or at - claim.mailed_at >= BETWEEN_MAILS):
            _mail(claim, at=at)
    return claim


def claim_of(token: UUID) -> LandingClaim | None:
    """Return the claim under a mailed link; None for one that is not ours."""
    found = LandingClaim.objects.select_related(
        "page__campaign", "page__promotion", "customer", "publication__coupon__promotion"
    )
    return found.filter(token=token).first()


def is_in_time(claim: LandingClaim, *, at: datetime) -> bool:
    """Return whether the link still confirms; a code that was given is shown for ever."""
    if claim.state == State.GIVEN:
        return True
    return claim.mailed_at is not None and at < claim.mailed_at + good_for()


def give_code(claim: LandingClaim, *, at: datetime) -> LandingClaim:
    """Give the mailbox's owner their code, once, and note what they allowed.

    Whoever has a code of this page under another address gets the same one. Locks the person, the claim, the
    campaign and the page, in this order; a stop that committed before is obeyed.

    Raises PageClosed, CodesGone, CountryNotServed, NotANewcomer, and what `publish_coupon` raises.
    """
    try:
        with transaction.atomic():
            return _give(claim, at=at)
    except Refusal as error:
        unanswered = LandingClaim.objects.filter(pk=claim.pk).exclude(state=State.GIVEN)
        unanswered.update(state=State.REFUSED, refusal=error.key[:40])
        raise


def _claim(page: LandingPage, customer: Customer, request: Request, *, at: datetime) -> LandingClaim:
    mailbox = mailbox_hash(request.email)
    row = LandingClaim(
        page=page,
        customer=customer,
        address=request.email,
        mailbox_hash=mailbox,
        language=request.language,
        utm=request.utm,
        share=request.share if request.share and request.share.customer_id != customer.pk else None,
        asked_at=at,
    )
    insert_missing([row], unique=["page", "mailbox_hash"])
    claim = LandingClaim.objects.select_for_update().get(page=page, mailbox_hash=mailbox)
    if claim.state != State.GIVEN:
        claim.first_name, claim.country = request.first_name, request.country
        claim.wants_offers, claim.language = request.wants_offers, request.language
        claim.address = claim.address or request.email
        claim.save(update_fields=["first_name", "country", "wants_offers", "language", "address"])
    return claim


def _mail(claim: LandingClaim, *, at: datetime) -> None:
    claim.mails += 1
    claim.mailed_at = at
    claim.save(update_fields=["mails", "mailed_at"])
    Message.objects.create(
        step=LANDING,
        occurrence=f"{LANDING}:{claim.pk}:{claim.mails}",
        channel=Channel.EMAIL,
        customer=claim.customer,
        purpose=Purpose.SERVICE,
        lane=Message.Lane.FAST,
        address=claim.address,
        address_hash=address_hash(claim.address),
        token=uuid.uuid4(),
        not_before=Now(),
        expires_at=at + good_for(),
    )
    ring_on_commit("pump_fast")


def _give(claim: LandingClaim, *, at: datetime) -> LandingClaim:
    customer = _arrived(claim, at=at)
    claim = LandingClaim.objects.select_for_update().get(pk=claim.pk)
    if claim.state == State.GIVEN:
        return claim
    page = LandingPage.objects.select_related("promotion").get(pk=claim.page_id)
    _check(page, claim, customer, at=at)
    twin = page.claims.given().filter(customer=customer).select_related("publication").first()
    if twin is None:
        with connection.cursor() as cursor:
            cursor.execute(GIVE_ONE, [page.pk])
            if cursor.fetchone() is None:
                raise CodesGone
    claim.publication = twin.publication if twin else publish_coupon(
        page.promotion, customer=customer, source_id=f"landing:{page.pk}:{claim.pk}", at=at
    )  # fmt: skip
    claim.customer, claim.state, claim.refusal, claim.given_at = customer, State.GIVEN, "", at
    claim.save(update_fields=["publication", "customer", "state", "refusal", "given_at"])
    _note_consent(page, claim, customer, at=at)
    _tell(page, claim, customer, at=at)
    return claim


def _arrived(claim: LandingClaim, *, at: datetime) -> Customer:
    """Lock the person, as a prospect whose address is now proven; return them as they are."""
    customer = lock_live_customers([claim.customer_id])[claim.customer_id]
    if customer.status == Customer.Status.ERASED or not claim.address:
        raise PageClosed
    key = identity_key(Namespace.EMAIL, claim.address)
    try:
        lead, _new = register_prospect(
            key,
            source=own_source(),
            origin=f"landing:{claim.page.code}"[:64],
            first_name=claim.first_name,
            at=at,
        )
        customer = lead.customer
    except NotAProspect:
        pass  # A customer, or somebody whose address was taken away from them.
    note_confirmed_address(customer, claim.address, at=at)
    return customer


def _check(page: LandingPage, claim: LandingClaim, customer: Customer, *, at: datetime) -> None:
    if page.campaign_id:
        with connection.cursor() as cursor:
            cursor.execute(HOLD_CAMPAIGN, [page.campaign_id])
            if cursor.fetchone()[0] not in OPEN_CAMPAIGNS:
                raise PageClosed
    if not page.is_open(at):
        raise PageClosed
    if page.countries and {claim.country, str(customer.country)} - {""} - set(page.countries):
        raise CountryNotServed
    bought = Order.objects.filter(customer=customer).exclude(status=Order.Status.CANCELLED)
    if page.newcomers_only and bought.exists():
        raise NotANewcomer


def _note_consent(page: LandingPage, claim: LandingClaim, customer: Customer, *, at: datetime) -> None:
    if not (page.asks_consent and claim.wants_offers):
        return
    text = current_text(Purpose.MARKETING, claim.language)
    record_consent(
        customer,
        channel=Channel.EMAIL,
        purpose=Purpose.MARKETING,
        address=claim.address,
        state=ConsentState.GRANTED,
        text_version=text.version if text else "",
        proof={
            "landing_page": page.code,
            "claim": claim.pk,
            "asked_at": claim.asked_at.isoformat(),
            "confirmed_at": at.isoformat(),
        },
        at=at,
    )


def _tell(page: LandingPage, claim: LandingClaim, customer: Customer, *, at: datetime) -> None:
    record_event(
        "landing_page.claimed",
        external_id=f"claim:{claim.pk}",
        customer=customer,
        occurred_at=at,
        payload={"page": page.code, "campaign": page.campaign.code if page.campaign else None} | claim.utm,
    )


def answer_of(error: FidelioError) -> str:
    """Return the key of the sentence that a landing page says for a refusal."""
    return error.key if isinstance(error, PageClosed | CountryNotServed | NotANewcomer) else CodesGone.key
