"""Links that are followed and mails that are opened: written down at once, judged some seconds later."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime

from django.db import connection, transaction
from liquid.exceptions import LiquidError

from campaigns.content.liquid import plain_template
from campaigns.models import CampaignLink, Engagement, Message
from campaigns.services.recipients import values_for
from campaigns.tracking import SETTLED_AFTER, TRAP, Sighting, find_scanner, is_scanner, unseal
from customers.models import Event
from customers.services import record_events
from customers.services.events import new_event
from operations.locks import only_one

MOST_PER_MESSAGE = 200
BATCH = 1_000
WEB = ("http://", "https://")
# Whoever follows a link a thousand times is written down so often and no more.
WRITE_DOWN = """
INSERT INTO campaigns_engagement (message_id, kind, link, at, scanner, settled)
SELECT %(message)s, %(kind)s, %(link)s, COALESCE(%(at)s, statement_timestamp()), %(scanner)s, false
WHERE (SELECT count(*) FROM campaigns_engagement WHERE message_id = %(message)s) < %(most)s
RETURNING id
"""
FIRST = """
UPDATE campaigns_message AS message
SET clicked_at = COALESCE(message.clicked_at, first.clicked_at),
    opened_at = COALESCE(message.opened_at, first.opened_at)
FROM (
    SELECT message_id, min(at) FILTER (WHERE kind = 'CLICKED') AS clicked_at, min(at) AS opened_at
    FROM campaigns_engagement WHERE message_id = ANY(%(messages)s) AND settled AND scanner = ''
    GROUP BY message_id
) AS first
WHERE message.id = first.message_id AND (message.clicked_at IS NULL OR message.opened_at IS NULL)
"""


class AlreadySettling(Exception):
    """Another process judges just now."""


def follow_link(token: str, number: int, *, agent: str, at: datetime | None = None) -> str | None:
    """Return where a link of a message leads, and write down that it was followed; None for no link of ours.

    `agent` is how the program calls itself; it is looked at and forgotten. `at` None is now.
    """
    message = _message_of(token)
    if message is None or message.version is None:
        return None
    if number == TRAP:
        record_engagement(message, kind=Engagement.Kind.CLICKED, link=TRAP, agent=agent, at=at)
        return None
    link = CampaignLink.objects.filter(version=message.version_id, number=number).first()
    address = _address_for(message, link) if link else None
    if address is not None:
        record_engagement(message, kind=Engagement.Kind.CLICKED, link=number, agent=agent, at=at)
    return address


def note_opening(token: str, *, agent: str, at: datetime | None = None) -> None:
    """Write down that a mail was opened; of a token that is not ours, nothing."""
    message = _message_of(token)
    if message is not None:
        record_engagement(message, kind=Engagement.Kind.OPENED, agent=agent, at=at)


def record_engagement(
    message: Message, *, kind: str, agent: str, at: datetime | None = None, link: int | None = None
) -> None:
    """Write down what was done with a message; whether by a person shows when it is settled."""
    told = is_scanner(agent, opening=kind == Engagement.Kind.OPENED)
    values = {
        "message": message.pk,
        "kind": str(kind),
        "link": link,
        "at": at,
        "scanner": "AGENT" if told else "",
        "most": MOST_PER_MESSAGE,
    }
    with connection.cursor() as cursor:
        cursor.execute(WRITE_DOWN, values)


def settle_engagements(*, at: datetime) -> int:
    """Judge what has been written down for long enough, and tell what people did; return how many rows.

    One process at a time: a burst is judged whole. Called again, it does nothing twice.
    """
    settled = 0
    while True:
        with transaction.atomic():
            try:
                with only_one("campaigns.settle_engagements", otherwise=AlreadySettling):
                    done = _settle_some(at=at)
            except AlreadySettling:
                return settled
        settled += done
        if done < BATCH:
            return settled


def _settle_some(*, at: datetime) -> int:
    due = list(
        Engagement.objects.unsettled()
        .filter(at__lte=at - SETTLED_AFTER)
        .select_related("message__campaign", "message__customer")
        .order_by("at", "pk")[:BATCH]
    )
    known = _sightings({engagement.message_id for engagement in due})
    for engagement in due:
        engagement.settled = True
        engagement.scanner = find_scanner(
            _sighting(engagement),
            others=known[engagement.message_id],
            sent_at=engagement.message.sent_at,
        )
    Engagement.objects.bulk_update(due, ["settled", "scanner"])
    by_people = [engagement for engagement in due if not engagement.scanner]
    if by_people:
        with connection.cursor() as cursor:
            cursor.execute(FIRST, {"messages": sorted({each.message_id for each in by_people})})
        record_events(_events(by_people))
    return len(due)


def _sightings(messages: Iterable[int]) -> dict[int, list[Sighting]]:
    """Return everything that was done with these messages."""
    found: dict[int, list[Sighting]] = defaultdict(list)
    for engagement in Engagement.objects.filter(message__in=messages):
        found[engagement.message_id].append(_sighting(engagement))
    return found


def _sighting(engagement: Engagement) -> Sighting:
    return Sighting(engagement.at, engagement.link, engagement.scanner == "AGENT")


def _events(engagements: list[Engagement]) -> list[Event]:
    """Return an event per message that was opened, and per link of it that was followed, the first time."""
    first: dict[tuple[int, int | None], Engagement] = {}
    for engagement in engagements:
        first.setdefault((engagement.message_id, engagement.link), engagement)
    addresses = _addresses({engagement.message.version_id for engagement in first.values()})
    return [_event(engagement, addresses) for engagement in first.values()]


def _event(engagement: Engagement, addresses: dict[tuple[int, int], str]) -> Event:
    message, what = engagement.message, engagement.kind.lower()
    payload = {
        "message": message.pk,
        "campaign": message.campaign.code if message.campaign else None,
        "channel": message.channel,
    }
    key = f"message:{message.pk}:{what}"
    if engagement.link is not None:
        key = f"{key}:{engagement.link}"
        payload["url"] = addresses.get((message.version_id, engagement.link), "")
    return new_event(
        f"message.{what}",
        external_id=key,
        occurred_at=engagement.at,
        customer=message.customer,
        payload=payload,
    )


def _addresses(versions: Iterable[int | None]) -> dict[tuple[int, int], str]:
    links = CampaignLink.objects.filter(version__in=[each for each in versions if each is not None])
    return {(link.version_id, link.number): link.address for link in links}


def _message_of(token: str) -> Message | None:
    number = unseal(token)
    if number is None:
        return None
    return Message.objects.with_recipient().select_related("version__campaign").filter(pk=number).first()


def _address_for(message: Message, link: CampaignLink) -> str | None:
    """Return the address with what is the recipient's own in it."""
    if "{" not in link.address:
        return link.address
    try:
        values = values_for(message, message.version).as_context()
        address = plain_template(link.address).render(**values).strip()
    except (LiquidError, ValueError):  # What it told of is gone: the code was taken back, say.
        return None
    safe = address.startswith(WEB) and not any(ord(character) < 33 for character in address)
    return address if safe else None
