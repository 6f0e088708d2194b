"""What providers tell of messages afterwards, taken in once, whatever the order and however often."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from campaigns.channels import Outcome, Report, Result
from campaigns.models import Message, MessageState, ProviderEvent
from campaigns.services.outbox import record_result
from campaigns.services.unsubscribing import unsubscribe, withdraw_address
from customers.errors import CustomerErased
from customers.models import Customer, Purpose, Suppression
from customers.models.consent import ConsentState
from customers.rules import is_in_future, normalise_address
from customers.services import record_consent, record_event, suppress
from operations.inserts import insert_missing

Kind = ProviderEvent.Kind
LONGEST_REFERENCE = 18
# What proves that the message had been taken when nobody had told us so.
PROVES_ACCEPTANCE = {Kind.DELIVERED, Kind.DEFERRED, Kind.SOFT_BOUNCED, Kind.OPENED, Kind.CLICKED,
                     Kind.COMPLAINED, Kind.UNSUBSCRIBED}  # fmt: skip
PROVES_REFUSAL = {Kind.REJECTED, Kind.BOUNCED}


def take_reports(reports: Sequence[Report], *, provider: str, channel: str, at: datetime) -> int:
    """Keep what a provider tells and do what follows from it; return how many reports were news.

    A hard bounce and a complaint put the address on the suppression list, a complaint and an unsubscribing
    withdraw consent, and a message of which nobody knew whether it had left is resolved. Opens and clicks
    are kept and decide nothing.
    """
    return sum(_take(report, provider=provider, channel=channel, at=at) for report in reports)


def _take(report: Report, *, provider: str, channel: str, at: datetime) -> bool:
    message = _message_of(report, channel)
    occurred_at = report.occurred_at or at
    event = ProviderEvent(
        provider=provider,
        key=report.key[:64],
        channel=channel,
        kind=report.kind,
        message=message,
        detail=" ".join(report.detail.split())[:300],
        occurred_at=at if is_in_future(occurred_at, at=at) else occurred_at,
        received_at=timezone.now(),
    )
    with transaction.atomic():
        if not insert_missing([event], unique=["provider", "key"]):
            return False
        if message is None:
            _act_without_message(report, channel, at=at)
        else:
            _act(message, event, at=at)
    return True


def _message_of(report: Report, channel: str) -> Message | None:
    """Return the message a report is about, by our own reference, else by the provider's."""
    messages = Message.objects.filter(channel=channel).select_related("customer", "campaign")
    if (
        report.reference.isascii()
        and report.reference.isdigit()
        and len(report.reference) <= LONGEST_REFERENCE
    ):
        return messages.filter(pk=int(report.reference)).first()
    if report.provider_id:
        return messages.filter(provider_id=report.provider_id[:128]).first()
    return None


def _act(message: Message, event: ProviderEvent, *, at: datetime) -> None:
    if event.kind == Kind.UNSUBSCRIBED:
        unsubscribe(message.token, at=at)
    elif event.kind == Kind.COMPLAINED:
        _complain(message, event, at=at)
    elif event.kind == Kind.BOUNCED:
        _bounce(message, at=at)
    if message.state in (MessageState.UNKNOWN, MessageState.SENDING):
        _resolve(message, event, at=at)


def _resolve(message: Message, event: ProviderEvent, *, at: datetime) -> None:
    """Say what became of a message that nobody knew about; its sender may be telling the same just now."""
    if event.kind in PROVES_ACCEPTANCE:
        result = Result(Outcome.ACCEPTED, event.detail)
    elif event.kind in PROVES_REFUSAL:
        result = Result(Outcome.REJECTED, event.detail, hard_bounce=event.kind == Kind.BOUNCED)
    else:
        return
    record_result(message, owner=message.owner, result=result, at=at)


def _bounce(message: Message, *, at: datetime) -> None:
    if message.address:
        suppress(message.channel, message.address, reason=Suppression.Reason.BOUNCED)
        _tell("bounced", message, at=at)


def _complain(message: Message, event: ProviderEvent, *, at: datetime) -> None:
    """Somebody pressed "this is spam": that is a refusal, and nobody writes to the address again."""
    if not message.address:
        return
    try:
        record_consent(
            message.customer,
            channel=message.channel,
            purpose=Purpose.MARKETING,
            address=message.address,
            state=ConsentState.OBJECTED,
            text_version="complaint",
            proof={"message": message.pk, "provider": event.provider},
            at=at,
        )
    except CustomerErased:
        return
    suppress(message.channel, message.address, reason=Suppression.Reason.COMPLAINED)
    _tell("complained", message, at=at)


def _act_without_message(report: Report, channel: str, *, at: datetime) -> None:
    """Do what can be done for an address alone: it leaves, bounces or complains."""
    try:
        address = normalise_address(channel, report.recipient, "")
    except ValueError:
        return
    if not address:
        return
    if report.kind == Kind.UNSUBSCRIBED:
        withdraw_address(channel, address, proof={"report": report.key[:64]}, at=at)
    elif report.kind in (Kind.BOUNCED, Kind.COMPLAINED):
        suppress(channel, address, reason=Suppression.Reason(report.kind))
    if report.kind == Kind.COMPLAINED:
        withdraw_address(channel, address, proof={"report": report.key[:64]}, at=at)


def _tell(what: str, message: Message, *, at: datetime) -> None:
    if message.customer.status == Customer.Status.ERASED:
        return
    record_event(
        f"message.{what}",
        external_id=f"message:{message.pk}:{what}",
        occurred_at=at,
        customer=message.customer,
        payload={
            "message": message.pk,
            "campaign": message.campaign.code if message.campaign else None,
            "channel": message.channel,
        },
    )
