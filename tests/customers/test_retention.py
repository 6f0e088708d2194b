"""Without activity for long enough, profiling and marketing end by themselves."""

from datetime import UTC, datetime, timedelta

import pytest

from customers.models import Consent, ConsentRecord, Customer, Trait
from customers.services import apply_retention, reachable_address, record_consent, record_event
from customers.services.retention import apply_programme_retention
from tests.factories import NOON, ConsentFactory, CustomerFactory, OrderFactory, SourceFactory

LONG_AGO = datetime(2023, 5, 1, tzinfo=UTC)


def idle(**fields) -> Customer:
    """Return a customer with a granted consent of whom nothing was heard for more than three years."""
    customer = ConsentFactory(changed_at=LONG_AGO, **fields).customer
    Customer.objects.filter(pk=customer.pk).update(created_at=LONG_AGO)
    Trait.objects.create(customer=customer, code="pet", value="cat", computed_at=LONG_AGO)
    return customer


def test_profiling_ends_and_what_was_computed_is_deleted(db):
    alice = idle()

    ended = apply_retention(at=NOON, profiling_months=12)

    alice.refresh_from_db()
    assert (ended.profiling, ended.marketing) == (1, 0)
    assert alice.profiling == "LAPSED"
    assert not Trait.objects.exists()
    assert reachable_address(alice, "email") is not None


def test_marketing_ends_with_an_entry_in_the_ledger(db):
    alice = idle()

    ended = apply_retention(at=NOON, marketing_months=24)

    assert ended.marketing == 1
    assert Consent.objects.get().state == "EXPIRED"
    assert ConsentRecord.objects.first().text_version == "retention"
    assert reachable_address(alice, "email") is None
    assert apply_retention(at=NOON, marketing_months=24).marketing == 0


@pytest.mark.parametrize("ago", [0, 11])
def test_who_bought_or_did_something_is_left_alone(db, ago):
    bought, visited = idle(), idle()
    at = NOON - timedelta(days=30 * ago)
    OrderFactory(customer=bought, ordered_at=at)
    record_event("visit.recorded", external_id="v", source=SourceFactory(), customer=visited, occurred_at=at)

    assert apply_retention(at=NOON, profiling_months=12, marketing_months=24).profiling == 0
    assert Consent.objects.filter(state="GRANTED").count() == 2


def test_what_we_do_ourselves_is_no_activity(db):
    alice = idle()
    record_event("message.sent", external_id="m", customer=alice, occurred_at=NOON)

    assert apply_retention(at=NOON, marketing_months=24).marketing == 1


def test_the_limit_is_a_date_of_the_programmes_calendar(db):
    alice = idle()
    OrderFactory(customer=alice, ordered_at=datetime(2025, 11, 21, 11, tzinfo=UTC))

    assert apply_retention(at=NOON, profiling_months=12).profiling == 0
    assert apply_retention(at=NOON + timedelta(seconds=1), profiling_months=12).profiling == 1


def test_who_consents_anew_is_written_to_again(db):
    alice = idle()
    apply_retention(at=NOON, marketing_months=24)

    record_consent(
        alice,
        channel="email",
        purpose="MARKETING",
        state="GRANTED",
        proof={"form": 2},
        at=NOON + timedelta(days=1),
    )

    assert reachable_address(alice, "email") is not None
    assert apply_retention(at=NOON + timedelta(days=2), marketing_months=24).marketing == 0


def test_in_the_demo_and_in_tests_nothing_ends(db):
    idle()
    CustomerFactory()

    ended = apply_programme_retention(at=NOON)

    assert (ended.profiling, ended.marketing) == (0, 0)
