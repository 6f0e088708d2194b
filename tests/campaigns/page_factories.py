"""Placements and landing pages, as the services would leave them."""

from datetime import datetime
from typing import Any

from campaigns.models import LandingClaim, LandingPage, Placement
from campaigns.services.landing_claims import Request, request_code
from campaigns.services.landing_pages import PageTerms, create_landing_page, open_landing_page
from campaigns.services.placements import PlacementTerms, Wording, activate_placement, create_placement
from tests.campaigns.factories import offer

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


def landing(at: datetime, code: str = "summer", *, opened: bool = True, **terms: Any) -> LandingPage:
    """A page that gives codes of ten percent."""
    values = {"title": {"it": "Dieci per cento", "en": "Ten percent"}}
    terms.setdefault("promotion", None)
    if terms["promotion"] is None:
        terms["promotion"] = offer(at)
    page = create_landing_page(code, name=code.title(), terms=PageTerms(**(values | terms)), at=at)
    return open_landing_page(page, at=at) if opened else page


def asked(page: LandingPage, email: str, at: datetime, **fields: Any) -> LandingClaim:
    """Somebody who typed an address into a page."""
    claim = request_code(page, Request(email=email, language="it", **fields), at=at)
    assert claim is not None
    return claim
