"""Steps outside of mails: what shops show of us, and where people come for a code."""

from loyalty_site.walkthrough import cast
from loyalty_site.walkthrough.client import Reply, expect, expect_status
from loyalty_site.walkthrough.walk import Walkthrough

GREETING = "greeting"
PAGE = "for-the-first-five"


def show(walk: Walkthrough) -> str:
    """A banner in the shop that everybody sees twice, and a page that gives codes to five."""
    banner = {
        "code": GREETING,
        "slot": "walkthrough",
        "purpose": "SERVICE",
        "contents": [{"body": "<p>{{ customer.first_name }}</p>"}],
        "most_showings": 2,
        "activate": True,
    }
    expect_status("placement", walk.api.post("/placements", banner), 201)
    name = walk.customer(1)["first_name"]
    seen = [_look(walk, 1) for _time in range(3)]
    expect("what the first sees, three times", seen, [f"<p>{name}</p>"] * 2 + [None])
    expect("what somebody else sees", _look(walk, 2) is None, False)
    expect_status("stop", walk.api.post(f"/placements/{GREETING}/stop"), 200)
    expect("what is left of it", _look(walk, 2), None)

    page = {
        "code": PAGE,
        "promotion": "win-back-10",
        "title": {"it": "Bentornato", "en": "Welcome back"},
        "first_count": 5,
        "open": True,
    }
    made = expect_status("landing page", walk.api.post("/landing-pages", page), 201)
    expect("codes left", made["left"], 5)
    expect("the public page", walk.api.fetch(made["url"]), 200)
    closed = expect_status("close", walk.api.post(f"/landing-pages/{PAGE}/close"), 200)
    expect("its status", closed["status"], "CLOSED")
    return (
        "a banner seen twice and not a third time, gone with its stop; a page with 5 codes, opened and closed"
    )


def _look(walk: Walkthrough, number: int) -> str | None:
    answer: Reply = walk.api.post("/placements/walkthrough/render", {"customer": cast.reference(number)})
    return answer["html"] if answer.status == 200 and answer["placement"] else None
