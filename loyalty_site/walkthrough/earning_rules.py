"""The step about earning rules: what an order would earn, and why."""

from loyalty_site.walkthrough.client import expect, expect_status
from loyalty_site.walkthrough.walk import Walkthrough

ALL_WEEK = ["MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"]


def earn_by_rules(walk: Walkthrough) -> str:
    """59.90 less 5.90 of coffee at 2 points a euro, times 1.5: 162; in another store nothing, and why."""
    rule = {
        "code": "walk-coffee",
        "name": "Coffee",
        "points": 2,
        "per_amount": 100,
        "conditions": {"stores": ["walk-corner"], "items": {"categories": ["Coffee"]}},
        "multipliers": [{"factor": "1.5", "weekdays": ALL_WEEK}],
        "benefits": False,
        "holding": "RETURN_WINDOW",
    }
    expect_status("rule", walk.api.post("/earning-rules", rule), 201)
    lines = [
        {"sku": "WALK-BEANS", "category": "Coffee", "quantity": "1", "amount": 5_400},
        {"sku": "WALK-TEA", "category": "Tea", "quantity": "1", "amount": 9_900},
    ]
    here = _simulated(walk, lines, "walk-corner")
    expect("points of the coffee", (here["points"], here["amount"], here["factor"]), (162, 5_400, "1.500000"))
    there = _simulated(walk, lines, "walk-other")
    failed = [check["name"] for check in there["trace"] if not check["passed"]]
    expect("points elsewhere", (there["points"], failed), (0, ["stores"]))
    return "coffee for 54.00 would earn 162 points; in another store 0, because of the store"


def _simulated(walk: Walkthrough, lines: list, store: str) -> dict:
    asked = {"lines": lines, "store": store}
    answer = expect_status("simulation", walk.api.post("/earning-rules/simulate", asked), 200)
    return next(one for one in answer["rules"] if one["code"] == "walk-coffee")
