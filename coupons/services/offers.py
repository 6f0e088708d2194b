"""From what a request names to the engine's candidates: the facts are read here, and nowhere else."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from django.conf import settings
from django.db.models import Q
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
from coupons.models import Budget, BudgetPeriod, Coupon, LimitCounter, Promotion, Redemption
from coupons.rules import canonical_code, period_start
from coupons.services.buyers import Buyer
from coupons.services.gift_cards import find_gift_card
from coupons.services.keys import BudgetKey, CounterKey, counter_key
from coupons.services.locks import lock_coupons, lock_promotions
from coupons.services.payments import as_tender, find_payment
from coupons.services.reservations import with_holds
from coupons.services.spendings import PAYS, Offer, Redeemable, Spending
from customers.models import Product
from operations.errors import InvalidInput

Kind = Redemption.Kind
MOST_BY_THEMSELVES = 10


def find_offers(spending: Spending, *, at: datetime, lock: bool = False) -> list[Offer]:
    """Return an offer per redeemable in the order named, then the automatic ones, each with its rows.

    Automatic are the promotions that need no code, and the buyer's own coupons that apply by themselves.

    With `lock`, promotions and then coupons stay as they are until the transaction ends. Raises InvalidInput
    when something is named twice.
    """
    codes = [canonical_code(one.name) for one in spending.redeemables if one.kind == Kind.COUPON]
    coupons = {c.code_canonical: c for c in Coupon.objects.filter(code_canonical__in=codes)}
    own = {c.code_canonical: c for c in _coupons_by_themselves(spending, at) if c.code_canonical not in codes}
    coupons |= own
    named = _named_promotions(spending.redeemables)
    automatic = list(Promotion.objects.automatic(at).order_by("pk")) if spending.automatic else []
    ids = {coupon.promotion_id for coupon in coupons.values()}
    ids |= {promotion.pk for promotion in [*named.values(), *automatic]}
    if lock:
        promotions = {promotion.pk: promotion for promotion in lock_promotions(ids)}
        locked = lock_coupons(coupon.pk for coupon in coupons.values())
        coupons = {coupon.code_canonical: coupon for coupon in locked}
    else:
        promotions = Promotion.objects.in_bulk(ids)

    offers = []
    for one in spending.redeemables:
        if one.kind == Kind.COUPON:
            coupon = coupons.get(canonical_code(one.name))
            promotion = promotions[coupon.promotion_id] if coupon else None
            offers.append(Offer(one, promotion, coupon))
        elif one.kind in PAYS:
            offers.append(find_payment(one, spending.buyer, at=at))
        else:
            promotion = named.get(one.name)
            offers.append(Offer(one, promotions[promotion.pk] if promotion else None))
    _refuse_repeats(offers)
    mentioned = {offer.promotion.pk for offer in offers if offer.promotion and not offer.coupon}
    offers += [
        Offer(Redeemable(Kind.PROMOTION, str(one.pk)), promotions[one.pk], optional=True)
        for one in automatic
        if one.pk not in mentioned
    ]
    for code in own:
        coupon = coupons[code]
        redeemable = Redeemable(Kind.COUPON, coupon.code)
        offers.append(Offer(redeemable, promotions[coupon.promotion_id], coupon, optional=True))
    return offers


def unknown_codes(redeemables: Iterable[Redeemable]) -> int:
    """Return how many of the codes named do not exist."""
    named = [canonical_code(one.name) for one in redeemables if one.kind == Kind.COUPON]
    known = set(Coupon.objects.filter(code_canonical__in=named).values_list("code_canonical", flat=True))
    cards = [find_gift_card(one.name) for one in redeemables if one.kind == Kind.GIFT_CARD]
    return sum(code not in known for code in named) + cards.count(None)


def with_facts(offers: Sequence[Offer], *, spending: Spending, at: datetime) -> list[Offer]:
    """Return the offers with their candidates: the rules as written, what was used so far, what is left."""
    buyer = spending.buyer
    drafts = with_holds([_with_keys(offer, buyer, at) for offer in offers], spending, at=at)
    used = _used_counts(drafts)
    budgets = _budgets(drafts, at)
    spent = _spent_on(spending.order_key, drafts)
    return [
        as_tender(draft, buyer, spent=_payment_key(draft) in spent, at=at)
        if draft.pays
        else _with_candidate(draft, used, budgets, spent, buyer)
        for draft in drafts
    ]


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


def _coupons_by_themselves(spending: Spending, at: datetime) -> list[Coupon]:
    """Return the buyer's coupons that want no naming, those that end first before the others."""
    if not spending.automatic or spending.buyer.customer is None:
        return []
    return list(Coupon.objects.automatic(at).filter(holder=spending.buyer.customer)[:MOST_BY_THEMSELVES])


def _named_promotions(redeemables: Iterable[Redeemable]) -> dict[str, Promotion]:
    found = {}
    for name in {one.name for one in redeemables if one.kind == Kind.PROMOTION}:
        promotion = Promotion.objects.by_reference(name).first()
        if promotion and promotion.trigger == Promotion.Trigger.AUTOMATIC:
            found[name] = promotion
    return found


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
    limits = read_limits(offer.promotion.limits)
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


def _used_counts(offers: Sequence[Offer]) -> dict[CounterKey, int]:
    keys = {key for offer in offers for key in offer.counters}
    if not keys:
        return {}
    rows = LimitCounter.objects.filter(
        promotion_id__in={key.promotion for key in keys}, starts_on__in={key.starts_on for key in keys}
    )
    people = {key.customer for key in keys if key.customer}
    emails = {key.email_hash for key in keys if key.email_hash}
    rows = rows.filter(customer_id__in=people) | rows.filter(customer=None, email_hash__in={"", *emails})
    coupons = {key.coupon for key in keys if key.coupon}
    rows = rows.filter(coupon_id__in=coupons) | rows.filter(coupon=None)
    return {counter_key(row): row.used for row in rows}


def _budgets(offers: Sequence[Offer], at: datetime) -> dict[int, list[tuple[Budget, BudgetKey, int]]]:
    """Return by promotion its budgets, the row each counts in, and what stands there."""
    zones = {offer.promotion.pk: offer.promotion.time_zone for offer in offers if offer.promotion}
    budgets = list(Budget.objects.filter(promotion_id__in=zones).order_by("pk"))
    keys = {
        budget.pk: BudgetKey(
            budget.pk,
            period_start(budget.period, at, zones[budget.promotion_id]),
            budget.cap,
            budget.counts_money,
        )
        for budget in budgets
    }
    used = {}
    if budgets:
        periods = BudgetPeriod.objects.filter(
            budget__in=budgets, starts_on__in={key.starts_on for key in keys.values()}
        )
        used = {(period.budget_id, period.starts_on): period.used for period in periods}
    found: dict[int, list[tuple[Budget, BudgetKey, int]]] = {}
    for budget in budgets:
        key = keys[budget.pk]
        spent = used.get((key.budget, key.starts_on), 0)
        found.setdefault(budget.promotion_id, []).append((budget, key, spent))
    return found


def _spent_on(order_key: str | None, offers: Sequence[Offer]) -> set[tuple]:
    """Return which promotions and coupons, cards and points stand redeemed on this order already."""
    if order_key is None:
        return set()
    coupons = {offer.coupon.pk for offer in offers if offer.coupon}
    promotions = {offer.promotion.pk for offer in offers if offer.promotion and not offer.coupon}
    cards = {offer.gift_card.pk for offer in offers if offer.gift_card}
    # Each of these is a look-up in one of the unique indexes; any other wording is a scan.
    wanted = Q(coupon_id__in=coupons) | Q(coupon=None, promotion_id__in=promotions)
    wanted |= Q(gift_card_id__in=cards) | Q(kind=Kind.POINTS)
    rows = Redemption.objects.standing().filter(wanted, order_key=order_key)
    names = rows.values_list("promotion_id", "coupon_id", "gift_card_id", "kind")
    return {(promotion, coupon) if promotion else (kind, card) for promotion, coupon, card, kind in names}


def _payment_key(offer: Offer) -> tuple:
    return (offer.redeemable.kind, offer.gift_card.pk if offer.gift_card else None)


def _with_candidate(
    offer: Offer,
    used: dict[CounterKey, int],
    budgets: dict[int, list[tuple[Budget, BudgetKey, int]]],
    spent: set[tuple[int, int | None]],
    buyer: Buyer,
) -> Offer:
    key = f"{offer.redeemable.kind}:{offer.redeemable.name}"
    promotion, coupon = offer.promotion, offer.coupon
    if promotion is None:
        return replace(offer, candidate=engine.Candidate(key, missing=True))
    effect = read_effect(coupon.effect if coupon and coupon.effect else promotion.effect)
    own_budgets = [one for one in budgets.get(promotion.pk, []) if _bears(one[0], effect)]
    candidate = engine.Candidate(
        key=key,
        effect=effect,
        currency=promotion.currency,
        zone=promotion.time_zone,
        validity=_validity(promotion),
        conditions=read_conditions(promotion.conditions),
        stacking=read_stacking(promotion.stacking),
        coupon=_coupon_facts(coupon, offer.held) if coupon else None,
        limits=tuple(_limit(rule, offer, used, buyer) for rule in read_limits(promotion.limits)),
        budgets=tuple(
            engine.Budget(
                f"budget:{budget.pk}",
                cap=budget.cap,
                used=spent_so_far,
                amounts=key.amounts,
                partial=budget.on_insufficient == Budget.OnInsufficient.PARTIAL,
            )
            for budget, key, spent_so_far in own_budgets
        ),
        margin_floor=read_margin_floor(promotion.margin_floor),
        spent=(promotion.pk, coupon.pk if coupon else None) in spent,
        optional=offer.optional,
    )
    return replace(offer, candidate=candidate, budgets=tuple(key for _, key, _ in own_budgets))


def _bears(budget: Budget, effect: engine.Effect) -> bool:
    """Return whether a redemption takes from this budget: one of gifts only bears articles given away."""
    if budget.metric == Budget.Metric.POINTS:
        return False
    return budget.metric != Budget.Metric.GIFT_AMOUNT or effect.gives_goods


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
        items=read_items(coupon.items) if coupon.items else engine.Items(),
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
