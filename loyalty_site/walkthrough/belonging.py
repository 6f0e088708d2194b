"""Steps that make people stay: rewards for points, milestones, and whom the stores won."""

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
