"""Leaving by one click (RFC 8058)."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from campaigns.models import Message
from customers.models import Purpose, Suppression
from customers.models.consent import ConsentState
from customers.services import record_consent, record_event, suppress

TEXT_VERSION = "one-click-unsubscribe"


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
