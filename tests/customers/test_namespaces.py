"""Kinds of keys: what a known value means, how many there may be, and which identify nobody."""

from datetime import date

import pytest

from customers.models import BlockedValue, Customer, Identity, IdentityNamespace
from customers.rules import names_agree
from customers.services import find_customer, upsert_customers
from customers.services.namespaces import block_value, unblock_value
from operations.errors import InvalidInput
from tests.factories import NOON, CustomerFactory

pytestmark = pytest.mark.django_db
MARIO = {"first_name": "Mario", "last_name": "Rossi"}


def upsert(*items):
    return upsert_customers(
        [{"source": "pos", "source_id": str(place)} | item for place, item in enumerate(items)], at=NOON
    )


def keys(outcome) -> list[str]:
    return [warning.key for warning in outcome.warnings]


def test_a_number_with_the_same_name_joins():
    first, second = upsert(
        {"phone": "347 123 4567", **MARIO},
        {"phone": "+39 347 1234567", "first_name": "ROSSI", "last_name": "Mario "},
    )

    assert first.row == second.row
    (again,) = upsert_customers(
        [{"source": "shop", "source_id": "9", "phone": "3471234567", **MARIO}], at=NOON
    )
    assert (again.row, again.status, keys(again)) == (first.row, 200, [])


@pytest.mark.parametrize(
    "other",
    [
        {"first_name": "Maria"},
        {"last_name": None},
        {"birth_date": date(1990, 1, 1)},
        {"tax_code": "VRDLGU80A01F205X"},
    ],
)
def test_a_number_with_another_name_birthday_or_tax_code_does_not(other):
    mario = {"phone": "3471234567", "birth_date": date(1980, 1, 1), "tax_code": "RSSMRA80A01F205X"} | MARIO

    first, second = upsert(mario, {"phone": "3471234567"} | MARIO | other)

    assert first.row != second.row
    assert keys(second) == ["phone_shared"]


def test_a_landline_of_six_with_a_limit_of_five_joins_nobody():
    people = [{"first_name": f"Anna{'abcdef'[n]}", "last_name": "Rossi"} for n in range(6)]
    upsert(*({"phone": "02 1234567"} | person for person in people))

    (seventh,) = upsert_customers(
        [{"source": "shop", "source_id": "9", "phone": "021234567", **people[0]}], at=NOON
    )

    assert (seventh.status, keys(seventh)) == (201, ["phone_shared"])
    assert Customer.objects.count() == Identity.objects.filter(shared=True).count() == 7


def test_of_a_household_the_one_with_the_name_is_meant():
    anna, mario = upsert(
        {"phone": "021234567", "first_name": "Anna", "last_name": "Rossi"}, {"phone": "021234567", **MARIO}
    )

    (again,) = upsert_customers(
        [{"source": "shop", "source_id": "9", "phone": "021234567", **MARIO}], at=NOON
    )

    assert again.row == mario.row != anna.row


def test_the_kind_with_the_lowest_rank_decides():
    alice, _bob = upsert({"tax_code": "AAAAA1"}, {"email": "bob@mail.example"})

    (outcome,) = upsert_customers(
        [{"source": "shop", "source_id": "9", "email": "bob@mail.example", "tax_code": "aaaaa1"}], at=NOON
    )

    assert outcome.row == alice.row
    assert keys(outcome) == ["identity_taken"]


def test_an_address_with_another_tax_code_is_another_person():
    (first,) = upsert({"email": "rossi@mail.example", "tax_code": "AAAAA1"})

    (second,) = upsert_customers(
        [{"source": "shop", "source_id": "9", "email": "rossi@mail.example", "tax_code": "BBBBB2"}], at=NOON
    )

    assert second.row != first.row
    assert keys(second) == ["identity_taken"]
    assert sorted(Identity.objects.values_list("value", "customer")) == sorted(
        [("rossi@mail.example", first.row.pk), ("AAAAA1", first.row.pk), ("BBBBB2", second.row.pk)]
    )


def test_an_owner_may_let_an_address_join_only_with_the_name():
    IdentityNamespace.objects.filter(code="email").update(strength="JOINS_WITH_NAME", customers_per_value=3)

    mario, anna, again = upsert(
        {"email": "rossi@mail.example", **MARIO},
        {"email": "rossi@mail.example", "first_name": "Anna", "last_name": "Rossi"},
        {"email": "rossi@mail.example", **MARIO},
    )

    assert mario.row == again.row != anna.row
    assert keys(anna) == ["email_shared"]


def test_a_source_corrects_its_own_tax_code_but_not_anothers():
    upsert({"tax_code": "AAAAA1", "email": "a@mail.example"})
    (corrected,) = upsert({"tax_code": "AAAAA2"})
    (other,) = upsert_customers([{"source": "shop", "source_id": "9", "email": "a@mail.example"}], at=NOON)
    (refused,) = upsert_customers([{"source": "shop", "source_id": "9", "tax_code": "AAAAA3"}], at=NOON)

    assert corrected.row == other.row == refused.row
    assert (keys(corrected), keys(refused)) == ([], ["too_many_identities"])
    assert list(Identity.objects.filter(namespace="tax_code").values_list("value", flat=True)) == ["AAAAA2"]


@pytest.mark.parametrize(
    ("blocked", "address"),
    [
        ("info@shop.example", "Info@Shop.example"),
        ("cassa@", "cassa@mail.example"),
        ("@relay.example", "x@relay.example"),
    ],
)
def test_a_blocked_address_identifies_nobody(blocked, address):
    block_value("email", blocked, at=NOON)

    outcomes = upsert({"email": address}, {"email": address})

    assert [keys(outcome) for outcome in outcomes] == [["blocked_identity"]] * 2
    assert (Customer.objects.count(), Identity.objects.count()) == (2, 0)


def test_who_has_a_value_when_it_is_blocked_keeps_it_as_a_shared_one():
    alice = CustomerFactory(email="family@mail.example")

    blocked = block_value("email", "family@mail.example", at=NOON)
    assert Identity.objects.get().shared
    (outcome,) = upsert({"email": "family@mail.example"})
    assert outcome.row != alice

    unblock_value(blocked)
    assert find_customer({"email": "family@mail.example"}) == alice
    assert not BlockedValue.objects.exists()


def test_a_blocked_address_makes_no_prospect():
    block_value("email", "family@mail.example", at=NOON)

    with pytest.raises(Exception, match="no customer"):
        find_customer({"email": "family@mail.example"}, create_prospect=True, at=NOON)

    assert not Customer.objects.exists()


@pytest.mark.parametrize(
    ("namespace", "value"), [("phone", "12"), ("email", "x"), ("email", "@"), ("phone", "000")]
)
def test_what_is_no_value_is_not_blocked(namespace, value):
    with pytest.raises(InvalidInput):
        block_value(namespace, value, at=NOON)

    assert not BlockedValue.objects.exists()


def test_a_source_vouches_for_an_address():
    upsert({"email": "a@mail.example", "phone": "3471234567", "verified": ["email", "birth_date"]})

    assert dict(Identity.objects.values_list("namespace", "verified_at")) == {"email": NOON, "phone": None}


@pytest.mark.parametrize(
    ("one", "other", "agree"),
    [
        (("Niccolò", "D'Angelo"), ("NICCOLO", "D’Angelo"), True),
        (("Mario", "Rossi"), ("Rossi", "Mario"), True),
        (("Mario", ""), ("Mario", ""), False),
        (("Mario", "Rossi"), ("Maria", "Rossi"), False),
    ],
)
def test_names_agree_whatever_their_case_accents_and_order(one, other, agree):
    assert names_agree(one, other) is agree
