"""What always holds in the database: every app names its own, in settings.INVARIANTS."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from django.conf import settings
from django.utils.functional import Promise
from django.utils.module_loading import import_string
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True)
class Invariant:
    """A truth about the rows. `broken` is a SELECT of those that contradict it, with what is and should be.

    `key` is `app.name_of_it`; `title` a sentence that states what holds. The query reads only, and names rows
    by their ids: what it returns is written down and shown.
    """

    key: str
    title: str | Promise
    broken: str


@cache
def invariants() -> tuple[Invariant, ...]:
    """Return every invariant of every app, in the order of settings.INVARIANTS."""
    return tuple(_declared())


def _declared() -> Iterator[Invariant]:
    for path in settings.INVARIANTS:
        declared = import_string(path)
        yield from declared() if callable(declared) else declared


_ANSWERS = """
SELECT client_id AS client, key, count(*) AS answers FROM operations_idempotencykey
GROUP BY 1, 2 HAVING count(*) > 1
ORDER BY 1
"""

INVARIANTS = [
    Invariant("operations.answers", _("A client's key has one answer."), _ANSWERS),
]
