"""What paying with gift cards and points takes and writes, in one statement.

The accounts have been locked by an earlier statement of the transaction, so this one sees what others did to
them before. It asks once more whether they have what the calculation wants: whoever was faster may have spent
it, reserved it, or switched the card off.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from coupons.models import Redemption, RedemptionStack
from coupons.services.facts import HELD, reader
from coupons.services.keys import BudgetKey
from coupons.services.purses import CARD_MARK, SPENDABLE
from coupons.services.spendings import Offer, Spending
from coupons.services.takings import TAKEN, given_budgets
from customers.models import Event
from customers.services.events import events_part, record_events
from operations.inserts import insertion, rows_as_json
from operations.locks import Contended
from operations.services.idempotency import AnsweredMeanwhile, Keeping
from operations.statements import run


@dataclass(frozen=True)
class Payment:
    """One redemption that pays, not yet written, and what it pays from."""

    redemption: Redemption
    offer: Offer


def write_payments(
    payments: Sequence[Payment],
    events: Sequence[Event],
    *,
    spending: Spending,
    budgets: Mapping[BudgetKey, int],
    at: datetime,
    stack: RedemptionStack | None = None,
    kept: dict[str, Any] | None = None,
) -> None:
    """Take the money and points, the earliest expiry first, and write what paid how much; from budgets last.

    The accounts are locked already, and no two payments share one. With `stack` that is written as well, and
    with `kept` the answer (Keeping.parameters). Raises Contended, AnsweredMeanwhile.
    """
    told = events_part(events)
    parts = {
        **({"stack": insertion(RedemptionStack, "stack", with_id=True)} if stack else {}),
        **(told.parts if told else {}),
        **({"kept": Keeping.PART} if kept else {}),
        **({"taken": TAKEN} if budgets else {}),
    }
    rows = run(
        _statement(tuple(parts.items())),
        {
            "stack": rows_as_json([stack] if stack else [], with_id=True),
            "redemptions": rows_as_json([one.redemption for one in payments], with_id=True),
            "payments": json.dumps([_given(one) for one in payments]),
            "budgets": given_budgets(budgets),
            **reader(spending, at),
            **(told.parameters if told else {}),
            **(kept or {}),
        },
    )
    able, taken, answered = rows[0]
    if (able, taken) != (len(payments), len(budgets)):
        raise Contended
    if kept and not answered:
        raise AnsweredMeanwhile
    if told is None:
        record_events(events)


def _given(payment: Payment) -> dict[str, Any]:
    redemption, purse = payment.redemption, payment.offer.purse
    return {
        "redemption_id": redemption.pk,
        "account_id": purse.account.pk,
        "account_ids": purse.account_ids,
        "units": redemption.units,
        "cause": f"redemption:{redemption.stack_id}:{redemption.position}",
        "card_id": purse.card.pk if purse.card else None,
        "mark": purse.mark,
    }


@cache
def _statement(parts: tuple[tuple[str, str], ...]) -> str:
    written = "".join(f", {name} AS ({sql})" for name, sql in parts)
    names = dict(parts)
    paid = insertion(Redemption, "redemptions", with_id=True, instead=(("entry_id", _ENTRY),))
    return f"""
WITH payment AS MATERIALIZED ({_PAYMENTS}), open AS MATERIALIZED ({_OPEN}), spent AS MATERIALIZED ({_SPENT}),
entry AS ({_ENTRIES}), folded AS ({_FOLDED}), emptied AS ({_EMPTIED}), moved AS ({_MOVED}), paid AS ({paid})
{written}
SELECT ({_ABLE}), {_rows("taken", names)}, {_rows("kept", names)}
"""


def _rows(part: str, names: Mapping[str, str]) -> str:
    return f"(SELECT count(*) FROM {part})" if part in names else "0"


_PAYMENTS = """
SELECT * FROM json_to_recordset(%(payments)s::json) AS given (
    redemption_id bigint, account_id bigint, account_ids bigint[], units bigint, cause text, card_id bigint,
    mark bigint)
"""
# In the order in which they are spent, each with what stands up to its end.
_OPEN = f"""
SELECT p.redemption_id, p.units AS wanted, l.id, l.account_id, l.remaining,
       sum(l.remaining) OVER (PARTITION BY p.redemption_id ORDER BY l.expires_at ASC NULLS LAST, l.id) AS upto
FROM payment p JOIN coupons_lot l ON l.account_id = ANY(p.account_ids) AND {SPENDABLE}
"""
_SPENT = """
SELECT redemption_id, account_id, id, LEAST(remaining, wanted - (upto - remaining))::bigint AS units,
       upto = remaining AS first
FROM open WHERE upto - remaining < wanted
"""
_ENTRIES = """
INSERT INTO coupons_ledgerentry
    (account_id, kind, delta, balance_after, source_key, reason, occurred_at, recorded_at)
SELECT a.id, 'DEBIT', -s.units, a.balance - s.units, p.cause, '', %(at)s::timestamptz, statement_timestamp()
FROM (SELECT redemption_id, account_id, sum(units)::bigint AS units FROM spent GROUP BY 1, 2) s
JOIN payment p USING (redemption_id) JOIN coupons_account a ON a.id = s.account_id
ORDER BY a.id
RETURNING id, account_id, balance_after
"""
_FOLDED = """
UPDATE coupons_account a SET balance = e.balance_after FROM entry e WHERE a.id = e.account_id
"""
_EMPTIED = "UPDATE coupons_lot l SET remaining = l.remaining - s.units FROM spent s WHERE l.id = s.id"
_MOVED = """
INSERT INTO coupons_lotmovement (entry_id, lot_id, delta)
SELECT e.id, s.id, -s.units FROM spent s JOIN entry e USING (account_id)
"""
# A redemption names the entry of the account that gave first; the others have the same cause.
_ENTRY = """(
SELECT e.id FROM spent s JOIN entry e USING (account_id) WHERE s.redemption_id = given.id AND s.first)
"""
_ABLE = f"""
SELECT count(*) FROM payment p
WHERE p.units <= COALESCE((SELECT max(o.upto) FROM open o WHERE o.redemption_id = p.redemption_id), 0)
                 - COALESCE((SELECT sum(units) FROM ({HELD}) held WHERE account_id = p.account_id), 0)
  AND (p.card_id IS NULL
       OR EXISTS (SELECT FROM coupons_giftcard g WHERE g.id = p.card_id AND {CARD_MARK} = p.mark))
"""
