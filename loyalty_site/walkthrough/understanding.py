"""Steps that understand people: several models of the same purchases, and what they answer when asked."""

from loyalty_site.walkthrough import cast
from loyalty_site.walkthrough.client import expect, expect_status
from loyalty_site.walkthrough.walk import MODEL, Walkthrough

DURABLES = "durables"
SURVEY = "how-likely"
# Customers 1 to 25 would recommend the shop, the next fifteen might, the last ten would not.
SCORES = {number: 10 if number <= 25 else 8 if number <= 40 else 3 for number in range(1, 51)}
REWARD_POINTS = 20


def compare_models(walk: Walkthrough) -> str:
    """A second model beside the first, for goods that are bought again after years."""
    model = {"code": DURABLES, "name": "Durables", "recency": "INVERTED", "segment_map": "GRID"}
    expect_status("model", walk.api.post("/rfm-models", model), 201)
    run = expect_status("run", walk.api.post(f"/rfm-models/{DURABLES}/runs", {"as_of": cast.AS_OF}), 200)
    expect("population", run["population"], 100)
    latest = walk.customer(1)["id"]
    usual, inverted = (
        walk.api.get(f"/rfm-models/{code}/scores?customer={latest}")["data"][0] for code in (MODEL, DURABLES)
    )
    expect("recency, usual and inverted", (usual["r"], inverted["r"]), (5, 1))
    expect("frequency, the same in both", (usual["f"], inverted["f"]), (1, 1))
    return "beside the first a model for durables: who bought five days ago scores R5 there and R1 here"


def ask(walk: Walkthrough) -> str:
    """Tills ask fifty customers how likely they recommend the shop."""
    survey = {
        "code": SURVEY,
        "name": "How likely",
        "title": {"en": "How likely are you to recommend us?", "it": "Ci consiglieresti?"},
        "reward": {"points": REWARD_POINTS},
        "open": True,
    }
    expect_status("survey", walk.api.post("/surveys", survey), 201)
    before = walk.points(2)
    for number, score in SCORES.items():
        answer = {"customer": cast.reference(number), "answers": {"recommend": score}}
        expect_status("answer", walk.api.post(f"/surveys/{SURVEY}/answers", answer), 201)
    again = {"customer": cast.reference(2), "answers": {"recommend": 10}}
    expect_status("the same answer", walk.api.post(f"/surveys/{SURVEY}/answers", again), 200)
    expect("points for answering, once", walk.points(2) - before, REWARD_POINTS)
    results = expect_status("results", walk.api.get(f"/surveys/{SURVEY}/results"), 200)
    groups = ("promoters", "passives", "detractors", "score")
    expect("NPS", tuple(results["nps"][name] for name in groups), (25, 15, 10, 30))
    return "50 answers, 25 promoters, 15 passive, 10 detractors: NPS +30; 20 points each, once"
