"""Steps that make people stay: rewards for points, a game, and whom the stores won."""

from datetime import UTC, datetime, timedelta

from loyalty_site.walkthrough import cast
from loyalty_site.walkthrough.client import expect, expect_status
from loyalty_site.walkthrough.walk import Walkthrough

LOYAL = 3


def reward(walk: Walkthrough) -> str:
    """A reward for 30 points: too dear for 27, redeemed with 50 more, taken back with its points."""
    mug = {"code": "mug", "name": "A mug", "kind": "PARTNER_CODE", "points": 30, "stock": 5}
    expect_status("reward", walk.api.post("/rewards", mug), 201)
    loaded = walk.api.post("/rewards/mug/codes", {"codes": [f"MUG-{number:04d}" for number in range(5)]})
    expect("codes loaded", expect_status("codes", loaded, 201)["added"], 5)
    before = walk.points(LOYAL)
    who = walk.customer(LOYAL)["id"]
    body = {"customer": {"id": who}}
    gift = {"points": max(30 - before, 0) + 20, "reason": "A thank you"}
    expect_status(
        "poor", walk.api.post("/rewards/mug/redeem", body, idempotency_key="mug-0"), 422, "points_exceeded"
    )
    expect_status(
        "points", walk.api.post(f"/customers/{who}/points", gift, idempotency_key="mug-points"), 201
    )
    given = expect_status("reward", walk.api.post("/rewards/mug/redeem", body, idempotency_key="mug-1"), 201)
    again = expect_status(
        "reward again", walk.api.post("/rewards/mug/redeem", body, idempotency_key="mug-1"), 201
    )
    expect("a code of the five", given["partner_code"][:4], "MUG-")
    expect(
        "the same for the same key",
        (again["id"], again["partner_code"]),
        (given["id"], given["partner_code"]),
    )
    expect("points left", walk.points(LOYAL), before + gift["points"] - 30)
    expect("left of the stock", walk.api.get("/rewards/mug")["left"], 4)
    return "a reward of 30 points: refused without them, then given once for two calls; 4 of 5 codes left"


def win(walk: Walkthrough) -> str:
    """A store's employee enrols somebody, told twice and counted once."""
    expect_status("store", walk.api.post("/stores", {"code": "centro", "name": "Centro"}), 201)
    employee = {"code": "carla", "name": "Carla", "store": "centro"}
    expect_status("employee", walk.api.post("/employees", employee), 201)
    told = {"customer": cast.reference(LOYAL), "employee": "carla", "source_id": "till-1"}
    expect_status("enrolment", walk.api.post("/enrolments", told), 201)
    enrolled = expect_status("enrolment again", walk.api.post("/enrolments", told), 200)
    expect("store of the enrolment", enrolled["store"], "centro")
    return "one enrolment by Carla in Centro, told twice and counted once"


def play(walk: Walkthrough) -> str:
    """An instant win whose probabilities have to sum to one, played once for each key and twice at most."""
    now = datetime.now(UTC)
    prize = {"code": "ten", "name": "Ten points", "kind": "POINTS", "points_given": 10}
    expect_status("prize", walk.api.post("/rewards", prize), 201)
    contest = {
        "code": "scratch-card",
        "name": "Scratch card",
        "kind": "INSTANT_WIN",
        "title": {"en": "Scratch card", "it": "Gratta e vinci"},
        "regulation": {"en": "Members play twice.", "it": "Chi è iscritto gioca due volte."},
        "opens_at": (now - timedelta(hours=1)).isoformat(),
        "closes_at": (now + timedelta(days=30)).isoformat(),
        "play_limit": 2,
        "play_period": "TOTAL",
        "prizes": [{"reward": "ten", "probability": "0.5"}, {"probability": "0.4"}],
        "open": True,
    }
    expect_status("90 percent", walk.api.post("/draws", contest), 422, "invalid_input")
    contest["prizes"][1]["probability"] = "0.5"
    draw = expect_status("contest", walk.api.post("/draws", contest), 201)
    expect("seed before the end", (draw["seed"], len(draw["commitment"])), (None, 64))
    before, body = walk.points(LOYAL), {"customer": cast.reference(LOYAL)}
    plays = [
        expect_status("play", walk.api.post("/draws/scratch-card/plays", body, idempotency_key=key), 201)
        for key in ("play-1", "play-1", "play-2")
    ]
    third = walk.api.post("/draws/scratch-card/plays", body, idempotency_key="play-3")
    expect_status("a third play", third, 422, "play_limit_reached")
    expect("the same play for the same key", *((one["receipt"], one["number"]) for one in plays[:2]))
    won = sum(one["won"] for one in plays[1:])
    expect("points won", walk.points(LOYAL) - before, 10 * won)
    return f"an instant win at 50 %: 2 plays for 3 calls, {won} won, {10 * won} points; 90 % was refused"


def belong(walk: Walkthrough) -> str:
    """A tier by hand, and a membership of ten days cancelled on its first: 9 of 10 days go back."""
    friends = {"code": "friends", "name": "Friends", "threshold": 10**9, "multiplier": "1.5"}
    expect_status("tier", walk.api.post("/tiers", friends), 201)
    who = walk.customer(LOYAL)["id"]
    grant = {"tier": "friends", "reason": "A friend of the house"}
    expect_status("tier by hand", walk.api.post(f"/customers/{who}/tier", grant), 201)
    expect("their tier", walk.api.get(f"/customers/{who}/points")["tier"], "Friends")
    plan = {
        "code": "ten-days",
        "name": "Ten days",
        "price_amount": 1_000,
        "period": "DAYS",
        "period_days": 10,
    }
    expect_status("plan", walk.api.post("/membership-plans", plan | {"multiplier": "2"}), 201)
    payment = {"source_id": "shop-1", "amount": 1_000, "paid_at": cast.AS_OF + "T12:00:00Z"}
    body = {"customer": {"id": who}, "plan": "ten-days", "payment": payment}
    begun = expect_status("membership", walk.api.post("/memberships", body), 201)
    again = expect_status("the same payment", walk.api.post("/memberships", body), 201)
    expect("one membership", again["id"], begun["id"])
    standing = walk.api.get(f"/customers/{who}/tier")
    expect("the better factor", standing["benefits"]["multiplier"], "2.00")
    ended = walk.api.post(f"/memberships/{begun['id']}/cancel", {"at_once": True})
    expect("goes back", expect_status("cancelled", ended, 200)["refund_amount"], 900)
    return "a tier by hand; a membership of 10.00 for ten days, cancelled on the first: 9.00 goes back"
