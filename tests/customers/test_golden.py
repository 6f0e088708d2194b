"""The golden record: who is believed, what a person decided, and where each value comes from."""

import random
from datetime import date, timedelta

import pytest

from customers import survivorship
from customers.errors import CustomerErased
from customers.models import Customer, GoldenValue, LockedValue
from customers.services import upsert_customers
from customers.services.golden import (
    golden_values_of,
    lock_golden_value,
    refresh_golden_records,
    unlock_golden_value,
)
from customers.survivorship import Lock, choose_values
from operations.errors import InvalidInput
from tests.factories import NOON, CustomerFactory, SourceFactory, SourceProfileFactory, UserFactory


def says(source: str, *, trust: int = 50, days: int = 0, **data) -> survivorship.Testimony:
    return survivorship.Testimony(
        trust, NOON + timedelta(days=days), source, "1", data, data.pop("observed", {}), profile_id=1
    )


@pytest.mark.parametrize(
    ("testimonies", "value", "rule"),
    [
        ([says("pos", city="Roma")], "Roma", "SOLE"),
        ([says("pos", city="Roma"), says("shop", city="Roma", days=1)], "Roma", "AGREED"),
        ([says("pos", city="Roma"), says("shop", city="Bari", days=1)], "Bari", "RECENT"),
        ([says("pos", city="Roma", trust=60), says("shop", city="Bari", days=1)], "Roma", "TRUST"),
        (
            [says("pos", city="Roma", trust=60), says("shop", city="Bari", verified=["city"])],
            "Bari",
            "VERIFIED",
        ),
        ([says("pos", city="Roma"), says("shop", city="Bari", region="Puglia")], "Bari", "COMPLETE"),
        ([says("pos", city="Roma"), says("shop", city="Bari")], "Bari", "ORDER"),
        ([says("pos", city="Roma"), says("shop", city="", days=1)], "Roma", "SOLE"),
        (
            [
                says("pos", city="Roma", days=5, observed={"city": NOON.isoformat()}),
                says("shop", city="Bari", days=1),
            ],
            "Bari",
            "RECENT",
        ),
    ],
)
def test_one_source_is_believed_and_it_is_said_why(testimonies, value, rule):
    choice = choose_values(testimonies)["city"]

    assert (choice.value, choice.rule) == (value, rule)
    assert choose_values(testimonies[::-1])["city"] == choice


def test_a_lock_beats_every_source_and_may_be_empty():
    told = [says("pos", trust=100, city="Roma", verified=["city"])]

    choices = choose_values(told, {"city": Lock("", NOON), "region": Lock("Lazio", NOON)})

    assert [(name, choice.value, choice.rule) for name, choice in choices.items()] == [
        ("region", "Lazio", "LOCKED"),
        ("city", "", "LOCKED"),
    ]


def test_the_order_of_testimonies_never_matters():
    shuffler = random.Random(7)
    told = [
        says(source, trust=trust, days=days, city=city, street=street)
        for source, trust, days, city, street in [
            ("a", 50, 1, "Roma", ""), ("b", 50, 1, "Bari", "Via Po 1"), ("c", 20, 3, "Como", "Via Po 2"),
            ("d", 50, 0, "Lodi", "Via Po 3"),
        ]
    ]  # fmt: skip
    expected = choose_values(told)

    for _turn in range(24):
        shuffler.shuffle(told)
        assert choose_values(told) == expected


@pytest.fixture
def alice(db) -> Customer:
    """Whom the till calls Alice of Milan, and the more trusted shop Alicia."""
    SourceFactory(code="shop", name="Shop", trust=80)
    person = {"email": "alice@mail.example"}
    upsert_customers(
        [{"source": "pos", "source_id": "1", "first_name": "Alice", "city": "Milano"} | person], at=NOON
    )
    upsert_customers([{"source": "shop", "source_id": "9", "first_name": "Alicia"} | person], at=NOON)
    return Customer.objects.get()


def provenance(customer) -> list[tuple]:
    return [
        (row.field, row.value, row.profile and row.profile.source.code, row.rule)
        for row in golden_values_of(customer)
    ]


def stored(customer) -> list[tuple]:
    rows = GoldenValue.objects.filter(customer=customer).order_by("field")
    return sorted(rows.values_list("field", "value", "profile__source__code", "rule"))


def test_provenance_of_several_sources_is_kept(alice):
    expected = [("first_name", "Alicia", "shop", "TRUST"), ("city", "Milano", "pos", "SOLE")]

    assert provenance(alice) == expected
    assert stored(alice) == sorted(expected)


def test_of_a_single_source_it_follows_without_being_kept(db):
    upsert_customers([{"source": "pos", "source_id": "1", "first_name": "Bob", "city": None}], at=NOON)

    assert provenance(Customer.objects.get()) == [("first_name", "Bob", "pos", "SOLE")]
    assert not GoldenValue.objects.exists()


def test_a_locked_field_stays_whatever_the_sources_say(alice):
    anna = UserFactory(username="anna")

    lock_golden_value(alice, "city", "Monza", by=anna, at=NOON, reason="She called")
    upsert_customers([{"source": "shop", "source_id": "9", "city": "Roma", "region": "Lazio"}], at=NOON)

    alice.refresh_from_db()
    assert (alice.city, alice.region, alice.first_name) == ("Monza", "Lazio", "Alicia")
    assert ("city", "Monza", None, "LOCKED") in stored(alice)
    lock = LockedValue.objects.get()
    assert (lock.value, lock.locked_by, lock.locked_at, lock.reason) == ("Monza", anna, NOON, "She called")


def test_unlocked_the_sources_decide_again(alice):
    lock_golden_value(alice, "city", "Monza", by=None, at=NOON)
    lock_golden_value(alice, "postcode", "20900", by=None, at=NOON)

    unlock_golden_value(alice, "city", by=None, at=NOON)
    unlock_golden_value(alice, "postcode", by=None, at=NOON)

    alice.refresh_from_db()
    assert (alice.city, alice.postcode) == ("Milano", "")
    assert stored(alice) == [("city", "Milano", "pos", "SOLE"), ("first_name", "Alicia", "shop", "TRUST")]


def test_a_birth_date_is_locked_as_a_day(alice):
    alice = lock_golden_value(alice, "birth_date", date(1980, 2, 29), by=None, at=NOON)

    alice.refresh_from_db()
    assert alice.birth_date == date(1980, 2, 29)
    assert lock_golden_value(alice, "birth_date", "", by=None, at=NOON).birth_date is None


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("shoe_size", "39"), ("status", "ERASED"), ("birth_date", "yesterday"), ("birth_date", "1012-01-01"),
        ("country", "Italy"), ("time_zone", "Mars/Base"), ("city", "x" * 121), ("street", "Via\x00Po"),
        ("language", "a language too long"),
    ],
)  # fmt: skip
def test_a_value_that_a_field_cannot_take_is_refused(alice, field, value):
    with pytest.raises(InvalidInput):
        lock_golden_value(alice, field, value, by=None, at=NOON)

    assert not LockedValue.objects.exists()


def test_an_erased_person_is_not_written_to(db):
    erased = CustomerFactory(status="ERASED", city="")

    with pytest.raises(CustomerErased):
        lock_golden_value(erased, "city", "Roma", by=None, at=NOON)

    assert not LockedValue.objects.exists()


def test_a_lock_reaches_the_survivor_of_somebody_merged(alice):
    merged = CustomerFactory(status="MERGED", merged_into=alice)

    assert lock_golden_value(merged, "city", "Monza", by=None, at=NOON) == alice


def test_a_refresh_clears_what_only_a_source_that_left_said(alice):
    alice.profiles.filter(source__code="pos").delete()
    GoldenValue.objects.create(
        customer=alice,
        field="city",
        value="Milano",
        profile=alice.profiles.get(),
        observed_at=NOON,
        rule="SOLE",
    )

    refresh_golden_records([alice.pk], at=NOON)

    alice.refresh_from_db()
    assert (alice.first_name, alice.city) == ("Alicia", "")


def test_a_refresh_leaves_alone_what_no_source_ever_told(db):
    bob = CustomerFactory(first_name="Bob", city="Torino")
    SourceProfileFactory(customer=bob, data={"first_name": "Robert"})

    refresh_golden_records([bob.pk], at=NOON)

    bob.refresh_from_db()
    assert (bob.first_name, bob.city) == ("Robert", "Torino")


def test_who_was_merged_away_keeps_no_provenance(alice):
    survivor = CustomerFactory()
    alice.profiles.update(customer=survivor)
    Customer.objects.filter(pk=alice.pk).update(status="MERGED", merged_into=survivor)

    refresh_golden_records([alice.pk, survivor.pk], at=NOON)

    assert stored(alice) == []
    assert [row[:3] for row in stored(survivor)] == [
        ("city", "Milano", "pos"),
        ("first_name", "Alicia", "shop"),
    ]
