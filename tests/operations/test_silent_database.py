"""A database that answers nothing is noticed, and one that is only slow is waited for."""

import os
import signal

import psycopg
import pytest
from django.test.utils import CaptureQueriesContext

from operations.postgresql import base
from operations.postgresql.base import WatchfulConnection
from operations.statements import run


@pytest.fixture
def watchful(db, monkeypatch):
    from django.db import connection

    monkeypatch.setattr(base, "PATIENCE_SECONDS", 0.1)
    with WatchfulConnection.connect(connection.connection.info.dsn, autocommit=True) as own:
        yield own


def test_the_site_works_on_watchful_connections(db):
    from django.db import connection

    connection.ensure_connection()

    assert isinstance(connection.connection, WatchfulConnection)


def test_a_statement_that_takes_long_goes_on_while_the_server_answers_others(watchful):
    assert watchful.execute("SELECT 'done' FROM pg_sleep(0.5)").fetchone() == ("done",)


def test_a_silent_server_ends_the_statement_and_the_connection(watchful, monkeypatch):
    def silence(*arguments, **options):
        raise psycopg.errors.ConnectionTimeout("connection timeout expired")

    monkeypatch.setattr(base.psycopg, "connect", silence)
    monkeypatch.setattr(WatchfulConnection, "silent_at", WatchfulConnection.silent_at)
    backend = watchful.info.backend_pid

    os.kill(backend, signal.SIGSTOP)
    try:
        with pytest.raises(psycopg.OperationalError, match="does not answer any more"):
            watchful.execute("SELECT 1")
    finally:
        os.kill(backend, signal.SIGCONT)

    assert watchful.closed


@pytest.mark.django_db(transaction=True)
def test_a_connection_that_the_server_ended_is_replaced_and_a_living_one_is_not_asked():
    from django.db import connection

    connection.ensure_connection()
    ended, backend = connection.connection, connection.connection.info.backend_pid

    with psycopg.connect(ended.info.dsn, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [backend])
    for _request in range(2):
        connection.close_if_unusable_or_obsolete()
        connection.health_check_enabled = True
        with CaptureQueriesContext(connection) as asked:
            connection.close_if_health_check_failed()
        assert len(asked) == 0
        assert run("SELECT 1", {}) == [(1,)]

    assert connection.connection is not ended
