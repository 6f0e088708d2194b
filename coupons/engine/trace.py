from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Check:
    """One rule that was asked: what it wanted, what it found, and what is missing to meet it.

    `key` is the refusal that a failed check leads to.
    """

    rule: str
    passed: bool
    key: str
    actual: Any = None
    expected: Any = None
    missing: dict[str, int] | None = None
