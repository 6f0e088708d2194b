"""The preference centre and the double opt-in, as the people themselves use them."""

import re
from datetime import timedelta

import pytest

from campaigns.models import Message
from campaigns.services import pump
from customers import public
from customers.models import Consent, ConsentRecord, ConsentText, Customer, Suppression
from customers.services import dispatch_events, erase_customer, merge_customers, record_consent
from customers.services.confirmations import (
    confirm_consent,
    confirmation_url,
    expire_waiting_consents,
    waiting_consent,
)
from customers.services.preferences import masked, preferences_of, preferences_url, save_preferences
from tests.factories import NOON, ConsentFactory, CustomerFactory


@pytest.fixture(autouse=True)
def ledger(settings, tmp_path):
    settings.ERASURE_LEDGER, settings.MEDIA_ROOT = tmp_path / "ledger", tmp_path / "media"


def path_of(url: str) -> str:
    return "/" + url.split("/", 3)[3]


def codes(customer) -> dict[str, str]:
    return {each.channel or "profiling": each.code for each in preferences_of(customer)}


def states(customer) -> dict[tuple[str, str], str]:
    found = Consent.objects.filter(customer=customer)
    return {(consent.channel, consent.purpose): consent.state for consent in found}


def test_the_page_shows_masked_contact_points_in_the_persons_language(client, db):
    alice = CustomerFactory(
        first_name="Alice", email="alice@mail.example", phone="+393471234567", language="it"
    )

    page = client.get(path_of(preferences_url(alice))).content.decode()

    assert "al…@mail.example" in page and "+39…567" in page
    assert "alice@mail.example" not in page and "3471234567" not in page
    assert '<html lang="it">' in page
    assert '<html lang="en">' in client.get(path_of(preferences_url(alice)) + "?lang=en").content.decode()


def test_what_a_person_chooses_enters_the_ledger_with_the_words_they_saw(client, db):
    alice = ConsentFactory(customer__phone="+393471234567").customer
    code = codes(alice)

    client.post(path_of(preferences_url(alice)) + "?lang=en", {"allow": [code["sms"], "profiling"]})

    assert states(alice) == {("email", "MARKETING"): "WITHDRAWN", ("sms", "MARKETING"): "GRANTED"}
    record = ConsentRecord.objects.get(channel="sms")
    text = ConsentText.objects.get(purpose="MARKETING", language="en")
    assert (record.text_version, record.text_hash) == (text.version, text.text_hash)
    assert record.proof == {"page": "preference centre", "language": "en"}


def test_saving_what_is_so_already_is_no_new_statement(client, db):
    alice = ConsentFactory().customer
    before = ConsentRecord.objects.count()

    client.post(path_of(preferences_url(alice)), {"allow": [codes(alice)["email"], "profiling"]})

    assert ConsentRecord.objects.count() == before


def test_withdrawing_everything_leaves_nothing_and_suppresses_the_addresses(client, db):
    alice = ConsentFactory(customer__phone=None).customer

    client.post(path_of(preferences_url(alice)), {"withdraw": "1"})

    alice.refresh_from_db()
    assert states(alice) == {("email", "MARKETING"): "WITHDRAWN", ("email", "PROFILING"): "WITHDRAWN"}
    assert alice.profiling == "OBJECTED"
    assert Suppression.objects.get().reason == "UNSUBSCRIBED"


def test_who_changes_their_mind_is_profiled_and_written_to_again(client, db):
    alice = ConsentFactory().customer
    address = path_of(preferences_url(alice))
    client.post(address, {"withdraw": "1"})

    client.post(address, {"allow": [codes(alice)["email"], "profiling"]})

    alice.refresh_from_db()
    assert alice.profiling == "ALLOWED"
    assert states(alice)["email", "MARKETING"] == "GRANTED"
    assert not Suppression.objects.exists()


def test_a_look_changes_nothing_and_a_forged_link_leads_nowhere(client, db):
    alice = ConsentFactory().customer
    address = path_of(preferences_url(alice))

    assert client.get(address).status_code == 200
    assert (
        client.post(address[:-1] + ("a" if address[-1] != "a" else "b"), {"withdraw": "1"}).status_code == 404
    )
    assert client.get("/p/nonsense").status_code == 404
    assert states(alice) == {("email", "MARKETING"): "GRANTED"}


def test_the_link_of_somebody_merged_leads_to_who_they_are_now_and_of_somebody_erased_nowhere(client, db):
    alice, bob = CustomerFactory(first_name="Alice"), CustomerFactory(first_name="Bob")
    link = path_of(preferences_url(bob))
    merge_customers(alice, [bob], reason="one person", at=NOON)

    assert "Alice" in client.get(link).content.decode()
    erase_customer(alice, at=NOON)
    assert client.get(link).status_code == 404


def test_who_is_merged_while_they_withdraw_is_heard_as_whom_they_became(client, db, monkeypatch):
    alice = CustomerFactory(first_name="Alice", email=None, phone=None)
    bob = ConsentFactory(customer__first_name="Bob").customer
    link = path_of(preferences_url(bob))
    resolved = public.customer_of_link

    def merged_after_a_look(token):
        found = resolved(token)
        if found == bob:
            merge_customers(alice, [bob], reason="one person", at=NOON)
        return found

    monkeypatch.setattr(public, "customer_of_link", merged_after_a_look)

    page = client.post(link, {"withdraw": "1"}).content.decode()

    assert states(alice) == {("email", "MARKETING"): "WITHDRAWN", ("email", "PROFILING"): "WITHDRAWN"}
    assert states(bob) == {}
    assert Suppression.objects.get().reason == "UNSUBSCRIBED"
    assert "Alice" in page


def test_who_is_erased_while_they_choose_is_told_that_the_link_is_not_valid(client, db):
    alice = ConsentFactory().customer
    before = ConsentRecord.objects.count()
    Customer.objects.filter(pk=alice.pk).update(status="ERASED")

    assert save_preferences(alice, ["profiling"], language="en", at=NOON) == 0
    assert ConsentRecord.objects.count() == before
    assert client.post(path_of(preferences_url(alice)), {"allow": []}).status_code == 404


def ask(customer, at):
    return record_consent(
        customer, channel="email", purpose="MARKETING", state="PENDING", text_version="shop-3", at=at
    )


def test_a_waiting_consent_is_confirmed_by_the_link_in_the_mail(client, db, sink, now):
    alice = CustomerFactory(email="alice@mail.example", language="en")
    ask(alice, now)
    dispatch_events()
    pump("FAST")
    (mail,) = sink.messages
    link = re.search(r"/c/[\w.-]+", mail.get_body(("plain",)).get_content()).group()

    assert client.get(link).status_code == 200
    assert states(alice) == {("email", "MARKETING"): "PENDING"}
    client.post(link)

    record = ConsentRecord.objects.get(state="GRANTED")
    assert states(alice) == {("email", "MARKETING"): "GRANTED"}
    assert (record.text_version, record.proof["double_opt_in"]) == (
        "shop-3",
        ConsentRecord.objects.get(state="PENDING").pk,
    )
    assert "List-Unsubscribe" not in mail
    client.post(link)
    assert ConsentRecord.objects.count() == 2


def test_asking_again_while_it_waits_sends_no_second_mail(db, now):
    alice = CustomerFactory()
    ask(alice, now)
    ask(alice, now + timedelta(minutes=1))
    dispatch_events()
    dispatch_events()

    assert Message.objects.count() == 1


def test_typing_a_subscribers_address_into_a_form_takes_nothing_away(db, now):
    alice = ConsentFactory().customer

    ask(alice, now)

    assert states(alice) == {("email", "MARKETING"): "GRANTED"}
    assert ConsentRecord.objects.count() == 1


def test_a_link_confirms_for_a_week_and_then_the_consent_expires(db):
    alice = CustomerFactory()
    consent = ask(alice, NOON)
    token = confirmation_url(consent.record).rpartition("/")[2]

    assert waiting_consent(token, at=NOON + timedelta(days=6)) == consent
    assert confirm_consent(token, at=NOON + timedelta(days=7)) is None
    assert expire_waiting_consents(at=NOON + timedelta(days=6)) == 0
    assert expire_waiting_consents(at=NOON + timedelta(days=7)) == 1
    assert states(alice) == {("email", "MARKETING"): "EXPIRED"}


def test_who_withdraws_meanwhile_is_not_confirmed_by_an_old_link(db):
    alice = CustomerFactory()
    consent = ask(alice, NOON)
    token = confirmation_url(consent.record).rpartition("/")[2]
    record_consent(
        alice, channel="email", purpose="MARKETING", state="WITHDRAWN", at=NOON + timedelta(hours=1)
    )

    assert confirm_consent(token, at=NOON + timedelta(hours=2)) is None
    assert states(alice) == {("email", "MARKETING"): "WITHDRAWN"}


def test_a_forged_confirmation_is_told_apart(client, db):
    assert client.get("/c/12.forged").status_code == 404
    assert client.post("/c/12.forged").status_code == 404
    assert not ConsentRecord.objects.exists()


@pytest.mark.parametrize(
    ("channel", "address", "shown"),
    [("email", "a@b.example", "a…@b.example"), ("sms", "+393471234567", "+39…567"), ("post", "", "")],
)
def test_an_address_is_masked(channel, address, shown):
    assert masked(channel, address) == shown


def test_the_words_to_consent_to_are_there_in_both_languages(db):
    texts = ConsentText.objects.values_list("purpose", "language")

    assert set(texts) == {(purpose, code) for purpose in ("MARKETING", "PROFILING") for code in ("en", "it")}
