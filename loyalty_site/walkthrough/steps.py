"""The steps, in order. Each acts as a shop, a help desk or a reader of mail would, and knows every number."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from time import sleep
from typing import Any

from loyalty_site.walkthrough import cast
from loyalty_site.walkthrough.belonging import belong, play, reward, win
from loyalty_site.walkthrough.client import expect, expect_status
from loyalty_site.walkthrough.earning_rules import earn_by_rules
from loyalty_site.walkthrough.friends import bring_friends
from loyalty_site.walkthrough.mailbox import wait_until
from loyalty_site.walkthrough.member_pages import show_card
from loyalty_site.walkthrough.showing import show
from loyalty_site.walkthrough.understanding import ask, compare_models
from loyalty_site.walkthrough.walk import MODEL, Walkthrough

AT_RISK = f"{MODEL}--at-risk"
WIN_BACK = "win-back-10"
BUYERS_AT_ONCE = 20
MOST_IN_THE_AIR = 4
HTML = (
    "<p>Ciao {{ customer.first_name }},</p><p>il tuo codice: <b>{{ coupon.code }}</b>,"
    " vale {{ coupon.value }}.</p>"
)


def take_customers(walk: Walkthrough) -> str:
    items = [cast.customer(number) for number in range(1, cast.CUSTOMERS + 1)]
    expect("first upsert", _statuses(walk.api.post("/customers", {"items": items})), {201: 100})
    expect("second upsert", _statuses(walk.api.post("/customers", {"items": items})), {200: 100})
    return "100 upserted in one call; the same call again: 100 unchanged"


def take_orders(walk: Walkthrough) -> str:
    items = cast.orders()
    expect("orders", _statuses(walk.api.post("/orders", {"items": items})), {201: 300})
    expect("the same orders", _statuses(walk.api.post("/orders", {"items": items})), {200: 300})
    other = items[0] | {"lines": [items[0]["lines"][0] | {"amount": 1}]}
    expect_status("another amount", walk.api.post("/orders", other), 409, "conflict")
    stats = walk.customer(100)["stats"]
    expect("customer 100", (stats["orders"], stats["net_amount"]), (5, 25_000))
    return "300 recorded; again: 300 unchanged; one with another amount: 409"


def score(walk: Walkthrough) -> str:
    expect_status("model", walk.api.post("/rfm-models", {"code": MODEL, "name": "All orders"}), 201)
    run = expect_status("run", walk.api.post(f"/rfm-models/{MODEL}/runs", {"as_of": cast.AS_OF}), 200)
    expect("thresholds", run["thresholds"], {
        "r": [200, 120, 60, 20], "f": [1, 2, 3, 4], "m": [1_000, 4_000, 9_000, 16_000],
    })  # fmt: skip
    expect("sums", run["score_sums"], {"r": 300, "f": 300, "m": 300, "sum": 900})
    expect("segments", {name: size for name, size in run["segments"].items() if size}, cast.SEGMENTS)
    again = walk.api.post(f"/rfm-models/{MODEL}/runs", {"as_of": cast.AS_OF})
    expect("changed rows of a second run", again["changed_rows"], 0)
    sizes = ", ".join(f"{name} {size}" for name, size in cast.SEGMENTS.items())
    return f"{run['population']} scored: {sizes}; run again: 0 rows changed"


def segment(walk: Walkthrough) -> str:
    rules = {
        "combinator": "and",
        "not": False,
        "rules": [
            {"field": "customer.city", "operator": "=", "value": "Milano"},
            {
                "field": "event.order.recorded",
                "operator": "happened",
                "value": {"match": {"mode": "atLeast", "threshold": 3}, "window": {"last_days": 400}},
            },
        ],
    }
    preview = walk.api.post("/segments/preview", {"rules": rules, "as_of": cast.AS_OF})
    expect("preview", (preview["count"], preview["reachable"]["email"]), (12, 12))
    entry = {"code": "milano-regulars", "name": "Milano, three orders", "rules": rules}
    expect_status("segment", walk.api.post("/segments", entry), 201)
    change = walk.api.post("/segments/milano-regulars/refresh", {"as_of": cast.AS_OF})
    expect("refresh", change.body, {"entered": 12, "left": 0, "size": 12})
    return "in Milano with three orders: 12 in the preview, 12 entered"


def promote(walk: Walkthrough) -> str:
    promotion = {
        "code": WIN_BACK,
        "name": "Win back: 10 %",
        "effect": {"kind": "PERCENT", "percent": "10", "target": "ORDER"},
        "conditions": {"holder_only": True},
        "budget": {"metric": "DISCOUNT_AMOUNT", "cap": 100_000, "period": "TOTAL"},
        "coupon": {"pattern": "TORNA-##########", "max_uses": 1, "valid_days": 30},
        "activate": True,
    }
    written = expect_status("promotion", walk.api.post("/promotions", promotion), 201)
    expect("its status", written["status"], "ACTIVE")
    return "10 % off, one use per code, budget 1,000.00 EUR: ACTIVE"


def send(walk: Walkthrough) -> str:
    _start_campaign(walk, "win-back")
    wait_until(lambda: walk.api.get("/campaigns/win-back")["status"] == "FINISHED", "the campaign's end")
    run = walk.run_of("win-back")
    expect("run", (run["targeted"], run["suppressed"], run["sent"]), (20, 2, 18))
    mails = walk.mailbox.expect(18)
    walk.mails = {int(mail.recipient[1:4]): mail for mail in mails}
    walk.codes = {number: mail.code for number, mail in walk.mails.items()}
    expect("recipients", set(walk.codes), set(cast.AT_RISK) - {cast.DENIED, cast.SILENT})
    expect("different codes", len(set(walk.codes.values())), 18)
    return "20 targeted, 2 left out for want of consent; 18 mails by SMTP with 18 different codes"


def redeem(walk: Walkthrough) -> str:
    code = walk.codes[63]
    expect("discount on 80.00", walk.validate(63, code)["discount_amount"], 800)
    expect("for somebody else", walk.validate(64, code)["error"]["key"], "customer_rules_violated")
    first = expect_status("redemption", walk.redeem(63, code, "w1", idempotency_key="till-1"), 200)
    expect("total", first["order"]["total_amount"], 7_200)
    again = walk.redeem(63, code, "w1", idempotency_key="till-1")
    expect("the same request", (again.body, again.replayed), (first.body, True))
    expect_status("another order", walk.redeem(63, code, "w2"), 422, "quantity_exceeded")
    undone = expect_status("rollback", walk.api.post(f"/redemptions/{first['id']}/rollback"), 200)
    expect("rollback", undone["status"], "ROLLED_BACK")
    again = walk.api.post(f"/redemptions/{first['id']}/rollback")
    expect_status("second rollback", again, 409, "already_rolled_back")
    expect_status("after the rollback", walk.redeem(63, code, "w3"), 200)
    return "80.00 less 8.00; repeated: same answer; rolled back once; good again"


def race(walk: Walkthrough) -> str:
    with ThreadPoolExecutor(BUYERS_AT_ONCE) as pool:
        replies = list(
            pool.map(lambda n: walk.redeem(65, walk.codes[65], f"race-{n}"), range(BUYERS_AT_ONCE))
        )
    expect("successes", [reply.status for reply in replies].count(200), 1)
    lost = [reply for reply in replies if reply.status != 200]
    expect("refusals", {reply["key"] for reply in lost}, {"quantity_exceeded"})
    used = walk.api.get(f"/promotions/{WIN_BACK}")["budget"]["used"]
    expect("budget used", used, 1_600)
    return f"{BUYERS_AT_ONCE} buyers with one code at the same moment: 1 succeeds; budget used 16.00"


def unsubscribe(walk: Walkthrough) -> str:
    url = walk.mails[64].unsubscribe_url
    expect("looking at the page", walk.api.fetch(url), 200)
    expect("consent after a look", _consent(walk, 64), "GRANTED")
    expect("one click", walk.api.fetch(url, data=b"List-Unsubscribe=One-Click"), 200)
    expect("consent after the click", _consent(walk, 64), "WITHDRAWN")
    return "opening the page changes nothing, one click withdraws the consent"


def stop(walk: Walkthrough) -> str:
    walk.mailbox.hold()
    _start_campaign(walk, "win-back-2")
    wait_until(lambda: walk.mailbox.waiting, "the first mail")
    stopped = expect_status("stop", walk.api.post("/campaigns/win-back-2/stop"), 200)
    expect("status", stopped["status"], "STOPPED")
    walk.mailbox.release()
    wait_until(lambda: walk.run_of("win-back-2")["pending"] == 0, "the stopped run's end")
    wait_until(lambda: sum(_ends(walk)) == 20, "the mail that was in the air")
    left_out, cancelled, sent = _ends(walk)
    # One mail for each connection of the sender; the site of our own has one.
    expect("left out, and mails in the air", (left_out, 1 <= sent <= MOST_IN_THE_AIR), (3, True))
    walk.mailbox.expect(18 + sent)
    return f"stopped while sending: {sent} in the air arrives, {cancelled} never leave, {left_out} left out"


def refer(walk: Walkthrough) -> str:
    gift = {"effect": {"kind": "AMOUNT", "amount": 500, "target": "ORDER"}, "activate": True}
    for code in ("bring-a-friend", "welcome-friend"):
        expect_status("promotion", walk.api.post("/promotions", gift | {"code": code, "name": code}), 201)
    programme = {
        "code": "friends",
        "name": "Bring a friend",
        "referrer_reward": {"promotion": "bring-a-friend"},
        "referee_reward": {"promotion": "welcome-friend"},
        "conversion": {"minimum_amount": 2_000, "after_days": 0},
    }
    expect_status("programme", walk.api.post("/referral-programmes", programme), 201)
    invitation = walk.api.post("/referral-programmes/friends/invitations", {"customer": cast.reference(81)})
    code = expect_status("invitation", invitation, 201)["code"]
    own = walk.api.post("/referrals", {"code": code, "referee": {"email": cast.email(81)}})
    expect_status("inviting oneself", own, 422, "self_referral")
    friend = {"email": "amica@clienti.example"}
    referral = expect_status("referral", walk.api.post("/referrals", {"code": code, "referee": friend}), 201)
    _buy(walk, friend, "friend-1", 3_000)
    path = f"/referrals/{referral['id']}"
    wait_until(lambda: walk.api.get(path)["status"] == "REWARDED", "both rewards")
    rewards = walk.api.get(path)["rewards"]
    expect("rewards", sorted(reward["side"] for reward in rewards), ["REFEREE", "REFERRER"])
    expect("different coupons", len({reward["coupon"] for reward in rewards}), 2)
    return "oneself refused; a friend's first order of 30.00 gives both a coupon of 5.00"


def earn(walk: Walkthrough) -> str:
    rule = {"code": "one-per-euro", "name": "One point per euro", "points": 1, "per_amount": 100}
    expect_status("rule", walk.api.post("/earning-rules", rule), 201)
    order = _buy(walk, cast.reference(82), "points-1", 5_990, discount_amount=590, quantity="2")
    wait_until(lambda: walk.points(82) == 54, "54 points")
    body = {"source_id": "back-1", "lines": [{"line_id": "1", "quantity": "1"}]}
    back = expect_status("return", walk.api.post(f"/orders/{order}/returns", body), 201)
    expect("refund", back["refund_amount"], 2_700)
    wait_until(lambda: walk.points(82) == 27, "27 points")
    return "59.90 less 5.90: 54 points; one of two articles returned: 27.00 back, 27 points"


def apologise(walk: Walkthrough) -> str:
    before = len(walk.mailbox.mails)
    entry = {
        "customer": cast.reference(83),
        "amount": 1_500,
        "reason": "Arrived broken",
        "channel": "email",
        "agent": walk.agent,
    }
    for _ in range(3):
        expect_status("apology", walk.api.post("/apologies", entry), 201)
    fourth = expect_status("fourth apology", walk.api.post("/apologies", entry), 202, "approval_required")
    own = walk.api.post(f"/apologies/{fourth['id']}/approve", {"agent": walk.agent})
    expect("approving one's own", own.status, 422)
    other = walk.api.post(f"/apologies/{fourth['id']}/approve", {"agent": walk.supervisor})
    expect("approved by another person", expect_status("approval", other, 200)["status"], "ISSUED")
    mails = walk.mailbox.expect(before + 4)[before:]
    expect("mailed to", {mail.recipient for mail in mails}, {cast.email(83)})
    code = mails[0].code
    expect("its holder", walk.validate(83, code)["discount_amount"], 1_500)
    expect("somebody else", walk.validate(84, code)["error"]["key"], "customer_rules_violated")
    return "three of 15.00 at once, the fourth waits for a supervisor; 4 mails; good for its holder alone"


def measure(walk: Walkthrough) -> str:
    year = walk.api.get("/kpis?from=2025-01-01&to=2025-12-31&grain=year")
    figures = expect_status("figures", year, 200)[0]
    wanted = {
        "orders": 300,
        "buyers": 100,
        "net_amount": 1_100_000,
        "average_transaction_value": 3_667,
        "purchase_frequency": 3.0,
        "repeat_rate": 0.8,
    }
    expect("figures of 2025", {name: figures[name] for name in wanted}, wanted)
    return "2025: 300 orders, 100 buyers, 11,000.00 EUR, 36.67 per order, 80 % bought again"


def recognise(walk: Walkthrough) -> str:
    """Scenario 1 of two sources that know one person, then two records that turn out to be one."""
    till = {
        "source": "till",
        "source_id": "7001",
        "email": " Mario.Rossi@GMAIL.com ",
        "phone": "347 123 4567",
    }
    shop = {"source": "shop", "source_id": "u-1", "email": "mario.rossi@gmail.com", "phone": "+393471234567"}
    first = expect_status("till", walk.api.post("/customers", till | {"country": "IT"}), 201)
    second = expect_status("shop", walk.api.post("/customers", shop), 200)
    expect("one person", second["id"], first["id"])
    expect("keys", sorted(key["namespace"] for key in second["identities"]), ["email", "phone"])

    one, other = walk.customer(98), walk.customer(99)
    merge = walk.api.post("/customers/merges", {"survivor": one["id"], "losers": [other["id"]]})
    merged = expect_status("merge", merge, 201)
    expect("orders together", _totals(walk, other["id"]), (one["id"], 10, 50_000))
    expect_status("undo", walk.api.post(f"/customers/merges/{merged['id']}/undo"), 200)
    expect("orders apart", _totals(walk, other["id"]), (other["id"], 5, 25_000))
    again = walk.api.post("/customers/merges", {"survivor": one["id"], "losers": [other["id"]]})
    expect("merged again", again.status, 422)
    return "till and shop know one Mario; two records merged: 10 orders; taken apart: 5 and 5, kept apart"


def forget(walk: Walkthrough) -> str:
    person = walk.customer(97)
    tables = expect_status("export", walk.api.get(f"/customers/{person['id']}/export"), 200)["tables"]
    expect("orders in the export", len(tables["customers.Order"]), 5)
    asked = walk.api.post(f"/customers/{person['id']}/erasure", {"reason": "asked by letter"})
    expect_status("erasure", asked, 202)
    path = f"/customers/{person['id']}"
    wait_until(lambda: walk.api.get(path).status == 410, "the erasure")
    found = walk.api.post("/customers/search", {"email": cast.email(97)})
    expect("found by e-mail", expect_status("search", found, 200)["data"], [])
    return "everything of one person exported, then erased: 410, and no search finds them"


def prove(walk: Walkthrough) -> str:
    """A campaign with half of its audience held out: who was written to buys, the others do not."""
    campaign = {
        "code": "spring-news",
        "name": "Spring news",
        "segment": AT_RISK,
        "subject": "Novità",
        "body": "<p><a href='https://shop.example/new'>Guarda</a></p>",
        "holdout_percent": 50,
    }
    expect_status("campaign", walk.api.post("/campaigns", campaign), 201)
    expect_status("start", walk.api.post("/campaigns/spring-news/start"), 200)
    wait_until(lambda: walk.run_of("spring-news")["status"] == "DONE", "the end of the campaign")
    messages = walk.api.get("/campaigns/spring-news/messages")["data"]
    sent = [message["customer"] for message in messages if message["state"] == "SENT"]
    held_out = [message["customer"] for message in messages if message["state"] == "HOLDOUT"]
    sleep(1)  # Orders are told to the second: none of these shall seem older than its mail.
    for number, customer in enumerate(sent):
        _buy(walk, {"id": customer}, f"effect-{number}", 5_000)
    results = walk.api.get("/campaigns/spring-news/results")
    effect = expect_status("results", results, 200)["effect"]
    arms = [(effect[arm]["people"], effect[arm]["bought"]) for arm in ("treated", "holdout")]
    expect("who bought", arms, [(len(sent), len(sent)), (len(held_out), 0)])
    expect("effect", effect["conversion"]["difference"], 1.0)
    expect("extra revenue", effect["extra_amount"], 5_000 * len(sent))
    return f"{len(sent)} written to bought, none of {len(held_out)} held out: an effect of 100 points"


STEPS: list[tuple[str, Callable[[Walkthrough], str]]] = [
    ("Customers", take_customers),
    ("Orders", take_orders),
    ("RFM", score),
    ("Segment", segment),
    ("Promotion", promote),
    ("Campaign", send),
    ("Redemption", redeem),
    ("Race", race),
    ("Unsubscribe", unsubscribe),
    ("Stop", stop),
    ("Referral", refer),
    ("Points", earn),
    ("Reward", reward),
    ("Stores", win),
    ("Belonging", belong),
    ("Card", show_card),
    ("Game", play),
    ("Rules", earn_by_rules),
    ("Apology", apologise),
    ("Figures", measure),
    ("Models", compare_models),
    ("Survey", ask),
    ("Banner", show),
    ("One person", recognise),
    ("Rights", forget),
    ("Effect", prove),
    ("Friends", bring_friends),
]


def _totals(walk: Walkthrough, customer: str) -> tuple[str, int, int]:
    found = expect_status("customer", walk.api.get(f"/customers/{customer}"), 200)
    return found["id"], found["stats"]["orders"], found["stats"]["net_amount"]


def _statuses(reply) -> dict[int, int]:
    expect("status of a bulk call", reply.status, 207)
    statuses = [result["status"] for result in reply["results"]]
    return {status: statuses.count(status) for status in sorted(set(statuses))}


def _start_campaign(walk: Walkthrough, code: str) -> None:
    campaign = {
        "code": code,
        "name": "Win back",
        "segment": AT_RISK,
        "channel": "email",
        "subject": "{{ customer.first_name }}, ci manchi",
        "body": HTML,
        "promotion": WIN_BACK,
    }
    expect_status("campaign", walk.api.post("/campaigns", campaign), 201)
    expect_status("start", walk.api.post(f"/campaigns/{code}/start"), 200)


def _ends(walk: Walkthrough) -> tuple[int, int, int]:
    run = walk.run_of("win-back-2")
    return run["suppressed"], run["cancelled"], run["sent"]


def _consent(walk: Walkthrough, number: int) -> str:
    consents = walk.customer(number)["consents"]
    return next(
        one["state"] for one in consents if (one["channel"], one["purpose"]) == ("email", "MARKETING")
    )


def _buy(walk: Walkthrough, customer: dict[str, str], source_id: str, amount: int, **line: Any) -> str:
    ordered_at = datetime.now(UTC).isoformat(timespec="seconds")
    order = cast.purchase(customer, source_id, amount, ordered_at=ordered_at, **line)
    return expect_status("order", walk.api.post("/orders", order), 201)["id"]
