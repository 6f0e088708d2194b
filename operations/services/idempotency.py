"""The same request twice has the effect of one, and both get the same bytes (reliability.md, rule 3)."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

from operations.errors import IdempotencyInProgress, IdempotencyKeyReused, Refusal
from operations.models import ApiClient, IdempotencyKey
from operations.statements import run

KEPT = timedelta(days=30)
ATTEMPTS = 3


@dataclass(frozen=True)
class Answer:
    """A response as it goes over the wire; `kept` is what is stored of it when that is not the same."""

    status: int
    body: bytes
    replayed: bool = False
    kept: bytes | None = None


@dataclass
class Keeping:
    """An answer that the work keeps itself, by a statement of its own which writes more than that.

    `PART` is the INSERT for that statement and returns a row; where it returns none, the answer was kept
    before and the work has to raise AnsweredMeanwhile.
    """

    PART = """
INSERT INTO operations_idempotencykey (client_id, key, request_hash, status, body, created_at)
VALUES (%(kept_client)s::text, %(kept_key)s::text, %(kept_hash)s::bytea, %(kept_status)s::bigint,
        %(kept_body)s::bytea, now()) ON CONFLICT (client_id, key) DO NOTHING RETURNING 1"""

    client: ApiClient
    key: str
    request_hash: bytes
    answer: Answer | None = None

    def parameters(self, answer: Answer) -> dict[str, Any]:
        """Return the parameters of `PART` for this answer; from here on it counts as kept."""
        self.answer = answer
        return {
            "kept_client": self.client.pk,
            "kept_key": self.key,
            "kept_hash": self.request_hash,
            "kept_status": answer.status,
            "kept_body": answer.body if answer.kept is None else answer.kept,
        }


def answer_once(
    client: ApiClient,
    *,
    key: str,
    request_hash: bytes,
    work: Callable[[], Answer],
    refuse: Callable[[Refusal], Answer],
    keeping: Keeping | None = None,
) -> Answer:
    """Run `work` in one transaction with its stored answer, or replay the answer stored before.

    A Refusal rolls everything back and is stored like a success, in a transaction of its own; any other
    error stores nothing. Looking and locking are one statement, which may look before it locks: then the
    answer cannot be stored a second time, the work is undone, and the first answer is replayed.

    Raises IdempotencyInProgress while the first request runs, IdempotencyKeyReused for another request.
    """
    for _attempt in range(ATTEMPTS):
        try:
            with transaction.atomic():
                stored = _claim(client, key, request_hash)
                if stored is None:
                    if keeping:
                        keeping.answer = None
                    answer = _done(work)
                    if keeping is None or keeping.answer is None:
                        _store(client, key, request_hash, answer)
                return stored or answer
        except _Refused as refused:
            answer = refuse(refused.refusal)
            work = _answered(answer)
        except AnsweredMeanwhile:
            continue
    raise IdempotencyInProgress


def forget_answers(*, at: datetime) -> int:
    """Delete the answers that are older than they are promised to be kept; return how many."""
    deleted, _ = IdempotencyKey.objects.filter(created_at__lt=at - KEPT).delete()
    return deleted


class _Refused(Exception):
    def __init__(self, refusal: Refusal) -> None:
        self.refusal = refusal


class AnsweredMeanwhile(Exception):
    """Another request under this key committed between our looking for its answer and our lock."""


def _done(work: Callable[[], Answer]) -> Answer:
    try:
        return work()
    except Refusal as refusal:
        raise _Refused(refusal) from refusal


def _answered(answer: Answer) -> Callable[[], Answer]:
    return lambda: answer


def _claim(client: ApiClient, key: str, request_hash: bytes) -> Answer | None:
    """Hold the key until the transaction ends; return the answer that is stored under it."""
    digest = hashlib.sha256(f"{client.pk}:{key}".encode()).digest()
    number = int.from_bytes(digest[:8], "big", signed=True)
    ((locked, stored_hash, status, body),) = run(_CLAIM, {"number": number, "client": client.pk, "key": key})
    if status is None:
        if not locked:
            raise IdempotencyInProgress
        return None
    if bytes(stored_hash) != request_hash:
        raise IdempotencyKeyReused
    return Answer(status, bytes(body), replayed=True)


_CLAIM = """
SELECT pg_try_advisory_xact_lock(%(number)s::bigint), stored.request_hash, stored.status, stored.body
FROM (VALUES (1)) AS one LEFT JOIN operations_idempotencykey stored
  ON stored.client_id = %(client)s::text AND stored.key = %(key)s::text
"""


def _store(client: ApiClient, key: str, request_hash: bytes, answer: Answer) -> None:
    with connection.cursor() as cursor:
        body = answer.kept or answer.body
        cursor.execute(_STORE, [client.pk, key, request_hash, answer.status, body])
        if not cursor.rowcount:
            raise AnsweredMeanwhile


_STORE = """
INSERT INTO operations_idempotencykey (client_id, key, request_hash, status, body, created_at)
VALUES (%s, %s, %s, %s, %s, now()) ON CONFLICT (client_id, key) DO NOTHING
"""
