"""One mailbox behind many spellings, in Python and in the database alike."""

import pytest

from customers.mailboxes import mailbox_of
from customers.models import Identity
from tests.factories import CustomerFactory

SPELLINGS = {
    "anna@mail.example": "anna@mail.example",
    "anna+x+y@mail.example": "anna@mail.example",
    "a.nna@mail.example": "a.nna@mail.example",
    "+odd@mail.example": "+odd@mail.example",
    "+@mail.example": "+@mail.example",
    "mario.rossi+shop@gmail.com": "mariorossi@gmail.com",
    "m.a.r.i.o@googlemail.com": "mario@gmail.com",
    ".+x@gmail.com": ".@gmail.com",
}


@pytest.mark.parametrize(("address", "mailbox"), SPELLINGS.items())
def test_the_mailbox_behind_an_address(address, mailbox):
    assert mailbox_of(address) == mailbox


@pytest.mark.django_db
def test_the_database_finds_the_same_mailbox():
    anna = CustomerFactory()
    Identity.objects.bulk_create(
        Identity(namespace="email", value=address, customer=anna) for address in SPELLINGS
    )

    found = {
        address: set(Identity.objects.in_mailboxes([mailbox]).values_list("value", flat=True))
        for address, mailbox in SPELLINGS.items()
    }

    assert all(address in values for address, values in found.items())
    assert found["anna@mail.example"] == {"anna@mail.example", "anna+x+y@mail.example"}
