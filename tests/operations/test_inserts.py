import threading

import pytest
from django.db import connection, transaction

from customers.models import SalesChannel, Source
from operations.inserts import insert_missing


@pytest.mark.django_db
def test_only_the_missing_rows_are_inserted_and_have_ids():
    known = SalesChannel.objects.create(code="web", name="Web")

    new = insert_missing([SalesChannel(code="web"), SalesChannel(code="app")], unique=["code"])

    assert [row.code for row in new] == ["app"]
    assert new[0].pk == SalesChannel.objects.get(code="app").pk
    known.refresh_from_db()
    assert known.name == "Web"


@pytest.mark.django_db
def test_a_key_twice_in_one_call_is_inserted_once():
    first, second = SalesChannel(code="app", name="first"), SalesChannel(code="app", name="second")

    assert insert_missing([first, second], unique=["code"]) == [first]
    assert SalesChannel.objects.get().name == "first"


@pytest.mark.django_db
def test_dates_of_creation_are_set_as_by_save():
    (source,) = insert_missing([Source(code="pos", name="POS")], unique=["code"])

    assert source.created_at == Source.objects.get(code="pos").created_at


@pytest.mark.django_db(transaction=True)
def test_writers_of_the_same_rows_in_parallel_insert_each_once():
    barrier, inserted = threading.Barrier(4), []

    def write(codes):
        try:
            barrier.wait()
            with transaction.atomic():
                inserted.extend(insert_missing([SalesChannel(code=code) for code in codes], unique=["code"]))
        finally:
            connection.close()

    codes = [f"channel-{number}" for number in range(50)]
    threads = [threading.Thread(target=write, args=(codes[::step],)) for step in (1, -1, 1, -1)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]

    assert sorted(row.code for row in inserted) == sorted(codes)
    assert SalesChannel.objects.count() == 50
