from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Context:
    """Who buys, and when: the facts about a person that conditions ask for."""

    at: datetime
    customer: str | None = None
    segments: frozenset[str] = frozenset()
    has_ordered: bool = False
