"""What earns points, how many, and until when they are good. Pure: nothing here reads a clock or a database.

`loyalty.services.backfill` says the same in SQL; a test holds the two against each other.
"""

from loyalty.rules.arithmetic import NOTHING, Basis, kept_of, points_for, product, units_for
from loyalty.rules.dates import Expiry, ExpiryKind, end_of, months_after, spendable_from
from loyalty.rules.evaluation import Check, Evaluation, Ranked, evaluate, superseded
from loyalty.rules.occasion import ORDER, Bought, Occasion
from loyalty.rules.reading import (
    read_caps,
    read_conditions,
    read_expiry,
    read_multipliers,
    read_terms,
)
from loyalty.rules.terms import (
    WEEKDAYS,
    Cap,
    CapPeriod,
    CapSubject,
    Circumstances,
    Conditions,
    Gives,
    Holding,
    Kind,
    Multiplier,
    Terms,
)

__all__ = [
    "NOTHING",
    "ORDER",
    "WEEKDAYS",
    "Basis",
    "Bought",
    "Cap",
    "CapPeriod",
    "CapSubject",
    "Check",
    "Circumstances",
    "Conditions",
    "Evaluation",
    "Expiry",
    "ExpiryKind",
    "Gives",
    "Holding",
    "Kind",
    "Multiplier",
    "Occasion",
    "Ranked",
    "Terms",
    "end_of",
    "evaluate",
    "kept_of",
    "months_after",
    "points_for",
    "product",
    "read_caps",
    "read_conditions",
    "read_expiry",
    "read_multipliers",
    "read_terms",
    "spendable_from",
    "superseded",
    "units_for",
]
