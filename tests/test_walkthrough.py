"""The whole loop on a site of its own, with real processes; see loyalty_site/walkthrough."""

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from loyalty_site.walkthrough.client import Mismatch, Reply, expect, expect_status
from loyalty_site.walkthrough.steps import STEPS
from tests.embedded import clone_template, collect_static_files, drop_database, worker_database
from tests.processes import REPOSITORY


@pytest.fixture
def migrated_database(django_db_setup, django_db_blocker) -> Iterator[str]:
    collect_static_files()
    name = f"{worker_database()}_migrated"
    with django_db_blocker.unblock():
        clone_template(name)
    yield name
    drop_database(name)


@pytest.mark.slow
def test_the_whole_loop_does_what_was_known_beforehand(migrated_database):
    done = subprocess.run(
        [sys.executable, "manage.py", "walkthrough", "--template", migrated_database],
        cwd=REPOSITORY,
        env=dict(os.environ),
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert f"All {len(STEPS)} steps did what was known beforehand" in done.stdout


def test_the_first_difference_ends_it():
    with pytest.raises(Mismatch, match="orders: expected 300, got 299"):
        expect("orders", 299, 300)


def test_a_refusal_for_another_reason_is_a_difference():
    refused = Reply(422, {"key": "coupon_expired"})

    assert expect_status("redemption", refused, 422, "coupon_expired") is refused
    with pytest.raises(Mismatch, match="expected 422 quantity_exceeded, got 422"):
        expect_status("redemption", refused, 422, "quantity_exceeded")
