import pytest
from django.utils import timezone

from campaigns.models import Message
from campaigns.services import pump
from coupons.services import publish_coupon
from customers.models import Purpose
from customers.services import dispatch_events, suppress
from tests.campaigns.factories import offer, subscriber
from tests.factories import CustomerFactory


def give(customer, promotion, **fields):
    publication = publish_coupon(
        promotion, customer=customer, source_id="gift-1", channel="email", at=timezone.now(), **fields
    )
    dispatch_events()
    return publication


def test_an_apology_is_sent_on_the_fast_lane_without_consent(db, sink, now):
    alice = CustomerFactory(email="alice@mail.example", first_name="Alice")

    publication = give(alice, offer(now), reason="APOLOGY", purpose=Purpose.SERVICE)
    pump("FAST")

    message = Message.objects.get()
    (mail,) = sink.messages
    assert (message.state, message.lane, message.purpose) == ("SENT", "FAST", "SERVICE")
    assert mail["Subject"] == "Le nostre scuse, Alice"
    assert publication.coupon.code in mail.get_body(("plain",)).get_content()
    assert mail["List-Unsubscribe"] is None


def test_somebody_whose_language_is_english_is_written_to_in_english(db, sink, now):
    alice = CustomerFactory(email="alice@mail.example", first_name="Alice", language="en")

    give(alice, offer(now), reason="APOLOGY", purpose=Purpose.SERVICE)
    pump("FAST")

    assert sink.messages[0]["Subject"] == "Our apologies, Alice"
    assert "10%" in sink.messages[0].get_body(("plain",)).get_content()


def test_a_coupon_that_is_advertising_needs_consent(db, sink, now):
    give(CustomerFactory(email="alice@mail.example"), offer(now))

    pump("FAST")

    message = Message.objects.get()
    assert (message.state, message.reason) == ("SUPPRESSED", "NO_CONSENT")
    assert sink.messages == []


def test_with_consent_a_coupon_is_sent_with_a_way_to_leave(db, sink, now):
    give(subscriber("alice@mail.example"), offer(now))

    pump("FAST")

    assert Message.objects.get().state == "SENT"
    assert sink.messages[0]["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def test_unsubscribing_from_offers_does_not_stop_an_apology_but_a_bounce_does(db, sink, now):
    alice = CustomerFactory(email="alice@mail.example")
    bob = CustomerFactory(email="bob@mail.example")
    suppress("email", "alice@mail.example", reason="UNSUBSCRIBED")
    suppress("email", "bob@mail.example", reason="BOUNCED")
    promotion = offer(now)

    give(alice, promotion, reason="APOLOGY", purpose=Purpose.SERVICE)
    publish_coupon(
        promotion,
        customer=bob,
        source_id="gift-2",
        channel="email",
        reason="APOLOGY",
        purpose=Purpose.SERVICE,
        at=now,
    )
    dispatch_events()
    pump("FAST")

    states = dict(Message.objects.values_list("customer__identities__value", "state"))
    assert states == {"alice@mail.example": "SENT", "bob@mail.example": "SUPPRESSED"}


def test_the_same_event_twice_makes_one_message(db, sink, now):
    from campaigns.subscribers import deliver_published_coupon
    from customers.models import Event

    give(CustomerFactory(), offer(now), reason="APOLOGY", purpose=Purpose.SERVICE)

    deliver_published_coupon(Event.objects.get(type="coupon.published"))

    assert Message.objects.count() == 1


def test_somebody_without_an_address_keeps_the_coupon_and_a_row_says_why(db, now):
    give(CustomerFactory(email=None), offer(now), reason="APOLOGY", purpose=Purpose.SERVICE)

    message = Message.objects.get()
    assert (message.state, message.reason) == ("SUPPRESSED", "NO_ADDRESS")
    assert message.publication.status == "PUBLISHED"


@pytest.mark.parametrize("channel", [None, "webhook"])
def test_without_a_channel_nothing_is_sent(db, now, channel):
    publish_coupon(offer(now), customer=CustomerFactory(), source_id="gift-1", channel=channel, at=now)

    dispatch_events()

    assert Message.objects.count() == 0
