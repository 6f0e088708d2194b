import threading

import pytest
from django.db import connection

from coupons.services.ledger import credit, open_account
from customers.models import Customer, Event, Identity, Namespace
from customers.services import find_customer
from customers.services.merges import merge_customers
from customers.services.references import found_customers
from loyalty.card_numbers import is_number
from loyalty.errors import CardBlocked, CardTaken, CardUnknown, NoMoreCards, NotAMember
from loyalty.models import Card
from loyalty.services.cards import (
    block_card,
    block_number,
    card_number,
    ensure_card,
    issue_missing_cards,
    link_card,
    print_cards,
)
from loyalty_site.roles import Role
from operations.errors import InvalidInput
from operations.services import check_invariants
from tests.console_data import staff
from tests.factories import NOON, CustomerFactory, StoreFactory

pytestmark = pytest.mark.django_db


def found_by(number: str) -> Customer:
    return find_customer({"namespace": Namespace.LOYALTY_CARD, "value": number})


def test_a_member_gets_one_number_that_finds_them():
    alice = CustomerFactory()

    number = ensure_card(alice, at=NOON)

    assert number.startswith("29") and len(number) == 16 and is_number(number)
    assert ensure_card(alice, at=NOON) == number == card_number(alice)
    assert found_by(number) == alice
    assert Event.objects.get(type="card.issued").payload == {"ends_with": number[-4:]}


def test_who_has_a_card_of_the_shop_keeps_it():
    alice = CustomerFactory(card="7000123")

    assert ensure_card(alice, at=NOON) == "7000123"
    assert not Card.objects.exists()


@pytest.mark.parametrize("status", [Customer.Status.ANONYMOUS, Customer.Status.ERASED])
def test_nobody_who_is_not_known_gets_a_card(status):
    with pytest.raises(NotAMember):
        ensure_card(CustomerFactory(status=status, email=None), at=NOON)

    assert not Card.objects.exists()


def test_a_printed_card_is_handed_out_once():
    alice, bob = CustomerFactory(), CustomerFactory()
    batch = print_cards(name="Milano", count=3, store=StoreFactory(), at=NOON)
    number = batch.cards.first().number
    assert batch.cards.filter(status="BLANK").count() == 3

    card = link_card(alice, f"{number[:4]} {number[4:]}", at=NOON)

    assert (card.status, card.customer, card.linked_at) == ("ACTIVE", alice, NOON)
    assert link_card(alice, number, at=NOON) == card and found_by(number) == alice
    with pytest.raises(CardTaken):
        link_card(bob, number, at=NOON)
    assert card_number(bob) == ""


def test_a_number_of_ours_that_was_never_printed_is_refused_and_one_of_the_shop_s_is_taken():
    alice = CustomerFactory()

    with pytest.raises(CardUnknown):
        link_card(alice, "2900000000000428", at=NOON)
    assert card_number(alice) == ""

    link_card(alice, "SHOP-4711", at=NOON)
    assert card_number(alice) == "SHOP4711"


def test_nobody_gets_more_cards_than_a_key_of_this_kind_allows():
    alice = CustomerFactory()
    for number in range(5):
        link_card(alice, f"SHOP-471{number}", at=NOON)

    with pytest.raises(NoMoreCards):
        link_card(alice, "SHOP-4719", at=NOON)

    assert Identity.objects.filter(customer=alice, namespace=Namespace.LOYALTY_CARD).count() == 5


def test_a_lost_card_finds_nobody_and_another_takes_its_place():
    alice = CustomerFactory()
    old = ensure_card(alice, at=NOON)

    new = block_card(Card.objects.get(), reason="left on a train", at=NOON)

    assert new != old and card_number(alice) == new and found_by(new) == alice
    with pytest.raises(Exception, match=r".") as refused:
        found_by(old)
    assert refused.value.key == "not_found"
    with pytest.raises(CardBlocked):
        link_card(CustomerFactory(), old, at=NOON)
    assert block_card(Card.objects.get(number=old), reason="again", at=NOON) == new
    assert Card.objects.get(number=old).reason == "left on a train"


def test_a_card_of_the_shop_is_blocked_by_its_number_and_only_by_its_holder():
    alice, bob = CustomerFactory(card="7000123"), CustomerFactory()

    with pytest.raises(CardUnknown):
        block_number(bob, "7000123", reason="not mine", at=NOON)
    assert card_number(alice) == "7000123"

    new = block_number(alice, "7000123", reason="lost", at=NOON)
    assert card_number(alice) == new and new.startswith("29")


def test_a_blocked_card_finds_nobody_and_is_marked_as_blocked_on_its_holders_page(client):
    alice = CustomerFactory(card="7000123")
    assert list(found_customers("7000123")) == [alice]

    new = block_number(alice, "7000123", reason="lost", at=NOON)

    assert (list(found_customers("7000123")), list(found_customers(new))) == ([], [alice])
    client.force_login(staff(Role.AGENT))
    page = client.get(f"/console/customers/customer/{alice.pk}/change/").content.decode()
    assert "(Blocked)" in page and "(shared)" not in page


@pytest.mark.parametrize("count", [0, 5001])
def test_a_batch_is_neither_empty_nor_endless(count):
    with pytest.raises(InvalidInput):
        print_cards(name="x", count=count, at=NOON)


def test_everybody_with_points_who_has_no_card_gets_one_in_bulk():
    with_points, with_card, without, asleep = (
        CustomerFactory(),
        CustomerFactory(card="7000123"),
        CustomerFactory(),
        CustomerFactory(restricted_at=NOON),
    )
    for customer in (with_points, with_card, asleep):
        credit(open_account(customer), units=1, source_key="x", at=NOON)

    assert issue_missing_cards(at=NOON) == 1
    assert issue_missing_cards(at=NOON) == 0

    assert found_by(card_number(with_points)) == with_points
    assert card_number(with_card) == "7000123" and card_number(without) == card_number(asleep) == ""


def test_both_cards_of_a_merge_find_who_is_left():
    alice, twin = CustomerFactory(), CustomerFactory()
    numbers = [ensure_card(alice, at=NOON), ensure_card(twin, at=NOON)]

    merge_customers(alice, [twin], reason="the same", at=NOON)

    assert [found_by(number) for number in numbers] == [alice, alice]
    assert Card.objects.filter(customer=alice).count() == 2


BREAKING = [
    "DELETE FROM customers_identity WHERE namespace = 'loyalty_card' AND NOT shared",
    "UPDATE customers_identity SET shared = false WHERE namespace = 'loyalty_card'",
]


@pytest.mark.parametrize("statement", BREAKING)
def test_the_books_notice_a_card_that_finds_nobody_and_a_blocked_one_that_finds_somebody(statement):
    alice = CustomerFactory()
    block_number(alice, ensure_card(alice, at=NOON), reason="lost", at=NOON)
    assert check_invariants(at=NOON, only=["loyalty.cards"]).broken == 0

    with connection.cursor() as cursor:
        cursor.execute(statement)

    assert check_invariants(at=NOON, only=["loyalty.cards"]).broken == 1


@pytest.mark.django_db(transaction=True)
def test_two_who_open_the_page_at_once_get_the_same_card():
    alice = CustomerFactory()
    numbers, barrier = [], threading.Barrier(4)

    def open_page():
        barrier.wait()
        numbers.append(ensure_card(alice, at=NOON))
        connection.close()

    threads = [threading.Thread(target=open_page) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(numbers) == 4 and len(set(numbers)) == 1
    assert Card.objects.count() == 1
