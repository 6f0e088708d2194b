"""Cards: a number for every member, printed ones that are linked at the till, and lost ones.

A number is a key like any other: `customers.Identity` finds its holder. Lock order: the key of the number,
the customer, the card.
"""

import secrets
from datetime import datetime

from django.conf import settings
from django.db import connection, transaction

from customers.models import Customer, Identity, Namespace, Store
from customers.services.events import record_event
from customers.services.locks import lock_customer
from customers.services.namespaces import block_value, namespace_policies
from customers.services.references import identity_key, lock_customer_keys
from loyalty.card_numbers import new_number
from loyalty.errors import CardBlocked, CardTaken, CardUnknown, NoMoreCards, NotAMember
from loyalty.models import Card, CardBatch
from operations.errors import InvalidInput
from operations.models import User

MOST_PRINTED = 5000
PORTION = 1000
Status = Card.Status


def card_number(customer: Customer) -> str:
    """Return the number a person shows at the till: of their newest card; empty without one."""
    return _keys(customer).order_by("-pk").values_list("value", flat=True).first() or ""


def ensure_card(customer: Customer, *, at: datetime) -> str:
    """Return a person's card number; somebody without one gets one. Called twice at once it gives one.

    Raises NotAMember for who was erased, and for the anonymous.
    """
    return card_number(customer) or _issue(customer, at=at)


def _issue(customer: Customer, *, at: datetime) -> str:
    key = identity_key(Namespace.LOYALTY_CARD, fresh_number())
    with transaction.atomic():
        lock_customer_keys([key])
        customer = _member(customer)
        if known := card_number(customer):
            return known
        Card.objects.create(number=key.value, customer=customer, made_at=at, linked_at=at)
        Identity.objects.create(namespace=key.space, value=key.value, customer=customer, verified_at=at)
        _tell("card.issued", key.value, customer, at=at)
    return key.value


def link_card(customer: Customer, number: str, *, at: datetime) -> Card:
    """Give a person a card that was printed: one of our batches, or one of the shop's own numbers.

    Theirs already, it stays theirs. Raises CardTaken, CardBlocked, NoMoreCards, NotAMember, and CardUnknown
    for a number that begins as ours do and that we never printed; InvalidInput, BlockedIdentity for none.
    """
    key = identity_key(Namespace.LOYALTY_CARD, number, pointer="/number")
    with transaction.atomic():
        lock_customer_keys([key])
        customer = _member(customer)
        card = Card.objects.select_for_update(of=("self",)).filter(number=key.value).first()
        _check(card, key.value, customer)
        if card is not None and card.status == Status.ACTIVE:
            return card
        if _keys(customer).count() >= namespace_policies()[Namespace.LOYALTY_CARD].per_customer:
            raise NoMoreCards
        card = card or Card(number=key.value, made_at=at)
        card.customer, card.status, card.linked_at = customer, Status.ACTIVE, at
        card.save()
        Identity.objects.get_or_create(
            namespace=key.space, value=key.value, customer=customer, defaults={"verified_at": at}
        )
        _tell("card.linked", key.value, customer, at=at)
    return card


def _check(card: Card | None, number: str, customer: Customer) -> None:
    held = Identity.objects.filter(namespace=Namespace.LOYALTY_CARD, value=number)
    if card is not None and card.status == Status.BLOCKED:
        raise CardBlocked
    if held.exclude(customer=customer).exists() or (card and card.customer_id not in (None, customer.pk)):
        raise CardTaken
    ours = number.startswith(settings.CARD_NUMBER_PREFIX) and len(number) == settings.CARD_NUMBER_DIGITS
    if card is None and ours and not held.exists():
        raise CardUnknown


def block_card(card: Card, *, reason: str, at: datetime) -> str:
    """Let a lost card identify nobody from now on; return the number that takes its place.

    Points stay with the person. Empty for a card nobody had. Blocked already, nothing changes.
    """
    with transaction.atomic():
        lock_customer_keys([identity_key(Namespace.LOYALTY_CARD, card.number)])
        customer = lock_customer(card.customer) if card.customer else None
        card = Card.objects.select_for_update(of=("self",)).get(pk=card.pk)
        if card.status != Status.BLOCKED:
            card.status, card.blocked_at, card.reason = Status.BLOCKED, at, reason.strip()[:200]
            card.save(update_fields=["status", "blocked_at", "reason"])
            block_value(Namespace.LOYALTY_CARD, card.number, reason=card.reason, at=at)
            if customer is not None:
                _tell("card.blocked", card.number, customer, at=at)
    return ensure_card(customer, at=at) if customer is not None else ""


def block_number(customer: Customer, number: str, *, reason: str, at: datetime) -> str:
    """Block one of a person's cards by its number, also one that the shop gave out; return the new number.

    Raises CardUnknown where it is none of theirs.
    """
    key = identity_key(Namespace.LOYALTY_CARD, number, pointer="/number")
    card = Card.objects.filter(number=key.value, customer=customer).first()
    if card is None:
        held = Identity.objects.filter(namespace=key.space, value=key.value, customer=customer)
        if not held.exists():
            raise CardUnknown
        card, _made = Card.objects.get_or_create(
            number=key.value, defaults={"customer": customer, "made_at": at, "linked_at": at}
        )
    return block_card(card, reason=reason, at=at)


def print_cards(
    *, name: str, count: int, store: Store | None = None, by: User | None = None, at: datetime
) -> CardBatch:
    """Make so many cards that belong to nobody yet, to be printed. Raises InvalidInput."""
    if not 1 <= count <= MOST_PRINTED:
        raise InvalidInput.at("/count", f"Print between 1 and {MOST_PRINTED} cards at once.")
    with transaction.atomic():
        batch = CardBatch.objects.create(name=name, store=store, count=count, made_by=by, made_at=at)
        made = 0
        while made < count:
            numbers = {fresh_number() for _number in range(count - made)}
            taken = _taken(numbers)
            cards = [
                Card(number=number, status=Status.BLANK, batch=batch, made_at=at)
                for number in sorted(numbers - taken)
            ]
            made += len(Card.objects.bulk_create(cards))
    return batch


# Whoever takes part in the programme and has no card: who has points, and no key of this kind.
_WITHOUT = """
SELECT customer.id FROM customers_customer AS customer
WHERE customer.id > %(after)s AND customer.status = 'ACTIVE' AND customer.restricted_at IS NULL
  AND EXISTS (
      SELECT FROM coupons_account AS account
      WHERE account.customer_id = customer.id AND account.kind = 'POINTS')
  AND NOT EXISTS (
      SELECT FROM customers_identity AS one
      WHERE one.customer_id = customer.id AND one.namespace = 'loyalty_card' AND NOT one.shared)
ORDER BY customer.id LIMIT %(limit)s
"""


def issue_missing_cards(*, at: datetime) -> int:
    """Give a card to everybody with points who has none, in portions; return how many got one."""
    issued, after = 0, 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute(_WITHOUT, {"after": after, "limit": PORTION})
            ids = [row[0] for row in cursor.fetchall()]
        if not ids:
            return issued
        issued += _issue_many(ids, at=at)
        after = ids[-1]


def _issue_many(ids: list[int], *, at: datetime) -> int:
    numbers: set[str] = set()
    while len(numbers) < len(ids):
        numbers.add(fresh_number())
    keys = [identity_key(Namespace.LOYALTY_CARD, number) for number in sorted(numbers - _taken(numbers))]
    with transaction.atomic():
        lock_customer_keys(keys)
        people = list(
            Customer.objects.filter(pk__in=ids, status=Customer.Status.ACTIVE)
            .order_by("pk")
            .select_for_update(no_key=True)
        )
        held = set(
            Identity.objects.filter(
                customer__in=people, namespace=Namespace.LOYALTY_CARD, shared=False
            ).values_list("customer", flat=True)
        )
        pairs = list(zip((one for one in people if one.pk not in held), keys, strict=False))
        Card.objects.bulk_create(
            Card(number=key.value, customer=one, made_at=at, linked_at=at) for one, key in pairs
        )
        Identity.objects.bulk_create(
            Identity(namespace=key.space, value=key.value, customer=one, verified_at=at) for one, key in pairs
        )
    return len(pairs)


def fresh_number() -> str:
    """Return a number nobody can guess, as settings.CARD_NUMBER_PREFIX and _DIGITS say."""
    return new_number(settings.CARD_NUMBER_PREFIX, settings.CARD_NUMBER_DIGITS, below=secrets.randbelow)


def _member(customer: Customer) -> Customer:
    customer = lock_customer(customer)
    if customer.status not in (Customer.Status.ACTIVE, Customer.Status.PROSPECT):
        raise NotAMember
    return customer


def _keys(customer: Customer):
    return Identity.objects.filter(customer=customer, namespace=Namespace.LOYALTY_CARD, shared=False)


def _taken(numbers: set[str]) -> set[str]:
    cards = set(Card.objects.filter(number__in=numbers).values_list("number", flat=True))
    held = Identity.objects.filter(namespace=Namespace.LOYALTY_CARD, value__in=numbers)
    return cards | set(held.values_list("value", flat=True))


def _tell(type: str, number: str, customer: Customer, *, at: datetime) -> None:
    """Record what happened to a card; its number is a key and stays out of the event but for its end."""
    record_event(
        type,
        external_id=f"card:{number[-4:]}:{customer.pk}:{at.isoformat()}",
        customer=customer,
        occurred_at=at,
        payload={"ends_with": number[-4:]},
    )
