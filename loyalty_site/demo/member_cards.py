"""How the cards of the demo look, the ones the shop gave out, the printed ones at a till, and a lost one."""

from datetime import datetime, timedelta

from customers.models import Customer, Identity, Namespace, Store
from loyalty.models import Card, CardBatch, CardDesign
from loyalty.services.cards import block_card, issue_missing_cards, link_card, print_cards

BATCH, PRINTED, HANDED_OUT = "Carte del banco, novembre", 40, 6


def hand_out_cards(*, at: datetime) -> int:
    """Choose a look, print a batch for a store, hand some out, lose one; return how many have a card."""
    CardDesign.objects.get_or_create(
        pk=1,
        defaults={
            "name": "Fidelio Club",
            "background": "#0f766e",
            "foreground": "#ffffff",
            "terms": {
                "en": "Show the card before you pay. Points are good for twelve months.",
                "it": "Mostra la carta prima di pagare. I punti valgono dodici mesi.",
            },
            "changed_at": at,
        },
    )
    issue_missing_cards(at=at)
    if not CardBatch.objects.exists():
        _write_down_old_cards()
        _print_new_cards(at)
    return Card.objects.filter(status=Card.Status.ACTIVE).values("customer").distinct().count()


def _write_down_old_cards() -> None:
    """List the numbers that people brought along from the shop's former programme, too."""
    old = Identity.objects.filter(namespace=Namespace.LOYALTY_CARD, shared=False)
    known = Card.objects.values("number")
    Card.objects.bulk_create(
        Card(number=key.value, customer=key.customer, made_at=key.verified_at, linked_at=key.verified_at)
        for key in old.exclude(value__in=known).exclude(verified_at=None).select_related("customer")
    )


def _print_new_cards(at: datetime) -> None:
    batch = print_cards(name=BATCH, count=PRINTED, store=Store.objects.order_by("pk").first(), at=at)
    blank = batch.cards.filter(status=Card.Status.BLANK).order_by("pk")
    people = Customer.objects.filter(status=Customer.Status.ACTIVE, restricted_at__isnull=True).order_by(
        "-pk"
    )
    for days, customer in enumerate(people[:HANDED_OUT], start=1):
        link_card(customer, blank[0].number, at=at - timedelta(days=days))
    lost = batch.cards.filter(status=Card.Status.ACTIVE).order_by("pk").first()
    if lost is not None:
        block_card(lost, reason="Perduta in treno", at=at - timedelta(hours=5))
