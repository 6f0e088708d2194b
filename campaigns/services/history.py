"""Campaigns of the past, as another system sent them: finished, with a message per recipient.

Written in bulk and told to nobody; what holds for our own holds for them.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

from campaigns.drafts import ContentDraft
from campaigns.models import Campaign, CampaignRun, CampaignVersion, Message, MessageState
from campaigns.services.campaigns import ONCE
from campaigns.services.versions import compiled
from coupons.models import Promotion, Publication
from customers.models import Event, Purpose, Segment
from customers.rules import address_hash
from customers.services.bulk import write_past_events
from customers.services.events import new_event

BATCH = 1_000
TOOK = timedelta(hours=2)


@dataclass(frozen=True)
class PastRecipient:
    """Who got the message, where, and with which coupon."""

    customer_id: int
    address: str
    publication: Publication | None = None


def import_campaign(
    code: str,
    *,
    name: str,
    segment: Segment,
    channel: str,
    subject: str,
    body: str,
    sent_at: datetime,
    recipients: Sequence[PastRecipient],
    promotion: Promotion | None = None,
) -> Campaign:
    """Write down a campaign that went out at `sent_at` to these recipients, all of whom it reached.

    Raises ContentInvalid.
    """
    content = compiled(ContentDraft(subject, body, channel), with_coupon=promotion is not None)
    with transaction.atomic():
        campaign = Campaign.objects.create(
            code=code,
            name=name,
            status=Campaign.Status.FINISHED,
            started_at=sent_at,
            ended_at=sent_at + TOOK,
        )
        version = CampaignVersion.objects.create(
            campaign=campaign,
            number=1,
            segment=segment,
            promotion=promotion,
            starts_at=sent_at,
        )
        content.version = version
        content.save()
        run = CampaignRun.objects.create(
            campaign=campaign,
            version=version,
            occurrence=ONCE,
            status=CampaignRun.Status.DONE,
            not_before=sent_at,
            planned_at=sent_at,
            ended_at=sent_at + TOOK,
        )
        messages = Message.objects.bulk_create(
            [_message(run, channel, recipient, sent_at) for recipient in recipients], batch_size=BATCH
        )
        write_past_events([_sent_event(message) for message in messages])
    return campaign


def _message(run: CampaignRun, channel: str, recipient: PastRecipient, sent_at: datetime) -> Message:
    return Message(
        run=run,
        campaign=run.campaign,
        version=run.version,
        customer_id=recipient.customer_id,
        channel=channel,
        occurrence=run.occurrence,
        purpose=Purpose.MARKETING,
        lane=Message.Lane.BULK,
        address=recipient.address,
        address_hash=address_hash(recipient.address),
        token=uuid.uuid4(),
        publication=recipient.publication,
        state=MessageState.SENT,
        attempts=1,
        not_before=sent_at,
        sent_at=sent_at,
    )


def _sent_event(message: Message) -> Event:
    return new_event(
        "message.sent",
        external_id=f"message:{message.pk}:sent",
        occurred_at=message.sent_at,
        customer_id=message.customer_id,
        payload={"message": message.pk, "campaign": message.campaign.code, "channel": message.channel},
    )
