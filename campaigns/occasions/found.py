from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Found:
    """One person, the occurrence their message stands for, and what it is about (see models.Occasion)."""

    customer_id: int
    occurrence: str
    about: Mapping[str, Any] = field(default_factory=dict)
