"""What a person should read before a promotion runs: what the law asks for, and prices raised lately."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from coupons.definitions import read_effect
from coupons.engine import Effect
from coupons.engine.incentive import Kind, Target
from coupons.models import Promotion
from customers.models import Product
from customers.services.prices import raised_lately
from operations.formats import money
from operations.outcomes import Notice

LegalKind = Promotion.LegalKind
PRICES_SHOWN = 3
NUMBERS_SHOWN = 10
REDUCTIONS = {Kind.PERCENT, Kind.AMOUNT, Kind.FIXED_PRICE, Kind.TIERS}


@dataclass(frozen=True)
class PriceNotice(Notice):
    """A notice about prices raised lately; `article` is the one it is about, None where there are several."""

    article: Product | None = None


def promotion_notices(promotion: Promotion, *, at: datetime) -> list[Notice]:
    """Return what is to be known about the promotion as it is written; nothing of it stops it."""
    effect = read_effect(promotion.effect)
    notices = legal_notices(promotion.legal_kind, effect)
    notices += catalogue_notices(promotion.effect, promotion.conditions)
    if _is_announced(promotion) and effect.kind in REDUCTIONS:
        notices += price_notices(effect, at=at)
    return notices


def legal_notices(legal_kind: str, effect: Effect) -> list[Notice]:
    """Return what Italian law (DPR 430/2001) asks of a promotion of this kind."""
    gives_goods = effect.kind == Kind.GIFT_ITEM
    if legal_kind == LegalKind.SCONTO:
        if not gives_goods:
            return []
        text = _(
            "An article of another kind as a gift is a premium promotion (operazione a premio), not a "
            "discount. More of the same kind, or an article of minimal value, may stay a discount "
            "(DPR 430/2001, art. 6)."
        )
        return [Notice("legal_kind_gift", text)]
    notices = []
    if not gives_goods:
        text = _(
            "An immediate discount is no premium (DPR 430/2001, art. 6): as “Discount” it needs no "
            "regulation and no deposit."
        )
        notices.append(Notice("legal_kind_discount", text))
    if legal_kind == LegalKind.OPERAZIONE_A_PREMIO:
        text = _(
            "Premium promotion: draw up the regulation with a self-certification before it starts and keep "
            "it until a year after its end (art. 10). Deposit a fifth of the value of the premiums with the "
            "ministry, unless they are handed over with the purchase (art. 7). It may last five years; "
            "premiums are due within 180 days."
        )
        return [*notices, Notice("legal_kind_premium", text)]
    text = _(
        "Prize contest: notify the ministry (PREMA) at least 15 days before it starts, with the regulation "
        "and proof of a deposit of the full value of the prizes (art. 7 and 10). A notary or the chamber of "
        "commerce has to be there when winners are drawn (art. 9). It may last one year; prizes are due "
        "within 180 days."
    )
    return [*notices, Notice("legal_kind_contest", text)]


def catalogue_notices(*definitions: Any) -> list[Notice]:
    """Return the warning about article numbers that the catalogue does not have: a slip, or not here yet.

    Nothing is said where there is no catalogue.
    """
    named = set().union(*(_article_numbers(one) for one in definitions))
    if not named or not Product.objects.exists():
        return []
    unknown = sorted(named - set(Product.objects.filter(sku__in=named).values_list("sku", flat=True)))
    if not unknown:
        return []
    text = ngettext(
        "The catalogue has no article %(numbers)s.",
        "The catalogue has none of these %(count)d articles: %(numbers)s.",
        len(unknown),
    )
    shown = ", ".join(unknown[:NUMBERS_SHOWN]) + (" …" if len(unknown) > NUMBERS_SHOWN else "")
    return [Notice("unknown_articles", text % {"count": len(unknown), "numbers": shown})]


def _article_numbers(definition: Any) -> set[str]:
    """Return every article number in a part of a definition, however deep."""
    if isinstance(definition, list):
        return set().union(*map(_article_numbers, definition))
    if not isinstance(definition, dict):
        return set()
    named = {one for one in definition.get("skus") or () if isinstance(one, str)}
    if isinstance(sku := definition.get("sku"), str) and sku:
        named.add(sku)
    return named.union(*map(_article_numbers, definition.values()))


def price_notices(effect: Effect, *, at: datetime) -> list[Notice]:
    """Return the warning about articles whose price was lower in the last 30 days (the Omnibus directive)."""
    products = raised_lately(covered_products(effect), at=at).order_by("sku")
    shown = list(products[: PRICES_SHOWN + 1])
    if not shown:
        return []
    examples = "; ".join(
        _("%(article)s: %(price)s now, %(lowest)s lowest")
        % {
            "article": one.name or one.sku,
            "price": money(one.price_amount),
            "lowest": money(one.lowest_amount),
        }
        for one in shown[:PRICES_SHOWN]
    )
    count = len(shown) if len(shown) <= PRICES_SHOWN else products.count()
    text = ngettext(
        "%(count)d article costs more now than in the last 30 days (%(examples)s). A reduction has to be "
        "announced from the lowest price of the last 30 days (Directive 2019/2161).",
        "%(count)d articles cost more now than in the last 30 days (%(examples)s). A reduction has to be "
        "announced from the lowest price of the last 30 days (Directive 2019/2161).",
        count,
    )
    message = text % {"count": count, "examples": examples}
    return [PriceNotice("lowest_price_30_days", message, article=shown[0] if count == 1 else None)]


def covered_products(effect: Effect) -> QuerySet[Product]:
    """Return the articles of the catalogue that the effect is for."""
    items = effect.items
    if effect.kind == Kind.FIXED_PRICE and effect.target == Target.ORDER:
        return Product.objects.none()
    products = Product.objects.all()
    if items.named:
        products = products.filter(_names(items))
    if items.exclude and items.exclude.named:
        products = products.exclude(_names(items.exclude))
    return products


def _names(items: object) -> Q:
    return (
        Q(sku__in=items.skus)
        | Q(category__in=items.categories - {""})
        | Q(brand__in=items.brands - {""})
        | Q(collection__in=items.collections - {""})
    )


def _is_announced(promotion: Promotion) -> bool:
    """Return whether everybody is told of the reduction; what one person is given is not announced."""
    if promotion.trigger == Promotion.Trigger.AUTOMATIC:
        return True
    return bool(promotion.pk) and promotion.coupons.filter(public=True).exists()
