"""Leaving: by one click (RFC 8058), or by a word to the number that wrote."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from campaigns.models import Message
from customers.models import Consent, Purpose, Suppression
from customers.models.consent import ConsentState
from customers.services import record_consent, record_event, suppress

TEXT_VERSION = "one-click-unsubscribe"
BY_ANSWER = "answer"


def unsubscribe(token: UUID, *, at: datetime) -> Message | None:
    """Withdraw the consent for advertising of a message's address, and put it on the suppression list.

    Again, the same. None for a token that is not ours; whoever asks is told the same either way.
    """
    with transaction.atomic():
        message = (
            Message.objects.select_related("customer", "campaign")
            .filter(token=token)
            .exclude(address="")
            .first()
        )
        if message is None:
            return None
        record_consent(
            message.customer,
            channel=message.channel,
            purpose=Purpose.MARKETING,
            address=message.address,
            state=ConsentState.WITHDRAWN,
            text_version=TEXT_VERSION,
            proof={"message": message.pk},
            at=at,
        )
        record_event(
            "message.unsubscribed",
            external_id=f"message:{message.pk}:unsubscribed",
            occurred_at=at,
            customer=message.customer,
            payload={
                "message": message.pk,
                "channel": message.channel,
                "campaign": message.campaign and message.campaign.code,
            },
        )
        suppress(message.channel, message.address, reason=Suppression.Reason.UNSUBSCRIBED)
    return message


def withdraw_address(channel: str, address: str, *, proof: dict[str, Any], at: datetime) -> int:
    """Withdraw the consent to advertising that anybody gave for a contact point; return how many had.

    The contact point joins the suppression list even where nobody had.
    """
    with transaction.atomic():
        allowing = Consent.objects.granted(channel).filter(address=address).select_related("customer")
        holders = [consent.customer for consent in allowing.order_by("customer")]
        for customer in holders:
            record_consent(
                customer,
                channel=channel,
                purpose=Purpose.MARKETING,
                address=address,
                state=ConsentState.WITHDRAWN,
                text_version=BY_ANSWER,
                proof=proof,
                at=at,
            )
        suppress(channel, address, reason=Suppression.Reason.UNSUBSCRIBED)
    return len(holders)
