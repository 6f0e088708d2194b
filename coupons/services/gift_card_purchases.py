"""Cards whose own purchase is undone: they are switched off, and what is on them went back with the money."""

from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.db.models import QuerySet, Sum

from coupons.models import GiftCard
from coupons.services.gift_cards import disable_gift_card, hold_card_holders, lock_gift_cards
from customers.models import Order
from operations.locks import lock_keys

RETURNED, CANCELLED = "purchase returned", "purchase cancelled"


def take_back_gift_cards(order: Order, *, at: datetime) -> int:
    """Switch off the cards sold in an order that was cancelled or came back; returns how many.

    Of a line that came back in part as many cards go as units came back, those with most money left first.
    Called again, it finds the same cards and does nothing.
    """
    sold = GiftCard.objects.filter(bought_on=order)
    if not sold.exists():
        return 0
    with transaction.atomic():
        lock_keys("gift-cards-of-order", [str(order.pk)])
        order = Order.objects.get(pk=order.pk)
        if order.status in (Order.Status.CANCELLED, Order.Status.REFUNDED):
            reason = CANCELLED if order.status == Order.Status.CANCELLED else RETURNED
            return _take_back(list(sold.order_by("pk")), reason, at)
        returned = order.lines.annotate(back=Sum("returned__quantity")).filter(back__gt=0)
        return sum(_take_back(_of_line(sold, line.line_id, line.back), RETURNED, at) for line in returned)


def _of_line(sold: QuerySet[GiftCard], line_id: str, back: Decimal) -> list[GiftCard]:
    cards = sold.filter(line_id=line_id).select_related("account")
    return sorted(cards, key=_goes_first)[: int(back)]


def _goes_first(card: GiftCard) -> tuple:
    gone = card.status == GiftCard.Status.DISABLED and not card.account.balance
    return (not gone, -card.account.balance, -card.pk)


def _take_back(cards: list[GiftCard], reason: str, at: datetime) -> int:
    ids = [card.pk for card in cards]
    hold_card_holders(ids)
    lock_gift_cards(ids)
    for card in sorted(cards, key=lambda one: one.account_id):
        disable_gift_card(card, reason=reason, at=at, clear=True)
    return len(cards)
