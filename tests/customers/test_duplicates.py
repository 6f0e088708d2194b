"""Possible duplicates: who is proposed and why, who merges by themselves, who is never proposed."""

import threading
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import connection

from customers.errors import CandidateDecided
from customers.models import (
    Customer,
    DoNotMerge,
    DuplicateCandidate,
    DuplicateSearch,
    MergeOperation,
    SurnameCount,
)
from customers.services import upsert_customers
from customers.services.duplicates import dismiss_candidate, find_duplicates, merge_candidate
from customers.services.namespaces import block_value
from tests.factories import NOON, CustomerFactory, SourceProfileFactory, UserFactory

pytestmark = pytest.mark.django_db
BORN = date(1980, 2, 29)
HOME = {"postcode": "20121", "city": "Milano", "street": "Via Brera 1"}
NIC = {"first_name": "Nicolò", "last_name": "Zanardelli", "birth_date": BORN, "email": None}


def search(**options) -> DuplicateSearch:
    return find_duplicates(at=NOON, **options)


def found() -> list[tuple]:
    return [(pair.first, pair.second) for pair in DuplicateCandidate.objects.order_by("-weight")]


def explained() -> dict[str, float]:
    return dict(DuplicateCandidate.objects.get().explanation)


def test_the_same_name_and_birth_date_are_proposed_with_the_reasons():
    one = CustomerFactory(**NIC, **HOME)
    other = CustomerFactory(**NIC | {"first_name": "NICOLO"}, postcode="00100", city="Roma")

    result = search()

    assert (result.found, result.merged, result.whole) == (1, 0, True)
    assert found() == [(one, other)]
    assert explained() == {"last_name_rarity": 10, "first_name": 4, "birth_date": 8}
    pair = DuplicateCandidate.objects.get()
    assert (pair.weight, pair.strong, pair.contradicted, pair.status) == (Decimal(22), False, False, "OPEN")


@pytest.mark.parametrize(
    ("change", "evidence"),
    [
        (
            {"first_name": "Zanardelli", "last_name": "Nicolò"},
            {"last_name_rarity": 10, "first_name": 4, "birth_date": 8},
        ),
        ({"last_name": "Zanardeli"}, {"last_name_similar": 3, "first_name": 4, "birth_date": 8}),
        ({"first_name": "N."}, {"last_name_rarity": 10, "first_name_similar": 2, "birth_date": 8}),
        (
            {"birth_date": date(1980, 2, 28)},
            {"last_name_rarity": 10, "first_name": 4, "birth_date_similar": 3},
        ),
    ],
)  # fmt: skip
def test_slips_of_the_hand_are_told_from_contradictions(change, evidence):
    CustomerFactory(**NIC, **HOME)
    CustomerFactory(**NIC | change, **HOME)

    search()

    assert explained() == evidence | {"street": 4, "postcode": 3, "city": 1}


def test_a_couple_with_one_landline_is_not_proposed():
    CustomerFactory(**NIC | {"phone": "+39021234567"}, **HOME)
    CustomerFactory(**NIC | {"first_name": "Anna", "birth_date": date(1979, 5, 12)}, **HOME)

    assert search().found == 0


def test_a_frequent_name_alone_is_nothing():
    CustomerFactory(first_name="Mario", last_name="Rossi", email=None, city="Milano")
    CustomerFactory(first_name="Mario", last_name="Rossi", email=None, city="Milano")
    Customer.objects.bulk_create(Customer(first_name="Anna", last_name="ROSSI") for _ in range(200))

    assert search().found == 0
    assert SurnameCount.objects.get(name="rossi").people == 202


def test_a_key_that_a_source_claims_joins_by_itself_when_everything_agrees():
    alice = CustomerFactory(**NIC | {"email": "nic@mail.example"}, **HOME)
    twin = CustomerFactory(**NIC, **HOME)
    SourceProfileFactory(customer=twin, data={"email": "Nic@mail.example "})

    assert search().merged == 1

    twin.refresh_from_db()
    assert (twin.status, twin.merged_into) == ("MERGED", alice)
    assert DuplicateCandidate.objects.get().status == "MERGED"
    assert MergeOperation.objects.get().reason.startswith("By itself")
    assert (search(whole=True).found, found()) == (0, [(alice, twin)])


@pytest.mark.parametrize(
    "other", [{"birth_date": date(1950, 7, 1)}, {"birth_date": None, "postcode": "", "street": ""}]
)
def test_a_claim_with_a_contradiction_or_little_else_waits_for_a_person(other):
    CustomerFactory(**NIC | {"email": "nic@mail.example"}, **HOME)
    twin = CustomerFactory(**NIC | HOME | other)
    SourceProfileFactory(customer=twin, data={"email": "nic@mail.example"})

    result = search()

    assert (result.found, result.merged) == (1, 0)
    assert not MergeOperation.objects.exists()


def test_a_hash_of_a_partner_is_evidence_but_never_merges_by_itself():
    import hashlib

    CustomerFactory(**NIC | {"email": "nic@mail.example"}, **HOME)
    partner = CustomerFactory(**NIC, **HOME)
    partner.identities.create(namespace="email_sha256", value=hashlib.sha256(b"nic@mail.example").hexdigest())

    assert search().merged == 0
    assert explained()["email_hash"] == 10


def test_a_number_of_too_many_or_a_blocked_one_makes_no_pair():
    people = [CustomerFactory(first_name="", last_name="", email=None, phone=None, city="") for _ in range(8)]
    for place, person in enumerate(people):
        value = "+39021111111" if place < 6 else "+39022222222"
        person.identities.create(namespace="phone", value=value, shared=True)
    block_value("phone", "02 2222222", at=NOON)

    assert search().compared == 0


def test_different_tax_codes_outweigh_the_rest():
    for code in ("AAAAA1", "BBBBB2"):
        CustomerFactory(**NIC, **HOME).identities.create(namespace="tax_code", value=code)

    assert search().found == 0


def test_who_was_dismissed_is_not_proposed_again():
    one, other = CustomerFactory(**NIC), CustomerFactory(**NIC)
    search()
    anna = UserFactory()

    pair = dismiss_candidate(DuplicateCandidate.objects.get().pk, at=NOON, reason="Father and son", by=anna)
    again = dismiss_candidate(pair.pk, at=NOON)

    assert (again.status, again.decided_by, again.decided_at) == ("DISMISSED", anna, NOON)
    apart = DoNotMerge.objects.get()
    assert (apart.first, apart.second, apart.reason) == (one, other, "Father and son")
    assert search(whole=True).found == 0
    with pytest.raises(CandidateDecided):
        merge_candidate(pair.pk, at=NOON, reason="")
    assert not MergeOperation.objects.exists()


def test_a_person_decides_who_stays():
    older, newer = CustomerFactory(**NIC), CustomerFactory(**NIC)
    search()
    pair = DuplicateCandidate.objects.get()

    operation = merge_candidate(pair.pk, at=NOON, reason="She said so", survivor_id=newer.pk)

    assert operation.survivor == newer
    older.refresh_from_db()
    assert older.merged_into == newer
    with pytest.raises(CandidateDecided):
        dismiss_candidate(pair.pk, at=NOON)


def test_a_customer_stays_rather_than_a_prospect():
    CustomerFactory(**NIC, status="PROSPECT")
    active = CustomerFactory(**NIC)
    search()

    assert merge_candidate(DuplicateCandidate.objects.get().pk, at=NOON, reason="").survivor == active


def test_a_pair_that_looks_alike_no_more_is_no_candidate():
    CustomerFactory(**NIC)
    other = CustomerFactory(**NIC)
    search()

    other.birth_date, other.first_name = date(1951, 1, 1), "Rosa"
    other.save()
    search()

    assert not DuplicateCandidate.objects.exists()


def test_only_who_changed_since_the_last_search_is_compared_anew():
    CustomerFactory(**NIC)
    search()
    DuplicateSearch.objects.update(started_at=NOON + timedelta(days=3650))
    Customer.objects.update(updated_at=NOON)

    assert search().compared == 0

    DuplicateSearch.objects.update(started_at=NOON)
    upsert_customers(
        [
            {
                "source": "pos",
                "source_id": "1",
                "birth_date": BORN,
                "first_name": "Nicolo",
                "last_name": "Zanardelli",
            }
        ],
        at=NOON,
    )
    result = search()
    assert (result.whole, result.compared, result.found) == (False, 1, 1)


def test_searching_again_changes_nothing():
    CustomerFactory(**NIC)
    CustomerFactory(**NIC)
    search()
    before = list(DuplicateCandidate.objects.values())

    assert search(whole=True).found == 0
    assert list(DuplicateCandidate.objects.values()) == before


@pytest.mark.django_db(transaction=True)
def test_of_two_decisions_at_once_one_holds():
    CustomerFactory(**NIC)
    CustomerFactory(**NIC)
    search()
    pk = DuplicateCandidate.objects.get().pk
    barrier, results = threading.Barrier(2), []

    def decide(decision, **said):
        try:
            barrier.wait()
            decision(pk, at=NOON, **said)
            results.append("done")
        except CandidateDecided:
            results.append("late")
        finally:
            connection.close()

    threads = [
        threading.Thread(target=decide, args=[merge_candidate], kwargs={"reason": "one"}),
        threading.Thread(target=decide, args=[dismiss_candidate]),
    ]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]

    assert sorted(results) == ["done", "late"]
    merged = DuplicateCandidate.objects.get().status == "MERGED"
    assert (MergeOperation.objects.count(), DoNotMerge.objects.count()) == ((1, 0) if merged else (0, 1))
