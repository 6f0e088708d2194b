import phonenumbers
import pytest

from customers.rules import normalise_email
from loyalty_site.demo.journey.invention import invent_city, invent_person, loyalty_card


def test_a_household_gets_the_same_person_every_time():
    person = invent_person(105)

    assert person == invent_person(105)
    assert (person.first_name, person.last_name) == ("Olga", "Sassonuovo")


def test_no_two_households_share_a_contact_point():
    people = [invent_person(household) for household in range(1, 2501)]

    for attribute in ("email", "phone", "loyalty_card", "street"):
        values = [getattr(person, attribute) for person in people if getattr(person, attribute)]
        assert len(set(values)) == len(values)


def test_mail_goes_to_a_domain_that_cannot_exist():
    addresses = {invent_person(household).email for household in range(1, 100)} - {""}

    assert all(address == normalise_email(address) for address in addresses)
    assert {address.partition("@")[2] for address in addresses} == {"clienti.example"}


def test_nobody_can_have_the_phone_number():
    numbers = {invent_person(household).phone for household in range(1, 100)} - {""}

    parsed = [phonenumbers.parse(number) for number in numbers]
    assert all(phonenumbers.is_possible_number(number) for number in parsed)
    assert not any(phonenumbers.is_valid_number(number) for number in parsed)


@pytest.mark.parametrize(("household", "card"), [(1, "2900000000018"), (2500, "2900000025004")])
def test_a_card_has_the_check_digit_of_an_ean(household, card):
    assert loyalty_card(household) == card
    assert sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(card)) % 10 == 0


def test_stores_are_spread_over_the_country():
    cities = {invent_city(store).name for store in range(1, 500)}

    assert {"Milano", "Roma", "Palermo", "Trieste"} <= cities
