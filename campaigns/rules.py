"""Arithmetic and policy of sending, without a database."""

import re
from datetime import timedelta

RETRY_AFTER = [
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=6),
]
MOST_RETRIES = len(RETRY_AFTER)
JITTER = 0.2
# A broadcast later than this waits until somebody confirms that it should still go out.
CONFIRM_AFTER = timedelta(hours=2)


def retry_delay(attempts: int, *, chance: float) -> timedelta | None:
    """Return how long to wait after the `attempts`-th failed attempt, or None when it was the last.

    `chance` in 0..1 spreads the delay by a fifth either way, so that a provider's return is no stampede.
    """
    if attempts > MOST_RETRIES:
        return None
    return RETRY_AFTER[attempts - 1] * (1 - JITTER + 2 * JITTER * chance)


def bounce_status(reply: str) -> str:
    """Return the enhanced status (RFC 3463) that a reply names, such as `5.1.1`; empty for none."""
    found = re.search(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.])", reply)
    return found[1] if found else ""


def is_hard_bounce(code: int, reply: str) -> bool:
    """Return whether an SMTP refusal of a recipient says that the mailbox does not exist.

    With an enhanced status (RFC 3463) only class 5.1 does: 5.2 is a full mailbox, 5.7 a policy. Without one,
    550, 551 and 553 do.
    """
    status = re.match(r"\s*([245])\.(\d{1,3})\.\d{1,3}\b", reply)
    if status:
        return status[1] == "5" and status[2] == "1"
    return code in {550, 551, 553}
