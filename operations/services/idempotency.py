"""The same request twice has the effect of one, and both get the same bytes (reliability.md, rule 3)."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction

from operations.errors import IdempotencyInProgress, IdempotencyKeyReused, Refusal
from operations.models import ApiClient, IdempotencyKey

KEPT = timedelta(days=30)


@dataclass(frozen=True)
class Answer:
    """A response as it goes over the wire."""

    status: int
    body: bytes
    replayed: bool = False


def answer_once(
    client: ApiClient,
    *,
    key: str,
    request_hash: bytes,
    work: Callable[[], Answer],
    refuse: Callable[[Refusal], Answer],
) -> Answer:
    """Run `work` in one transaction with its stored answer, or replay the answer stored before.

    A Refusal rolls the work back and is stored like a success; any other error stores nothing.

    Raises IdempotencyInProgress while the first request runs, IdempotencyKeyReused for another request.
    """
    with transaction.atomic():
        _lock(client, key)
        stored = IdempotencyKey.objects.filter(client=client, key=key).first()
        if stored:
            if bytes(stored.request_hash) != request_hash:
                raise IdempotencyKeyReused
            return Answer(stored.status, bytes(stored.body), replayed=True)
        try:
            with transaction.atomic():
                answer = work()
        except Refusal as refusal:
            answer = refuse(refusal)
        IdempotencyKey.objects.create(
            client=client, key=key, request_hash=request_hash, status=answer.status, body=answer.body
        )
    return answer


def forget_answers(*, at: datetime) -> int:
    """Delete the answers that are older than they are promised to be kept; return how many."""
    deleted, _ = IdempotencyKey.objects.filter(created_at__lt=at - KEPT).delete()
    return deleted


def _lock(client: ApiClient, key: str) -> None:
    digest = hashlib.sha256(f"{client.pk}:{key}".encode()).digest()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_try_advisory_xact_lock(%s)", [int.from_bytes(digest[:8], "big", signed=True)]
        )
        if not cursor.fetchone()[0]:
            raise IdempotencyInProgress
