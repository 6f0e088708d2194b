from datetime import timedelta
from threading import Thread

import pytest
from django.db import connection

from customers.models import Event
from customers.services import merge_customers, undo_merge
from loyalty.errors import DrawNotOpen, EntryLimitReached, NotInAudience
from loyalty.models import Draw, DrawEntry, DrawParticipant
from loyalty.services.draws import enter_draw, withdraw_entry
from operations.errors import InvalidInput
from tests.factories import NOON, CustomerFactory
from tests.loyalty.games import open_draw

pytestmark = pytest.mark.django_db


def entries_of(customer):
    return DrawParticipant.objects.get(customer=customer).entries


def test_a_cause_gives_its_entries_once():
    draw, alice = open_draw(), CustomerFactory()

    first = enter_draw(draw, alice, entries=3, source_key="defect:7", at=NOON, reason="Defect reported")
    again = enter_draw(draw, alice, entries=3, source_key="defect:7", at=NOON)
    enter_draw(draw, alice, entries=2, source_key="defect:8", at=NOON)

    assert first == again
    assert entries_of(alice) == 5
    assert DrawEntry.objects.count() == 2
    event = Event.objects.get(external_id=f"draw_entry:{first.pk}")
    assert event.payload == {"draw": "spring", "entries": 3, "reason": "Defect reported"}


@pytest.mark.parametrize(
    ("fields", "at"),
    [
        ({"status": Draw.Status.CLOSED}, NOON),
        ({}, NOON - timedelta(days=2)),
        ({}, NOON + timedelta(days=7)),
    ],
)
def test_nobody_enters_outside_the_dates_or_when_it_is_closed(fields, at):
    draw, alice = open_draw(**fields), CustomerFactory()

    with pytest.raises(DrawNotOpen):
        enter_draw(draw, alice, entries=1, source_key="a", at=at)

    assert DrawEntry.objects.count() == Event.objects.filter(type="draw.entered").count() == 0


def test_the_limit_gives_what_is_left_and_then_refuses():
    draw, alice = open_draw(most_entries=5), CustomerFactory()
    enter_draw(draw, alice, entries=3, source_key="a", at=NOON)

    rest = enter_draw(draw, alice, entries=4, source_key="b", at=NOON)
    with pytest.raises(EntryLimitReached):
        enter_draw(draw, alice, entries=1, source_key="c", at=NOON)

    assert rest.entries == 2
    assert entries_of(alice) == 5


def test_less_than_one_entry_is_no_entry():
    with pytest.raises(InvalidInput):
        enter_draw(open_draw(), CustomerFactory(), entries=0, source_key="a", at=NOON)


def test_only_the_audience_enters():
    from customers.models import Segment

    segment = Segment.objects.create(code="gold", name="Gold", kind="MANUAL")
    draw = open_draw(segment=segment)

    with pytest.raises(NotInAudience):
        enter_draw(draw, CustomerFactory(), entries=1, source_key="a", at=NOON)

    assert DrawParticipant.objects.count() == 0


def test_what_is_returned_takes_its_entries_back_while_the_list_is_open():
    draw, alice = open_draw(), CustomerFactory()
    enter_draw(draw, alice, entries=3, source_key="order:1", at=NOON)
    enter_draw(draw, alice, entries=1, source_key="order:2", at=NOON)

    taken = [withdraw_entry(draw, source_key="order:1", at=NOON) for _ in range(2)]
    Draw.objects.update(status=Draw.Status.CLOSED)
    late = withdraw_entry(draw, source_key="order:2", at=NOON)

    assert (taken, late) == ([3, 0], 0)
    assert entries_of(alice) == 1


def test_who_is_merged_takes_part_once_and_apart_again_when_it_is_undone():
    draw, alice, twin = open_draw(), CustomerFactory(), CustomerFactory()
    enter_draw(draw, alice, entries=3, source_key="a", at=NOON)
    enter_draw(draw, twin, entries=2, source_key="b", at=NOON)

    merge = merge_customers(alice, [twin], reason="twin", at=NOON)

    assert entries_of(alice) == 5
    assert DrawEntry.objects.filter(customer=alice).count() == 2
    undo_merge(merge, at=NOON)
    assert (entries_of(alice), entries_of(twin)) == (3, 2)


@pytest.mark.django_db(transaction=True)
def test_twelve_at_once_enter_once_and_never_beyond_the_limit():
    draw, alice = open_draw(most_entries=4), CustomerFactory()

    def enter(number):
        try:
            enter_draw(draw, alice, entries=1, source_key=f"event:{number % 6}", at=NOON)
        except EntryLimitReached:
            pass
        finally:
            connection.close()

    threads = [Thread(target=enter, args=[number]) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert entries_of(alice) == 4
    assert DrawEntry.objects.count() == 4
