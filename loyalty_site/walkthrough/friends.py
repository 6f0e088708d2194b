"""A step about friends: who pays with the card of who invites waits; a cancelled order takes back."""

from datetime import UTC, datetime

from loyalty_site.walkthrough import cast
from loyalty_site.walkthrough.client import expect, expect_status
from loyalty_site.walkthrough.mailbox import wait_until
from loyalty_site.walkthrough.walk import Walkthrough

PROGRAMME = "ambassadors"
AMBASSADOR = 84
CARD = {"payment": "a card of the ambassador"}


def bring_friends(walk: Walkthrough) -> str:
    """Two friends buy for 30.00 each: 300 points for the honest one, none while the other is looked at."""
    programme = {
        "code": PROGRAMME,
        "name": "Ambassadors",
        "referrer_reward": {"points": 300},
        "referee_reward": {"points": 100},
        "conversion": {"minimum_amount": 2_000},
    }
    expect_status("programme", walk.api.post("/referral-programmes", programme), 201)
    invitation = {"customer": cast.reference(AMBASSADOR), "channel": "whatsapp", "fingerprints": CARD}
    sent = walk.api.post(f"/referral-programmes/{PROGRAMME}/invitations", invitation)
    code = expect_status("invitation", sent, 201)["code"]
    before = walk.points(AMBASSADOR)
    honest = _come(walk, code, "amico@clienti.example")
    doubtful = _come(walk, code, "doppio@clienti.example", fingerprints=CARD)
    expect("reviews", (honest["review"], doubtful["review"]), ("", "WAITING"))
    order = _buy(walk, "amico@clienti.example", "friend-2")
    _buy(walk, "doppio@clienti.example", "friend-3")
    wait_until(lambda: _status(walk, honest) == "REWARDED", "the honest friend's reward")
    wait_until(lambda: _status(walk, doubtful) == "QUALIFIED", "the doubtful friend's order")
    expect("points for one friend of two", walk.points(AMBASSADOR) - before, 300)
    expect_status("cancellation", walk.api.post(f"/orders/{order}/cancel", {}), 200)
    wait_until(lambda: _status(walk, honest) == "TAKEN_BACK", "the reward taken back")
    expect("points after the order was cancelled", walk.points(AMBASSADOR) - before, 0)
    return "300 points for a friend, taken back with the order; one with the same card waits for a person"


def _come(walk: Walkthrough, code: str, email: str, **more: object) -> dict:
    body = {"code": code, "referee": {"email": email}, **more}
    return expect_status("referral", walk.api.post("/referrals", body), 201)


def _status(walk: Walkthrough, referral: dict) -> str:
    return walk.api.get(f"/referrals/{referral['id']}")["status"]


def _buy(walk: Walkthrough, email: str, source_id: str) -> str:
    ordered_at = datetime.now(UTC).isoformat(timespec="seconds")
    order = cast.purchase({"email": email}, source_id, 3_000, ordered_at=ordered_at)
    return expect_status("order", walk.api.post("/orders", order), 201)["id"]
