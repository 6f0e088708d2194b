"""Messages to other systems of the merchant, with a real receiver."""

import json

import pytest
from standardwebhooks.webhooks import Webhook

from campaigns.errors import ReceiverCodeTaken, TestNotSent
from campaigns.models import Receiver
from campaigns.services import pump, unsubscribe
from campaigns.services.receivers import edit_receiver, name_receiver, renew_secret, try_receiver
from customers.services import record_consent
from operations.errors import InvalidInput
from tests.campaigns.factories import offer, running, segment_of, subscriber
from tests.factories import CustomerFactory
from tests.http_sink import HttpSink, Reply


@pytest.fixture
def receiver(http_sink: HttpSink, settings, db) -> Receiver:
    settings.ALLOW_LOOPBACK_WEBHOOKS = True
    return name_receiver("print-shop", name="Print shop", url=f"{http_sink.url}/hook")


def task_campaign(people, at, **fields):
    values = {
        "subject": "print-shop",
        "body": "Cartolina per {{ customer.first_name }}",
        "channel": "webhook",
    }
    return running(segment_of(people), at, **(values | fields))


def test_a_receiver_gets_the_person_by_id_and_can_prove_who_called(receiver, http_sink, now):
    anna = subscriber("anna@mail.example", first_name="Anna")
    campaign = task_campaign([anna], now, promotion=offer(now), body="{{ coupon.code }}")

    pump("BULK")

    message = campaign.messages.get()
    (request,) = http_sink.requests
    told = Webhook(receiver.secret).verify(request.body, request.headers)
    assert message.state == "SENT"
    assert told["type"] == "campaign.message"
    assert told["data"] == {
        "message": request.headers["webhook-id"],
        "campaign": "autumn",
        "customer": str(anna.public_id),
        "text": message.coupon_code,
        "coupon": message.coupon_code,
        "unsubscribe_url": f"http://127.0.0.1:8000/u/{message.token}",
    }
    assert str(message.token) not in request.headers["webhook-id"]


def test_any_consent_to_advertising_will_do_and_none_will_not(receiver, http_sink, now):
    by_post = CustomerFactory()
    record_consent(by_post, channel="post", purpose="MARKETING", state="GRANTED", proof={"form": 1}, at=now)
    nobody = CustomerFactory()
    campaign = task_campaign([by_post, nobody], now)

    pump("BULK")

    assert campaign.messages.get(customer=by_post).state == "SENT"
    assert campaign.messages.get(customer=nobody).reason == "NO_CONSENT"
    assert len(http_sink.requests) == 1


def test_who_withdrew_after_the_snapshot_is_not_handed_over(receiver, http_sink, now):
    anna = CustomerFactory()
    record_consent(anna, channel="post", purpose="MARKETING", state="GRANTED", proof={"form": 1}, at=now)
    campaign = task_campaign([anna], now)

    record_consent(anna, channel="post", purpose="MARKETING", state="WITHDRAWN", at=now)
    pump("BULK")

    assert (campaign.messages.get().reason, http_sink.requests) == ("NO_CONSENT", [])


def test_who_leaves_by_the_messages_link_is_handed_over_no_more(receiver, http_sink, now):
    anna = subscriber("anna@mail.example")
    first = task_campaign([anna], now)
    pump("BULK")

    unsubscribe(first.messages.get().token, at=now)
    second = running(
        first.version.segment, now, code="winter", subject="print-shop", body="Ciao", channel="webhook"
    )
    pump("BULK")

    assert second.messages.get().reason == "ON_SUPPRESSION_LIST"
    assert len(http_sink.requests) == 1


def test_silence_is_answered_by_the_same_message_again(receiver, http_sink, now):
    http_sink.drop_after_request()
    campaign = task_campaign([subscriber("anna@mail.example")], now)
    pump("BULK")
    assert campaign.messages.get().state == "PENDING"

    http_sink.answer(200)
    campaign.messages.update(not_before=now)
    pump("BULK")

    assert campaign.messages.get().state == "SENT"
    assert len({request.headers["webhook-id"] for request in http_sink.requests}) == 1


@pytest.mark.parametrize(
    ("reply", "state"),
    [(Reply(400), "FAILED"), (Reply(302), "FAILED"), (Reply(500), "PENDING"), (Reply(429), "PENDING")],
)
def test_what_the_receiver_answers_decides(receiver, http_sink, now, reply, state):
    http_sink.respond(lambda request: reply)
    campaign = task_campaign([subscriber("anna@mail.example")], now)

    pump("BULK")

    assert campaign.messages.get().state == state


def test_a_receiver_that_says_it_is_gone_is_called_no_more(receiver, http_sink, now):
    http_sink.answer(410, body=b"closed")
    campaign = task_campaign([subscriber("anna@mail.example"), subscriber("bruno@mail.example")], now)

    pump("BULK")

    receiver.refresh_from_db()
    assert (receiver.active, receiver.disabled_reason) == (False, "410 closed")
    assert set(campaign.messages.values_list("state", flat=True)) == {"PENDING"}
    assert len(http_sink.requests) == 1


def test_a_private_address_gets_nothing(receiver, http_sink, settings, now):
    campaign = task_campaign([subscriber("anna@mail.example")], now)
    settings.ALLOW_LOOPBACK_WEBHOOKS = False

    pump("BULK")

    assert (campaign.messages.get().state, http_sink.requests) == ("FAILED", [])


def test_a_receiver_is_tried_without_naming_anybody(receiver, http_sink, now):
    assert try_receiver(receiver, at=now) == "200"
    assert json.loads(http_sink.requests[0].body)["data"] == {}

    http_sink.answer(500)
    with pytest.raises(TestNotSent):
        try_receiver(receiver, at=now)


def test_a_new_secret_signs_from_now_on(receiver, http_sink, now):
    former = receiver.secret

    renew_secret(receiver)
    try_receiver(receiver, at=now)

    assert receiver.secret != former
    assert Webhook(receiver.secret).verify(http_sink.requests[0].body, http_sink.requests[0].headers)


def test_an_address_that_is_not_public_is_no_receiver(db):
    with pytest.raises(InvalidInput) as refused:
        name_receiver("crm", name="CRM", url="http://crm.example/hook")

    assert refused.value.details[0].pointer == "/url"
    assert Receiver.objects.count() == 0


def test_two_receivers_have_two_codes_and_one_can_be_switched_off(receiver, http_sink):
    with pytest.raises(ReceiverCodeTaken):
        name_receiver("print-shop", name="Another", url="https://print.example/")

    edit_receiver(receiver, name="Print", url="https://print.example/", active=False)

    assert not Receiver.objects.get().active
