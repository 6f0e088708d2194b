"""What the database says about a spending: the rows it names and what was used of them, in one statement.

With `lock` the promotions and then the coupons stay as they are until the transaction ends (C4). Without,
each bears a mark, by which the statement that spends and locks them sees whether they are still what was read
here. What is counted elsewhere, in counters, budgets and reservations, is read as it was when the statement
began: who spends takes from it guarded, and reads it again with it locked when a guard refuses.
"""

import json
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any

from coupons.models import Budget, Coupon, Promotion
from coupons.rules import FOREVER
from coupons.services.keys import CounterKey
from coupons.services.spendings import Spending
from operations.statements import Columns, run

LONGEST_PERIOD = timedelta(days=33)


@dataclass(frozen=True)
class Named:
    """What a spending names, and what joins it by itself: codes in canonical form, ids of rows."""

    codes: Collection[str] = ()
    coupons: Collection[int] = ()
    promotions: Collection[int] = ()
    cards: Collection[int] = ()
    accounts: Collection[int] = ()


@dataclass
class Facts:
    """The rows a spending names, and what was used of them so far.

    `budgets` stand by promotion, `spent_so_far` by budget and first day of a period. `spent` tells what
    stands redeemed on this order: (promotion, coupon) or (kind, gift card). `held` is what reservations of
    others keep by (coupon, account). `ids` are for a stack and its redemptions, drawn for who spends.
    """

    promotions: dict[int, Promotion] = field(default_factory=dict)
    coupons: dict[str, Coupon] = field(default_factory=dict)
    used: dict[CounterKey, int] = field(default_factory=dict)
    budgets: dict[int, list[Budget]] = field(default_factory=dict)
    spent_so_far: dict[tuple[int, date], int] = field(default_factory=dict)
    spent: set[tuple] = field(default_factory=set)
    held: dict[tuple[int | None, int | None], int] = field(default_factory=dict)
    own_reservations: list[int] = field(default_factory=list)
    order_id: int | None = None
    ids: list[int] = field(default_factory=list)
    promotion_marks: dict[int, int] = field(default_factory=dict)
    coupon_marks: dict[int, int] = field(default_factory=dict)


def read_facts(
    spending: Spending, named: Named, *, at: datetime, lock: bool = False, draw: bool = False
) -> Facts:
    """Return what the database says about what is named, at this instant; with `draw`, ids to spend under."""
    buyer, purchase = spending.buyer, spending.purchase
    rows = run(
        _statement(lock, draw),
        {
            "codes": list(named.codes),
            "coupons": list(named.coupons),
            "promotions": list(named.promotions),
            "cards": list(named.cards),
            "accounts": list(named.accounts),
            "emails": ["", *buyer.email_hashes],
            "forever": FOREVER,
            "since": (at - LONGEST_PERIOD).date(),
            "source": purchase.source or None,
            "source_id": purchase.source_id or None,
            "wanted": len(spending.redeemables) + len(named.coupons) + len(named.promotions),
            **reader(spending, at),
        },
    )
    return _facts(rows)


def reader(spending: Spending, at: datetime) -> dict[str, Any]:
    """Return the parameters of `OF_OTHERS`."""
    customer = spending.buyer.customer
    return {
        "at": at,
        "customer": customer.pk if customer else None,
        "order_key": spending.order_key,
        "client": spending.client.pk if spending.client else None,
        "reservation_key": spending.reservation_key or None,
    }


# Live, and not one's own. One's own is what was reserved under the same key, for the same order unless by
# another customer, and by the same customer where either side does not say for which order.
OF_OTHERS = """
kept.expires_at > %(at)s::timestamptz AND (
    (kept.key = %(reservation_key)s::text AND kept.client_id IS NOT DISTINCT FROM %(client)s::text)
    OR (kept.order_key = %(order_key)s::text
        AND (kept.customer_id IS NULL OR COALESCE(kept.customer_id = %(customer)s::bigint, true)))
    OR (kept.customer_id = %(customer)s::bigint
        AND (kept.order_key IS NULL OR %(order_key)s::text IS NULL))
) IS NOT TRUE
"""
_PROMOTION, _COUPON = Columns(Promotion), Columns(Coupon)
PROMOTION_MARK = _PROMOTION.mark("p", without="")
COUPON_MARK = _COUPON.mark("c", without="uses")
_FIXED = 9


@cache
def _statement(lock: bool, draw: bool) -> str:
    return f"""
WITH wanted AS MATERIALIZED (
    SELECT id, promotion_id FROM coupons_coupon WHERE code_canonical = ANY(%(codes)s::text[])
    UNION SELECT id, promotion_id FROM coupons_coupon WHERE id = ANY(%(coupons)s::bigint[])
), promotion AS MATERIALIZED (
    SELECT {_PROMOTION.of("p")}, {PROMOTION_MARK} AS mark FROM coupons_promotion p WHERE p.id IN (
        SELECT promotion_id FROM wanted UNION SELECT unnest(%(promotions)s::bigint[]))
    ORDER BY p.id {"FOR KEY SHARE" if lock else ""}
), coupon AS MATERIALIZED (
    SELECT {_COUPON.of("c")}, {COUPON_MARK} AS mark FROM coupons_coupon c
    WHERE c.id IN (SELECT id FROM wanted) AND (SELECT count(*) FROM promotion) > 0
    ORDER BY c.id {"FOR UPDATE" if lock else ""}
)
SELECT
    ({_BUDGETS}), ({_USED}), ({_SPENT}), ({_HELD}), ({_OWN}), ({_ORDER}), ({_IDS if draw else "NULL"}),
    promotion.mark, coupon.mark, {_PROMOTION.of("promotion")}, {_COUPON.of("coupon")}
FROM (VALUES (1)) AS one
LEFT JOIN (promotion LEFT JOIN coupon ON coupon.promotion_id = promotion.id) ON true
"""


_BUDGETS = """
SELECT json_agg(json_build_array(
    b.id, b.promotion_id, b.metric, b.period, b.cap, b.on_insufficient, t.starts_on, t.used) ORDER BY b.id)
FROM promotion p JOIN coupons_budget b ON b.promotion_id = p.id
LEFT JOIN coupons_budgetperiod t
  ON t.budget_id = b.id AND (t.starts_on = %(forever)s::date OR t.starts_on >= %(since)s::date)
"""
_COUNTER = """
SELECT k.* FROM coupons_limitcounter k {join}
WHERE k.promotion_id = p.id AND k.coupon_id {coupon} AND k.customer_id {customer}
  AND k.email_hash = ANY({email}) AND (k.starts_on = %(forever)s::date OR k.starts_on >= %(since)s::date)
"""
# Each branch is a look-up in the unique index; any other wording reads every counter of the promotion.
_USED = """
SELECT json_agg(json_build_array(
    k.promotion_id, k.coupon_id, k.customer_id, k.email_hash, k.period, k.starts_on, k.used))
FROM promotion p CROSS JOIN LATERAL ({branches}) k WHERE p.limits <> '[]'::jsonb
""".format(
    branches=" UNION ALL ".join(
        _COUNTER.format(join=join, coupon=coupon, customer=customer, email=email)
        for join, coupon in (("", "IS NULL"), ("CROSS JOIN wanted w", "= w.id"))
        for customer, email in (
            ("IS NULL", "%(emails)s::text[]"),
            ("= %(customer)s::bigint", "ARRAY['']"),
        )
    )
)
_STANDING = """
SELECT promotion_id, coupon_id, gift_card_id, kind FROM coupons_redemption
WHERE status = 'REDEEMED' AND order_key = %(order_key)s::text
"""
_SPENT = f"""
SELECT json_agg(json_build_array(promotion_id, coupon_id, gift_card_id, kind)) FROM (
    {_STANDING} AND coupon_id IN (SELECT id FROM wanted)
    UNION ALL {_STANDING} AND coupon_id IS NULL AND promotion_id IN (SELECT id FROM promotion)
    UNION ALL {_STANDING} AND gift_card_id = ANY(%(cards)s::bigint[])
    UNION ALL {_STANDING} AND kind = 'points'
) standing
"""
HELD = f"""
SELECT h.coupon_id, h.account_id, h.units
FROM coupons_hold h JOIN coupons_reservation kept ON kept.id = h.reservation_id WHERE {OF_OTHERS}
"""
_HELD = f"""
SELECT json_agg(json_build_array(coupon_id, account_id, units)) FROM (
    {HELD} AND h.coupon_id IN (SELECT id FROM wanted)
    UNION ALL {HELD} AND h.account_id = ANY(%(accounts)s::bigint[])
) held
"""
_OWN = """
SELECT json_agg(id) FROM coupons_reservation
WHERE order_key = %(order_key)s::text AND client_id IS NOT DISTINCT FROM %(client)s::text
"""
_ORDER = """
SELECT o.id FROM customers_order o JOIN customers_source s ON s.id = o.source_id
WHERE s.code = %(source)s::text AND o.external_id = %(source_id)s::text
"""
_IDS = """
SELECT json_agg(id) FROM (
    SELECT nextval('coupons_redemptionstack_id_seq') AS id
    UNION ALL SELECT nextval('coupons_redemption_id_seq') FROM generate_series(1, %(wanted)s::bigint)
) drawn
"""


def _facts(rows: list[tuple]) -> Facts:
    budgets, used, spent, held, own, order_id, ids = (_parsed(value) for value in rows[0][:7])
    facts = Facts(own_reservations=own or [], order_id=order_id, ids=ids or [])
    for values in rows:
        promotion = _PROMOTION.row(values[_FIXED : _FIXED + len(_PROMOTION)])
        coupon = _COUPON.row(values[_FIXED + len(_PROMOTION) :])
        if promotion:
            promotion = facts.promotions.setdefault(promotion.pk, promotion)
            facts.promotion_marks[promotion.pk] = values[7]
        if coupon:
            coupon.promotion = promotion
            facts.coupons[coupon.code_canonical] = coupon
            facts.coupon_marks[coupon.pk] = values[8]
    for pk, promotion_id, metric, period, cap, on_insufficient, starts_on, units in budgets or ():
        mine = facts.budgets.setdefault(promotion_id, [])
        if not mine or mine[-1].pk != pk:
            mine.append(
                Budget(
                    id=pk,
                    promotion_id=promotion_id,
                    metric=metric,
                    period=period,
                    cap=cap,
                    on_insufficient=on_insufficient,
                )
            )
        if starts_on:
            facts.spent_so_far[pk, date.fromisoformat(starts_on)] = units
    for promotion_id, coupon_id, customer_id, email, period, starts_on, units in used or ():
        day = date.fromisoformat(starts_on)
        key = CounterKey(promotion_id, coupon_id or 0, customer_id or 0, email, period, day)
        facts.used[key] = units
    for promotion_id, coupon_id, card, kind in spent or ():
        facts.spent.add((promotion_id, coupon_id) if promotion_id else (kind, card))
    for coupon_id, account_id, units in held or ():
        facts.held[coupon_id, account_id] = facts.held.get((coupon_id, account_id), 0) + units
    return facts


def _parsed(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value
