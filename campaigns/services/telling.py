"""The events that tell what became of messages, each once."""

from collections.abc import Sequence
from datetime import datetime

from django.db import connection

from campaigns.models import (
    CampaignRun,
    Message,
)
from customers.models import Event
from customers.services import record_events
from customers.services.events import new_event, own_source

UNTOLD = """
SELECT message.id FROM campaigns_message AS message
WHERE message.run_id = %(run)s AND message.state = 'SENT' AND NOT EXISTS (
    SELECT FROM customers_eventkey AS told
    WHERE told.source_id = %(source)s AND told.external_id = 'message:' || message.id || ':sent')
ORDER BY message.id
"""
BATCH_OF_EVENTS = 1_000


def tell_sent(messages: Sequence[Message], *, at: datetime) -> None:
    """Record the events of messages that were written down as sent; again, nothing."""
    record_events([message_event("sent", message, at) for message in messages])


def tell_untold(run: CampaignRun, *, at: datetime) -> int:
    """Record the events that a process which died had not told yet; return how many."""
    with connection.cursor() as cursor:
        cursor.execute(UNTOLD, {"run": run.pk, "source": own_source().pk})
        untold = [row[0] for row in cursor.fetchall()]
    for start in range(0, len(untold), BATCH_OF_EVENTS):
        tell_sent(
            Message.objects.with_recipient().filter(pk__in=untold[start : start + BATCH_OF_EVENTS]), at=at
        )
    return len(untold)


def message_event(what: str, message: Message, at: datetime) -> Event:
    return new_event(
        f"message.{what}",
        external_id=f"message:{message.pk}:{what}",
        occurred_at=message.sent_at or at,
        customer=message.customer,
        payload=_payload(message),
    )


def _payload(message: Message) -> dict:
    campaign = message.campaign
    return {
        "message": message.pk,
        "campaign": campaign.code if campaign else None,
        "channel": message.channel,
    }
