"""Journeys moved by many at once."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection

from campaigns.drafts import ContentDraft, VersionTerms
from campaigns.services import move_journeys, start_campaign, tend_runs
from coupons.models import Publication
from tests.campaigns.factories import NEWS, draft, offer, segment_of, subscribers

STEPS = [
    {"id": "give", "kind": "GIVE", "promotion": "ten"},
    {"id": "hello", "kind": "MESSAGE"},
    {"id": "wait", "kind": "WAIT", "amount": 1, "unit": "DAYS"},
    {"id": "again", "kind": "MESSAGE"},
]


@pytest.mark.django_db(transaction=True)
def test_five_who_move_the_same_people_at_once_move_each_once(now, monkeypatch):
    monkeypatch.setattr("campaigns.services.journeys.move_portion.__kwdefaults__", {"limit": 7})
    offer(now)
    contents = [ContentDraft("Ciao", NEWS, step=name) for name in ("hello", "again")]
    terms = VersionTerms(steps=STEPS)
    campaign = draft(segment_of(subscribers(60)), now, contents=contents, terms=terms)
    start_campaign(campaign, at=now)
    tend_runs(at=now)

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
