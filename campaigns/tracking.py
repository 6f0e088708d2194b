"""Links that say who followed them to us, and to nobody else; and who followed them is no person. Pure."""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from secrets import compare_digest

from django.conf import settings
from django.db import models
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _

from operations.visitors import is_person

TRAP = 0  # The number of the link that no person sees.
PIXEL = "open.gif"
MARK_BYTES, NUMBER_BYTES = 12, 8
SALT = "campaigns.tracking"
# A scanner opens a mail when it arrives, its links one after the other, and those that nobody can see.
TOO_SOON = timedelta(seconds=10)
BURST, BURST_LINKS = timedelta(seconds=3), 3
BEFORE_TRAP, AFTER_TRAP = timedelta(seconds=10), timedelta(minutes=1)
# Long enough for all that shows a scanner to have come in.
SETTLED_AFTER = BEFORE_TRAP
# These load the pictures of a mail when its reader does.
IMAGE_PROXIES = re.compile(r"GoogleImageProxy|YahooMailProxy", re.IGNORECASE)


class Scanner(models.TextChoices):
    """What gives a machine away."""

    AGENT = "AGENT", _("It calls itself a scanner")
    SOON = "SOON", _("Within 10 seconds of the delivery")
    BURST = "BURST", _("Several links within 3 seconds")
    TRAP = "TRAP", _("The link that nobody sees was followed, too")


@dataclass(frozen=True)
class Sighting:
    """A link that was followed (`number`), or a mail that was opened (None); `told` by its agent's name."""

    at: datetime
    number: int | None
    told: bool = False


def seal(message_id: int) -> str:
    """Return the name of a message in its links: it tells nothing, and cannot be guessed or counted on.

    27 characters, the same every time. What is found out about one helps with no other, and it opens
    nothing: to unsubscribe takes the message's own token.
    """
    return _sealed(message_id.to_bytes(NUMBER_BYTES), settings.SECRET_KEY)


def unseal(token: str) -> int | None:
    """Return the message that a token stands for; None for one that we did not make."""
    if len(token) > 40 or not token.isascii():
        return None
    try:
        raw = urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except (NotBase64, ValueError):
        return None
    if len(raw) != MARK_BYTES + NUMBER_BYTES:
        return None
    mark, covered = raw[:MARK_BYTES], raw[MARK_BYTES:]
    for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS):
        number = _covered(covered, mark, key)
        if compare_digest(_sealed(number, key), token):
            return int.from_bytes(number)
    return None


def _sealed(number: bytes, key: str) -> str:
    mark = salted_hmac(SALT, number, secret=key, algorithm="sha256").digest()[:MARK_BYTES]
    return urlsafe_b64encode(mark + _covered(number, mark, key)).decode().rstrip("=")


def _covered(number: bytes, mark: bytes, key: str) -> bytes:
    """Cover a number, or uncover it: the mark is different for each."""
    cover = salted_hmac(f"{SALT}.cover", mark, secret=key, algorithm="sha256").digest()
    return bytes(one ^ other for one, other in zip(number, cover, strict=False))


def is_scanner(agent: str, *, opening: bool = False) -> bool:
    """Return whether a program names itself as one that follows links by itself; all browsers have names."""
    if opening and IMAGE_PROXIES.search(agent):
        return False
    return not is_person(agent)


def find_scanner(one: Sighting, *, others: Sequence[Sighting], sent_at: datetime | None) -> str:
    """Return what shows that a sighting of a message was a machine's; empty for a person's.

    `others` are all sightings of the message, this one among them.
    """
    if one.told:
        return Scanner.AGENT
    if sent_at is not None and one.at < sent_at + TOO_SOON:
        return Scanner.SOON
    if any(-BEFORE_TRAP <= one.at - other.at <= AFTER_TRAP for other in others if other.number == TRAP):
        return Scanner.TRAP
    if one.number is not None and _in_a_burst(one, others):
        return Scanner.BURST
    return ""


def _in_a_burst(one: Sighting, others: Sequence[Sighting]) -> bool:
    """Return whether so many different links were followed within any 3 seconds around this one."""
    near = [each for each in others if each.number is not None and abs(each.at - one.at) < BURST]
    return any(
        len({each.number for each in near if timedelta() <= each.at - first.at < BURST}) >= BURST_LINKS
        for first in near
        if first.at <= one.at
    )
