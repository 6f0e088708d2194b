"""The right to be forgotten: a scan of every table finds nothing of the person; the facts are still there."""

import json
import threading
import time
from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.backends.db import SessionStore
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from campaigns.models import InboxMail
from customers.errors import CustomerErased
from customers.models import (
    Consent,
    ConsentRecord,
    Customer,
    Event,
    EventConflict,
    Identity,
    Order,
    QuarantinedEvent,
    RightsRequest,
    Rollup,
    SourceProfile,
    Suppression,
    Trait,
)
from customers.services import (
    dispatch_events,
    erase_customer,
    find_customer,
    merge_customers,
    record_consent,
    record_event,
    record_external_events,
    record_order,
    refresh_rollups,
    request_erasure,
    undo_merge,
    upsert_customers,
)
from customers.services.erasure import sweep_erasures
from customers.services.suppressions import find_suppression
from loyalty.services import adjust_points
from operations.models import Approval, IdempotencyKey, JobRun
from operations.services import abandoned_jobs
from operations.tasks import carry_out_job
from tests.factories import NOON, ApiClientFactory, CustomerFactory, OrderFactory, UserFactory

EMAIL, PHONE, CARD, TAX = "zdenka.quirk@mail.example", "+393479876501", "CARD778899", "QRKZDN80A41F205X"
PERSON = {
    "source": "shop",
    "source_id": "c-1",
    "email": "Zdenka.Quirk@mail.example",
    "phone": "347 987 6501",
    "loyalty_card": CARD,
    "tax_code": TAX,
    "first_name": "Zdenka",
    "last_name": "Quirkova",
    "street": "Via Gorkistan 77",
    "city": "Bolzwiler",
    "postcode": "99887",
    "attributes": {"dog": "Rexomir"},
}
# Whatever of these a scan of the whole database finds, somebody was not forgotten.
WORDS = [
    "zdenka", "quirk", "9876501", "778899", "QRKZDN80", "gorkistan", "bolzwiler", "99887", "rexomir",
    "proof-of-zdenka",
]  # fmt: skip


@pytest.fixture(autouse=True)
def ledger(settings, tmp_path):
    """The erasure ledger and the files of this test."""
    settings.ERASURE_LEDGER = tmp_path / "ledger" / "erasures.ndjson"
    settings.MEDIA_ROOT = tmp_path / "media"
    return settings.ERASURE_LEDGER


def zdenka() -> Customer:
    (outcome,) = upsert_customers([PERSON], at=NOON)
    return outcome.row


def words_left(words: list[str]) -> list[tuple[str, str, str]]:
    """Return (table, column, word) for each of the words that any column of any table holds."""
    left = []
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name, column_name, data_type FROM information_schema.columns "
            "JOIN information_schema.tables USING (table_schema, table_name) "
            "WHERE table_schema = 'public' AND table_type = 'BASE TABLE'"
        )
        columns = cursor.fetchall()
        for table, column, kind in columns:
            text = f"encode(\"{column}\", 'escape')" if kind == "bytea" else f'"{column}"::text'
            cursor.execute(f'SELECT lower(string_agg({text}, chr(10))) FROM "{table}"')
            content = cursor.fetchone()[0] or ""
            left += [(table, column, word) for word in words if word.lower() in content]
    return left


def leave_traces_everywhere(customer: Customer) -> None:
    """Everything the product does with a person, and every place where their data may lie without a key."""
    client, agent = ApiClientFactory(), UserFactory()
    record_consent(
        customer,
        channel="email",
        purpose="MARKETING",
        state="GRANTED",
        proof={"form": "proof-of-zdenka"},
        at=NOON,
    )
    record_order(
        {
            "source": "shop",
            "source_id": "o-1",
            "customer": {"source": "shop", "source_id": "c-1"},
            "ordered_at": NOON,
            "currency": "EUR",
            "lines": [{"sku": "A", "quantity": "1", "amount": 5000}],
        },
        at=NOON,
    )
    about = {"source": "shop", "source_id": "c-1"}
    record_external_events(
        [
            _event("e-1", "complaint.made", about, {"text": "Signed, Zdenka Quirkova"}),
            _event("e-2", "no.such_type", about, {"text": "I am zdenka, from Bolzwiler"}),
            _event("e-3", "nps.answered", {"email": EMAIL}, {"score": 99, "name": "Quirkova"}),
        ],
        at=NOON,
    )
    record_external_events(
        [_event("e-1", "complaint.made", about, {"text": "No, Zdenka!"})], at=NOON
    )  # A conflict.
    Trait.objects.create(customer=customer, code="pet", value="Rexomir", computed_at=NOON)
    adjust_points(customer, points=50, reason="Zdenka called", source_key="call", expires_at=None, at=NOON)
    answer = json.dumps({"id": str(customer.public_id), "first_name": "Zdenka", "email": EMAIL}).encode()
    IdempotencyKey.objects.create(client=client, key="k-1", request_hash=b"1", status=201, body=answer)
    QuarantinedEvent.objects.create(payload={"phone": "+39 347 98 76 501"}, reason=f"{EMAIL} is odd")
    JobRun.objects.create(
        kind="export",
        title=f"Export of {EMAIL}",
        parameters={"search": "Zdenka Quirkova"},
        result={"rows": [{"card": CARD}]},
        error="Quirkova Zdenka: no such row",
    )
    Approval.objects.create(
        kind="apology",
        subject_id=1,
        summary="10 € for Zdenka Quirkova",
        requested_by=agent,
        requested_at=NOON,
    )
    LogEntry.objects.create(
        user=agent,
        content_type=ContentType.objects.get_for_model(Customer),
        object_id=str(customer.pk),
        object_repr="Zdenka Quirkova",
        action_flag=CHANGE,
        change_message=f"mail sent to {EMAIL.upper()}",
    )
    InboxMail.objects.create(sender="us@shop.example", recipients=[EMAIL], subject="Zdenka!", raw=b"Zdenka")


def _event(name: str, type: str, customer: dict, payload: dict) -> dict:
    return {
        "source": "shop",
        "external_id": name,
        "type": type,
        "occurred_at": NOON,
        "customer": customer,
        "payload": payload,
    }


def test_after_an_erasure_no_table_holds_anything_of_the_person(db):
    customer = zdenka()
    leave_traces_everywhere(customer)
    assert {word for _table, _column, word in words_left(WORDS)} == set(WORDS)

    erase_customer(customer, at=NOON)

    assert words_left(WORDS) == []


def test_what_was_bought_stays_on_a_tombstone_and_totals_are_the_same(db):
    customer = zdenka()
    leave_traces_everywhere(customer)

    erase_customer(customer, at=NOON)

    customer.refresh_from_db()
    assert (customer.status, customer.full_name, customer.attributes) == ("ERASED", "", {})
    assert Order.objects.get().customer == customer
    assert Rollup.objects.get(scope="ALL").net_amount == 5000
    assert Event.objects.get(external_id="e-1").payload == {}
    assert ConsentRecord.objects.get().proof == {}
    assert not Consent.objects.exists()
    assert not Identity.objects.exists()


def test_the_contact_points_stay_on_the_suppression_list_by_hash(db):
    erase_customer(zdenka(), at=NOON)

    assert sorted(Suppression.objects.values_list("channel", "reason")) == [
        ("email", "ERASED"),
        ("phone", "ERASED"),
        ("sms", "ERASED"),
    ]


def test_who_was_erased_is_gone_under_every_reference_of_theirs(db):
    customer = zdenka()
    erase_customer(customer, at=NOON)

    for reference in ({"id": str(customer.public_id)}, {"source": "shop", "source_id": "c-1"}):
        with pytest.raises(CustomerErased):
            find_customer(reference)
    (outcome,) = upsert_customers([PERSON], at=NOON)
    assert outcome.error.key == "erased"


def test_somebody_merged_into_the_person_is_erased_with_them(db):
    survivor = zdenka()
    (outcome,) = upsert_customers(
        [{"source": "pos", "source_id": "9", "first_name": "Zdenkina", "email": "z@quirk.example"}], at=NOON
    )
    loser = outcome.row
    Customer.objects.filter(pk=loser.pk).update(status="MERGED", merged_into=survivor)

    erase_customer(survivor, at=NOON)

    loser.refresh_from_db()
    assert (loser.status, loser.first_name, loser.merged_into_id) == ("MERGED", "", survivor.pk)
    assert words_left(["zdenk", "quirk"]) == []


@pytest.mark.django_db(transaction=True)
def test_who_is_merged_just_before_is_erased_with_whom_they_became():
    survivor, loser = CustomerFactory(first_name="Zdenka"), CustomerFactory(first_name="Zdenka")
    errors = []

    def erase():
        try:
            erase_customer(loser, at=NOON)
        except BaseException as error:
            errors.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=erase)
    with transaction.atomic():
        merge_customers(survivor, [Customer.objects.get(pk=loser.pk)], reason="one", at=NOON)
        thread.start()
        time.sleep(0.5)  # It has read who belongs together, and waits for the lock.
    thread.join()

    assert errors == []
    assert sorted(Customer.objects.values_list("status", "first_name")) == [("ERASED", ""), ("MERGED", "")]
    assert RightsRequest.objects.get().customer == survivor


def test_nothing_of_the_person_is_left_in_the_journal_of_a_merge_which_cannot_be_undone(db):
    (outcome,) = upsert_customers([{**PERSON, "source": "pos", "source_id": "9", "email": None}], at=NOON)
    other = outcome.row
    survivor = Customer.objects.exclude(pk=other.pk).first() or CustomerFactory(first_name="Zdenka")
    record_consent(
        survivor, channel="email", purpose="MARKETING", state="GRANTED", proof={"by": "zdenka"}, at=NOON
    )
    record_consent(other, channel="sms", purpose="MARKETING", state="DENIED", proof={"by": "zdenka"}, at=NOON)
    operation = merge_customers(survivor, [other], reason="both are Zdenka Quirkova", at=NOON)

    erase_customer(survivor, at=NOON)

    assert words_left([word for word in WORDS if word != "proof-of-zdenka"]) == []
    with pytest.raises(CustomerErased):
        undo_merge(operation, at=NOON)


def test_another_person_keeps_everything(db):
    (other,) = upsert_customers(
        [
            {
                "source": "shop",
                "source_id": "c-11",
                "email": f"x{EMAIL}",
                "first_name": "Zdenka",
                "last_name": "Ota",
            }
        ],
        at=NOON,
    )
    client = ApiClientFactory()
    body = json.dumps({"email": f"x{EMAIL}", "first_name": "Zdenka"}).encode()
    IdempotencyKey.objects.create(client=client, key="k", request_hash=b"1", status=201, body=body)
    QuarantinedEvent.objects.create(payload={"email": f"x{EMAIL}"}, reason="odd")

    erase_customer(zdenka(), at=NOON)

    other.row.refresh_from_db()
    assert (other.row.first_name, other.row.identities.get().value) == ("Zdenka", f"x{EMAIL}")
    assert IdempotencyKey.objects.get().status == 201
    assert QuarantinedEvent.objects.get().payload == {"email": f"x{EMAIL}"}


def test_a_stored_answer_about_the_person_is_repeated_as_410(api, db):
    def send():
        return api.post("/api/v1/customers", PERSON, headers={"Idempotency-Key": "first"})

    first = send()
    erase_customer(Customer.objects.get(public_id=first.json()["id"]), at=NOON)

    again = send()

    assert (first.status_code, again.status_code, again.json()["key"]) == (201, 410, "erased")


def test_a_bulks_stored_answer_holds_ids_alone_and_stays(api, db):
    def send():
        return api.post("/api/v1/customers", {"items": [PERSON]}, headers={"Idempotency-Key": "bulk"})

    first = send()
    erase_customer(Customer.objects.get(), at=NOON)

    assert send().content == first.content


def test_a_search_of_the_desk_for_the_person_is_forgotten(db):
    session = SessionStore()
    session["found"] = "ZDENKA quirkova"
    session["other"] = "kept"
    session.save()

    erase_customer(zdenka(), at=NOON)

    assert dict(SessionStore(session.session_key).items()) == {"other": "kept"}


def test_files_that_name_the_person_are_deleted_and_others_stay(
    settings, db, django_capture_on_commit_callbacks
):
    folder = _uploads(settings)

    with django_capture_on_commit_callbacks(execute=True):
        erase_customer(zdenka(), at=NOON)

    assert [path.name for path in folder.iterdir()] == ["others.csv"]


def _uploads(settings) -> Path:
    folder = settings.MEDIA_ROOT / "imports"
    folder.mkdir(parents=True)
    (folder / "theirs.csv").write_text(f"email\n{EMAIL.upper()}\n")
    (folder / "others.csv").write_text("email\nota@mail.example\n")
    return folder


@pytest.mark.django_db(transaction=True)
def test_an_erasure_that_fails_in_the_end_leaves_the_files_alone(settings):
    folder = _uploads(settings)

    with pytest.raises(ZeroDivisionError), transaction.atomic():
        erase_customer(zdenka(), at=NOON)
        _ = 1 / 0

    assert sorted(path.name for path in folder.iterdir()) == ["others.csv", "theirs.csv"]


def test_a_short_number_of_the_persons_is_theirs_only_under_its_name(
    settings, db, django_capture_on_commit_callbacks
):
    (outcome,) = upsert_customers([{**PERSON, "loyalty_card": "12345"}], at=NOON)
    client = ApiClientFactory()
    answers = {}
    for key, answer in {"other": {"points": 12345}, "theirs": {"loyalty_card": "12345"}}.items():
        body = json.dumps(answer).encode()
        answers[key] = IdempotencyKey.objects.create(
            client=client, key=key, request_hash=b"1", status=201, body=body
        )
    other = QuarantinedEvent.objects.create(payload={"order": "12345", "total": 12345}, reason="12345 is odd")
    theirs = QuarantinedEvent.objects.create(payload={"loyalty_card": "12345"}, reason="odd")
    job = JobRun.objects.create(
        kind="export",
        title="Export of 12345",
        result={"updated": 12345, "rows": [{"loyalty_card": "12345"}, {"loyalty_card": 123456}]},
    )
    folder = _uploads(settings)
    (folder / "prices.csv").write_text("sku,price\nA,12345\n")

    with django_capture_on_commit_callbacks(execute=True):
        erase_customer(outcome.row, at=NOON)

    for row in (other, theirs, job, *answers.values()):
        row.refresh_from_db()
    assert (other.payload, other.reason) == ({"order": "12345", "total": 12345}, "12345 is odd")
    assert theirs.payload == {"erased": True}
    assert job.title == "Export of 12345"
    assert job.result == {"updated": 12345, "rows": [{"loyalty_card": "…"}, {"loyalty_card": 123456}]}
    assert (answers["other"].status, answers["theirs"].status) == (201, 410)
    assert sorted(path.name for path in folder.iterdir()) == ["others.csv", "prices.csv"]


def test_a_long_number_is_taken_out_of_json_that_stays_json(db):
    (outcome,) = upsert_customers([{**PERSON, "loyalty_card": "2900123456789"}], at=NOON)
    job = JobRun.objects.create(
        kind="export", title="", result={"card": 2900123456789, "2900123456789": [f"for {EMAIL}", 7, None]}
    )

    erase_customer(outcome.row, at=NOON)

    job.refresh_from_db()
    assert job.result == {"card": "…", "…": ["for …", 7, None]}


def test_a_short_telephone_number_is_found_as_it_is_dialled_from_abroad(db):
    (outcome,) = upsert_customers([{**PERSON, "phone": "06 698 123"}], at=NOON)
    assert Identity.objects.get(namespace="phone").value == "+3906698123"
    job = JobRun.objects.create(
        kind="x", title="call 0039 06 698123", result={"phone": "06698123", "total": 106698123}
    )

    erase_customer(outcome.row, at=NOON)

    job.refresh_from_db()
    assert (job.title, job.result) == ("call …", {"phone": "…", "total": 106698123})


def test_erasing_again_changes_nothing(db):
    customer = zdenka()
    erase_customer(customer, at=NOON)
    before = Event.objects.count()

    erase_customer(customer, at=NOON)

    assert Event.objects.count() == before
    assert Event.objects.filter(type="customer.erased").count() == 1


def test_what_slipped_in_meanwhile_is_erased_by_the_nights_sweep(db):
    customer = zdenka()
    erase_customer(customer, at=NOON)
    record_event(
        "visit.recorded", external_id="late", customer=customer, payload={"name": "Zdenka"}, occurred_at=NOON
    )

    swept = sweep_erasures(at=NOON + timedelta(days=1))

    assert swept == 1
    assert words_left(["zdenka"]) == []


def test_a_name_and_an_address_that_slipped_in_are_buried_and_suppressed_by_the_sweep(db):
    customer = zdenka()
    erase_customer(customer, at=NOON)
    Customer.objects.filter(pk=customer.pk).update(last_name="Quirkova")
    Identity.objects.create(customer=customer, namespace="email", value="late.zdenka@mail.example")
    JobRun.objects.create(kind="export", title="Export of late.zdenka@mail.example")

    sweep_erasures(at=NOON + timedelta(days=1))

    assert words_left(["zdenka", "quirkova"]) == []
    assert find_suppression("email", "late.zdenka@mail.example").reason == Suppression.Reason.ERASED
    assert Event.objects.filter(type="customer.erased").count() == 1


def test_an_order_and_an_event_named_by_an_address_lose_that_name_and_others_keep_theirs(db):
    customer = zdenka()
    about = {"source": "shop", "source_id": "c-1"}
    order = {"source": "shop", "customer": about, "ordered_at": NOON, "currency": "EUR", "lines": []}
    for name in (f"{EMAIL}-7", "o-1"):
        lines = [{"sku": "A", "quantity": "1", "amount": 100}]
        record_order({**order, "source_id": name, "lines": lines}, at=NOON)
    record_external_events(
        [_event(name, "complaint.made", about, {"text": "?"}) for name in (f"{CARD}:1", "e-2")], at=NOON
    )

    erase_customer(customer, at=NOON)

    assert words_left([EMAIL, CARD]) == []
    telling, plain = Order.objects.order_by("pk")
    assert (telling.external_id, plain.external_id) == (f"erased:{telling.pk}", "o-1")
    first, second = Event.objects.filter(type="complaint.made").order_by("pk")
    assert (first.external_id, second.external_id) == (f"erased:{first.pk}", "e-2")


def test_a_source_whose_ids_are_addresses_told_more_than_an_id(db):
    (outcome,) = upsert_customers([{**PERSON, "source_id": EMAIL}], at=NOON)

    erase_customer(outcome.row, at=NOON)

    profile = SourceProfile.objects.get()
    assert profile.external_id == f"erased:{profile.pk}"


def test_a_request_is_carried_out_as_a_job_with_an_audit_record(db, django_capture_on_commit_callbacks):
    agent = UserFactory()
    with django_capture_on_commit_callbacks():
        request = request_erasure(zdenka(), at=NOON, reason="Zdenka wrote a letter", by=agent)
        assert request_erasure(zdenka(), at=NOON) == request

    with django_capture_on_commit_callbacks(execute=True):
        carry_out_job(request.job_id)

    request.refresh_from_db()
    assert (request.customer.status, request.requested_by, request.job.status) == ("ERASED", agent, "DONE")
    assert (request.reason, request.result["records"], request.completed_at is not None) == ("", 1, True)


def test_a_job_whose_worker_died_is_taken_up_again(db):
    request = request_erasure(zdenka(), at=NOON)
    JobRun.objects.filter(pk=request.job_id).update(status="RUNNING", done=0)

    (waiting,) = abandoned_jobs()
    carry_out_job(waiting)

    request.job.refresh_from_db()
    assert request.job.status == "DONE"
    assert RightsRequest.objects.get().customer.status == "ERASED"


def test_after_a_restore_the_ledger_erases_again(db, ledger, django_capture_on_commit_callbacks, capsys):
    customer = zdenka()
    with django_capture_on_commit_callbacks(execute=True):
        erase_customer(customer, at=NOON)
    # The dump of yesterday brings the person back.
    SourceProfile.objects.filter(customer=customer).update(data={"first_name": "Zdenka"})
    Customer.objects.filter(pk=customer.pk).update(status="ACTIVE", first_name="Zdenka", last_name="Quirkova")

    call_command("replay_erasures")

    assert capsys.readouterr().out == "1 customers erased again.\n"
    assert words_left(WORDS) == []
    assert "zdenka" not in ledger.read_text().lower()


def test_without_a_ledger_the_command_says_so(db, tmp_path):
    with pytest.raises(CommandError, match="no erasure ledger"):
        call_command("replay_erasures", ledger=tmp_path / "nowhere")


def test_orders_of_many_are_untouched_by_one_erasure(db):
    others = OrderFactory.create_batch(3)
    refresh_rollups([order.customer_id for order in others])

    erase_customer(zdenka(), at=NOON)
    dispatch_events()

    assert Rollup.objects.filter(scope="ALL").count() == 3
    assert EventConflict.objects.count() == 0
