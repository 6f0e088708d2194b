"""The coupons of messages: reserved with the intent to send, given back by what was never accepted."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import QuerySet

from campaigns.models import (
    LIVE,
    WAITING,
    CampaignVersion,
    Message,
    MessageState,
)
from campaigns.services.claims import Claim
from campaigns.services.own_scopes import by_items, own_items
from campaigns.services.verdicts import SENDABLE
from coupons.models import Promotion, Publication
from coupons.services import Recipient, publish_coupons, withdraw_publication
from customers.services.locks import lock_live_customers
from operations.errors import Refusal

# How many messages one transaction ends: with their coupons, and without.
AT_ONCE, MANY = 500, 10_000


def reserve_coupons(claim: Claim, *, version: CampaignVersion, at: datetime) -> None:
    """Give the recipients of a claimed batch their coupons, in few statements for all of them.

    Only those that nothing forbids to send; one that is then not sent all the same gives its coupon back.
    A person has one coupon for each occurrence of a campaign, whatever steps and channels bring it. A
    promotion that cannot give so many leaves them to `take_message`, which says so of the first that gets
    none.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(SENDABLE, {"ids": claim.message_ids})
            sendable = [row[0] for row in cursor.fetchall()]
        waiting = Message.objects.filter(
            pk__in=sendable, owner=claim.owner, state=MessageState.CLAIMED, publication=None
        )
        # Not shared: two that bring one coupon see what became of each other.
        lock_live_customers(waiting.values_list("customer", flat=True))
        messages = list(waiting.select_related("customer").select_for_update(of=["self"]).order_by("pk"))
        by_promotion: dict[Promotion, list[Message]] = {}
        for message in messages:
            promotion = version.promotion_for(message.variant, step=message.step)
            if promotion is not None:
                by_promotion.setdefault(promotion, []).append(message)
        for promotion in sorted(by_promotion, key=lambda one: one.pk):
            _reserve(promotion, by_promotion[promotion], version=version, at=at)


def _reserve(
    promotion: Promotion, messages: Sequence[Message], *, version: CampaignVersion, at: datetime
) -> None:
    shown = shown_already(promotion, messages)
    first: dict[tuple[int, str], Message] = {}
    for message in messages:
        if turn_of(message) not in shown:
            first.setdefault(turn_of(message), message)
    items = own_items(version, [one.customer_id for one in first.values()])
    given_now: dict[tuple[int, str], Publication] = {}
    try:
        with transaction.atomic():
            for own, group in by_items(list(first.values()), items, customer=lambda one: one.customer_id):
                recipients = [Recipient(one.customer, f"message:{one.pk}") for one in group]
                publications = publish_coupons(promotion, recipients, at=at, **own)
                given_now |= zip(map(turn_of, group), publications, strict=True)
    except Refusal:  # Whose code is there already gets it all the same.
        given_now = {}
    shown |= given_now
    given = [message for message in messages if turn_of(message) in shown]
    for message in given:
        message.publication = shown[turn_of(message)]
    Message.objects.bulk_update(given, ["publication"])


def own_items_of(version: CampaignVersion | None, message: Message) -> dict[str, Any] | None:
    return own_items(version, [message.customer_id]).get(message.customer_id) if version else None


def turn_of(message: Message) -> tuple[int, str]:
    """Return what one coupon of a campaign is for: the person's occurrence."""
    return message.customer_id, message.occurrence


def shown_already(promotion: Promotion, messages: Sequence[Message]) -> dict[tuple[int, str], Publication]:
    """Return the coupons of a promotion that other steps or channels of a campaign bring, and that stand."""
    others = Message.objects.filter(
        campaign__in={one.campaign_id for one in messages},
        customer__in={one.customer_id for one in messages},
        occurrence__in={one.occurrence for one in messages},
        publication__promotion=promotion,
        publication__status=Publication.Status.PUBLISHED,
    )
    others = others.select_related("publication__coupon__promotion").order_by("-pk")
    return {turn_of(one): one.publication for one in others}


def cancel_waiting(messages: QuerySet[Message], *, reason: str, at: datetime) -> int:
    """End messages of which no byte has left, portion by portion; return how many there were.

    Their coupons go back. Called again after being killed it goes on. Locks the people, then their messages.
    """
    waiting = messages.filter(state__in=WAITING)
    cancelled = {"state": MessageState.CANCELLED, "reason": reason, "owner": "", "lease_until": None}
    ended = 0
    while portion := list(
        waiting.filter(publication__isnull=False).order_by("pk").values_list("pk", "customer")[:AT_ONCE]
    ):
        with transaction.atomic():
            # A send locks the person, its message, then the coupon; in another order the two would deadlock.
            lock_live_customers([customer for _pk, customer in portion])
            held = Message.objects.filter(pk__in=[pk for pk, _customer in portion], state__in=WAITING)
            owed = list(held.select_for_update(of=["self"]).order_by("pk").values_list("pk", flat=True))
            ended += Message.objects.filter(pk__in=owed).update(**cancelled)
            give_back_coupons(Message.objects.filter(pk__in=owed), at=at)
    while portion := list(
        waiting.filter(publication=None).order_by("pk").values_list("pk", flat=True)[:MANY]
    ):
        with transaction.atomic():
            held = Message.objects.filter(pk__in=portion, state__in=WAITING, publication=None)
            owed = list(held.select_for_update().order_by("pk").values_list("pk", flat=True))
            ended += Message.objects.filter(pk__in=owed).update(**cancelled)
    return ended


def give_back_coupons(messages: QuerySet[Message], *, at: datetime) -> None:
    """Return the coupons of messages that were never accepted to their promotion."""
    for message in messages.select_related("publication__coupon", "publication__promotion"):
        give_back(message, at=at)


def give_back(message: Message, *, at: datetime) -> None:
    """A coupon that a campaign reserved goes back, unless another step or channel shows it, too.

    One that somebody else gave is not ours to take.
    """
    publication = message.publication
    if message.run_id is None or publication is None:
        return
    if publication.status != Publication.Status.PUBLISHED:
        return
    lock_live_customers([message.customer_id])
    others = Message.objects.filter(publication=publication, state__in=LIVE).exclude(pk=message.pk)
    if not others.exists():
        withdraw_publication(publication, at=at)
