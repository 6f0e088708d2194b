"""How incentives go together: what stands alone, and how many apply (M5)."""

from dataclasses import dataclass, field

from coupons.engine.incentive import Stacking
from coupons.engine.trace import Check

KEY = "stacking_limit_exceeded"


@dataclass
class Applied:
    """What those that apply already say about others beside them."""

    count: int = 0
    exclusive: bool = False
    most: int | None = None
    counts: dict[str, int] = field(default_factory=dict)
    caps: dict[str, int] = field(default_factory=dict)

    def check(self, stacking: Stacking, most_applied: int | None) -> list[Check]:
        """Return whether one more fits; `most_applied` is how many the programme allows on one order."""
        alone = not self.count or not (stacking.exclusive or self.exclusive)
        checks = [Check("exclusive", alone, KEY)]
        most = _lower(_lower(self.most, stacking.max_applied), most_applied)
        if most is not None:
            checks.append(Check("max_applied", self.count < most, KEY, self.count, most))
        if stacking.category:
            there = self.counts.get(stacking.category, 0)
            cap = _lower(self.caps.get(stacking.category), stacking.max_in_category)
            if cap is not None:
                checks.append(Check("max_in_category", there < cap, KEY, there, cap))
        return checks

    def add(self, stacking: Stacking) -> None:
        self.count += 1
        self.exclusive = self.exclusive or stacking.exclusive
        self.most = _lower(self.most, stacking.max_applied)
        if stacking.category:
            self.counts[stacking.category] = self.counts.get(stacking.category, 0) + 1
            cap = _lower(self.caps.get(stacking.category), stacking.max_in_category)
            if cap is not None:
                self.caps[stacking.category] = cap


def _lower(one: int | None, other: int | None) -> int | None:
    return other if one is None else one if other is None else min(one, other)
