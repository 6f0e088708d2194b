"""Notes on what customers say are counted by topic."""

from datetime import timedelta

import pytest

from customers.models import NoteTopic
from customers.services import write_note
from customers.topics import topic_bars, topic_counts, topics_by_month
from tests.factories import NOON, CustomerFactory, UserFactory

pytestmark = pytest.mark.django_db


def note(topic, days):
    write_note(
        CustomerFactory(), text="So it is", author=UserFactory(), topic=topic, at=NOON - timedelta(days=days)
    )


def test_topics_are_counted_in_the_last_thirty_days_and_in_those_before():
    prices, service = (
        NoteTopic.objects.create(code=code, name=code.capitalize()) for code in ("prices", "service")
    )
    for days in (0, 29, 31, 61):
        note(prices, days)
    note(service, 40)
    note(None, 0)

    counts = [(one.topic, one.lately, one.before) for one in topic_counts(at=NOON)]

    assert counts == [(prices, 2, 1), (service, 0, 1)]
    assert [bar["text"] for bar in topic_bars(topic_counts(at=NOON))] == ["2 (+1)", "0 (-1)"]


def test_months_are_local_and_those_without_a_note_are_zero():
    prices = NoteTopic.objects.create(code="prices", name="Prices")
    for days in (0, 21, 40):  # 21 November, 31 October, 12 October.
        note(prices, days)

    months, rows = topics_by_month(at=NOON)

    assert [month.month for month in months] == [6, 7, 8, 9, 10, 11]
    assert rows == [(prices, [0, 0, 0, 0, 2, 1])]
