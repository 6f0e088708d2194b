"""A member's card and page, as a shop and a telephone know them."""

from urllib.parse import urlsplit

from loyalty.card_numbers import is_number
from loyalty_site.walkthrough.client import expect, expect_status
from loyalty_site.walkthrough.walk import Walkthrough

MEMBER = 97


def show_card(walk: Walkthrough) -> str:
    """Give a card, find its holder by it, lose it, and open the member's page."""
    cards = f"/customers/{walk.customer(MEMBER)['id']}/cards"
    first = expect_status("card", walk.api.post(cards), 201)["number"]
    expect("check digit", (len(first), is_number(first)), (16, True))
    expect("the same card again", walk.api.post(cards)["number"], first)
    expect("found by the card", _found(walk, first), 1)
    second = expect_status("lost card", walk.api.post(f"{cards}/block", {"number": first}), 201)["number"]
    expect("the card in use", walk.api.get(cards)["number"], second)
    expect("found by the new one", _found(walk, second), 1)
    link = expect_status("link", walk.api.post(cards.replace("/cards", "/member-link")), 201)["url"]
    page = walk.api.base_url + urlsplit(link).path
    expect("member's page", walk.api.fetch(page), 200)
    expect("a page with a letter changed", walk.api.fetch(page[:-2] + "/"), 404)
    return "one card, however often asked; a lost one is replaced and the new one found; page 200, forged 404"


def _found(walk: Walkthrough, number: str) -> int:
    reply = walk.api.post("/customers/search", {"loyalty_card": number})
    return len(expect_status("search by card", reply, 200)["data"])
