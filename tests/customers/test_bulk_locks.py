"""Bulk calls that name the same people in another order must not wait for each other."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from customers.models import Customer, Source
from customers.services import record_external_consents, record_external_events
from tests.factories import NOON, CustomerFactory

pytestmark = pytest.mark.django_db


def locked_buckets(work) -> list[set[str]]:
    """Return the advisory locks that each statement of the work takes."""
    with CaptureQueriesContext(
        connection,
    ) as queries:
        work()
    statements = [query["sql"] for query in queries if "pg_advisory_xact_lock" in query["sql"]]
    return [set(re.search(r"{(.*)}", statement)[1].split(",")) for statement in statements]


def test_everybody_named_in_a_call_about_consents_is_locked_at_once():
    known = CustomerFactory(email="known@mail.example")
    references = [
        {"email": "zoe@mail.example"},
        {"email": "anna@mail.example"},
        {"email": "known@mail.example"},
        {"source": "till", "source_id": "1"},
        {"email": "nonsense"},
    ]
    items = [
        {"customer": reference, "channel": "post", "purpose": "MARKETING", "state": "DENIED"}
        for reference in references
    ]
    outcomes = []

    locked = locked_buckets(lambda: outcomes.extend(record_external_consents(items, at=NOON)))

    assert len(locked) == 1
    assert [outcome.error and outcome.error.key for outcome in outcomes] == [None] * 4 + ["invalid_input"]
    assert outcomes[2].row.customer_id == known.pk
    assert Customer.objects.filter(status="PROSPECT").count() == 3
    assert Source.objects.filter(code="till").exists()


def test_visitors_and_people_of_one_call_about_events_are_locked_at_once():
    identities = [("email", "zoe@mail.example"), ("cookie", "c-1"), ("email", "anna@mail.example")]
    items = [
        {
            "source": "shop",
            "external_id": str(number),
            "type": "nps.answered",
            "occurred_at": NOON,
            "identity": {"namespace": namespace, "value": value},
            "payload": {"score": 5},
        }
        for number, (namespace, value) in enumerate(identities)
    ]
    outcomes = []

    locked = locked_buckets(lambda: outcomes.extend(record_external_events(items, at=NOON)))

    assert len(locked[0]) == 3
    assert locked[0] >= set().union(*locked[1:])
    assert [outcome.error for outcome in outcomes] == [None] * 3
