from datetime import timedelta

import pytest
from django.utils import timezone

from campaigns.models import Campaign, CampaignVersion
from campaigns.services import pump, tend_runs
from tests.api import caller
from tests.campaigns.factories import offer, running, segment_of, subscribers
from tests.factories import ApiClientFactory, CustomerFactory

CAMPAIGNS = "/api/v1/campaigns"


def body(**fields):
    values = {
        "code": "autumn",
        "name": "Autumn",
        "segment": "everybody",
        "channel": "email",
        "subject": "Ciao {{ customer.first_name }}",
        "body": "<p>{{ coupon.code }}</p>",
        "promotion": "ten",
        "trigger": {"kind": "ONE_OFF", "at": None},
    }
    return values | fields


def test_a_campaign_goes_its_whole_way_over_the_api(api, sink, now):
    offer(now)
    segment_of([*subscribers(4), CustomerFactory(email=None)])

    created = api.post(CAMPAIGNS, body())
    started = api.post(f"{CAMPAIGNS}/autumn/start")
    tend_runs(at=timezone.now())
    pump("BULK")
    tend_runs(at=timezone.now())
    found = api.get(f"{CAMPAIGNS}/autumn").json()

    assert (created.status_code, created.json()["status"]) == (201, "DRAFT")
    assert (started.status_code, started.json()["status"]) == (200, "RUNNING")
    assert found["status"] == "FINISHED"
    (run,) = found["runs"]
    assert {name: value for name, value in run.items() if value} == {
        "occurrence": "once",
        "status": "DONE",
        "planned_at": run["planned_at"],
        "targeted": 5,
        "suppressed": 1,
        "sent": 4,
    }
    assert api.get(f"{CAMPAIGNS}/{found['id']}").json() == found


def test_messages_can_be_asked_for_by_state(api, sink, now):
    offer(now)
    segment_of([*subscribers(2), CustomerFactory(email=None)])
    api.post(CAMPAIGNS, body())
    api.post(f"{CAMPAIGNS}/autumn/start")
    tend_runs(at=timezone.now())
    pump("BULK")

    everybody = api.get(f"{CAMPAIGNS}/autumn/messages").json()["data"]
    sent = api.get(f"{CAMPAIGNS}/autumn/messages?state=SENT").json()["data"]
    left_out = api.get(f"{CAMPAIGNS}/autumn/messages?state=SUPPRESSED").json()["data"]

    assert (len(everybody), len(sent), len(left_out)) == (3, 2, 1)
    assert left_out[0]["reason"] == "NO_ADDRESS"
    assert len({message["coupon"] for message in sent}) == 2
    assert api.get(f"{CAMPAIGNS}/autumn/messages?state=LOST").status_code == 422


def test_a_stopped_campaign_counts_what_waited_as_cancelled_at_once(api, now):
    offer(now)
    segment_of(subscribers(3))
    api.post(CAMPAIGNS, body())
    api.post(f"{CAMPAIGNS}/autumn/start")
    tend_runs(at=timezone.now())

    stopped = api.post(f"{CAMPAIGNS}/autumn/stop").json()
    again = api.post(f"{CAMPAIGNS}/autumn/stop")

    assert stopped["status"] == "STOPPED"
    assert (stopped["runs"][0]["cancelled"], stopped["runs"][0]["pending"]) == (3, 0)
    assert again.status_code == 200


def test_pause_and_resume(api, now):
    offer(now)
    segment_of(subscribers(1))
    api.post(CAMPAIGNS, body())
    api.post(f"{CAMPAIGNS}/autumn/start")

    paused = api.post(f"{CAMPAIGNS}/autumn/pause").json()
    resumed = api.post(f"{CAMPAIGNS}/autumn/resume").json()

    assert (paused["status"], paused["runs"][0]["pause_reason"]) == ("PAUSED", "BY_HAND")
    assert (resumed["status"], resumed["runs"][0]["status"]) == ("RUNNING", "PLANNED")


def test_a_move_that_is_not_possible_is_a_conflict(api, now):
    offer(now)
    segment_of([])
    api.post(CAMPAIGNS, body())

    answer = api.post(f"{CAMPAIGNS}/autumn/resume")

    assert (answer.status_code, answer.json()["key"]) == (409, "move_not_possible")
    assert Campaign.objects.get().status == "DRAFT"


def test_a_future_time_schedules(api, now):
    offer(now)
    segment_of([])
    at = (now + timedelta(days=1)).isoformat()

    api.post(CAMPAIGNS, body(trigger={"kind": "ONE_OFF", "at": at}))
    started = api.post(f"{CAMPAIGNS}/autumn/start").json()

    assert (started["status"], started["runs"]) == ("SCHEDULED", [])


def test_bad_input_is_told_with_pointers_and_nothing_is_written(api, now):
    segment_of([])
    wrong = [
        (body(segment="nobody", promotion=None, body="Hello"), "/segment"),
        (body(promotion="none"), "/promotion"),
        (body(promotion=None, body="{{ coupon.code }}"), "/body"),
        (body(promotion=None, body="Hello", subject="a\r\nb"), "/subject"),
        (body(promotion=None, body="Hello", holdout_percent=51), "/holdout_percent"),
        (body(promotion=None, body="Hello", channel="pigeon"), "/channel"),
        (body(promotion=None, body="Hello", code="no spaces"), "/code"),
        (body(promotion=None, body="Hello", trigger={"kind": "ONE_OFF", "at": "soon"}), "/trigger/at"),
    ]

    answers = [api.post(CAMPAIGNS, given) for given, _pointer in wrong]

    assert [answer.status_code for answer in answers] == [422] * len(wrong)
    assert [answer.json()["details"][0]["pointer"] for answer in answers] == [
        pointer for _given, pointer in wrong
    ]
    assert (Campaign.objects.count(), CampaignVersion.objects.count()) == (0, 0)


def test_a_code_belongs_to_one_campaign(api, now):
    segment_of([])
    first = body(promotion=None, body="Hello")

    assert api.post(CAMPAIGNS, first).status_code == 201
    assert api.post(CAMPAIGNS, first | {"name": "Another"}).status_code == 409
    assert Campaign.objects.count() == 1


def test_the_same_key_creates_once(api, now):
    segment_of([])
    headers = {"Idempotency-Key": "one"}

    first = api.post(CAMPAIGNS, body(promotion=None, body="Hello"), headers=headers)
    again = api.post(CAMPAIGNS, body(promotion=None, body="Hello"), headers=headers)

    assert (first.content, again["Idempotent-Replayed"]) == (again.content, "true")
    assert Campaign.objects.count() == 1


def test_reading_and_writing_need_their_scopes(db, now):
    reader = caller(ApiClientFactory(scopes=["campaigns:read"]))
    stranger = caller(ApiClientFactory(scopes=["orders:write"]))

    assert reader.get(CAMPAIGNS).status_code == 200
    assert reader.post(CAMPAIGNS, body()).status_code == 403
    assert stranger.get(CAMPAIGNS).status_code == 403
    assert reader.get(f"{CAMPAIGNS}/none").status_code == 404


def test_redemptions_and_their_orders_show_in_the_figures(api, sink, now):
    from coupons.models import Redemption, RedemptionStack
    from tests.factories import OrderFactory

    promotion = offer(now)
    alice, bob = subscribers(2)
    segment_of([alice, bob])
    api.post(CAMPAIGNS, body())
    api.post(f"{CAMPAIGNS}/autumn/start")
    tend_runs(at=timezone.now())
    pump("BULK")
    coupon = promotion.coupons.get(holder=alice)
    order = OrderFactory(customer=alice, ordered_at=timezone.now() + timedelta(minutes=1))
    stack = RedemptionStack.objects.create(
        customer=alice,
        order=order,
        currency="EUR",
        amount=5000,
        discount_amount=500,
        cart={},
        order_totals={},
        redeemed_at=now,
    )
    Redemption.objects.create(
        stack=stack, position=0, kind="coupon", promotion=promotion, coupon=coupon, customer=alice,
        discount_amount=500, currency="EUR", redeemed_at=now,
    )  # fmt: skip

    (run,) = api.get(f"{CAMPAIGNS}/autumn").json()["runs"]

    assert (run["sent"], run["redeemed"], run["bought"], run["revenue_amount"]) == (2, 1, 1, 5000)


def test_a_stop_can_stop_the_coupons_as_well(api, now):
    promotion = offer(now)
    running(segment_of(subscribers(2)), now, promotion=promotion)

    refused = api.post(f"{CAMPAIGNS}/autumn/stop", {"coupons": "SOMETIMES"})
    untouched = Campaign.objects.get().status
    stopped = api.post(f"{CAMPAIGNS}/autumn/stop", {"coupons": "HARD"})

    promotion.refresh_from_db()
    assert (refused.status_code, untouched) == (422, "RUNNING")
    assert (stopped.json()["status"], promotion.status, promotion.stop_mode) == ("STOPPED", "STOPPED", "HARD")


def test_who_may_not_stop_promotions_stops_a_campaign_without_its_coupons(db, now):
    promotion = offer(now)
    running(segment_of(subscribers(2)), now, promotion=promotion)
    narrow = caller(ApiClientFactory(scopes=["campaigns:write"]))

    refused = narrow.post(f"{CAMPAIGNS}/autumn/stop", {"coupons": "HARD"})
    untouched = Campaign.objects.get().status
    stopped = narrow.post(f"{CAMPAIGNS}/autumn/stop", {"coupons": ""})

    promotion.refresh_from_db()
    assert (refused.status_code, refused.json()["key"], untouched) == (403, "missing_scope", "RUNNING")
    assert (stopped.json()["status"], promotion.status) == ("STOPPED", "ACTIVE")


def test_a_webhook_names_a_receiver_that_there_is(api, now):
    segment_of(subscribers(1))
    words = {"channel": "webhook", "subject": "nobody", "body": "Ciao", "promotion": None}

    refused = api.post(CAMPAIGNS, body(**words))

    assert [one["pointer"] for one in refused.json()["details"]] == ["/subject"]
    assert not Campaign.objects.exists()


def test_a_large_campaign_is_not_started_by_one_over_the_api(api, settings, now):
    settings.CAMPAIGN_APPROVAL_RECIPIENTS = 2
    offer(now)
    segment_of(subscribers(3))
    api.post(CAMPAIGNS, body())

    refused = api.post(f"{CAMPAIGNS}/autumn/start")

    assert (refused.status_code, refused.json()["key"]) == (422, "approval_needed")
    assert Campaign.objects.get().status == "DRAFT"


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"holdout_precent": 10}, "/holdout_precent"),
        ({"trigger": {"kind": "ONE_OFF", "utnil": None}}, "/trigger/utnil"),
        ({"contents": [{"subject": "a", "body": "b", "varient": "A"}]}, "/contents/0/varient"),
        ({"variants": [{"code": "A", "wieght": 2}]}, "/variants/0/wieght"),
        ({"trigger": {"at": "0001-01-01T00:00:00+00:00"}}, "/trigger/at"),
        ({"trigger": {"until": "9999-12-31T23:59:59-01:00"}}, "/trigger/until"),
        ({"name": "Autumn\r\nBcc: x@mail.example"}, "/name"),
    ],
)
def test_a_typo_and_an_impossible_time_are_told_with_their_place(api, now, fields, pointer):
    offer(now)
    segment_of(subscribers(1))

    refused = api.post(CAMPAIGNS, body(**fields))

    assert refused.status_code == 422
    assert [detail["pointer"] for detail in refused.json()["details"]] == [pointer]
    assert not Campaign.objects.exists()
