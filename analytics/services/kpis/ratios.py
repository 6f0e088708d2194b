"""Shares and averages without a base are None."""


def rate(part: int, whole: int) -> float | None:
    """Return part / whole to six decimals, or None without a whole."""
    return round(part / whole, 6) if whole else None


def average(amount: int, count: int) -> int | None:
    """Return amount / count rounded half up, or None without a count."""
    return (2 * amount + count) // (2 * count) if count else None
