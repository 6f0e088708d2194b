"""Guessing codes is stopped: wrong ones are counted per person and per client, atomically, in Valkey."""

import redis
import structlog

from operations.counters import count as count_units
from operations.counters import counted
from operations.errors import RateLimited
from operations.models import ApiClient

log = structlog.get_logger(__name__)

PER_SUBJECT, SUBJECT_SECONDS = 10, 600
PER_CLIENT, CLIENT_SECONDS = 1_000, 3_600


class TooManyWrongCodes(RateLimited):
    message = "Too many wrong codes; wait some minutes."
    retry_after = SUBJECT_SECONDS


def refuse_guessing(client: ApiClient, subject: str) -> None:
    """Raise TooManyWrongCodes when this person, or this untrusted client, has named too many wrong codes.

    `subject` is empty when the request names nobody. While Valkey is away everybody passes.
    """
    if client.trusted and not subject:
        return  # Nobody to be refused: the till does not wait for the counters.
    try:
        by_subject, by_client = counted(_subject_key(subject), _client_key(client))
    except redis.RedisError:
        log.error("wrong_codes_uncounted", client=client.prefix)
        return
    if subject and by_subject >= PER_SUBJECT:
        raise TooManyWrongCodes
    if not client.trusted and by_client >= PER_CLIENT:
        raise TooManyWrongCodes


def count_wrong_codes(client: ApiClient, subject: str, count: int = 1) -> None:
    """Count codes that do not exist. Raises TooManyWrongCodes when parallel guesses went past the limit."""
    if not count:
        return
    try:
        of_client = count_units(_client_key(client), count, seconds=CLIENT_SECONDS)
        of_subject = count_units(_subject_key(subject), count, seconds=SUBJECT_SECONDS) if subject else 0
    except redis.RedisError:
        log.error("wrong_codes_uncounted", client=client.prefix)
        return
    if of_client >= PER_CLIENT > of_client - count:
        log.error("many_wrong_codes", client=client.prefix, count=of_client)
    if of_subject - count >= PER_SUBJECT:
        raise TooManyWrongCodes


def _subject_key(subject: str) -> str:
    return f"wrong-codes:subject:{subject}"


def _client_key(client: ApiClient) -> str:
    return f"wrong-codes:client:{client.pk}"
