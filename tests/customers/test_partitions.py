"""Events stand in one partition per month; idempotency and the append-only rule hold across all of them."""

from datetime import UTC, date, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction

from customers.models import Event, EventKey, PendingEvent
from customers.services import dispatch_events, maintain_partitions, record_event, record_events
from customers.services.bulk import copy_rows, reserve_ids
from customers.services.events import new_event, own_source
from customers.services.partitions import event_partitions, plus_months

pytestmark = pytest.mark.django_db

NOON = datetime(2031, 5, 15, 12, tzinfo=UTC)  # Far from the months that the migration made.
LAST_YEAR = NOON - timedelta(days=365)


def tables() -> dict[str, str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT external_id, tableoid::regclass::text FROM customers_event")
        return dict(cursor.fetchall())


def visit(external_id: str, at: datetime) -> Event | None:
    return record_event("visit.recorded", external_id=external_id, occurred_at=at)


def test_months_are_made_ahead_once():
    first = maintain_partitions(at=NOON, ahead=2)
    again = maintain_partitions(at=NOON, ahead=2)

    assert first.created == [date(2031, 5, 1), date(2031, 6, 1), date(2031, 7, 1)]
    assert again.created == []
    assert "customers_event_2031_06" in {partition.table for partition in event_partitions()}


def test_a_month_lasts_from_its_first_instant_to_the_next_months():
    maintain_partitions(at=NOON, ahead=1)
    visit("first", datetime(2031, 5, 1, tzinfo=UTC))
    visit("last", datetime(2031, 6, 1, tzinfo=UTC) - timedelta(microseconds=1))
    visit("next", datetime(2031, 6, 1, tzinfo=UTC))

    assert tables() == {
        "first": "customers_event_2031_05",
        "last": "customers_event_2031_05",
        "next": "customers_event_2031_06",
    }


def test_a_late_event_is_taken_and_then_filed_in_its_month():
    late = visit("late", LAST_YEAR)
    ancient = visit("ancient", datetime(1997, 3, 1, tzinfo=UTC))

    done = maintain_partitions(at=NOON, ahead=0)

    assert (done.created, done.filed) == ([date(2030, 5, 1), date(2031, 5, 1)], 1)
    assert tables() == {"late": "customers_event_2030_05", "ancient": "customers_event_other"}
    assert Event.objects.get(external_id="late") == late
    assert Event.objects.get(external_id="ancient") == ancient
    assert visit("late", LAST_YEAR) is None


def test_a_key_is_taken_once_whatever_the_month():
    visit("a", NOON)

    assert visit("a", LAST_YEAR) is None
    assert Event.objects.get().occurred_at == NOON


def test_an_event_written_by_any_way_has_its_key(db):
    made = Event.objects.create(
        type="visit.recorded", source=own_source(), external_id="orm", occurred_at=NOON, content_hash=b""
    )
    (reserved,) = reserve_ids(Event, count=1)
    columns = ["id", "type", "occurred_at", "received_at", "source_id", "external_id", "currency", "payload"]
    row = (reserved, "visit.recorded", NOON, NOON, own_source().pk, "copied", "", "{}", b"")
    copy_rows(Event, [*columns, "content_hash"], [row])

    assert dict(EventKey.objects.values_list("external_id", "id")) == {"orm": made.pk, "copied": reserved}
    with pytest.raises(IntegrityError), transaction.atomic():
        made.pk = None
        made.save(force_insert=True)
    assert Event.objects.count() == 2


def test_the_append_only_rule_holds_in_a_month_made_later():
    maintain_partitions(at=NOON)
    event = visit("a", NOON)

    for change in (lambda rows: rows.update(type="visit.forged"), lambda rows: rows._raw_delete("default")):
        with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
            change(Event.objects.filter(pk=event.pk))


def test_retention_drops_whole_months_and_their_keys():
    visit("old", plus_months_before(13))
    visit("kept", plus_months_before(12))
    visit("ancient", datetime(1997, 3, 1, tzinfo=UTC))
    maintain_partitions(at=NOON)

    done = maintain_partitions(at=NOON, keep_months=12)

    assert done.detached[-1] == date(2030, 4, 1)
    assert list(Event.objects.values_list("external_id", flat=True)) == ["kept"]
    assert list(EventKey.objects.values_list("external_id", flat=True)) == ["kept"]


def test_a_detached_month_can_be_kept_for_an_archive():
    visit("old", plus_months_before(13))
    maintain_partitions(at=NOON)

    maintain_partitions(at=NOON, keep_months=12, drop=False)

    assert Event.objects.count() == 0
    with connection.cursor() as cursor:
        cursor.execute("SELECT external_id FROM detached_customers_event_2030_04")
        assert cursor.fetchall() == [("old",)]


def test_a_month_with_a_pending_event_is_kept_until_it_is_handled(settings):
    settings.EVENT_SUBSCRIBERS = {"visit.recorded": [f"{__name__}.hear"]}
    visit("old", plus_months_before(13))
    maintain_partitions(at=NOON)

    assert maintain_partitions(at=NOON, keep_months=12).waiting == [date(2030, 4, 1)]
    assert PendingEvent.objects.count() == Event.objects.count() == 1

    assert dispatch_events() == 1
    assert maintain_partitions(at=NOON, keep_months=12).waiting == []
    assert Event.objects.count() == 0


def test_everything_stays_without_a_retention():
    visit("old", datetime(1997, 3, 1, tzinfo=UTC))
    maintain_partitions(at=NOON)

    assert Event.objects.count() == 1


def test_a_batch_over_several_months_is_written_at_once(django_assert_num_queries):
    events = [
        new_event("visit.recorded", external_id=str(n), occurred_at=NOON - timedelta(days=31 * n))
        for n in range(5)
    ]
    own_source()

    with django_assert_num_queries(3):  # With a savepoint around.
        written = record_events(events)

    assert [event.external_id for event in written] == ["0", "1", "2", "3", "4"]


def test_an_event_is_found_by_its_key_in_its_month_only():
    maintain_partitions(at=NOON)
    event = visit("a", NOON)

    found = Event.objects.found_by(EventKey.objects.filter(pk=event.pk))

    assert list(found) == [event]
    assert found.explain().count("customers_event_2") == 1


def test_the_command_tells_what_it_did(settings):
    output = StringIO()

    call_command("maintain_partitions", stdout=output)

    assert "0 late events filed" in output.getvalue()
    assert "customers_event_2" in output.getvalue()


def hear(event: Event) -> None:
    pass


def plus_months_before(count: int) -> datetime:
    month = plus_months(date(2031, 5, 1), -count)
    return datetime(month.year, month.month, 15, tzinfo=UTC)
