"""One line of text finds a person, an order, a code."""

import pytest
from django.utils import timezone

from coupons.gift_card_codes import written_code
from coupons.services import issue_gift_card
from loyalty_site.roles import Role
from loyalty_site.search import find
from tests.console_data import staff
from tests.factories import CustomerFactory, OrderFactory, SourceProfileFactory, UserFactory


@pytest.fixture
def agent(db):
    return staff(Role.AGENT)


def titles(hits) -> list[str]:
    return [hit.title for hit in hits]


def test_an_exact_order_number_opens_at_once(client, agent):
    order = OrderFactory(external_id="R-1009")
    client.force_login(agent)

    answer = client.post("/console/find/", {"text": " R-1009 "})

    assert answer.status_code == 302
    assert answer.url == f"/console/customers/order/{order.pk}/change/"


def test_a_customer_is_found_by_each_of_their_keys(agent):
    customer = CustomerFactory(
        first_name="Nicolò",
        last_name="De Luca",
        email="nico@mail.example",
        phone="+393471234567",
        card="C77001",
    )
    SourceProfileFactory(customer=customer, external_id="till-9")

    keys = ["NICO@mail.example", "347 123 4567", "c77001", "till-9", str(customer.public_id)]

    for key in keys:
        hits = find(key, agent)
        assert titles(hits) == ["Nicolò De Luca"], key
        assert hits[0].exact, key


def test_names_are_found_whatever_their_case_and_accents_and_at_most_five(agent):
    CustomerFactory.create_batch(7, first_name="Nicolò", last_name="Ferrari")

    hits = find("nicolo ferr", agent)

    assert titles(hits) == ["Nicolò Ferrari"] * 5
    assert not any(hit.exact for hit in hits)


def test_a_gift_card_is_found_by_its_code_and_only_by_who_may_see_cards(agent):
    issued = issue_gift_card(amount=5000, currency="EUR", source_key="x", at=timezone.now())

    assert titles(find(written_code(issued.code).lower(), agent)) == [f"Gift card ···· {issued.card.last4}"]
    assert find(issued.code, UserFactory(username="newcomer")) == []
