"""Campaigns that bring each recipient the discount computed for them."""

from datetime import timedelta
from decimal import Decimal

from campaigns.models import Message
from campaigns.services import pump
from campaigns.services.recipients import sample_values
from coupons.models import PersonalOffer
from tests.campaigns.factories import offer, running, segment_of, subscriber


def test_each_mail_brings_the_own_discount_and_who_has_none_is_left_out(db, sink, now, states):
    alice, bob, carol, dora = (
        subscriber(f"{name}@mail.example") for name in ("alice", "bob", "carol", "dora")
    )
    ours = offer(now, code="own", effect={"kind": "PERCENT", "personal": True})
    for person, percent in ((alice, "7"), (bob, "12.5"), (dora, "5")):
        PersonalOffer.objects.create(
            promotion=ours,
            customer=person,
            percent=Decimal(percent),
            status=PersonalOffer.Status.CONFIRMED,
            valid_until=now + timedelta(days=10),
            model_version="own-history-1",
            source_key="offer-set:1",
            created_at=now,
        )
    campaign = running(
        segment_of([alice, bob, carol, dora]),
        now,
        promotion=ours,
        body="{{ coupon.value }}: {{ coupon.code }}",
    )
    PersonalOffer.objects.filter(customer=dora).delete()  # She objected to profiling after the planning.

    pump("BULK")

    assert states(campaign) == {"SENT": 2, "SUPPRESSED": 2}
    left_out = Message.objects.filter(state="SUPPRESSED").values_list("customer", "reason")
    assert set(left_out) == {(carol.pk, "NO_OFFER"), (dora.pk, "NO_OFFER")}
    bodies = {mail["To"]: mail.get_body(("html",)).get_content() for mail in sink.messages}
    assert "7%" in bodies["alice@mail.example"]
    assert "12,5%" in bodies["bob@mail.example"]


def test_a_preview_says_what_the_coupon_is_worth_to_this_person(db, now):
    anna, bea = subscriber("anna@mail.example"), subscriber("bea@mail.example")
    ours = offer(now, code="own", name="Just for you", effect={"kind": "PERCENT", "personal": True})
    PersonalOffer.objects.create(
        promotion=ours, customer=anna, percent=Decimal("12.5"), status=PersonalOffer.Status.CONFIRMED,
        valid_until=now + timedelta(days=10), model_version="own-history-1", source_key="offer-set:1",
        created_at=now,
    )  # fmt: skip

    hers, another = (
        sample_values(person, promotion=ours, campaign_name="Autumn", at=now).coupon["value"]
        for person in (anna, bea)
    )

    assert (hers, another) == ("12,5%", "Just for you")
