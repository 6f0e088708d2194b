import re
from dataclasses import replace
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from campaigns.content import render_content
from campaigns.models import Message
from campaigns.services.recipients import values_for
from campaigns.services.transactional import transactional_content
from customers.models import Consent, Customer, Event, Identity
from customers.services.events import subscribers
from loyalty.models import Employee, Enrolment, JoinRequest
from loyalty.services.cards import card_number
from loyalty.services.joining import Newcomer, complete_joining, join_request_of, request_to_join
from loyalty.services.member_links import member_of_link, member_url
from loyalty.services.member_mails import identity_of_address, send_link_to, send_member_link
from loyalty.tasks import send_link
from tests.factories import NOON, CustomerFactory, StoreFactory

pytestmark = pytest.mark.django_db
ALICE = Newcomer(channel="email", address="alice@mail.example", language="en", first_name="Alice")


def text_of(message: Message) -> str:
    content = render_content(transactional_content(message), values=values_for(message, None))
    return content.html or content.text


def link_in(message: Message) -> str:
    return re.search(r"http://[^\"'\s]+/(?:m|join)/[^\"'\s]+", text_of(message))[0]


def test_an_address_that_is_confirmed_makes_a_member_with_a_card():
    store = StoreFactory(code="milano")
    anna = Employee.objects.create(code="anna", name="Anna", store=store)
    asked = request_to_join(
        Newcomer(
            "email",
            "alice@mail.example",
            "en",
            "Alice",
            "Rossi",
            wants_offers=True,
            store=store,
            employee=anna,
        ),
        at=NOON,
    )
    assert asked.customer.status == Customer.Status.PROSPECT and not Consent.objects.exists()

    alice = complete_joining(asked, at=NOON + timedelta(minutes=3))

    assert alice == asked.customer and (alice.status, alice.full_name) == ("ACTIVE", "Alice Rossi")
    assert card_number(alice).startswith("29")
    assert Identity.objects.get(namespace="email").verified_at is not None
    told = Event.objects.get(type="member.joined")
    for tell in subscribers(told.type):
        tell(told)
    consent = Consent.objects.get()
    assert (consent.channel, consent.state, consent.address) == ("email", "GRANTED", "alice@mail.example")
    assert consent.record.proof["page"] == "join"
    enrolment = Enrolment.objects.get()
    assert (enrolment.customer, enrolment.store, enrolment.employee) == (alice, store, anna)
    assert (told.store, told.payload["employee"]) == (store, "anna")


def test_pressing_twice_joins_once():
    asked = request_to_join(ALICE, at=NOON)

    first = complete_joining(asked, at=NOON)
    again = complete_joining(JoinRequest.objects.get(), at=NOON + timedelta(minutes=1))

    assert first == again and Event.objects.filter(type="member.joined").count() == 1
    assert Customer.objects.count() == 1


def test_who_is_a_customer_already_stays_who_they_are():
    known = CustomerFactory(first_name="Alice", last_name="Bianchi", email="alice@mail.example")

    member = complete_joining(request_to_join(ALICE, at=NOON), at=NOON)

    assert member == known
    assert Customer.objects.get().full_name == "Alice Bianchi" and not Consent.objects.exists()


def test_a_telephone_number_joins_by_text_message():
    asked = request_to_join(Newcomer("sms", "+393331234567", "it", "Aldo"), at=NOON)

    message = Message.objects.get()
    assert (message.channel, message.address) == ("sms", "+393331234567")
    assert asked.url in text_of(message) and "conferma" in text_of(message)
    aldo = complete_joining(asked, at=NOON)
    assert aldo == asked.customer and (aldo.first_name, aldo.status) == ("Aldo", "ACTIVE")


def test_asked_again_it_is_the_same_link_and_five_messages_at_most():
    first = request_to_join(ALICE, at=NOON)
    request_to_join(ALICE, at=NOON + timedelta(seconds=30))
    assert Message.objects.count() == 1

    for minute in range(1, 9):
        again = request_to_join(ALICE, at=NOON + timedelta(minutes=minute))

    assert again.token == first.token and Message.objects.count() == 5


def test_a_link_to_join_is_good_for_a_week():
    asked = request_to_join(ALICE, at=NOON)

    assert join_request_of(asked.token, at=NOON + timedelta(days=6)) == asked
    assert join_request_of(asked.token, at=NOON + timedelta(days=7)) is None


@pytest.mark.parametrize("fields", [{"status": Customer.Status.ERASED}, {"restricted_at": NOON}])
def test_of_who_was_erased_or_is_restricted_nothing_is_written(fields):
    CustomerFactory(email="alice@mail.example", **fields)

    assert request_to_join(ALICE, at=NOON) is None
    assert not Message.objects.exists() and not JoinRequest.objects.exists()


def test_the_page_leads_from_an_address_to_the_card(client):
    StoreFactory(code="milano")
    page = client.get("/join/?s=milano&lang=en").content.decode()
    assert 'name="s" value="milano"' in page

    answer = client.post(
        "/join/?lang=en", {"first_name": "Alice", "email": " Alice@Mail.example ", "s": "milano"}
    )

    assert answer.status_code == 303 and answer.url == "/join/?sent=1&lang=en&s=milano"
    assert (
        "alice" not in answer.url.lower()
        and "Look into your messages" in client.get(answer.url).content.decode()
    )
    link = link_in(Message.objects.get()).partition("/join/")[2]
    asked = client.get(f"/join/{link}")
    assert "Welcome, Alice" in asked.content.decode()
    assert Customer.objects.get().status == "PROSPECT"  # A scanner that follows the link joins nobody.
    done = client.post(f"/join/{link}")
    assert done.status_code == 303 and done.url.startswith("/m/")
    assert card_number(Customer.objects.get()) in client.get(done.url).content.decode()
    assert Event.objects.get(type="member.joined").payload["store"] == "milano"


@pytest.mark.parametrize(
    "typed, said",
    [
        ({"email": "a@mail.example"}, "How may we call you?"),
        ({"first_name": "A", "email": "nothing"}, "This is not an e-mail address."),
        ({"first_name": "A"}, "Where should we send it?"),
        ({"first_name": "A", "phone": "12"}, "This is not a telephone number."),
        ({"first_name": "A", "email": "a@mail.example", "birth_date": "2024-01-01"}, "younger than 14"),
        ({"first_name": "A", "email": "a@mail.example", "birth_date": "31/31/2"}, "This is not a date."),
        (
            {"first_name": "A", "email": "a@mail.example", "birth_date": "0001-01-01"},
            "The year is from 1900 to 2999.",
        ),
    ],
)
def test_what_is_typed_wrongly_is_said_and_nothing_is_written(client, settings, typed, said):
    settings.SMS_URL = "inbox:"

    answer = client.post("/join/?lang=en", typed)

    assert answer.status_code == 422 and said in answer.content.decode()
    assert not Customer.objects.exists() and not Message.objects.exists()


def test_a_machine_is_thanked_and_nothing_is_written(client):
    answer = client.post("/join/", {"first_name": "x", "email": "x@mail.example", "website": "spam"})

    assert answer.status_code == 303 and not Customer.objects.exists()


def test_a_store_that_cannot_be_is_none(client):
    told = {"first_name": "A", "email": "a@mail.example", "s": "a\0b", "e": "a\0b", "i": "\0"}

    assert client.post("/join/", told).status_code == 303
    assert JoinRequest.objects.get().store is None


def test_who_asks_too_often_waits(client, monkeypatch):
    monkeypatch.setattr("loyalty.joining_pages.count", lambda key, seconds: 21)

    answer = client.post("/join/", {"first_name": "A", "email": "a@mail.example"})

    assert answer.status_code == 429 and answer["Retry-After"] == "600" and not Customer.objects.exists()


def test_the_link_is_sent_to_who_has_the_address_and_a_stranger_sees_no_difference(client, monkeypatch):
    alice = CustomerFactory(email="alice@mail.example", language="it")

    asked = []
    monkeypatch.setattr(send_link, "delay", asked.append)

    known = client.post("/card/?lang=en", {"email": "alice@mail.example"})
    unknown = client.post("/card/?lang=en", {"email": "nobody@mail.example"})

    assert (
        (known.status_code, known.url) == (unknown.status_code, unknown.url) == (303, "/card/?sent=1&lang=en")
    )
    # A worker writes, so that the answer takes as long for both; nobody's address lies in the queue.
    assert not Message.objects.exists() and asked == [Identity.objects.get(customer=alice).pk, None]
    for each in asked:
        send_link(each)
    message = Message.objects.get()
    assert (message.customer, message.address, message.purpose) == (alice, "alice@mail.example", "SERVICE")
    token = link_in(message).rstrip("/").rpartition("/")[2]
    assert member_of_link(token, at=timezone.now()).customer == alice
    assert "Apri la mia carta" in text_of(message)
    assert Customer.objects.count() == 1


def test_nobodys_mailbox_is_filled_with_links(client, settings, monkeypatch):
    settings.LANDING_REQUESTS_PER_ADDRESS = 100
    alice = Identity.objects.get(customer=CustomerFactory(email="alice@mail.example")).pk
    sent = []
    monkeypatch.setattr(send_link, "delay", sent.append)

    answers = [client.post("/card/?lang=en", {"email": "alice@mail.example"}) for _time in range(12)]
    client.post("/card/?lang=en", {"email": "bob@mail.example"})

    assert {answer.url for answer in answers} == {"/card/?sent=1&lang=en"}
    assert sent == [alice] * 10 + [None]


def test_the_link_is_sent_also_while_no_worker_can_be_asked(client, monkeypatch):
    CustomerFactory(email="alice@mail.example")

    def away(identity_id):
        raise send_link.OperationalError

    monkeypatch.setattr(send_link, "delay", away)

    assert client.post("/card/", {"email": "alice@mail.example"}).status_code == 303
    assert Message.objects.get().address == "alice@mail.example"


def test_the_link_is_one_message_however_often_it_is_asked_for():
    CustomerFactory(email="alice@mail.example")
    held = identity_of_address("alice@mail.example")

    for second in range(3):
        assert send_link_to(held, at=NOON + timedelta(seconds=second))

    assert Message.objects.count() == 1
    assert not send_link_to(held + 1, at=NOON) and identity_of_address("nobody@mail.example") is None


def test_who_has_only_a_telephone_gets_the_link_there_and_who_has_nothing_does_not(settings):
    settings.SMS_URL = "inbox:"
    aldo = CustomerFactory(email=None, phone="+393331234567")

    assert send_member_link(aldo, at=NOON)
    assert not send_member_link(CustomerFactory(email=None), at=NOON)

    assert Message.objects.get().channel == "sms"


def test_a_lost_telephone_is_shut_out_from_the_page_itself(client):
    alice = CustomerFactory(email="alice@mail.example", language="en")
    send_member_link(alice, at=timezone.now() - timedelta(hours=1))
    old = "/" + link_in(Message.objects.get()).split("/", 3)[3]

    answer = client.post(old + "do/links-revoke")

    ended = client.get(answer.url)
    said = ended.content.decode()
    assert ended.status_code == 200 and "This link is not valid" not in said
    assert "Your links have ended" in said and "A new one is on its way" in said
    assert "Send me a new link" in said
    assert client.get(old).status_code == 404
    new = "/" + link_in(Message.objects.order_by("-pk")[0]).split("/", 3)[3]
    assert client.get(new).status_code == 200


def test_ended_links_are_told_in_the_members_language(client):
    bruno = CustomerFactory(email="bruno@mail.example", language="it")
    old = "/" + member_url(bruno, at=timezone.now()).split("/", 3)[3]

    said = client.post(old + "do/links-revoke", follow=True).content.decode()

    assert '<html lang="it"' in said and "I tuoi link non valgono più" in said
    assert "Uno nuovo è in arrivo." in said


def test_who_just_got_the_link_gets_a_new_one_when_all_are_ended(client):
    alice = CustomerFactory(email="alice@mail.example", language="en")
    send_member_link(alice, at=timezone.now())
    old = "/" + link_in(Message.objects.get()).split("/", 3)[3]

    client.post(old + "do/links-revoke")

    newest = Message.objects.order_by("-pk")[0]
    assert Message.objects.count() == 2
    assert client.get("/" + link_in(newest).split("/", 3)[3]).status_code == 200


def test_who_has_no_address_is_not_promised_a_new_link(client):
    old = member_url(CustomerFactory(email=None, language="en"), at=timezone.now())
    old = "/" + old.split("/", 3)[3]

    gone = client.post(old + "do/links-revoke", follow=True).content.decode()

    assert "Every link made so far opens nothing any more." in gone and "on its way" not in gone
    assert not Message.objects.exists()


def test_who_tries_again_still_comes_from_who_sent_them(client):
    given = {
        "first_name": "Alice",
        "email": "alice@mail.example",
        "s": "milano",
        "e": "anna",
        "i": "FRIEND22",
    }

    sent = client.post("/join/?lang=en", given)

    assert sent.url == "/join/?sent=1&lang=en&s=milano&e=anna&i=FRIEND22"
    assert (
        'href="/join/?lang=en&amp;s=milano&amp;e=anna&amp;i=FRIEND22"'
        in client.get(sent.url).content.decode()
    )


def test_what_is_wrong_with_a_field_is_read_out_with_the_field(client):
    page = client.post("/join/?lang=en", {"first_name": "Alice", "email": "nonsense"}).content.decode()

    assert 'aria-describedby="id_email_error"' in page
    assert '<p class="m-problem" id="id_email_error" role="alert">This is not an e-mail address.</p>' in page


def test_the_pages_need_the_form_s_token():
    strict = Client(enforce_csrf_checks=True)

    assert strict.post("/join/", {"first_name": "A", "email": "a@mail.example"}).status_code == 403
    assert strict.post("/card/", {"email": "a@mail.example"}).status_code == 403


@pytest.mark.parametrize("pressed, state", [({"wants_offers": "on"}, ["GRANTED"]), ({}, [])])
def test_offers_are_allowed_by_who_presses_whatever_was_typed(client, pressed, state):
    asked = request_to_join(replace(ALICE, wants_offers=True), at=timezone.now())
    assert 'name="wants_offers" checked' in client.get(f"/join/{asked.token}").content.decode()

    client.post(f"/join/{asked.token}", pressed)

    assert list(Consent.objects.values_list("state", flat=True)) == state
