import pytest

from customers.models import Customer, Household
from customers.services import preview_segment, refresh_rollups
from customers.services.households import form_households
from tests.factories import NOON, CustomerFactory, OrderFactory

pytestmark = pytest.mark.django_db
HOME = {"last_name": "Verdi", "postcode": "20121", "street": "Via Brera 1"}


def form():
    return form_households(at=NOON)


def at_home(first_name: str, **fields) -> Customer:
    return CustomerFactory(first_name=first_name, **HOME | fields)


def with_phone(customer: Customer, number: str = "+39021234567") -> Customer:
    customer.identities.create(namespace="phone", value=number, shared=True)
    return customer


def members() -> list[set[str]]:
    return [
        set(household.members.values_list("first_name", flat=True))
        for household in Household.objects.order_by("pk")
    ]


def test_who_shares_an_address_and_a_name_or_a_number_is_one_household():
    at_home("Anna")
    with_phone(at_home("Bruno", last_name="VERDI", street="via brera, 1"))
    with_phone(CustomerFactory(first_name="Carla", last_name="Neri"))
    CustomerFactory(first_name="Dario", last_name="Neri", postcode="20121", street="Via Brera 1")

    result = form()

    assert (result.households, result.moved) == (1, 3)
    assert members() == [{"Anna", "Bruno", "Carla"}]
    assert Household.objects.get().bond == "ADDRESS"


def test_again_it_changes_nothing_and_the_household_keeps_its_id():
    at_home("Anna"), at_home("Bruno")
    form()
    before = list(Household.objects.values())

    assert form().moved == 0
    at_home("Carla")
    assert form().moved == 1

    assert list(Household.objects.values()) == before
    assert members() == [{"Anna", "Bruno", "Carla"}]


def test_who_moves_out_leaves_and_a_household_of_one_is_none():
    at_home("Anna")
    bruno = at_home("Bruno")
    form()

    Customer.objects.filter(pk=bruno.pk).update(street="Via Po 3")
    assert form().moved == 2

    assert not Household.objects.exists()


def test_a_household_that_splits_keeps_its_id_for_one_part_only():
    people = [at_home(name) for name in ("Anna", "Bruno", "Carla", "Dario")]
    form()
    Customer.objects.filter(pk__in=[people[2].pk, people[3].pk]).update(street="Via Po 3")

    form()

    assert members() == [{"Anna", "Bruno"}, {"Carla", "Dario"}]


def test_a_home_for_many_a_company_and_a_switchboard_are_no_households():
    for place in range(11):
        at_home(f"Guest {place}")
    for place in range(6):
        with_phone(CustomerFactory(first_name=f"Clerk {place}"))
    for place in range(2):
        at_home(f"Firm {place}", kind="COMPANY", street="Via Po 3")

    assert form().households == 0


def test_size_and_value_of_a_household_are_fields_of_rules(db):
    home = Household.objects.create(bond="ADDRESS", formed_at=NOON)
    anna, bea, carla = (CustomerFactory() for _ in range(3))
    Customer.objects.filter(pk__in=[anna.pk, bea.pk]).update(household=home)
    for customer in (anna, bea, carla):
        OrderFactory(customer=customer)
    refresh_rollups([anna.pk, bea.pk, carla.pk])

    def found(field: str, operator: str, value: int) -> int:
        leaf = {"field": field, "operator": operator, "value": value}
        return preview_segment({"combinator": "and", "rules": [leaf]}, as_of=NOON).count

    assert (found("household.size", "=", 2), found("household.size", "=", 1)) == (2, 1)
    assert (found("household.net_amount", ">=", 10000), found("household.net_amount", ">", 10000)) == (2, 0)
