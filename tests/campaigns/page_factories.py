"""Placements and landing pages, as the services would leave them."""

from datetime import datetime
from typing import Any

from campaigns.models import Placement
from campaigns.services.placements import PlacementTerms, Wording, activate_placement, create_placement

BANNER = '<p>Ciao {{ customer.first_name }}</p><a href="https://shop.example/a?b=1&amp;c=2">Vai</a>'
OFFER = '<p>{{ coupon.code }} {{ coupon.value }}</p><img src="{{ coupon.qr_url }}" alt="QR">'


def banner(
    at: datetime, code: str = "autumn", *, body: str = "", active: bool = True, **terms: Any
) -> Placement:
    """What stands in the slot `popup`; with a promotion it shows the code."""
    body = body or (OFFER if terms.get("promotion") else BANNER)
    placement = create_placement(
        code,
        name=code.title(),
        terms=PlacementTerms(**({"slot": "popup"} | terms)),
        contents=[Wording(body, title="Autunno")],
        at=at,
    )
    return activate_placement(placement, at=at) if active else placement
