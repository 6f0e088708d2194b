"""Messages without a campaign: a coupon given to one person is sent at once, on the fast lane."""

import uuid
from datetime import datetime
from functools import lru_cache
from pathlib import Path

from django.db import transaction
from django.db.models.functions import Now

from campaigns.bells import ring_on_commit
from campaigns.content import Content, compile_for
from campaigns.models import Message, MessageReason, MessageState
from campaigns.services.member_mails import request_of_message
from campaigns.services.recipients import CONSENT, LANDING, claim_of_message, language_of
from coupons.gift_card_codes import SEALED_FOR
from coupons.models import GiftCard, Publication, Reason, SealedCode
from customers.models import Channel, Consent, ConsentRecord, Customer, Identity, Purpose, Source
from customers.models.consent import ConsentState
from customers.rules import address_hash
from customers.services.confirmations import good_for
from customers.services.contact_points import NAMESPACES
from customers.services.locks import hold_customer
from loyalty.services.member_mails import MemberMail

MAILS = Path(__file__).resolve().parent.parent / "content" / "mails"
STEP = "coupon"
# Through which we have words of our own for what a person is owed.
OWN_CHANNELS = (Channel.EMAIL, Channel.SMS, Channel.PUSH)
CONFIRMATION = "confirmation"
GIFT_CARD = Message.GIFT_CARD


def send_publication(publication: Publication, *, purpose: str, at: datetime) -> Message | None:
    """Write the message that brings a published coupon to its holder; once per publication and channel.

    `purpose` SERVICE is for what the person is owed; MARKETING needs consent. None for a coupon without a
    recipient and for a channel nothing can be sent through.
    """
    customer, channel = publication.customer, publication.channel
    if customer is None or channel not in OWN_CHANNELS:
        return None
    with transaction.atomic():
        return _write_message(publication, hold_customer(customer), channel, purpose)


def _write_message(publication: Publication, customer: Customer, channel: str, purpose: str) -> Message:
    address = _address(customer, channel, purpose)
    message, created = Message.objects.get_or_create(
        publication=publication,
        step=STEP,
        channel=channel,
        defaults={
            "customer": customer,
            "occurrence": f"publication:{publication.pk}",
            "purpose": purpose,
            "lane": Message.Lane.FAST,
            "address": address,
            "address_hash": address_hash(address) if address else "",
            "token": uuid.uuid4(),
            "state": MessageState.PENDING if address else MessageState.SUPPRESSED,
            "reason": "" if address else MessageReason.NO_ADDRESS,
            "not_before": Now(),
        },
    )
    if created:
        ring_on_commit("pump_fast")
    return message


def send_confirmation(record: ConsentRecord, *, at: datetime) -> Message | None:
    """Ask the owner of an address to confirm a consent that waits for it; once per entry of the ledger.

    None when the entry holds no longer, and for a channel nothing can be sent through.
    """
    waits = Consent.objects.filter(record=record, state=ConsentState.PENDING).exists()
    if not waits or record.channel not in OWN_CHANNELS or not record.address:
        return None
    message, created = Message.objects.get_or_create(
        step=CONFIRMATION,
        occurrence=f"{CONSENT}:{record.pk}",
        channel=record.channel,
        defaults={
            "customer": record.customer,
            "purpose": Purpose.SERVICE,
            "lane": Message.Lane.FAST,
            "address": record.address,
            "address_hash": address_hash(record.address),
            "token": uuid.uuid4(),
            "not_before": Now(),
            "expires_at": record.occurred_at + good_for(),
        },
    )
    if created:
        ring_on_commit("pump_fast")
    return message


def send_gift_card(card: GiftCard, *, at: datetime) -> Message | None:
    """Write the message that brings the code of a gift card to its holder; once per code.

    None for a card without a holder or a code to send, and for a channel nothing can be sent through.
    """
    sealed = SealedCode.objects.filter(card=card).first()
    if card.holder is None or card.channel not in OWN_CHANNELS or sealed is None:
        return None
    with transaction.atomic():
        customer = hold_customer(card.holder)
        address = _address(customer, card.channel, Purpose.SERVICE)
        message, created = Message.objects.get_or_create(
            step=GIFT_CARD,
            occurrence=f"{GIFT_CARD}:{card.pk}:{card.code_version}",
            channel=card.channel,
            defaults={
                "customer": customer,
                "purpose": Purpose.SERVICE,
                "lane": Message.Lane.FAST,
                "address": address,
                "address_hash": address_hash(address) if address else "",
                "token": uuid.uuid4(),
                "state": MessageState.PENDING if address else MessageState.SUPPRESSED,
                "reason": "" if address else MessageReason.NO_ADDRESS,
                "not_before": Now(),
                "expires_at": sealed.sealed_at + SEALED_FOR,
            },
        )
        if created:
            ring_on_commit("pump_fast")
    return message


def transactional_content(message: Message) -> Content:
    """Return the built-in content of a message without a campaign, in the recipient's language."""
    language, marketing = language_of(message.customer), message.purpose != Purpose.SERVICE
    if message.step == MemberMail.JOIN:
        return _built_in(message.step, request_of_message(message).language, message.channel, False)
    if message.step in (CONFIRMATION, GIFT_CARD, MemberMail.LINK):
        return _built_in(message.step, language, message.channel, False)
    if message.step == LANDING:
        return _built_in("landing", claim_of_message(message).language, message.channel, False)
    kind = "apology" if message.publication.coupon.reason == Reason.APOLOGY else "coupon"
    return _built_in(kind, language, message.channel, marketing)


def _address(customer: Customer, channel: str, purpose: str) -> str:
    """Return where to write: a contact point with consent if there is one, else the newest."""
    granted = (
        Consent.objects.granted(channel, purpose).filter(customer=customer).values_list("address", flat=True)
    )
    known = list(
        Identity.objects.filter(customer=customer, namespace=NAMESPACES[channel])
        .exclude(source__kind__in=Source.STRANGERS)
        .order_by("-pk")
        .values_list("value", flat=True)
    )
    return next((address for address in known if address in set(granted)), known[0] if known else "")


@lru_cache
def _built_in(kind: str, language: str, channel: str, marketing: bool) -> Content:
    file = f"{kind}.{language}.{'html' if channel == Channel.EMAIL else 'txt'}"
    subject, _, body = (MAILS / file).read_text().partition("\n")
    return compile_for(channel, subject=subject, body=body, with_coupon=True, marketing=marketing)
