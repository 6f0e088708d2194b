"""The test run's own ground: what every other test stands on."""

import pytest
from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.db import connection

from tests.embedded import worker_database


@pytest.mark.django_db
def test_every_worker_has_a_database_of_its_own():
    assert connection.settings_dict["NAME"] == worker_database()
    assert get_user_model().objects.count() == 0


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("turn", [1, 2])
def test_what_a_committing_test_wrote_is_gone_for_the_next(turn):
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE a_table_unknown_to_django (id int)")
    get_user_model().objects.create(username="alice")

    assert get_user_model().objects.count() == 1


@pytest.mark.parametrize("turn", [1, 2])
def test_the_cache_is_empty_at_the_start_of_each_test(turn):
    assert cache.get("left_behind") is None

    cache.set("left_behind", turn)
    assert cache.get("left_behind") == turn


@pytest.mark.django_db
def test_the_database_orders_and_lowers_letters_of_every_language():
    with connection.cursor() as cursor:
        cursor.execute("SELECT lower('È'), version()")
        lowered, version = cursor.fetchone()

    assert lowered == "è"
    assert version.startswith("PostgreSQL 1")
