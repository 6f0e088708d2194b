"""How ledger entries are bound to each other and to a day's published digest. Pure.

Anyone can recompute it from rows and standard SHA-256; the database says the same in `coupons_chain_hash`.
What a hash is made of is lines of text in UTF-8, joined by a line feed. Instants are whole microseconds since
1970 (UTC). The reason of an entry is left out: an erasure may blank it.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

GENESIS = b""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ALGORITHM = "fidelio-ledger-1"


@dataclass(frozen=True)
class ChainedEntry:
    """What of an entry its hash is made of."""

    account_id: int
    id: int
    kind: str
    delta: int
    balance_after: int
    reverses_id: int | None
    occurred_at: datetime
    recorded_at: datetime
    source_key: str


def chain_hash(previous: bytes, entry: ChainedEntry) -> bytes:
    """Return the hash of an entry after the one whose hash is `previous` (GENESIS for an account's first)."""
    lines = [
        entry.account_id,
        entry.id,
        entry.kind,
        entry.delta,
        entry.balance_after,
        "" if entry.reverses_id is None else entry.reverses_id,
        _microseconds(entry.occurred_at),
        _microseconds(entry.recorded_at),
        entry.source_key,
    ]
    return hashlib.sha256(previous + "\n".join(map(str, lines)).encode()).digest()


def leaf(account_id: int, entry_id: int, head: bytes, movements: bytes) -> bytes:
    """Return what stands for one account in a day's tree.

    That is its last entry with its hash, and the hash of what its entries since the last anchor took from or
    gave back to lots: lines `entry:lot:delta`, by entry and lot.
    """
    text = f"{account_id}:{entry_id}:{head.hex()}:{movements.hex()}"
    return hashlib.sha256(b"\x00" + text.encode()).digest()


def tree_root(leaves: Iterable[bytes]) -> bytes:
    """Return the root of the Merkle tree of RFC 6962 over leaves in their order; they are read once."""
    perfect: list[tuple[int, bytes]] = []
    for one in leaves:
        height = 0
        while perfect and perfect[-1][0] == height:
            one = _node(perfect.pop()[1], one)
            height += 1
        perfect.append((height, one))
    if not perfect:
        return hashlib.sha256(b"").digest()
    root = perfect.pop()[1]
    while perfect:
        root = _node(perfect.pop()[1], root)
    return root


def digest(previous: str, day: date, root: bytes) -> str:
    """Return a day's digest in hex: bound to the digest before it, so that no day can be exchanged alone."""
    text = "\n".join([ALGORITHM, previous, day.isoformat(), root.hex()])
    return hashlib.sha256(text.encode()).hexdigest()


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def _microseconds(instant: datetime) -> int:
    return (instant - EPOCH) // timedelta(microseconds=1)
