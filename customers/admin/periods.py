"""How far back a page looks: one of a few numbers of days, as its address says."""

from collections.abc import Sequence


def chosen_days(text: str, among: Sequence[int]) -> int:
    """Return the number of days that an address names, or the first of those offered."""
    return next((days for days in among if str(days) == text), among[0])
