"""A database that answers nothing is noticed, and one that is only slow is waited for."""

import os
import signal

import psycopg
import pytest

from operations.postgresql import base
from operations.postgresql.base import WatchfulConnection


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
