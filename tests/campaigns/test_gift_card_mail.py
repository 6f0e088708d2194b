"""A gift card on its way to its holder: the code is in the mail, and nowhere once the mail is sent."""

from datetime import timedelta

import time_machine
from django.utils import timezone

from campaigns.models import Message
from campaigns.services import pump
from coupons import services
from coupons.gift_card_codes import written_code
from coupons.models import SealedCode
from coupons.services.sealed_codes import open_code
from customers.services import dispatch_events
from tests.factories import CustomerFactory


def give(**fields):
    alice = CustomerFactory(email="alice@mail.example", first_name="Alice", language="en")
    return services.issue_gift_card(
        amount=2500,
        currency="EUR",
        holder=alice,
        channel="email",
        source_key="gift",
        at=timezone.now(),
        **fields,
    )


def test_the_code_is_sent_at_once_and_wiped(db, sink):
    issued = give()

    dispatch_events()
    pump("FAST")

    (mail,) = sink.messages
    text = mail.get_body(("plain",)).get_content()
    assert mail["Subject"] == "A gift card for you, Alice"
    assert written_code(issued.code) in text
    assert "€25.00" in text
    assert mail["List-Unsubscribe"] is None
    assert Message.objects.get().state == "SENT"
    assert SealedCode.objects.count() == 0
    assert open_code(issued.card.pk, at=timezone.now()) is None


def test_a_code_that_was_renewed_meanwhile_is_not_sent(db, sink):
    issued = give()
    dispatch_events()
    renewed = services.renew_gift_card(issued.card, reason="seen", channel="email", at=timezone.now())
    dispatch_events()

    pump("FAST")

    (mail,) = sink.messages
    assert written_code(renewed.code) in mail.get_body(("plain",)).get_content()
    assert set(Message.objects.values_list("state", "reason")) == {("FAILED", "BAD_CONTENT"), ("SENT", "")}


def test_after_a_day_nothing_is_sent(db, sink):
    give()
    dispatch_events()
    Message.objects.update(expires_at=timezone.now() - timedelta(seconds=1))

    with time_machine.travel(timezone.now() + timedelta(hours=25)):
        pump("FAST")

    assert sink.messages == []
    assert Message.objects.get().state == "EXPIRED"


def test_somebody_without_an_address_is_sent_nothing(db, sink):
    services.issue_gift_card(
        amount=2500,
        currency="EUR",
        holder=CustomerFactory(email=""),
        channel="email",
        source_key="gift",
        at=timezone.now(),
    )
    dispatch_events()

    assert Message.objects.get().reason == "NO_ADDRESS"
