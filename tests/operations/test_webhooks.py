"""Clients of the API hear of what happens: signed, in order, again and again for a day."""

import socket
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django.utils.translation import override
from standardwebhooks.webhooks import Webhook as Verifier

from customers.models import Event
from customers.services import erase_customer, record_event
from customers.services.events import dispatch_events
from loyalty.models import Tier
from loyalty.services.badges import create_badge
from loyalty.services.challenge_progress import count_order
from loyalty.services.contests import Prize
from loyalty.services.plays import play_draw
from loyalty.services.rewards import redeem_reward
from loyalty.services.tier_grants import grant_tier
from operations.errors import InvalidInput
from operations.models import IdempotencyKey, Webhook, WebhookDelivery
from operations.services import webhooks
from operations.services.webhooks import (
    RETRY_AFTER,
    WebhookKnown,
    add_webhook,
    call_webhook,
    change_webhook,
    due_webhooks,
    forget_deliveries,
    queue_deliveries,
    resend_delivery,
)
from referrals.services import qualify_referral, reward_referrals
from referrals.services.programmes import Reward as Given
from tests.api import caller
from tests.factories import NOON as TODAY
from tests.factories import ApiClientFactory, CustomerFactory, UserFactory
from tests.http_sink import HttpSink, Reply
from tests.loyalty.factories import make_reward, with_points
from tests.loyalty.games import instant_win, make_challenge
from tests.loyalty.tiers import make_tiers
from tests.referrals.factories import LATER, buy, make_programme, refer

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
TYPES = ["order.recorded", "points.changed"]


@pytest.fixture(autouse=True)
def _fresh(settings):
    settings.ALLOW_LOOPBACK_WEBHOOKS = True
    webhooks.forget_types()
    yield
    webhooks.remember_types([])


@pytest.fixture
def shop(http_sink: HttpSink) -> Webhook:
    return add_webhook(ApiClientFactory(name="shop"), url=f"{http_sink.url}/hook", event_types=TYPES)


def happens(number: int, *, subject: str = "", type: str = "order.recorded") -> None:
    data = {"number": number}
    queue_deliveries(type, data, event_id=number, subject=subject, occurred_at=NOON, at=NOON)


def told(sink: HttpSink) -> list[int]:
    return [request.json["data"]["number"] for request in sink.requests]


def ready(webhook: Webhook) -> None:
    """As if the times to wait were over."""
    Webhook.objects.filter(pk=webhook.pk).update(rests_until=None)
    webhook.deliveries.waiting().update(not_before=NOON)


def test_an_event_is_told_with_a_signature_that_the_receiver_can_check(shop, http_sink):
    customer = CustomerFactory()
    record_event(
        "points.changed", external_id="p:1", occurred_at=NOON, customer=customer, payload={"points": 30}
    )
    record_event("visit.recorded", external_id="v:1", occurred_at=NOON, customer=customer)
    dispatch_events(at=timezone.now() + timedelta(seconds=1))

    taken = call_webhook(shop.pk)

    (request,) = http_sink.requests
    told = Verifier(shop.secret).verify(request.body, request.headers)
    delivery = WebhookDelivery.objects.get()
    assert (taken, delivery.state, delivery.attempts) == (1, "DELIVERED", 1)
    assert request.headers["webhook-id"] == delivery.message_id
    assert (told["type"], told["timestamp"]) == ("points.changed", "2026-11-22T12:00:00+00:00")
    assert told["data"]["customer"] == str(customer.public_id)
    assert told["data"]["payload"] == {"points": 30}
    assert delivery.subject == str(customer.public_id)


def test_an_event_handed_over_twice_is_told_once(shop, http_sink):
    happens(1)
    happens(1)

    assert (call_webhook(shop.pk), told(http_sink)) == (1, [1])


def test_of_one_customer_nothing_is_told_before_what_happened_earlier(shop, http_sink):
    for number, subject in enumerate(("anna", "bea", "anna", "", "bea"), 1):
        happens(number, subject=subject)
    refused = {1}
    http_sink.respond(lambda request: Reply(500 if request.json["data"]["number"] in refused else 200))

    call_webhook(shop.pk)
    ready(shop)
    WebhookDelivery.objects.filter(event_id=1).update(not_before=timezone.now() + timedelta(hours=1))
    call_webhook(shop.pk)
    meanwhile = told(http_sink)
    refused.clear()
    ready(shop)
    call_webhook(shop.pk)

    assert meanwhile == [1, 2, 4, 5]
    assert told(http_sink) == [1, 2, 4, 5, 1, 3]
    assert not WebhookDelivery.objects.waiting().exists()


def test_a_receiver_that_fails_is_tried_for_a_day_under_the_same_id_and_left_alone_meanwhile(shop, http_sink):
    http_sink.answer(503)
    happens(1)

    waits, rests = [], []
    for _attempt in range(len(RETRY_AFTER) + 1):
        assert call_webhook(shop.pk) == 0
        shop.refresh_from_db()
        delivery = shop.deliveries.get()
        waits.append(delivery.not_before - delivery.tried_at)
        rests.append((shop.rests_until - delivery.tried_at).total_seconds())
        assert call_webhook(shop.pk) == 0  # It rests.
        ready(shop)

    assert (delivery.state, delivery.attempts, shop.failures) == ("GIVEN_UP", 8, 8)
    assert len({request.headers["webhook-id"] for request in http_sink.requests}) == 1
    assert len(http_sink.requests) == 8
    assert rests == [5, 10, 20, 40, 80, 160, 320, 600]
    assert timedelta(hours=24) < sum(RETRY_AFTER, timedelta()) < timedelta(hours=25)
    assert waits[:7] == RETRY_AFTER


def test_a_receiver_that_is_gone_is_called_no_more_until_somebody_says_so(shop, http_sink):
    http_sink.answer(410)
    happens(1)

    call_webhook(shop.pk)
    shop.refresh_from_db()
    gone = shop.active, shop.disabled_reason.startswith("410"), due_webhooks(at=timezone.now())
    http_sink.answer(200)
    change_webhook(shop, url=shop.url, event_types=TYPES, active=True)
    call_webhook(shop.pk)

    assert gone == (False, True, [])
    assert shop.deliveries.get().state == "DELIVERED"


def test_a_redirect_is_no_delivery_and_leads_nowhere(shop, http_sink):
    http_sink.respond(lambda request: Reply(302, headers={"Location": f"{http_sink.url}/elsewhere"}))
    happens(1)

    call_webhook(shop.pk)

    assert (len(http_sink.requests), shop.deliveries.get().state) == (1, "WAITING")


def test_one_at_a_time_calls_a_webhook_and_who_died_gives_it_free(shop, http_sink):
    happens(1)
    Webhook.objects.filter(pk=shop.pk).update(busy_until=timezone.now() + timedelta(seconds=30))

    busy = call_webhook(shop.pk), due_webhooks(at=timezone.now())
    Webhook.objects.filter(pk=shop.pk).update(busy_until=timezone.now() - timedelta(seconds=1))

    assert busy == (0, [])
    assert due_webhooks(at=timezone.now()) == [shop.pk]
    assert call_webhook(shop.pk) == 1


def test_a_silent_receiver_keeps_nobody_else_waiting(shop, http_sink):
    silent = add_webhook(ApiClientFactory(), url="http://127.0.0.1:9/", event_types=TYPES)
    happens(1)

    assert due_webhooks(at=timezone.now()) == [shop.pk, silent.pk]
    assert (call_webhook(silent.pk), call_webhook(shop.pk)) == (0, 1)
    assert silent.deliveries.get().state == "WAITING"


def test_what_was_told_can_be_told_again_under_its_id(shop, http_sink):
    happens(1)
    call_webhook(shop.pk)

    resend_delivery(shop.deliveries.get(), at=timezone.now())
    call_webhook(shop.pk)

    first, second = http_sink.requests
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert shop.deliveries.get().state == "DELIVERED"


@pytest.mark.parametrize(
    ("url", "types", "pointer"),
    [
        ("http://shop.example/hook", TYPES, "/url"),
        ("https://user@shop.example/", TYPES, "/url"),
        ("https://shop.example/", [], "/event_types"),
        ("https://shop.example/", ["order.recorded", "order.dreamt"], "/event_types/1"),
        ("https://shop.example/", ["coupon.published"], "/event_types/0"),
    ],
)
def test_what_cannot_be_heard_is_refused(url, types, pointer):
    client = ApiClientFactory(scopes=["customers:read", "loyalty:read"])

    with pytest.raises(InvalidInput) as refused:
        add_webhook(client, url=url, event_types=types)

    assert [one.pointer for one in refused.value.details] == [pointer]
    assert not Webhook.objects.exists()


def test_a_private_address_is_refused_when_it_is_called(settings, shop):
    settings.ALLOW_LOOPBACK_WEBHOOKS = False
    with pytest.raises(InvalidInput):
        add_webhook(ApiClientFactory(), url="https://10.0.0.1/", event_types=TYPES)
    inside = add_webhook(ApiClientFactory(), url="https://shop.example/inside", event_types=TYPES)
    Webhook.objects.filter(pk=inside.pk).update(url="https://10.0.0.1/")  # As if its name led there.
    happens(1)

    with override("en"):
        call_webhook(inside.pk)

    assert "not public" in inside.deliveries.get().answer


def test_why_nobody_answered_is_said_in_the_readers_language(shop):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        Webhook.objects.filter(pk=shop.pk).update(url=f"http://127.0.0.1:{probe.getsockname()[1]}/")
        happens(1)
        call_webhook(shop.pk)

    delivery = shop.deliveries.get()
    assert (delivery.state, delivery.failure) == ("WAITING", "UNREACHABLE")
    assert delivery.outcome == "The address could not be reached: [Errno 111] Connection refused"
    with override("it"):
        assert delivery.outcome.startswith("Impossibile raggiungere l'indirizzo: ")


def test_a_process_that_knows_nothing_of_failures_yet_still_writes_deliveries(shop):
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO operations_webhookdelivery"
            " (webhook_id, message_id, type, subject, body, state, attempts, not_before, answer, created_at)"
            " VALUES (%s, 'old', 'order.paid', '', '{}', 'WAITING', 0, now(), '', now())",
            [shop.pk],
        )

    assert shop.deliveries.get().failure == ""


def test_an_answer_ends_what_was_said_of_an_earlier_failure(shop, http_sink):
    http_sink.drop_after_request()
    happens(1)
    call_webhook(shop.pk)
    assert shop.deliveries.get().failure == "BROKEN_OFF"
    http_sink.answer(200, body=b"ok")
    ready(shop)

    call_webhook(shop.pk)

    delivery = shop.deliveries.get()
    assert (delivery.state, delivery.failure, delivery.outcome) == ("DELIVERED", "", "200 ok")


def test_a_partner_hears_nothing_and_an_address_is_known_once(shop):
    with pytest.raises(InvalidInput):
        add_webhook(ApiClientFactory(partner_source="pos"), url="https://p.example/", event_types=TYPES)
    with pytest.raises(WebhookKnown):
        add_webhook(shop.client, url=shop.url, event_types=TYPES)


def test_a_revoked_client_hears_nothing_more(shop, http_sink):
    happens(1)
    shop.client.revoked = True
    shop.client.save()

    assert (due_webhooks(at=timezone.now()), call_webhook(shop.pk), http_sink.requests) == ([], 0, [])


def test_what_nobody_hears_of_costs_no_row(shop):
    record_event("visit.recorded", external_id="v:1", occurred_at=NOON, customer=CustomerFactory())

    dispatch_events(at=timezone.now() + timedelta(seconds=1))

    assert Event.objects.filter(type="visit.recorded").exists()
    assert not WebhookDelivery.objects.exists()


def test_an_erasure_takes_the_deliveries_about_a_person(shop):
    anna, bea = CustomerFactory(), CustomerFactory()
    for number, person in enumerate((anna, bea), 1):
        happens(number, subject=str(person.public_id))

    erase_customer(anna, at=timezone.now())

    assert [one.subject for one in WebhookDelivery.objects.all()] == [str(bea.public_id)]


def test_old_deliveries_are_forgotten_and_waiting_ones_are_not(shop):
    happens(1)
    happens(2)
    WebhookDelivery.objects.filter(event_id=1).update(state="GIVEN_UP")

    assert forget_deliveries(at=NOON + timedelta(days=29)) == 0
    assert forget_deliveries(at=NOON + timedelta(days=31)) == 1
    assert shop.deliveries.get().event_id == 2


def test_old_deliveries_are_forgotten_in_portions(shop, monkeypatch):
    monkeypatch.setattr(webhooks, "FORGOTTEN_AT_ONCE", 2)
    for number in range(1, 6):
        happens(number)
    WebhookDelivery.objects.exclude(event_id=3).update(state="GIVEN_UP")

    with CaptureQueriesContext(connection) as queries:
        assert forget_deliveries(at=NOON + timedelta(days=31)) == 4

    assert sum(query["sql"].startswith("DELETE") for query in queries) == 2
    assert shop.deliveries.get().event_id == 3


def test_a_client_keeps_its_own_webhooks_over_the_api(http_sink):
    mine, other = caller(ApiClientFactory()), caller(ApiClientFactory())
    body = {"url": f"{http_sink.url}/hook", "event_types": TYPES}

    made = mine.post("/api/v1/webhooks", body)
    address = f"/api/v1/webhooks/{made.json()['id']}"
    happens(1)
    call_webhook(int(made.json()["id"]))
    Verifier(made.json()["secret"]).verify(http_sink.requests[0].body, http_sink.requests[0].headers)
    (delivery,) = mine.get(f"{address}/deliveries?state=DELIVERED").json()["data"]
    again = mine.post(f"{address}/deliveries/{delivery['id']}/resend")
    changed = mine.patch(address, {"event_types": ["order.recorded"]})

    assert made.status_code == 201
    assert "secret" not in mine.get(address).json()
    assert again.json()["state"] == "WAITING"
    assert (changed.json()["event_types"], changed.json()["waiting"]) == (["order.recorded"], 1)
    assert mine.post(f"{address}/secret").json()["secret"] != made.json()["secret"]
    assert mine.patch(address, {"url": "ftp://x"}).status_code == 422
    for strange in (
        other.get(address),
        other.patch(address, {}),
        other.delete(address),
        other.get(f"{address}/deliveries"),
        other.post(f"{address}/deliveries/{delivery['id']}/resend"),
    ):
        assert strange.status_code == 404
    assert other.get("/api/v1/webhooks").json()["data"] == []
    assert mine.delete(address).status_code == 204
    assert not Webhook.objects.exists()


def test_a_secret_stands_in_no_stored_answer_and_a_repeat_reads_it_where_it_is_sealed(http_sink):
    mine = caller(ApiClientFactory())
    body = {"url": f"{http_sink.url}/hook", "event_types": TYPES}

    made = mine.post("/api/v1/webhooks", body, HTTP_IDEMPOTENCY_KEY="one")
    again = mine.post("/api/v1/webhooks", body, HTTP_IDEMPOTENCY_KEY="one")

    assert made.json()["secret"].startswith("whsec_")
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.content == made.content
    assert b"whsec_" not in bytes(IdempotencyKey.objects.get().body)


def test_a_client_hears_no_more_of_what_it_may_no_longer_read(shop, http_sink):
    client = shop.client
    client.scopes = ["loyalty:read"]
    client.save()

    happens(1, type="order.recorded")
    happens(2, type="points.changed")

    assert (call_webhook(shop.pk), told(http_sink)) == (1, [2])


def test_an_answer_that_no_text_of_ours_can_hold_holds_nothing_up(shop, http_sink):
    http_sink.answer(500, body=b"a\0b")
    happens(1)

    assert call_webhook(shop.pk) == 0

    delivery = shop.deliveries.get()
    assert (delivery.attempts, delivery.answer) == (1, "500 a b")


def test_the_console_has_a_page_for_each_and_sends_again(shop, http_sink):
    user = UserFactory(is_superuser=True)
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    happens(1)
    call_webhook(shop.pk)
    page = f"/console/operations/webhook/{shop.pk}/change/"
    log = "/console/operations/webhookdelivery/"
    delivery = shop.deliveries.get()

    shown = client.get(page).content.decode()
    tried = client.post(f"/console/operations/webhook/{shop.pk}/try/", follow=True).content.decode()
    again = {"action": "send_again", "_selected_action": [delivery.pk]}
    client.post(log, again)
    saved = client.post(page, {"url": shop.url, "event_types": ["order.recorded"], "active": "on"})

    shop.refresh_from_db()
    assert "order.recorded" in shown and shop.secret in shown
    assert "The receiver took the test (200)." in tried
    assert shop.deliveries.get().state == "WAITING"
    assert (saved.status_code, shop.event_types) == (302, ["order.recorded"])
    assert client.get(f"{log}{delivery.pk}/change/").status_code == 200
    form = client.get("/console/operations/webhook/add/").content.decode()
    assert f'value="{shop.client.prefix}"' in form and shop.client.hashed_key not in form


def test_who_may_only_look_changes_nothing(shop):
    user = UserFactory()
    user.user_permissions.add(Permission.objects.get(codename="view_webhook"))
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    page = f"/console/operations/webhook/{shop.pk}/"

    shown = client.get(f"{page}change/")

    assert shown.status_code == 200 and shop.secret not in shown.content.decode()
    for answer in (
        client.post(f"{page}change/", {}),
        client.post(f"{page}try/"),
        client.post(f"{page}secret/"),
    ):
        assert answer.status_code == 403
    assert client.get("/console/operations/webhook/add/").status_code == 403


def test_what_members_do_is_told_under_the_names_it_is_recorded_with(http_sink):
    wanted = [
        "points.changed", "tier.changed", "reward.redeemed", "challenge.completed", "badge.earned",
        "prize.won", "referral.registered", "referral.qualified", "referral.rewarded",
    ]  # fmt: skip
    client = ApiClientFactory()
    api = caller(client)
    made = api.post("/api/v1/webhooks", {"url": f"{http_sink.url}/hook", "event_types": wanted}).json()
    anna = with_points(100)
    redeem_reward(anna, make_reward(cost_points=40), source_key="mug", at=NOON)
    make_tiers(gold=1000)
    grant_tier(anna, Tier.objects.get(), until=None, reason="a promise", at=NOON)
    stamps = make_challenge(target=1, badge=create_badge("first", title={"en": "First"}, name="First"))
    win = instant_win(prizes=[Prize(make_reward("POINTS"), probability=Decimal(1))])
    play_draw(win, anna, source_key="one", at=TODAY)
    referral = refer(make_programme(referrer=Given(points=300), referee=Given(points=100)), referrer=anna)
    order = buy(referral.referee)
    count_order(order, at=TODAY)
    qualify_referral(order, at=LATER)
    reward_referrals(at=LATER)

    dispatch_events(at=timezone.now() + timedelta(seconds=1))
    call_webhook(int(made["id"]))

    told = [Verifier(made["secret"]).verify(one.body, one.headers) for one in http_sink.requests]
    assert stamps.completions.count() == 1
    assert {one["type"] for one in told} == set(wanted)
    redeemed = next(one for one in told if one["type"] == "reward.redeemed")
    assert redeemed["data"]["customer"] == str(anna.public_id)
    assert redeemed["data"]["payload"]["points"] == 40


def test_kinds_of_events_stand_together_with_those_that_are_about_the_same():
    from operations.admin.webhooks import by_family

    grouped = by_family(["order.recorded", "tier.changed", "order.returned"])

    assert grouped == [
        ("Orders", [("order.recorded", "order.recorded"), ("order.returned", "order.returned")]),
        ("Tiers", [("tier.changed", "tier.changed")]),
    ]
