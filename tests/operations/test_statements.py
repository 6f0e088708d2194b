"""Statements that a connection prepares once."""

import pytest
from django.db import connection, transaction

from operations.statements import run

pytestmark = pytest.mark.django_db(transaction=True)
SQL = "SELECT count(*) FROM operations_apiclient WHERE id = %(client)s::text"


def prepared() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT name FROM pg_prepared_statements WHERE statement LIKE '%operations_apiclient%'"
        )
        return [name for (name,) in cursor.fetchall()]


def test_what_was_prepared_stays_so_when_a_transaction_or_a_savepoint_is_rolled_back():
    run(SQL, {"client": "a"})
    before = prepared()

    for _again in range(2):
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            run(SQL, {"client": "b"})
            with pytest.raises(ZeroDivisionError), transaction.atomic():
                raise ZeroDivisionError
            raise ZeroDivisionError

    assert run(SQL, {"client": "c"}) == [(0,)]
    assert prepared() == before
    assert len(before) == 1
