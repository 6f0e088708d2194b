"""SMS through a gateway and through Twilio, with a real HTTP server that answers as they do."""

import base64
import hashlib
import hmac
import json
from urllib.parse import urlencode

import pytest
from django.test import Client

from campaigns.content import Rendered
from campaigns.models import InboxMail, Message, ProviderEvent
from campaigns.services import pump, send_publication, send_test
from coupons.services import publish_coupon
from customers.models import Consent, Event, Suppression
from customers.services import record_consent
from operations.errors import InvalidInput
from tests.campaigns.factories import offer, running, segment_of, subscriber
from tests.factories import CustomerFactory
from tests.http_sink import HttpSink, Reply

NUMBER = "+393471234567"


def phone_subscriber(at, phone: str = NUMBER, **fields):
    customer = CustomerFactory(phone=phone, first_name="Anna", **fields)
    record_consent(customer, channel="sms", purpose="MARKETING", state="GRANTED", proof={"form": "1"}, at=at)
    return customer


def sms_campaign(people, at, **fields):
    return running(
        segment_of(people), at, subject="", body="Ciao {{ customer.first_name }}!", channel="sms", **fields
    )


@pytest.fixture
def gateway(http_sink: HttpSink, settings) -> HttpSink:
    settings.SMS_URL = f"{http_sink.url}/send?to={{to}}&text={{text}}&id={{reference}}&from=Fidelio"
    settings.SMS_HOOK_SECRET = "knows-us"
    settings.SMS_HEADERS = {"Authorization": "Bearer secret"}
    return http_sink


@pytest.fixture
def twilio(http_sink: HttpSink, settings) -> HttpSink:
    settings.SMS_URL = f"twilio://AC1:token@api.twilio.com?from=%2B39055000&api={http_sink.url}"
    settings.PUBLIC_URL = "https://loyalty.example"
    http_sink.answer(201, body=json.dumps({"sid": "SM1", "status": "queued"}).encode())
    return http_sink


def test_a_campaign_goes_out_by_sms(db, gateway, now):
    gateway.answer(202, body=b"OK 4711")
    campaign = sms_campaign([phone_subscriber(now)], now)

    pump("BULK")

    message = campaign.messages.get()
    (request,) = gateway.requests
    assert (message.state, message.address, message.detail) == ("SENT", NUMBER, "202 OK 4711")
    assert (request.method, request.target) == ("POST", "/send")
    assert request.headers["authorization"] == "Bearer secret"
    assert request.form == {
        "to": NUMBER,
        "text": f"Ciao Anna!\nStop: http://127.0.0.1:8000/u/{message.token}",
        "id": str(message.pk),
        "from": "Fidelio",
    }


def test_what_a_gateway_calls_by_get_it_gets_in_the_address(db, gateway, settings, now):
    settings.SMS_METHOD = "GET"
    sms_campaign([phone_subscriber(now)], now)

    pump("BULK")

    (request,) = gateway.requests
    assert (request.method, request.query["to"], request.body) == ("GET", NUMBER, b"")


def test_without_a_consent_for_sms_nothing_is_sent(db, gateway, now):
    mailed = subscriber("bruno@mail.example", phone="+393471234568")
    campaign = sms_campaign([mailed], now)

    pump("BULK")

    message = campaign.messages.get()
    assert (message.state, message.reason) == ("SUPPRESSED", "NO_CONSENT")
    assert gateway.requests == []


@pytest.mark.parametrize(
    ("reply", "state", "reason"),
    [
        (Reply(400, b"bad number"), "FAILED", "REFUSED"),
        (Reply(410, b"no such number"), "FAILED", "HARD_BOUNCE"),
        (Reply(429, b"slow down"), "PENDING", "UNREACHABLE"),
        (Reply(401, b"who are you"), "PENDING", "UNREACHABLE"),
        (Reply(500, b"oops"), "UNKNOWN", "NO_ANSWER"),
        (None, "UNKNOWN", "NO_ANSWER"),
    ],
)
def test_what_the_gateway_answers_decides_what_became_of_a_message(db, gateway, now, reply, state, reason):
    gateway.respond(lambda request: reply)
    campaign = sms_campaign([phone_subscriber(now)], now)

    pump("BULK")

    message = campaign.messages.get()
    assert (message.state, message.reason) == (state, reason)
    assert len(gateway.requests) == 1
    assert Suppression.objects.filter(channel="sms").exists() == (reason == "HARD_BOUNCE")


def test_a_gateway_that_cannot_be_reached_has_proved_that_nothing_left(db, settings, now):
    settings.SMS_URL = "http://127.0.0.1:9/send?to={to}&text={text}"
    campaign = sms_campaign([phone_subscriber(now)], now)

    pump("BULK")

    message = campaign.messages.get()
    assert (message.state, message.reason, message.attempts) == ("PENDING", "UNREACHABLE", 1)


def test_twilio_gets_the_message_and_its_own_name_for_it_is_kept(db, twilio, now):
    campaign = sms_campaign([phone_subscriber(now)], now)

    pump("BULK")

    message = campaign.messages.get()
    (request,) = twilio.requests
    assert (message.state, message.provider_id) == ("SENT", "SM1")
    assert request.path == "/2010-04-01/Accounts/AC1/Messages.json"
    assert request.headers["authorization"] == "Basic " + base64.b64encode(b"AC1:token").decode()
    assert request.form["To"] == NUMBER
    assert request.form["From"] == "+39055000"
    assert request.form["StatusCallback"] == f"https://loyalty.example/hooks/twilio?message={message.pk}"


def test_a_number_that_twilio_knows_to_be_none_is_never_written_to_again(db, twilio, now):
    twilio.answer(400, body=json.dumps({"code": 21211, "message": "Invalid 'To'"}).encode())
    campaign = sms_campaign([phone_subscriber(now)], now)

    pump("BULK")

    assert campaign.messages.get().reason == "HARD_BOUNCE"
    assert Suppression.objects.get().reason == "BOUNCED"


def twilio_calls(path: str, told: dict[str, str], *, token: str = "token"):
    signed = f"https://loyalty.example{path}" + "".join(f"{name}{told[name]}" for name in sorted(told))
    signature = base64.b64encode(hmac.new(token.encode(), signed.encode(), hashlib.sha1).digest()).decode()
    return Client().post(
        path,
        urlencode(told),
        content_type="application/x-www-form-urlencoded",
        headers={"X-Twilio-Signature": signature},
    )


def test_a_status_of_twilio_resolves_what_nobody_knew_and_counts_once(db, twilio, now):
    twilio.drop_after_request()
    campaign = sms_campaign([phone_subscriber(now)], now)
    pump("BULK")
    message = campaign.messages.get()
    assert message.state == "UNKNOWN"

    told = {"MessageSid": "SM9", "MessageStatus": "delivered", "To": NUMBER}
    answers = [twilio_calls(f"/hooks/twilio?message={message.pk}", told) for _again in range(2)]

    message.refresh_from_db()
    assert [answer.status_code for answer in answers] == [204, 204]
    assert message.state == "SENT"
    assert ProviderEvent.objects.get().kind == "DELIVERED"
    assert Event.objects.filter(type="message.sent").count() == 1


def test_a_call_without_the_providers_signature_changes_nothing(db, twilio, now):
    campaign = sms_campaign([phone_subscriber(now)], now)
    pump("BULK")
    message = campaign.messages.get()

    told = {"MessageSid": "SM1", "MessageStatus": "undelivered", "ErrorCode": "21610", "To": NUMBER}
    answer = twilio_calls(f"/hooks/twilio?message={message.pk}", told, token="guessed")

    assert answer.status_code == 403
    assert ProviderEvent.objects.count() == 0
    assert Consent.objects.get(channel="sms").state == "GRANTED"


def test_who_answers_stop_is_written_to_no_more(db, twilio, now):
    anna = phone_subscriber(now)

    answer = twilio_calls("/hooks/twilio", {"MessageSid": "SM2", "From": NUMBER, "Body": " stop please"})

    assert answer.status_code == 204
    assert Consent.objects.get(customer=anna, channel="sms").state == "WITHDRAWN"
    assert Suppression.objects.get(channel="sms").reason == "UNSUBSCRIBED"


def test_any_other_answer_changes_nothing(db, twilio, now):
    anna = phone_subscriber(now)

    twilio_calls("/hooks/twilio", {"MessageSid": "SM2", "From": NUMBER, "Body": "grazie, non fermatevi"})

    assert Consent.objects.get(customer=anna, channel="sms").state == "GRANTED"


def test_a_gateway_tells_with_its_key_and_not_without(db, gateway, now):
    campaign = sms_campaign([phone_subscriber(now)], now)
    pump("BULK")
    reference = str(campaign.messages.get().pk)

    refused = Client().get("/hooks/sms", {"key": "guess", "reference": reference, "status": "bounced"})
    taken = Client().get("/hooks/sms", {"key": "knows-us", "reference": reference, "status": "bounced"})

    assert (refused.status_code, taken.status_code) == (403, 204)
    assert ProviderEvent.objects.get().kind == "BOUNCED"
    assert Suppression.objects.get(channel="sms").reason == "BOUNCED"
    assert Event.objects.filter(type="message.bounced").count() == 1


def test_hooks_of_providers_that_are_not_in_use_do_not_exist(db, gateway):
    assert Client().post("/hooks/twilio").status_code == 404
    assert Client().post("/hooks/postmark").status_code == 404


def test_in_the_demo_an_sms_can_be_read_in_the_inbox(db, settings, now):
    settings.SMS_URL = "inbox:"
    sms_campaign([phone_subscriber(now)], now)

    pump("BULK")

    kept = InboxMail.objects.get()
    assert (kept.channel, kept.recipients, kept.subject) == ("sms", [NUMBER], "Ciao Anna!")


def test_a_published_coupon_goes_out_by_sms(db, gateway, now):
    anna = phone_subscriber(now)
    publication = publish_coupon(offer(now), customer=anna, source_id="1", channel="sms", at=now)

    send_publication(publication, purpose="SERVICE", at=now)
    pump("FAST")

    (request,) = gateway.requests
    assert publication.coupon.code in request.form["text"]
    assert Message.objects.get().address == NUMBER


def test_a_test_goes_to_one_number_marked_as_such(db, gateway, now):
    send_test(Rendered("", "", "Ciao Anna!"), channel="sms", address="347 1234567", at=now)

    (request,) = gateway.requests
    assert (request.form["to"], request.form["text"]) == (NUMBER, "[TEST] Ciao Anna!")
    with pytest.raises(InvalidInput):
        send_test(Rendered("", "", "Ciao"), channel="sms", address="Anna", at=now)


@pytest.mark.parametrize("url", ["", "http://gateway.example/send?to={to}&text={text}"])
def test_numbers_go_by_https_or_nowhere(db, settings, now, url):
    settings.SMS_URL = url
    campaign = sms_campaign([phone_subscriber(now)], now)

    pump("BULK")

    message = campaign.messages.get()
    assert (message.state, message.reason) == ("PENDING", "UNREACHABLE")
    assert "SMS_URL" in message.detail
