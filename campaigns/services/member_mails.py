"""Messages about members' pages, written for loyalty (settings.MEMBER_MAILER)."""

import uuid
from datetime import datetime

from django.db.models.functions import Now

from campaigns.bells import ring_on_commit
from campaigns.models import Message
from customers.models import Purpose
from customers.rules import address_hash
from loyalty.models import JoinRequest
from loyalty.services.member_mails import Letter, MemberMail


def write_member_mail(letter: Letter, *, at: datetime) -> Message:
    """Write the message that brings a letter, once for what it is about, on the fast lane."""
    message, created = Message.objects.get_or_create(
        step=letter.kind,
        occurrence=f"{letter.kind}:{letter.reference}",
        channel=letter.channel,
        defaults={
            "customer": letter.customer,
            "purpose": Purpose.SERVICE,
            "lane": Message.Lane.FAST,
            "address": letter.address,
            "address_hash": address_hash(letter.address),
            "token": uuid.uuid4(),
            "not_before": Now(),
            "expires_at": letter.expires_at,
        },
    )
    if created:
        ring_on_commit("pump_fast")
    return message


def request_of_message(message: Message) -> JoinRequest | None:
    """Return the request to join that a message asks to complete; None for any other message."""
    if message.step != MemberMail.JOIN:
        return None
    return JoinRequest.objects.get(pk=int(message.occurrence.split(":")[1]))
