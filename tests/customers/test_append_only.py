"""The database itself refuses to change what is append-only, but for the two doors."""

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from customers.models import Customer, Event
from customers.services import record_event

pytestmark = pytest.mark.django_db


@pytest.fixture
def event() -> Event:
    alice = Customer.objects.create(first_name="Alice")
    return record_event(
        "visit.recorded", external_id="v1", occurred_at=timezone.now(), customer=alice, payload={"page": "/"}
    )


def open_door(setting: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config(%s, 'on', true)", [setting])


def refused(change) -> bool:
    try:
        with transaction.atomic():
            change()
    except IntegrityError as error:
        return "append-only" in str(error)
    return False


def test_an_event_is_neither_changed_nor_deleted(event):
    events = Event.objects.filter(pk=event.pk)

    assert refused(lambda: events.update(type="visit.forged"))
    assert refused(lambda: events._raw_delete("default"))

    event.refresh_from_db()
    assert event.type == "visit.recorded"


def test_a_merge_moves_an_event_to_another_customer_and_changes_nothing_else(event):
    bob = Customer.objects.create(first_name="Bob")
    events = Event.objects.filter(pk=event.pk)
    open_door("fidelio.merging")

    assert refused(lambda: events.update(customer=bob, payload={}))
    events.update(customer=bob)

    event.refresh_from_db()
    assert (event.customer, event.payload) == (bob, {"page": "/"})


def test_an_erasure_blanks_the_payload_and_changes_nothing_else(event):
    events = Event.objects.filter(pk=event.pk)
    open_door("fidelio.erasing")

    assert refused(lambda: events.update(payload={}, customer=None))
    assert refused(lambda: events._raw_delete("default"))
    events.update(payload={})

    event.refresh_from_db()
    assert event.payload == {}
    assert event.customer is not None
