from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest
from django.db import transaction

from loyalty_site.demo.journey.dataset import Dataset

NOW = datetime(2026, 11, 21, 11, 0, tzinfo=UTC)  # A Saturday.


@pytest.fixture(scope="session")
def sample() -> Dataset:
    """One household in a hundred, read once."""
    return Dataset(sample=100)


@contextmanager
def loaded_once(django_db_blocker, load: Callable[[], object]) -> Iterator[object]:
    """Load for a whole module, whose tests share the transaction; it is rolled back after the last."""
    with django_db_blocker.unblock(), transaction.atomic():
        try:
            yield load()
        finally:
            transaction.set_rollback(True)


@pytest.fixture
def undone() -> Iterator[None]:
    """What a test changes of a module's data is as before after it."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)
