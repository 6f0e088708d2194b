from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Context:
    """Who buys, and when: the facts about a person that conditions ask for.

    `country`, `region` and `language` are the customer's; the country that a cart names goes before theirs.
    `most_applied` is how many incentives one order takes in all, None for any number.
    """

    at: datetime
    customer: str | None = None
    segments: frozenset[str] = frozenset()
    has_ordered: bool = False
    verified_email: bool = False
    language: str = ""
    country: str = ""
    region: str = ""
    most_applied: int | None = None
