"""Mails by a provider's API, with a real server that speaks Postmark's."""

import base64
import json

import pytest
from django.test import Client

from campaigns.models import Message, ProviderEvent
from campaigns.services import pump
from customers.models import Consent, Event, Suppression
from tests.campaigns.factories import offer, running, segment_of, subscriber
from tests.http_sink import HttpSink, Reply

ACCEPTED = {"ErrorCode": 0, "Message": "OK", "MessageID": "pm-1", "To": "alice@mail.example"}


@pytest.fixture
def postmark(http_sink: HttpSink, settings) -> HttpSink:
    settings.EMAIL_ESP = "postmark"
    settings.ANYMAIL = {
        "POSTMARK_SERVER_TOKEN": "token",
        "POSTMARK_API_URL": f"{http_sink.url}/",
        "WEBHOOK_SECRET": "postmark:secret",
        "IGNORE_UNSUPPORTED_FEATURES": True,
        "REQUESTS_TIMEOUT": 2,
    }
    http_sink.answer(200, body=json.dumps(ACCEPTED).encode(), headers={"Content-Type": "application/json"})
    return http_sink


def sent_campaign(now, **fields):
    campaign = running(segment_of([subscriber("alice@mail.example", first_name="Alice")]), now, **fields)
    pump("BULK")
    return campaign, campaign.messages.get()


def calls(told: dict, *, user: str = "postmark:secret"):
    pair = base64.b64encode(user.encode()).decode()
    return Client().post(
        "/hooks/postmark", json.dumps(told), content_type="application/json",
        headers={"Authorization": f"Basic {pair}"},
    )  # fmt: skip


def bounce(message: Message, **fields) -> dict:
    return {
        "RecordType": "Bounce", "Type": "HardBounce", "ID": 42, "MessageID": "pm-1",
        "Email": "alice@mail.example", "BouncedAt": "2026-11-22T10:00:00Z",
        "Details": "smtp;550 5.1.1 No such mailbox", "Metadata": {"message": str(message.pk)}, **fields,
    }  # fmt: skip


def test_a_mail_goes_out_with_everything_a_mail_of_ours_has(db, postmark, now):
    _campaign, message = sent_campaign(now)

    (request,) = postmark.requests
    told = json.loads(request.body)
    headers = {each["Name"]: each["Value"] for each in told["Headers"]}
    assert (message.state, message.provider_id, message.detail) == ("SENT", "pm-1", "sent")
    assert request.headers["x-postmark-server-token"] == "token"
    assert (told["To"], told["Subject"]) == ("alice@mail.example", "Ciao Alice")
    assert "una novità" in told["HtmlBody"] and "una novità" in told["TextBody"]
    assert headers["List-Unsubscribe"] == f"<http://127.0.0.1:8000/u/{message.token}>"
    assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert told["Metadata"] == {"message": str(message.pk)}
    assert (told["TrackOpens"], told["TrackLinks"]) == (False, "None")


@pytest.mark.parametrize(
    ("reply", "state", "reason"),
    [
        (Reply(422, b'{"ErrorCode": 406, "Message": "Inactive recipient"}'), "FAILED", "REFUSED"),
        (Reply(422, b'{"ErrorCode": 300, "Message": "Error parsing \'To\': Illegal email address"}'),
         "FAILED", None),
        (Reply(401, b'{"ErrorCode": 10, "Message": "Bad token"}'), "PENDING", "UNREACHABLE"),
        (Reply(429, b'{"ErrorCode": 429, "Message": "Slow down"}'), "PENDING", "UNREACHABLE"),
        (Reply(500, b"oops"), "UNKNOWN", "NO_ANSWER"),
        (Reply(200, b"not json"), "UNKNOWN", "NO_ANSWER"),
        (None, "UNKNOWN", "NO_ANSWER"),
    ],
)  # fmt: skip
def test_what_the_provider_answers_decides_what_became_of_a_mail(db, postmark, now, reply, state, reason):
    postmark.respond(lambda request: reply)

    _campaign, message = sent_campaign(now, promotion=offer(now))

    assert message.state == state
    assert reason is None or message.reason == reason


def test_a_provider_that_cannot_be_reached_has_proved_that_nothing_left(db, postmark, settings, now):
    settings.ANYMAIL = settings.ANYMAIL | {"POSTMARK_API_URL": "http://127.0.0.1:9/"}

    _campaign, message = sent_campaign(now)

    assert (message.state, message.reason) == ("PENDING", "UNREACHABLE")


def test_a_delivery_resolves_a_mail_of_which_nobody_knew(db, postmark, now):
    postmark.drop_after_request()
    _campaign, message = sent_campaign(now)
    assert message.state == "UNKNOWN"

    answer = calls(
        {"RecordType": "Delivery", "MessageID": "pm-1", "Recipient": "alice@mail.example",
         "DeliveredAt": "2026-11-22T10:00:00Z", "Metadata": {"message": str(message.pk)}}
    )  # fmt: skip

    message.refresh_from_db()
    assert (answer.status_code, message.state) == (204, "SENT")
    assert ProviderEvent.objects.get().kind == "DELIVERED"


def test_a_bounce_of_a_mail_of_which_nobody_knew_gives_its_coupon_back(db, postmark, now):
    postmark.drop_after_request()
    campaign, message = sent_campaign(now, promotion=offer(now))

    calls(bounce(message))

    message.refresh_from_db()
    assert (message.state, message.reason) == ("FAILED", "HARD_BOUNCE")
    assert message.publication.status != "PUBLISHED"
    assert Suppression.objects.get(channel="email").reason == "BOUNCED"
    assert campaign.messages.count() == 1


def test_a_bounce_told_three_times_counts_once(db, postmark, now):
    _campaign, message = sent_campaign(now)

    answers = {calls(bounce(message)).status_code for _again in range(3)}

    message.refresh_from_db()
    assert answers == {204}
    assert message.state == "SENT"
    assert ProviderEvent.objects.get().kind == "BOUNCED"
    assert Suppression.objects.get().reason == "BOUNCED"
    assert Event.objects.filter(type="message.bounced").count() == 1


def test_a_full_mailbox_is_written_to_again(db, postmark, now):
    _campaign, message = sent_campaign(now)

    calls(bounce(message, Type="SoftBounce", Details="smtp;552 5.2.2 Mailbox full"))

    assert ProviderEvent.objects.get().kind == "SOFT_BOUNCED"
    assert Suppression.objects.count() == 0


def test_who_complains_is_written_to_no_more(db, postmark, now):
    _campaign, message = sent_campaign(now)

    calls(bounce(message, RecordType="SpamComplaint", Type="SpamComplaint"))

    consent = Consent.objects.get(customer=message.customer, channel="email")
    assert Suppression.objects.get().reason == "COMPLAINED"
    assert consent.state == "OBJECTED"
    assert consent.record.proof == {"message": message.pk, "provider": "postmark"}
    assert Event.objects.filter(type="message.complained").count() == 1


def test_the_providers_own_name_says_which_mail_it_is_about_where_ours_is_missing(db, postmark, now):
    _campaign, message = sent_campaign(now)

    calls(bounce(message, Metadata={}))

    assert ProviderEvent.objects.get().message == message


def test_an_open_decides_nothing_but_proves_that_the_mail_arrived(db, postmark, now):
    postmark.drop_after_request()
    _campaign, message = sent_campaign(now)

    calls(
        {"RecordType": "Open", "MessageID": "pm-1", "Recipient": "alice@mail.example",
         "ReceivedAt": "2026-11-22T10:00:00Z", "Metadata": {"message": str(message.pk)}}
    )  # fmt: skip

    message.refresh_from_db()
    assert (message.state, ProviderEvent.objects.get().kind) == ("SENT", "OPENED")


@pytest.mark.parametrize("user", ["postmark:guess", "", "postmark"])
def test_a_call_that_does_not_prove_where_it_comes_from_changes_nothing(db, postmark, now, user):
    _campaign, message = sent_campaign(now)

    assert calls(bounce(message), user=user).status_code == 403
    assert (ProviderEvent.objects.count(), Suppression.objects.count()) == (0, 0)


def test_without_a_secret_no_call_is_believed(db, postmark, settings, now):
    settings.ANYMAIL = {key: value for key, value in settings.ANYMAIL.items() if key != "WEBHOOK_SECRET"}
    _campaign, message = sent_campaign(now)

    assert calls(bounce(message)).status_code == 403


@pytest.mark.parametrize("body", ["", "{", "[]", '{"RecordType": 7}', '{"RecordType": "Bounce", "Type": []}'])
def test_a_call_that_cannot_be_read_is_no_server_error(db, postmark, body):
    pair = base64.b64encode(b"postmark:secret").decode()

    answer = Client().post(
        "/hooks/postmark", body, content_type="application/json", headers={"Authorization": f"Basic {pair}"}
    )

    assert answer.status_code in (204, 400)


def test_faults_are_injected_as_settings_want_them(db, postmark, settings, now):
    settings.CHANNEL_FAULTS = {"email": {"lost": 1}}

    _campaign, message = sent_campaign(now)

    assert (message.state, message.detail) == ("UNKNOWN", "delivered, and silent on purpose")
    assert len(postmark.requests) == 1
