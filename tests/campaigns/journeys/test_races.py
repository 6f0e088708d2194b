"""Journeys moved by many at once."""

import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.db import connection

from campaigns.drafts import ContentDraft, VersionTerms
from campaigns.services import move_journeys, start_campaign, stop_campaign, tend_runs
from coupons.models import Publication
from customers.models import Customer
from customers.services import merge_customers
from tests.campaigns.factories import NEWS, draft, offer, segment_of, subscribers
from tests.processes import REPOSITORY

STEPS = [
    {"id": "give", "kind": "GIVE", "promotion": "ten"},
    {"id": "hello", "kind": "MESSAGE"},
    {"id": "wait", "kind": "WAIT", "amount": 1, "unit": "DAYS"},
    {"id": "again", "kind": "MESSAGE"},
]


# A process that dies after the whole portion was written, and before it is committed.
KILLED = """
import django; django.setup()
import os, signal
from django.utils import timezone
from campaigns.services import journeys
written = journeys.count_passages
def die(*args):
    written(*args)
    os.kill(os.getpid(), signal.SIGKILL)
journeys.count_passages = die
journeys.move_journeys(at=timezone.now())
"""


def begun(people, now, **fields):
    """A journey of which everybody is at the first step."""
    offer(now)
    contents = [ContentDraft("Ciao", NEWS, step=name) for name in ("hello", "again")]
    terms = VersionTerms(steps=STEPS)
    campaign = draft(segment_of(people), now, contents=contents, terms=terms, **fields)
    start_campaign(campaign, at=now)
    tend_runs(at=now)
    return campaign


def at_once(*works):
    """Do several things in threads that begin together; return what each returned or raised."""
    barrier = Barrier(len(works))

    def do(work):
        try:
            barrier.wait()
            return work()
        except Exception as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(do, works))


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_process_that_is_killed_in_a_portion_leaves_nothing_of_it(now, process_environment):
    campaign = begun(subscribers(20), now)
    environment = process_environment | {"DJANGO_SETTINGS_MODULE": "loyalty_site.settings"}

    died = subprocess.run([sys.executable, "-c", KILLED], cwd=REPOSITORY, env=environment, check=False)
    left = (Publication.objects.count(), campaign.messages.count(), campaign.passages.count())
    moved = move_journeys(at=now + timedelta(minutes=1))

    assert (died.returncode, left) == (-9, (0, 0, 0))
    assert (moved, Publication.objects.count(), campaign.messages.count()) == (20, 20, 20)
    assert dict(campaign.passages.values_list("step", "people")) == {"give": 20, "hello": 20}


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_people_who_are_merged_while_they_move_go_on_once(now, monkeypatch):
    monkeypatch.setattr("campaigns.services.journeys.move_portion.__kwdefaults__", {"limit": 3})
    people = subscribers(16)
    campaign = begun(people, now)
    pairs = list(zip(people[::2], people[1::2], strict=True))

    def merge():
        for survivor, loser in pairs:
            merge_customers(survivor, [loser], reason="one person", at=now)

    results = at_once(merge, *[lambda: move_journeys(at=now)] * 3)
    for later in (now, now + timedelta(days=1), now + timedelta(days=2)):
        move_journeys(at=later)

    assert [one for one in results if isinstance(one, Exception)] == []
    assert Customer.objects.filter(status="MERGED").count() == 8
    assert Counter(campaign.positions.values_list("customer", "state")) == {
        (survivor.pk, "FINISHED"): 1 for survivor, _loser in pairs
    }
    live = campaign.messages.filter(state="PENDING")
    assert Counter(live.values_list("customer", "step")) == {
        (survivor.pk, step): 1 for survivor, _loser in pairs for step in ("hello", "again")
    }


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_stop_while_people_move_leaves_nobody_on_the_way(now, monkeypatch):
    monkeypatch.setattr("campaigns.services.journeys.move_portion.__kwdefaults__", {"limit": 2})
    campaign = begun(subscribers(24), now)

    results = at_once(lambda: stop_campaign(campaign, at=now), *[lambda: move_journeys(at=now)] * 3)
    written = campaign.messages.count()
    tend_runs(at=now + timedelta(minutes=1))
    moved = move_journeys(at=now + timedelta(days=2))

    assert [one for one in results if isinstance(one, Exception)] == []
    assert (moved, campaign.messages.count()) == (0, written)
    assert set(campaign.positions.values_list("state", flat=True)) == {"CLOSED"}
    assert not campaign.messages.exclude(state="CANCELLED").exists()
    assert sum(one.people for one in campaign.passages.filter(step="hello")) == written


@pytest.mark.django_db(transaction=True)
def test_five_who_move_the_same_people_at_once_move_each_once(now, monkeypatch):
    monkeypatch.setattr("campaigns.services.journeys.move_portion.__kwdefaults__", {"limit": 7})
    campaign = begun(subscribers(60), now)

    def move(at):
        try:
            return move_journeys(at=at)
        finally:
            connection.close()

    for at in (now, now + timedelta(days=1)):
        with ThreadPoolExecutor(5) as pool:
            moved = list(pool.map(move, [at] * 5))
        assert sum(moved) + move_journeys(at=at) == 60

    assert Counter(campaign.messages.values_list("step", flat=True)) == {"hello": 60, "again": 60}
    assert Publication.objects.count() == 60
    assert set(campaign.positions.values_list("state", flat=True)) == {"FINISHED"}
    assert dict(campaign.passages.values_list("step", "people")) == dict.fromkeys(
        ["give", "hello", "wait", "again"], 60
    )
