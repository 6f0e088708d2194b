import threading
import uuid

import pytest
from django.db import connection

from customers.errors import BlockedIdentity, CustomerErased, CustomerNotFound
from customers.models import Customer, Event, Identity, SourceProfile
from customers.services import find_customer
from operations.errors import InvalidInput
from tests.factories import NOON, CustomerFactory, SourceProfileFactory

pytestmark = pytest.mark.django_db


def test_a_customer_is_found_by_each_kind_of_reference():
    alice = CustomerFactory(email="alice@mail.example")
    SourceProfileFactory(customer=alice, source__code="pos", external_id="42")

    assert find_customer({"id": str(alice.public_id)}) == alice
    assert find_customer({"source": "pos", "source_id": "42"}) == alice
    assert find_customer({"email": " Alice@Mail.EXAMPLE "}) == alice
    assert find_customer({"namespace": "email", "value": "alice@mail.example"}) == alice


def test_no_reference_is_nobody():
    assert find_customer(None) is None


@pytest.mark.parametrize(
    "reference",
    [
        {"id": str(uuid.uuid4())},
        {"id": "not a uuid"},
        {"source": "pos", "source_id": "42"},
        {"email": "bob@mail.example"},
    ],
)
def test_somebody_unknown_is_not_found(reference):
    with pytest.raises(CustomerNotFound):
        find_customer(reference)
    assert Customer.objects.count() == 0


def test_a_merged_customer_is_their_survivor():
    alice = CustomerFactory()
    merged = CustomerFactory(status="MERGED", merged_into=alice)

    assert find_customer({"id": str(merged.public_id)}) == alice


def test_an_erased_customer_is_gone():
    erased = CustomerFactory(status="ERASED")

    with pytest.raises(CustomerErased):
        find_customer({"id": str(erased.public_id)})


def test_somebody_unknown_becomes_a_prospect_once():
    first = find_customer({"email": "Bob@mail.example"}, create_prospect=True, at=NOON)
    second = find_customer({"email": "bob@mail.example"}, create_prospect=True, at=NOON)

    assert first == second
    assert first.status == Customer.Status.PROSPECT
    assert Identity.objects.get().value == "bob@mail.example"
    assert Event.objects.get().type == "customer.created"


def test_a_prospect_of_a_source_has_a_profile():
    bob = find_customer({"source": "shop", "source_id": "7"}, create_prospect=True, at=NOON)

    assert SourceProfile.objects.get().customer == bob


def test_an_unknown_id_never_becomes_a_prospect():
    with pytest.raises(CustomerNotFound):
        find_customer({"id": str(uuid.uuid4())}, create_prospect=True, at=NOON)


def test_fillers_and_nonsense_are_nobody():
    with pytest.raises(BlockedIdentity):
        find_customer({"email": "noemail@shop.it"}, create_prospect=True)
    with pytest.raises(InvalidInput):
        find_customer({"email": "no at sign"}, create_prospect=True)
    assert Customer.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_prospects_named_in_parallel_are_one():
    barrier, found = threading.Barrier(6), []

    def find():
        try:
            barrier.wait()
            found.append(find_customer({"email": "bob@mail.example"}, create_prospect=True, at=NOON))
        finally:
            connection.close()

    threads = [threading.Thread(target=find) for _ in range(6)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]

    assert len(set(found)) == Customer.objects.count() == 1
