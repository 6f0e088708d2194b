from datetime import UTC, datetime

import pytest

from loyalty_site.demo.journey.dataset import Dataset

NOW = datetime(2026, 11, 21, 11, 0, tzinfo=UTC)  # A Saturday.


@pytest.fixture(scope="session")
def sample() -> Dataset:
    """One household in a hundred, read once."""
    return Dataset(sample=100)
