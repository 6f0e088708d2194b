"""Merging while others write about the same people, in real threads."""

import threading

import pytest
from django.db import connection

from coupons.models import LimitCounter, Redemption
from coupons.services import redeem_stack
from customers.errors import CustomerErased
from customers.models import Customer, MergeOperation, Order
from customers.registry import OnMerge, customer_tables
from customers.services import (
    erase_customer,
    merge_customers,
    record_orders,
    undo_merge,
    upsert_customers,
)
from customers.services.events import own_source
from customers.services.rollups import stats_of
from tests.coupons.factories import coupon, promotion, spending
from tests.factories import NOON, CustomerFactory, SourceProfileFactory

pytestmark = pytest.mark.django_db(transaction=True)


def together(*works):
    """Run everything at once; return what failed."""
    barrier, failed = threading.Barrier(len(works)), []

    def run(work):
        try:
            barrier.wait()
            work()
        except Exception as error:
            failed.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[work]) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    return failed


def merge(survivor, loser):
    return lambda: merge_customers(survivor, [loser], reason="a race", at=NOON)


def check_that_rows_lead_to_live_customers():
    for table in customer_tables():
        if table.on_merge is not OnMerge.STAY:
            stray = table.model._base_manager.filter(**{f"{table.field}__status": "MERGED"})
            assert not stray.exists(), table.label


def test_redeeming_while_being_merged_counts_each_use_for_the_survivor():
    alice, double = CustomerFactory(), CustomerFactory()
    offer = promotion(limits=[{"subject": "CUSTOMER", "uses": 10, "period": "TOTAL"}])
    codes = [coupon(offer).code for _ in range(6)]
    who = [alice, double] * 3

    def redeem(customer, code):
        return lambda: redeem_stack(spending(code, who=customer), at=NOON)

    failed = together(merge(alice, double), *(redeem(*pair) for pair in zip(who, codes, strict=True)))

    assert failed == []
    assert Redemption.objects.filter(customer=alice).count() == 6
    assert LimitCounter.objects.get(customer=alice).used == 6
    check_that_rows_lead_to_live_customers()


@pytest.mark.slow
def test_the_same_two_merged_both_ways_at_once_are_merged_once():
    alice, double = CustomerFactory(), CustomerFactory()

    failed = together(merge(alice, double), merge(double, alice), merge(alice, double))

    assert failed == []
    assert MergeOperation.objects.count() == 1
    assert Customer.objects.filter(status="MERGED").count() == 1


@pytest.mark.slow
def test_a_ring_of_merges_at_once_leaves_one_customer():
    people = [CustomerFactory() for _ in range(3)]

    failed = together(*(merge(people[place], people[(place + 1) % 3]) for place in range(3)))

    assert failed == []
    assert Customer.objects.live().count() == 1
    check_that_rows_lead_to_live_customers()


def test_orders_and_profiles_told_while_being_merged_are_the_survivors():
    own_source()
    alice, double = CustomerFactory(), CustomerFactory()
    profile = SourceProfileFactory(customer=double)
    named = {"source": profile.source.code, "source_id": profile.external_id}

    def order(number):
        item = {
            "source": "shop",
            "source_id": str(number),
            "customer": named,
            "ordered_at": NOON,
            "currency": "EUR",
            "lines": [{"sku": "A", "quantity": "1", "amount": 1000}],
        }
        return lambda: record_orders([item], at=NOON)

    def tell():
        upsert_customers([named | {"city": "Torino"}], at=NOON)

    failed = together(merge(alice, double), tell, *(order(number) for number in range(4)))

    assert failed == []
    assert Order.objects.filter(customer=alice).count() == 4
    assert (stats_of(alice).orders, stats_of(double)) == (4, None)
    alice.refresh_from_db()
    assert alice.city == "Torino"
    check_that_rows_lead_to_live_customers()


def test_what_only_a_source_of_the_other_said_after_the_merge_leaves_with_them():
    own_source()
    alice, double = CustomerFactory(city="Milano"), CustomerFactory()
    profile = SourceProfileFactory(customer=double)
    operation = merge_customers(alice, [double], reason="one person", at=NOON)
    told = {"source": profile.source.code, "source_id": profile.external_id, "city": "Torino"}
    upsert_customers([told], at=NOON)

    undo_merge(operation, at=NOON)

    alice.refresh_from_db()
    double.refresh_from_db()
    assert (alice.city, double.city) == ("Milano", "Torino")


def test_who_is_told_of_while_a_merge_is_taken_back_is_one_of_the_two():
    own_source()
    alice, double = CustomerFactory(), CustomerFactory()
    profile = SourceProfileFactory(customer=double)
    operation = merge_customers(alice, [double], reason="a race", at=NOON)

    def tell():
        (outcome,) = upsert_customers(
            [{"source": profile.source.code, "source_id": profile.external_id, "city": "Torino"}], at=NOON
        )
        assert outcome.error is None

    failed = together(lambda: undo_merge(operation, at=NOON), tell, tell)

    assert failed == []
    double.refresh_from_db()
    alice.refresh_from_db()
    assert (alice.status, double.status, double.city) == ("ACTIVE", "ACTIVE", "Torino")
    assert alice.city != "Torino"
    check_that_rows_lead_to_live_customers()


def test_who_is_erased_while_being_merged_is_erased_or_never_merged(settings, tmp_path):
    settings.ERASURE_LEDGER, settings.MEDIA_ROOT = tmp_path / "ledger", tmp_path / "media"
    own_source()
    alice, double = CustomerFactory(last_name="Aliprandi"), CustomerFactory(last_name="Doppelberg")

    failed = together(merge(alice, double), lambda: erase_customer(double, at=NOON))

    assert all(isinstance(error, CustomerErased) for error in failed)
    double.refresh_from_db()
    alice.refresh_from_db()
    assert double.last_name == ""
    if double.status == "MERGED":
        assert (alice.status, alice.last_name) == ("ERASED", "")
    else:
        assert (alice.status, alice.last_name, double.status) == ("ACTIVE", "Aliprandi", "ERASED")
    check_that_rows_lead_to_live_customers()
