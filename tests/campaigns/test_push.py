"""Notifications to browsers and apps, with real servers that speak the protocols of push services."""

import base64
import json

import http_ece
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from django.test import Client
from py_vapid import Vapid02

from campaigns.models import InboxMail, PushKey, PushSubscription
from campaigns.push_keys import public_key
from campaigns.services import pump, subscribe_push, unsubscribe_push
from customers.models import Consent, Identity, Suppression
from customers.services import erase_customer
from customers.services.preferences import preferences_url
from operations.errors import InvalidInput
from tests.campaigns.factories import running, segment_of
from tests.factories import CustomerFactory
from tests.http_sink import HttpSink, Reply, Request


def text(number: bytes) -> str:
    return base64.urlsafe_b64encode(number).rstrip(b"=").decode()


class Browser:
    """What a browser keeps of its subscription, and how it reads what comes."""

    def __init__(self, service: HttpSink) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.secret = bytes(range(16))
        self.endpoint = f"{service.url}/push/abc"

    @property
    def p256dh(self) -> str:
        return text(
            self.key.public_key().public_bytes(
                serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
            )
        )

    @property
    def auth(self) -> str:
        return text(self.secret)

    def read(self, request: Request) -> dict:
        plain = http_ece.decrypt(
            request.body, private_key=self.key, auth_secret=self.secret, version="aes128gcm"
        )
        return json.loads(plain)

    def as_json(self) -> dict:
        return {"endpoint": self.endpoint, "keys": {"p256dh": self.p256dh, "auth": self.auth}}


@pytest.fixture
def service(http_sink: HttpSink, settings) -> HttpSink:
    settings.ALLOW_LOOPBACK_WEBHOOKS = True
    http_sink.answer(201)
    return http_sink


@pytest.fixture
def browser(service: HttpSink) -> Browser:
    return Browser(service)


def subscribed(browser: Browser, at, customer=None) -> PushSubscription:
    return subscribe_push(
        customer or CustomerFactory(first_name="Anna"),
        kind="WEB", endpoint=browser.endpoint, p256dh=browser.p256dh, auth=browser.auth,
        proof={"page": "shop"}, at=at,
    )  # fmt: skip


def push_campaign(people, at, **fields):
    body = "Solo oggi: -20 %\n{{ unsubscribe_url }}"
    values = {"subject": "Ciao {{ customer.first_name }}", "body": body, "channel": "push"}
    return running(segment_of(people), at, **(values | fields))


def test_a_browser_gets_the_notification_encrypted_and_signed(db, browser, service, now):
    subscription = subscribed(browser, now)
    campaign = push_campaign([subscription.customer], now)

    pump("BULK")

    message = campaign.messages.get()
    (request,) = service.requests
    assert (message.state, message.address) == ("SENT", subscription.address)
    assert browser.read(request) == {
        "title": "Ciao Anna",
        "body": "Solo oggi: -20 %",
        "url": f"http://127.0.0.1:8000/u/{message.token}",
        "tag": str(message.pk),
    }
    assert (request.headers["content-encoding"], request.headers["ttl"]) == ("aes128gcm", "86400")
    assert Vapid02.verify(request.headers["authorization"])
    assert f"k={public_key()}" in request.headers["authorization"]


@pytest.mark.parametrize(
    ("reply", "state", "reason"),
    [
        (Reply(410), "FAILED", "HARD_BOUNCE"),
        (Reply(404), "FAILED", "HARD_BOUNCE"),
        (Reply(413), "FAILED", "REFUSED"),
        (Reply(429), "PENDING", "TEMPORARY"),
        (Reply(500), "PENDING", "TEMPORARY"),
        (None, "PENDING", "TEMPORARY"),
    ],
)
def test_what_the_push_service_answers_decides(db, browser, service, now, reply, state, reason):
    subscription = subscribed(browser, now)
    campaign = push_campaign([subscription.customer], now)
    service.respond(lambda request: reply)

    pump("BULK")

    message = campaign.messages.get()
    subscription.refresh_from_db()
    assert (message.state, message.reason) == (state, reason)
    assert (subscription.gone_at is not None) == (reason == "HARD_BOUNCE")


def test_a_browser_that_had_gone_and_subscribes_again_is_notified_again(db, browser, service, now):
    subscription = subscribed(browser, now)
    push_campaign([subscription.customer], now)
    service.answer(410)
    pump("BULK")
    assert Suppression.objects.get(channel="push").reason == "BOUNCED"

    again = subscribed(browser, now, subscription.customer)

    assert (again.pk, again.gone_at) == (subscription.pk, None)
    assert Suppression.objects.count() == 0


def test_a_subscription_is_a_consent_with_its_proof_and_ends_by_a_withdrawal(db, browser, now):
    subscription = subscribed(browser, now)
    customer = subscription.customer

    consent = Consent.objects.get(customer=customer, channel="push")
    assert (consent.state, consent.address) == ("GRANTED", subscription.address)
    assert consent.record.proof == {"page": "shop"}
    assert unsubscribe_push(customer, kind="WEB", endpoint=browser.endpoint, at=now)

    consent.refresh_from_db()
    assert consent.state == "WITHDRAWN"


def test_a_device_that_changes_hands_is_the_new_owners(db, browser, now):
    first = subscribed(browser, now).customer

    second = subscribed(browser, now, CustomerFactory()).customer

    assert PushSubscription.objects.get().customer == second
    assert Identity.objects.get(namespace="push").customer == second
    assert first.pk != second.pk


def test_an_erasure_takes_the_subscription_with_it(db, browser, now):
    subscription = subscribed(browser, now)

    erase_customer(subscription.customer, at=now)

    assert PushSubscription.objects.count() == 0
    assert Identity.objects.filter(namespace="push").count() == 0


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"endpoint": "http://10.0.0.1/x"}, "/endpoint"),
        ({"endpoint": ""}, "/endpoint"),
        ({"p256dh": "AAAA"}, "/keys/p256dh"),
        ({"auth": "%%%"}, "/keys/auth"),
    ],
)
def test_what_is_no_subscription_is_refused_and_leaves_nothing(db, browser, now, change, pointer):
    values = {"endpoint": browser.endpoint, "p256dh": browser.p256dh, "auth": browser.auth}

    with pytest.raises(InvalidInput) as refused:
        subscribe_push(CustomerFactory(), kind="WEB", proof={"page": "x"}, at=now, **(values | change))

    assert refused.value.details[0].pointer == pointer
    assert (PushSubscription.objects.count(), Consent.objects.count()) == (0, 0)


def test_the_key_pair_is_made_once_and_kept_sealed(db):
    first, second = public_key(), public_key()

    key = PushKey.objects.get()
    assert first == second == key.public
    assert len(base64.urlsafe_b64decode(first + "=")) == 65
    assert b"-----" not in bytes(key.sealed)


def test_the_page_of_notifications_takes_a_subscription_and_its_end(db, browser):
    customer = CustomerFactory(language="it")
    page = preferences_url(customer).replace("http://127.0.0.1:8000/p/", "/n/")
    client = Client()

    shown = client.get(page)
    taken = client.post(page, {"subscription": browser.as_json()}, content_type="application/json")
    over = client.post(
        page, {"subscription": browser.as_json(), "over": True}, content_type="application/json"
    )

    assert public_key() in shown.content.decode()
    assert (taken.status_code, taken.json()) == (200, {"subscribed": True})
    assert (over.status_code, over.json()) == (200, {"subscribed": False})
    assert Consent.objects.get(customer=customer, channel="push").state == "WITHDRAWN"


@pytest.mark.parametrize(
    "body",
    [
        "", "[]", "{}", '{"subscription": 7}', '{"subscription": {"endpoint": "x"}}', "[" * 15_000,
        '{"subscription": {"endpoint": "https://push.example/\\ud800\\u0000"}}', b"\xff",
    ],
)  # fmt: skip
def test_what_the_page_cannot_read_is_no_server_error(db, body):
    page = preferences_url(CustomerFactory()).replace("http://127.0.0.1:8000/p/", "/n/")

    assert Client().post(page, body, content_type="application/json").status_code in (400, 422)
    assert PushSubscription.objects.count() == 0


def test_a_forged_link_leads_to_no_page(db):
    assert Client().get("/n/forged").status_code == 404


def test_the_worker_is_served_from_the_root(db):
    answer = Client().get("/push-worker.js")

    assert answer.headers["Service-Worker-Allowed"] == "/"
    assert b"showNotification" in answer.content


def test_a_shop_tells_subscriptions_over_the_api(api, browser, now):
    customer = CustomerFactory()
    told = {"customer": {"id": str(customer.public_id)}, **browser.as_json(), "proof": {"page": "shop"}}

    made = api.post("/api/v1/push-subscriptions", told)
    unproved = api.post(
        "/api/v1/push-subscriptions", {**told, "endpoint": f"{browser.endpoint}2", "proof": {}}
    )
    both = api.post("/api/v1/push-subscriptions", {**told, "token": "x"})
    ended = api.delete("/api/v1/push-subscriptions", told)

    assert (made.status_code, made.json()["kind"]) == (201, "WEB")
    assert (unproved.status_code, both.status_code, ended.status_code) == (422, 422, 204)
    assert api.get("/api/v1/push-key").json() == {"public_key": public_key()}
    assert PushSubscription.objects.get().gone_at is not None


@pytest.fixture
def firebase(http_sink: HttpSink, settings) -> HttpSink:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    settings.FCM_URL = http_sink.url
    settings.FCM_CREDENTIALS = json.dumps(
        {
            "project_id": "shop", "client_email": "fidelio@shop.example", "private_key": pem.decode(),
            "token_uri": f"{http_sink.url}/token",
        }
    )  # fmt: skip

    def reply(request: Request) -> Reply:
        if request.path == "/token":
            return Reply(200, b'{"access_token": "bearer", "expires_in": 3600}')
        return Reply(200, b'{"name": "projects/shop/messages/1"}')

    http_sink.respond(reply)
    return http_sink


def test_an_app_gets_the_notification_by_fcm(db, firebase, now):
    anna = CustomerFactory(first_name="Anna")
    subscribe_push(anna, kind="APP", endpoint="device-token", proof={"app": "1.0"}, at=now)
    campaign = push_campaign([anna], now)

    pump("BULK")

    token, sent = firebase.requests
    told = json.loads(sent.body)["message"]
    message = campaign.messages.get()
    assert (message.state, message.provider_id) == ("SENT", "projects/shop/messages/1")
    assert token.form["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
    assert sent.path == "/v1/projects/shop/messages:send"
    assert sent.headers["authorization"] == "Bearer bearer"
    assert (told["token"], told["notification"]["title"]) == ("device-token", "Ciao Anna")
    assert told["android"]["collapse_key"] == str(message.pk)


def test_an_app_that_was_removed_is_written_to_no_more(db, firebase, now):
    anna = CustomerFactory()
    subscribe_push(anna, kind="APP", endpoint="device-token", proof={"app": "1.0"}, at=now)
    gone = {"error": {"code": 404, "details": [{"errorCode": "UNREGISTERED"}]}}
    firebase.respond(
        lambda request: (
            Reply(200, b'{"access_token": "bearer"}')
            if request.path == "/token"
            else Reply(404, json.dumps(gone).encode())
        )
    )
    campaign = push_campaign([anna], now)

    pump("BULK")

    assert campaign.messages.get().reason == "HARD_BOUNCE"
    assert PushSubscription.objects.get().gone_at is not None


def test_in_the_demo_a_notification_can_be_read_in_the_inbox(db, now):
    anna = CustomerFactory(first_name="Anna")
    subscribe_push(anna, kind="INBOX", endpoint="demo", proof={"demo": True}, at=now)
    push_campaign([anna], now)

    pump("BULK")

    kept = InboxMail.objects.get()
    assert (kept.channel, kept.subject) == ("push", "Ciao Anna")
