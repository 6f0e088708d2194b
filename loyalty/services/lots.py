"""From when to when what a rule gives is good."""

from datetime import datetime
from typing import Any

from django.conf import settings

from loyalty.rules import Holding, Terms, spendable_from


def lot_dates(terms: Terms, *, at: datetime) -> dict[str, Any]:
    """Return from when to when points earned at an instant are good, as `ledger.credit` takes it."""
    zone = settings.PROGRAMME_TIME_ZONE
    starts = spendable_from(at, holding_days=holding_days(terms), zone=zone)
    return {
        "activates_at": starts,
        "expires_at": terms.expiry.expires_at(starts, zone=zone),
        "prolonged_months": terms.expiry.months if terms.expiry.is_prolonged else None,
    }


def holding_days(terms: Terms) -> int:
    """Return for how many local days points of a rule are pending."""
    return settings.RETURN_WINDOW_DAYS if terms.holding == Holding.RETURN_WINDOW else terms.holding_days
