import threading
from datetime import timedelta

import pytest
from django.db import connection

from customers.models import Event, PendingEvent
from customers.services.events import dispatch_events, new_event, own_source, record_event, record_events
from tests.factories import NOON, SourceFactory

heard: list[str] = []


def hear(event: Event) -> None:
    heard.append(event.external_id)


def hear_all_but_the_poisoned(event: Event) -> None:
    if event.external_id == "poisoned":
        raise ZeroDivisionError("poison")
    hear(event)


@pytest.fixture(autouse=True)
def nothing_heard():
    heard.clear()


@pytest.fixture
def subscribed(settings):
    settings.EVENT_SUBSCRIBERS = {
        "order.recorded": [f"{__name__}.hear"],
        "visit.recorded": [f"{__name__}.hear_all_but_the_poisoned"],
    }


def visit(external_id: str) -> Event:
    return new_event("visit.recorded", external_id=external_id, occurred_at=NOON)


@pytest.mark.django_db
def test_the_same_key_is_recorded_once(subscribed):
    first = record_event("visit.recorded", external_id="a", occurred_at=NOON, payload={"page": "/"})
    second = record_event("visit.recorded", external_id="a", occurred_at=NOON, payload={"page": "/"})

    assert first.source == own_source()
    assert second is None
    assert Event.objects.count() == PendingEvent.objects.count() == 1


@pytest.mark.django_db
def test_only_the_new_ones_of_a_batch_come_back_in_order():
    record_event("visit.recorded", external_id="b", occurred_at=NOON)

    new = record_events([visit("c"), visit("b"), visit("a"), visit("c")])

    assert [event.external_id for event in new] == ["c", "a"]
    assert [event.pk for event in new] == [Event.objects.get(external_id=name).pk for name in ("c", "a")]


@pytest.mark.django_db
def test_an_event_without_subscriber_waits_for_nobody(subscribed):
    record_event("ticket.opened", external_id="a", occurred_at=NOON)

    assert PendingEvent.objects.count() == 0


@pytest.mark.django_db
def test_a_partners_claim_about_our_own_facts_sets_nothing_in_motion(subscribed):
    record_event("order.recorded", external_id="forged", occurred_at=NOON, source=SourceFactory(code="shop"))
    record_event("visit.recorded", external_id="told", occurred_at=NOON, source=SourceFactory(code="shop"))

    assert [pending.event.external_id for pending in PendingEvent.objects.all()] == ["told"]


@pytest.mark.django_db
def test_events_are_handed_over_in_order_and_once(subscribed):
    record_events([visit("a"), visit("b")])

    assert dispatch_events() == 2
    assert dispatch_events() == 0
    assert heard == ["a", "b"]


@pytest.mark.django_db
def test_a_poisoned_event_waits_and_the_others_pass(subscribed):
    record_events([visit("poisoned"), visit("b")])
    later = PendingEvent.objects.first().not_before + timedelta(seconds=1)

    assert dispatch_events(at=later) == 2

    pending = PendingEvent.objects.get()
    assert heard == ["b"]
    assert (pending.attempts, pending.last_error) == (1, "ZeroDivisionError: poison")
    assert pending.not_before == later + timedelta(seconds=5)


@pytest.mark.django_db
def test_a_full_batch_rings_again(subscribed, monkeypatch):
    from customers import tasks

    record_events([visit(str(number)) for number in range(5)])
    rung = []
    monkeypatch.setattr(tasks.dispatch_events, "delay", lambda: rung.append(True))

    tasks.dispatch_events(limit=3)
    assert (len(heard), rung) == (3, [True])

    tasks.dispatch_events(limit=3)
    assert (len(heard), rung) == (5, [True])


@pytest.mark.django_db(transaction=True)
def test_dispatchers_side_by_side_hand_over_each_event_once(subscribed):
    names = [f"{number:03}" for number in range(60)] + ["poisoned"]
    record_events([visit(name) for name in names])
    barrier = threading.Barrier(4)

    def dispatch():
        try:
            barrier.wait()
            dispatch_events()
        finally:
            connection.close()

    threads = [threading.Thread(target=dispatch) for _ in range(4)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]

    assert sorted(heard) == names[:-1]
    assert PendingEvent.objects.get().event.external_id == "poisoned"


@pytest.mark.django_db(transaction=True)
def test_writers_of_the_same_events_in_parallel_record_each_once(subscribed):
    barrier, counts = threading.Barrier(4), []

    def write():
        try:
            barrier.wait()
            counts.append(len(record_events([visit(str(number)) for number in range(100)])))
        finally:
            connection.close()

    threads = [threading.Thread(target=write) for _ in range(4)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]

    assert sum(counts) == Event.objects.count() == PendingEvent.objects.count() == 100
