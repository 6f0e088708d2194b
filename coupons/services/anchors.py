"""The ledger's daily digest: what a merchant publishes so that nobody, not even they, can rewrite the past.

It covers every account that has a new entry; the hash of its last one stands for all before (coupons.chains).
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import connection, transaction

from coupons import chains
from coupons.models import AnchoredHead, LedgerAnchor, LedgerEntry
from customers.services import record_event
from operations.locks import lock_alone

EVENT = "ledger.anchored"
ROWS_AT_ONCE = 5_000


@dataclass(frozen=True)
class Head:
    """The last entry of an account, its head before that, and what stands for the account in the tree."""

    account_id: int
    entry_id: int
    follows_id: int | None
    leaf: bytes


def anchor_ledger(*, at: datetime) -> LedgerAnchor | None:
    """Fix the ledger as it stands in the digest of the local day before `at`, once; None when that is done.

    Who writes meanwhile is not waited for: an entry not committed yet is in the next anchor. Tells
    `ledger.anchored` with the digest. Of two at once the second waits and finds it done.
    """
    day = at.astimezone(ZoneInfo(settings.PROGRAMME_TIME_ZONE)).date() - timedelta(days=1)
    with transaction.atomic():
        lock_alone("ledger.anchor")
        last = list(LedgerAnchor.objects.order_by("-day")[:2])
        if last and last[0].day >= day:
            return None
        # From the anchor before the last on: an entry may have been on its way when the last was made.
        heads = _new_heads(last[1].last_entry if len(last) == 2 else 0)
        anchor = _write(heads, day=day, previous=last[0].digest if last else "", at=at)
        record_event(
            EVENT,
            external_id=f"ledger:{day.isoformat()}",
            occurred_at=at,
            payload={"day": day.isoformat(), "digest": anchor.digest, "previous": anchor.previous},
        )
    return anchor


def heads_of(anchor: LedgerAnchor) -> list[Head]:
    """Return an anchor's heads by account, their leaves computed from the rows as they are now."""
    return _heads("SELECT entry_id, follows_id FROM coupons_anchoredhead WHERE anchor_id = %s", [anchor.pk])


def _new_heads(after: int) -> list[Head]:
    return _heads(_NEW_HEADS, [after])


def _heads(query: str, values: list[int]) -> list[Head]:
    with connection.cursor() as cursor:
        cursor.execute(_LEAVES.format(heads=query), values)
        return [
            Head(account, entry, follows, chains.leaf(account, entry, bytes(hash), bytes(movements)))
            for account, entry, follows, hash, movements in cursor.fetchall()
        ]


def _write(heads: list[Head], *, day: date, previous: str, at: datetime) -> LedgerAnchor:
    root = chains.tree_root(head.leaf for head in heads)
    newest = LedgerEntry.objects.order_by("-id").values_list("id", flat=True).first()
    anchor = LedgerAnchor.objects.create(
        day=day,
        previous=previous,
        root=root.hex(),
        digest=chains.digest(previous, day, root),
        accounts=len(heads),
        last_entry=newest or 0,
        anchored_at=at,
    )
    AnchoredHead.objects.bulk_create(
        (
            AnchoredHead(entry_id=one.entry_id, follows_id=one.follows_id, leaf=one.leaf, anchor=anchor)
            for one in heads
        ),
        batch_size=ROWS_AT_ONCE,
    )
    return anchor


_NEW_HEADS = """
SELECT head.id AS entry_id, (
    SELECT entry.id FROM coupons_ledgerentry entry
    WHERE entry.account_id = head.account_id AND entry.id < head.id
      AND EXISTS (SELECT FROM coupons_anchoredhead known WHERE known.entry_id = entry.id)
    ORDER BY entry.id DESC LIMIT 1
) AS follows_id
FROM (SELECT DISTINCT account_id FROM coupons_ledgerentry WHERE id > %s) AS changed
CROSS JOIN LATERAL (
    SELECT id, account_id FROM coupons_ledgerentry entry
    WHERE entry.account_id = changed.account_id ORDER BY id DESC LIMIT 1
) AS head
WHERE NOT EXISTS (SELECT FROM coupons_anchoredhead known WHERE known.entry_id = head.id)
"""
_LEAVES = """
SELECT entry.account_id, entry.id, head.follows_id, entry.chain_hash, sha256(convert_to(coalesce((
    SELECT string_agg(moved.entry_id || ':' || moved.lot_id || ':' || moved.delta, E'\n'
                      ORDER BY moved.entry_id, moved.lot_id)
    FROM coupons_ledgerentry own JOIN coupons_lotmovement moved ON moved.entry_id = own.id
    WHERE own.account_id = entry.account_id AND own.id <= entry.id AND own.id > coalesce(head.follows_id, 0)
), ''), 'UTF8'))
FROM ({heads}) AS head JOIN coupons_ledgerentry entry ON entry.id = head.entry_id
ORDER BY entry.account_id
"""
