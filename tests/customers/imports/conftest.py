import pytest


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    """Keep uploads out of the data folder."""
    settings.MEDIA_ROOT = tmp_path
    return tmp_path
