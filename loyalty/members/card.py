"""The card on top of a member's page: whose it is, its number, and what a till scans."""

import base64
from collections.abc import Mapping
from typing import Any

import segno
from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _

from coupons.barcodes import barcode_svg
from customers.models import Customer
from loyalty.card_numbers import written
from loyalty.members.sections import Member, Section
from loyalty.models import CardDesign
from loyalty.services.cards import card_number, ensure_card
from loyalty.services.member_links import revoke_member_links
from loyalty.services.member_mails import send_member_link
from loyalty.services.tiers import tier_of
from loyalty.wallets import apple, google


def card_section(member: Member) -> Section:
    """Return the card; always the first thing on the page."""
    face = card_face(member.customer) | {
        "wallets": wallet_buttons(member),
        "tier": tier_of(member.customer, at=member.at),
    }
    return Section("card", _("My card"), "card", "loyalty/member/card.html", face, order=0)


def wallet_buttons(member: Member) -> list[tuple[str, str]]:
    """Return what the card can be saved in: the name of each wallet that is set up, and the address."""
    wallets = (
        ("apple", _("Add to Apple Wallet"), apple.is_set),
        ("google", _("Add to Google Wallet"), google.is_set),
    )
    return [
        (text, reverse("member-pass", args=[member.token, code]) if member.token else "")
        for code, text, is_set in wallets
        if is_set()
    ]


def get_card(member: Member, data: Mapping[str, str]) -> str:
    """Give the member a card of their own."""
    ensure_card(member.customer, at=member.at)
    return _("Here is your card.")


def revoke_links(member: Member, data: Mapping[str, str]) -> str:
    """End every link that was made so far, also on a telephone that was lost, and send a new one."""
    revoke_member_links(member.customer, at=member.at)
    if send_member_link(member.customer, at=member.at):
        return _("Done: the links made so far open nothing any more. A new one is on its way to you.")
    return _("Every link made so far opens nothing any more.")


def card_face(customer: Customer, *, number: str = "") -> dict[str, Any]:
    """Return what a card shows; the bars and the QR hold its number alone, as pictures in the page."""
    number = number or card_number(customer)
    bars = barcode_svg(number, with_text=False) if number else None
    return {
        "design": CardDesign.current(),
        "holder": customer.full_name,
        "number": number,
        "written": written(number),
        "bars": "data:image/svg+xml;base64," + base64.b64encode(bars).decode() if bars else "",
        "qr": segno.make(number, error="m", micro=False).svg_data_uri(scale=5, border=2) if number else "",
        "programme": settings.PROGRAMME_NAME,
    }
