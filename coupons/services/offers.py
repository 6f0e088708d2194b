"""From what a request names to the engine's candidates: the facts are read here, and nowhere else."""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from coupons import engine
from coupons.definitions import (
    LimitRule,
    LimitSubject,
    read_conditions,
    read_effect,
    read_items,
    read_limits,
    read_margin_floor,
    read_stacking,
)
from coupons.models import Budget, Coupon, Promotion, Redemption
from coupons.rules import canonical_code, period_start
from coupons.services.buyers import Buyer
from coupons.services.facts import Facts, Named, read_facts
from coupons.services.gift_cards import find_gift_card
from coupons.services.keys import BudgetKey, CounterKey
from coupons.services.payments import as_tender, find_payments
from coupons.services.personal_offers import with_own_value
from coupons.services.spendings import PAYS, Offer, Redeemable, Spending
from customers.models import Product
from operations.errors import InvalidInput

Kind = Redemption.Kind
MOST_BY_THEMSELVES = 10


def find_offers(
    spending: Spending, *, at: datetime, lock: bool = False, draw: bool = False
) -> tuple[list[Offer], Facts]:
    """Return an offer per redeemable in the order named, then the automatic ones, ready to be calculated.

    Automatic are the promotions that need no code, and the buyer's own coupons that apply by themselves.

    With `lock`, promotions and then coupons stay as they are until the transaction ends; with `draw`, ids are
    drawn to spend them under. Raises InvalidInput when something is named twice.
    """
    named = {one.name: one for one in spending.redeemables if one.kind == Kind.PROMOTION}
    promotions = {name: pk for name in named if (pk := _named_promotion(name))}
    automatic = _promotions_by_themselves(at) if spending.automatic else []
    own = _coupons_by_themselves(spending, at)
    payments = find_payments(spending.redeemables, spending.buyer, at=at)
    facts = read_facts(
        spending,
        Named(
            codes={canonical_code(one.name) for one in spending.redeemables if one.kind == Kind.COUPON},
            coupons=own,
            promotions={*promotions.values(), *automatic},
            cards={offer.gift_card.pk for offer in payments.values() if offer.gift_card},
            accounts={offer.account.pk for offer in payments.values() if offer.account},
        ),
        at=at,
        lock=lock,
        draw=draw,
    )
    offers = []
    for one in spending.redeemables:
        if one.kind == Kind.COUPON:
            coupon = facts.coupons.get(canonical_code(one.name))
            offers.append(Offer(one, coupon.promotion if coupon else None, coupon))
        elif one.kind in PAYS:
            offers.append(payments[one])
        else:
            offers.append(Offer(one, facts.promotions.get(promotions.get(one.name))))
    _refuse_repeats(offers)
    offers += _joining(offers, automatic, own, facts)
    return [_with_facts(offer, facts, spending.buyer, at) for offer in offers], facts


def _joining(offers: Sequence[Offer], automatic: list[int], own: list[int], facts: Facts) -> list[Offer]:
    """Return what applies by itself and was not named."""
    mentioned = {offer.promotion.pk for offer in offers if offer.promotion and not offer.coupon}
    found = [
        Offer(Redeemable(Kind.PROMOTION, str(pk)), facts.promotions[pk], optional=True)
        for pk in automatic
        if pk not in mentioned and pk in facts.promotions
    ]
    named = {offer.coupon.pk for offer in offers if offer.coupon}
    by_id = {coupon.pk: coupon for coupon in facts.coupons.values()}
    for pk in own:
        if pk not in named and pk in by_id:
            redeemable = Redeemable(Kind.COUPON, by_id[pk].code)
            found.append(Offer(redeemable, by_id[pk].promotion, by_id[pk], optional=True))
    return found


def unknown_codes(redeemables: Iterable[Redeemable]) -> int:
    """Return how many of the codes named do not exist."""
    named = [canonical_code(one.name) for one in redeemables if one.kind == Kind.COUPON]
    known = set(Coupon.objects.filter(code_canonical__in=named).values_list("code_canonical", flat=True))
    cards = [find_gift_card(one.name) for one in redeemables if one.kind == Kind.GIFT_CARD]
    return sum(code not in known for code in named) + cards.count(None)


def _with_facts(offer: Offer, facts: Facts, buyer: Buyer, at: datetime) -> Offer:
    """Return the offer with its candidate: the rules as written, what was used so far, what is left."""
    thing = (offer.coupon.pk if offer.coupon else None, offer.account.pk if offer.account else None)
    offer = replace(offer, held=facts.held.get(thing, 0))
    if offer.pays:
        key = (offer.redeemable.kind, offer.gift_card.pk if offer.gift_card else None)
        return as_tender(offer, buyer, spent=key in facts.spent, at=at)
    return _with_candidate(_with_keys(offer, buyer, at), facts, buyer, at)


def describe_lines(cart: engine.Cart, offers: Iterable[Offer]) -> engine.Cart:
    """Fill in what the catalogue knows of articles where the cart is silent and a rule could ask for it.

    What an article costs the merchant is kept in the programme's currency, and known to carts in it alone.
    """
    candidates = [offer.candidate for offer in offers if isinstance(offer.candidate, engine.Candidate)]
    asked = [one for one in candidates if one.effect]
    names = any(_asks_for_names(one) for one in asked)
    costs = cart.currency == settings.PROGRAMME_CURRENCY and any(_asks_for_costs(one) for one in asked)
    silent = {
        line.sku
        for line in cart.lines
        if line.sku
        and (
            (names and not (line.category and line.brand and line.collection))
            or (costs and line.unit_cost is None)
        )
    }
    if not silent:
        return cart
    products = {product.sku: product for product in Product.objects.filter(sku__in=silent)}
    lines = tuple(_describe(line, products.get(line.sku), costs=costs) for line in cart.lines)
    return replace(cart, lines=lines)


def _asks_for_names(candidate: engine.Candidate) -> bool:
    return (
        any(items.named or items.exclude for items in _scopes(candidate))
        or bool(candidate.effect.bundle)
        or bool(candidate.conditions.contains)
    )


def _asks_for_costs(candidate: engine.Candidate) -> bool:
    floor = candidate.margin_floor or candidate.effect.margin_floor
    return floor is not None or any(items.min_margin_percent is not None for items in _scopes(candidate))


def _scopes(candidate: engine.Candidate) -> list[engine.Items]:
    return [candidate.effect.items, *([candidate.coupon.items] if candidate.coupon else [])]


def _describe(line: engine.Line, product: Product | None, *, costs: bool) -> engine.Line:
    if product is None:
        return line
    return replace(
        line,
        category=line.category or product.category,
        brand=line.brand or product.brand,
        collection=line.collection or product.collection,
        unit_cost=product.unit_cost_amount if costs and line.unit_cost is None else line.unit_cost,
    )


def _promotions_by_themselves(at: datetime) -> list[int]:
    return list(Promotion.objects.automatic(at).order_by("pk").values_list("pk", flat=True))


def _coupons_by_themselves(spending: Spending, at: datetime) -> list[int]:
    """Return the buyer's coupons that want no naming, those that end first before the others."""
    if not spending.automatic or spending.buyer.customer is None:
        return []
    own = Coupon.objects.automatic(at).filter(holder=spending.buyer.customer)
    return list(own.values_list("pk", flat=True)[:MOST_BY_THEMSELVES])


def _named_promotion(name: str) -> int | None:
    """Return the promotion named by its id or code, if it is one that needs no code of its own."""
    automatic = Promotion.objects.by_reference(name).filter(trigger=Promotion.Trigger.AUTOMATIC)
    return automatic.values_list("pk", flat=True).first()


def _refuse_repeats(offers: Sequence[Offer]) -> None:
    seen = set()
    for index, offer in enumerate(offers):
        name = canonical_code(offer.redeemable.name)
        rows = (offer.promotion, offer.coupon, offer.gift_card)
        key = rows if any(rows) else (offer.redeemable.kind, name)
        if key in seen:
            raise InvalidInput.at(f"/redeemables/{index}", _("The same incentive stands here twice."))
        seen.add(key)


def _with_keys(offer: Offer, buyer: Buyer, at: datetime) -> Offer:
    if offer.promotion is None:
        return offer
    limits = _read(read_limits, offer.promotion.limits)
    counters = [key for limit in limits for key in _counter_keys(limit, offer, buyer, at)]
    return replace(offer, counters=tuple(counters))


def _counter_keys(limit: LimitRule, offer: Offer, buyer: Buyer, at: datetime) -> list[CounterKey]:
    promotion = offer.promotion
    coupon = 0
    if limit.subject in (LimitSubject.COUPON, LimitSubject.CUSTOMER_COUPON):
        coupon = offer.coupon.pk
    starts_on = period_start(limit.period, at, promotion.time_zone)
    rest = (limit.period, starts_on, limit.uses)
    if limit.subject in (LimitSubject.COUPON, LimitSubject.PROMOTION):
        return [CounterKey(promotion.pk, coupon, 0, "", *rest)]
    keys = [CounterKey(promotion.pk, coupon, 0, email, *rest) for email in buyer.email_hashes]
    if buyer.customer is not None:
        keys.append(CounterKey(promotion.pk, coupon, buyer.customer.pk, "", *rest))
    return keys


def _budgets(promotion: Promotion, effect: engine.Effect, facts: Facts, at: datetime) -> list[BudgetKey]:
    """Return where this promotion counts what it spends."""
    return [
        BudgetKey(
            budget.pk,
            period_start(budget.period, at, promotion.time_zone),
            budget.cap,
            budget.counts_money,
            budget.on_insufficient == Budget.OnInsufficient.PARTIAL,
        )
        for budget in facts.budgets.get(promotion.pk, ())
        if _bears(budget, effect)
    ]


def _with_candidate(offer: Offer, facts: Facts, buyer: Buyer, at: datetime) -> Offer:
    key = f"{offer.redeemable.kind}:{offer.redeemable.name}"
    promotion, coupon = offer.promotion, offer.coupon
    if promotion is None:
        return replace(offer, candidate=engine.Candidate(key, missing=True))
    effect = _read(read_effect, coupon.effect if coupon and coupon.effect else promotion.effect)
    if effect.lacks_value:
        effect = with_own_value(effect, promotion, customer_id=_whose(coupon, buyer), at=at)
    budgets = _budgets(promotion, effect, facts, at)
    candidate = engine.Candidate(
        key=key,
        effect=effect,
        currency=promotion.currency,
        zone=promotion.time_zone,
        validity=_validity(promotion),
        conditions=_read(read_conditions, promotion.conditions),
        stacking=_read(read_stacking, promotion.stacking),
        coupon=_coupon_facts(coupon, offer.held) if coupon else None,
        limits=tuple(_limit(rule, offer, facts.used, buyer) for rule in _read(read_limits, promotion.limits)),
        budgets=tuple(
            engine.Budget(
                f"budget:{one.budget}",
                cap=one.cap,
                used=facts.spent_so_far.get((one.budget, one.starts_on), 0),
                amounts=one.amounts,
                partial=one.partial,
            )
            for one in budgets
        ),
        margin_floor=_read(read_margin_floor, promotion.margin_floor),
        spent=(promotion.pk, coupon.pk if coupon else None) in facts.spent,
        optional=offer.optional,
    )
    return replace(offer, candidate=candidate, budgets=tuple(budgets))


def _whose(coupon: Coupon | None, buyer: Buyer) -> int | None:
    """Return whose personal value a code gives: its holder's, or that of whoever buys."""
    if coupon and coupon.holder_id:
        return coupon.holder_id
    return buyer.customer.pk if buyer.customer else None


def _bears(budget: Budget, effect: engine.Effect) -> bool:
    """Return whether a redemption takes from this budget: one of gifts only bears articles given away."""
    if budget.metric == Budget.Metric.POINTS:
        return False
    return budget.metric != Budget.Metric.GIFT_AMOUNT or effect.gives_goods


def _read(reader: Callable[[Any], Any], data: Any) -> Any:
    """Return a definition as a value of the engine; the same definition is read once by each process."""
    return _read_text(reader, json.dumps(data))


@lru_cache(maxsize=4096)
def _read_text(reader: Callable[[Any], Any], text: str) -> Any:
    return reader(json.loads(text))


def _validity(promotion: Promotion) -> engine.Validity:
    return engine.Validity(
        enabled=promotion.status != Promotion.Status.DRAFT,
        stopped=promotion.status == Promotion.Status.STOPPED,
        draining=promotion.stop_mode == Promotion.StopMode.DRAIN,
        starts_at=promotion.starts_at,
        ends_at=promotion.ends_at,
    )


def _coupon_facts(coupon: Coupon, held: int) -> engine.CouponFacts:
    return engine.CouponFacts(
        active=coupon.active,
        valid_from=coupon.valid_from,
        valid_until=coupon.valid_until,
        uses=coupon.uses + held,
        max_uses=coupon.max_uses,
        holder=str(coupon.holder_id) if coupon.holder_id else None,
        personal=coupon.personal,
        items=_read(read_items, coupon.items) if coupon.items else engine.Items(),
    )


def _limit(rule: LimitRule, offer: Offer, used: dict[CounterKey, int], buyer: Buyer) -> engine.Limit:
    about_person = rule.subject in (LimitSubject.CUSTOMER, LimitSubject.CUSTOMER_COUPON)
    with_coupon = rule.subject in (LimitSubject.COUPON, LimitSubject.CUSTOMER_COUPON)
    keys = [
        key
        for key in offer.counters
        if key.period == rule.period
        and bool(key.customer or key.email_hash) == about_person
        and bool(key.coupon) == with_coupon
    ]
    coupon = offer.coupon.pk if with_coupon else ""
    return engine.Limit(
        subject=rule.subject,
        period=rule.period,
        uses=rule.uses,
        used=max((used.get(key, 0) for key in keys), default=0),
        key=f"limit:{offer.promotion.pk}:{rule.subject}:{rule.period}:{coupon}",
        unknown=about_person and not buyer.known,
    )
