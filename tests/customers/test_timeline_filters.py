from datetime import date, timedelta

import pytest
from django.urls import reverse

from customers.models import Event
from customers.timeline_filters import TimelineFilters
from tests.factories import NOON, CustomerFactory, SourceFactory, StoreFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def mario():
    mario = CustomerFactory()
    shop, till = SourceFactory(code="shop", name="Web shop"), SourceFactory(code="till", name="Tills")
    for place, (type, source, payload) in enumerate(
        [
            ("complaint.made", till, {"text": "The zip è rotto"}),
            ("visit.recorded", shop, {"page": "/tyres"}),
            ("visit.recorded", shop, {"page": "/boots"}),
        ]
    ):
        Event.objects.create(
            type=type,
            source=source,
            external_id=f"e{place}",
            customer=mario,
            occurred_at=NOON - timedelta(days=place),
            payload=payload,
            content_hash=b"",
            store=StoreFactory(code="D", name="Duomo") if place == 0 else None,
        )
    return mario


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({}, ["e0", "e1", "e2"]),
        ({"source": "shop"}, ["e1", "e2"]),
        ({"since": "2026-11-20"}, ["e0", "e1"]),
        ({"until": "2026-11-20"}, ["e1", "e2"]),
        ({"since": "2026-11-20", "until": "2026-11-20"}, ["e1"]),
        ({"text": "ZIP È"}, ["e0"]),
        ({"text": "duomo"}, ["e0"]),
        ({"text": "boots"}, ["e2"]),
        ({"text": "boots", "source": "till"}, []),
        ({"source": "nobody", "since": "soon"}, ["e0", "e1", "e2"]),
        ({"since": "0001-01-01", "until": "9999-12-31"}, ["e0", "e1", "e2"]),
        ({"since": "1900-01-01", "until": "2999-12-31"}, ["e0", "e1", "e2"]),
    ],
)
def test_a_timeline_is_narrowed_by_source_days_and_text(mario, given, found):
    filters = TimelineFilters(mario, given)

    assert sorted(filters.events(mario).values_list("external_id", flat=True)) == found


def test_days_begin_in_the_programmes_time_zone(mario):
    assert TimelineFilters(mario, {"since": "2026-11-21"}).chosen == {"since": date(2026, 11, 21)}


def test_the_page_filters_by_post_so_that_the_text_stays_out_of_the_address(client, mario):
    client.force_login(UserFactory(is_superuser=True))
    page = reverse("admin:customers_customer_change", args=[mario.pk])

    answer = client.post(page, {"kind": "visit", "text": "tyres"}).content.decode()

    assert answer.count("<time ") == 1
    assert "Visited" in answer
    assert "Nothing like this" in client.post(page, {"kind": "complaint", "text": "tyres"}).content.decode()
    assert client.get(f"{page}?kind=visit").content.decode().count("<time ") == 2
