import uuid

from django.utils import timezone

from campaigns.models import Message
from customers.models import Consent, ConsentRecord, Suppression
from customers.services import record_consent
from tests.campaigns.factories import running, segment_of, subscriber


def message_to(address: str) -> Message:
    running(segment_of([subscriber(address)]), timezone.now())
    return Message.objects.get()


def test_a_post_withdraws_the_consent_and_suppresses_the_address(db, client):
    message = message_to("alice@mail.example")

    answer = client.post(f"/u/{message.token}")

    record = ConsentRecord.objects.latest("pk")
    assert answer.status_code == 200
    assert Consent.objects.get().state == "WITHDRAWN"
    assert (record.text_version, record.proof) == ("one-click-unsubscribe", {"message": message.pk})
    assert Suppression.objects.get().reason == "UNSUBSCRIBED"


def test_looking_at_the_page_changes_nothing(db, client):
    message = message_to("alice@mail.example")

    answer = client.get(f"/u/{message.token}")

    assert answer.status_code == 200
    assert '<form method="post">' in answer.content.decode()
    assert Consent.objects.get().state == "GRANTED"
    assert Suppression.objects.count() == 0


def test_a_second_post_is_the_same_as_one(db, client):
    message = message_to("alice@mail.example")

    client.post(f"/u/{message.token}")
    answer = client.post(f"/u/{message.token}")

    assert answer.status_code == 200
    assert ConsentRecord.objects.filter(state="WITHDRAWN").count() == 1


def test_an_unknown_token_is_answered_like_a_known_one(db, client):
    message = message_to("alice@mail.example")

    known, unknown = client.post(f"/u/{message.token}"), client.post(f"/u/{uuid.uuid4()}")

    assert (known.status_code, known.content) == (unknown.status_code, unknown.content)
    assert ConsentRecord.objects.filter(state="WITHDRAWN").count() == 1


def test_a_mail_provider_posts_without_a_cookie(db):
    from django.test import Client

    message = message_to("alice@mail.example")

    answer = Client(enforce_csrf_checks=True).post(f"/u/{message.token}", {"List-Unsubscribe": "One-Click"})

    assert answer.status_code == 200
    assert Consent.objects.get().state == "WITHDRAWN"


def test_the_page_speaks_the_readers_language(db, client):
    message = message_to("alice@mail.example")

    page = client.get(f"/u/{message.token}", headers={"Accept-Language": "it"})

    assert '<html lang="it">' in page.content.decode()


def test_who_consents_anew_can_be_reached_again(db, client):
    message = message_to("alice@mail.example")
    client.post(f"/u/{message.token}")

    record_consent(
        message.customer,
        channel="email",
        purpose="MARKETING",
        state="GRANTED",
        proof={"form": "web"},
        at=timezone.now(),
    )

    assert Suppression.objects.count() == 0
