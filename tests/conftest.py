"""Fixtures of every test; the servers themselves are started by `tests.embedded`."""

from tests.embedded import django_db_setup  # noqa: F401
