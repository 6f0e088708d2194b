"""How chance decides, so that anybody can work it out again. Pure: nothing here reads a clock or a database.

Before a contest begins its seed is fixed and SHA-256(seed) is published. When it ends the list of entries is
frozen and its digest published; then the seed. With seed, list and, where the regulation names one, a public
number that nobody could know before, everybody comes to the same winners (docs/games.md has it in 20 lines).
"""

import hashlib
import hmac
import secrets
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import accumulate, count

SEED_BYTES = 32
RANGE = 2**256
# The letters of receipts: without look-alikes.
ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
RECEIPT_LENGTH = 10


@dataclass(frozen=True)
class Line:
    """One line of the frozen list: who it is only the receipt tells, and how many tickets they hold."""

    receipt: str
    entries: int


def new_seed() -> str:
    """Return 256 random bits as hexadecimal text."""
    return secrets.token_hex(SEED_BYTES)


def new_receipt() -> str:
    """Return a random name under which somebody stands in the public list."""
    return "".join(secrets.choice(ALPHABET) for _ in range(RECEIPT_LENGTH))


def commitment_of(seed: str) -> str:
    """Return what is published of a seed before the contest: its SHA-256, in hexadecimal."""
    return hashlib.sha256(bytes.fromhex(seed)).hexdigest()


def digest_of(lines: Iterable[Line]) -> str:
    """Return the SHA-256 of the list: `receipt;entries` and a line feed for each, by receipt."""
    digest = hashlib.sha256()
    for line in sorted(lines, key=lambda line: line.receipt):
        digest.update(f"{line.receipt};{line.entries}\n".encode())
    return digest.hexdigest()


def draw_lines(lines: Iterable[Line], *, seed: str, beacon: str = "", picks: int) -> list[Line]:
    """Return the lines drawn, in order: each ticket has the same chance, and no line is drawn twice.

    The tickets are numbered 0, 1, 2 ... down the list by receipt; a line drawn is struck out and the rest
    numbered anew. Fewer lines than `picks`: all of them, in the order drawn.
    """
    left = sorted((line for line in lines if line.entries > 0), key=lambda line: line.receipt)
    numbers = _numbers(seed, f"{digest_of(left)}\n{beacon}")
    tickets = _Tickets([line.entries for line in left])
    places = (tickets.strike_out(_below(tickets.total, numbers)) for _ in range(min(picks, len(left))))
    return [left[place] for place in places]


def outcome_of(probabilities: Sequence[Decimal], *, seed: str, receipt: str, number: int) -> int:
    """Return which of several outcomes the `number`-th play under a receipt has, as an index.

    The probabilities sum to 1; the play's number between 0 and 1 falls into the span of one of them.
    """
    drawn = _drawn(seed, f"{receipt}\n{number}")
    ends = accumulate(probabilities)
    return next(index for index, end in enumerate(ends) if drawn < end * RANGE)


def sums_to_one(probabilities: Iterable[Decimal]) -> bool:
    """Return whether these are the probabilities of all that can happen, exactly."""
    listed = list(probabilities)
    return all(0 <= each <= 1 for each in listed) and sum(listed, Decimal(0)) == 1


class _Tickets:
    """How many tickets lie before each line, as a tree of sums (Fenwick): a thousand winners of a hundred
    thousand lines are found in a second, where numbering the list anew for each takes minutes.
    """

    def __init__(self, entries: list[int]) -> None:
        self.entries, self.total = entries, sum(entries)
        self._sums = [0, *entries]
        for place in range(1, len(self._sums)):
            if (above := place + (place & -place)) < len(self._sums):
                self._sums[above] += self._sums[place]

    def strike_out(self, ticket: int) -> int:
        """Return the place of the line that holds a ticket; from now on tickets are numbered without it."""
        place = 0
        for step in reversed(range(len(self._sums).bit_length())):
            beyond = place + (1 << step)
            if beyond < len(self._sums) and self._sums[beyond] <= ticket:
                place, ticket = beyond, ticket - self._sums[beyond]
        self.total -= self.entries[place]
        above = place + 1
        while above < len(self._sums):
            self._sums[above] -= self.entries[place]
            above += above & -above
        return place


def _numbers(seed: str, message: str) -> Iterator[int]:
    return (_drawn(seed, f"{message}\n{index}") for index in count())


def _drawn(seed: str, message: str) -> int:
    return int.from_bytes(hmac.digest(bytes.fromhex(seed), message.encode(), "sha256"))


def _below(limit: int, numbers: Iterator[int]) -> int:
    """Return a number below a limit, each equally likely: beyond the last full span it is drawn anew."""
    full = RANGE - RANGE % limit
    return next(number for number in numbers if number < full) % limit
