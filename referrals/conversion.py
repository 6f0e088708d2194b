"""Which order of a friend counts, and which variant of an offer somebody is promised. Pure."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

HUNDRED = 100


@dataclass(frozen=True)
class Article:
    """What an order's line is of, and what is known of it."""

    sku: str = ""
    category: str = ""
    brand: str = ""


@dataclass(frozen=True)
class Bought:
    """What a friend bought and kept; `amount` is goods after discounts and refunds, in minor units."""

    amount: int
    currency: str
    articles: tuple[Article, ...] = ()


@dataclass(frozen=True)
class Condition:
    """What a friend has to buy: so much, in this currency, and one of these articles when any is named."""

    minimum_amount: int = 0
    currency: str = ""
    items: Mapping[str, Sequence[str]] = field(default_factory=dict)


def converts(bought: Bought, condition: Condition) -> bool:
    """Return whether what a friend bought is what the programme asks for."""
    if bought.currency != condition.currency or bought.amount < condition.minimum_amount:
        return False
    # An order that came back whole is none, also where no smallest order is asked for.
    return bought.amount > 0 and holds_one_of(bought.articles, condition.items)


def holds_one_of(articles: Iterable[Article], items: Mapping[str, Sequence[str]]) -> bool:
    """Return whether an article is named by its SKU, category or brand; anything does where none is named."""
    wanted = {
        name: {value.casefold() for value in items.get(name, ())} for name in ("skus", "categories", "brands")
    }
    if not any(wanted.values()):
        return True
    return any(
        article.sku.casefold() in wanted["skus"]
        or article.category.casefold() in wanted["categories"]
        or article.brand.casefold() in wanted["brands"]
        for article in articles
    )


def variant_for(person: str, *, programme: str, shares: Sequence[int]) -> int | None:
    """Return the place of the variant that a person is promised; None for the programme's own offer.

    `shares` are percent, 100 at most together. The same person gets the same variant whenever they are asked
    for, and another programme deals its variants anew.
    """
    digest = hashlib.sha256(f"{programme}:{person}".encode()).digest()
    point = int.from_bytes(digest[:8], "big") * HUNDRED // 2**64
    for place, share in enumerate(shares):
        if point < share:
            return place
        point -= share
    return None
