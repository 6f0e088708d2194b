"""What waits, yields or dies again and again costs ever less, and gives back what it held."""

from datetime import timedelta
from importlib import import_module
from types import SimpleNamespace

import pytest

from campaigns.channels.base import Capabilities
from campaigns.models import ChannelSwitch, FrequencyCap, Message
from campaigns.services import claims, pump, reap_leases, reservations, stop_campaign, tend_runs
from campaigns.services.claims import claim_messages
from campaigns.services.outbox import take_message
from coupons.models import Publication
from customers.services import merge_customers, undo_merge
from tests.campaigns.factories import offer, running, segment_of, subscriber, subscribers

pytestmark = pytest.mark.django_db
PUMP = import_module("campaigns.services.pump")  # The package gives its function this name.


def test_a_message_that_yields_asks_again_the_later_the_longer_it_has_waited(now, states):
    FrequencyCap.objects.create(messages=1, days=1)
    alice = subscriber("alice@mail.example")
    high = running(segment_of([alice]), now, code="high", priority=90)
    low = running(segment_of([alice], code="two"), now, code="low", priority=10)
    message = low.messages.get()
    waits = []
    for waited in (timedelta(), timedelta(minutes=10), timedelta(hours=5)):
        Message.objects.filter(pk=message.pk).update(
            created_at=now - waited, not_before=now, state="PENDING", owner="", lease_until=None
        )
        claim_messages(lane="BULK", owner="me", run=low.runs.get())

        assert take_message(message.pk, owner="me", version=low.version, at=now) is None

        message.refresh_from_db()
        waits.append(round((message.not_before - now).total_seconds()))

    assert states(high) == {"PENDING": 1}
    assert 3 <= waits[0] <= 6
    assert 30 <= waits[1] <= 34
    assert 60 <= waits[2] <= 64


def test_a_run_whose_channels_are_off_is_not_looked_through(now, states, monkeypatch):
    ChannelSwitch.objects.create(channel="email", off=True, changed_at=now)
    campaign = running(segment_of(subscribers(2)), now)
    asked = []
    monkeypatch.setattr(PUMP, "claim_messages", lambda **given: asked.append(given["run"]))
    monkeypatch.setattr(PUMP.Pump, "_sort_out", lambda *_args: claims.Claim("", []))

    pump("BULK", seconds=0.5)

    assert asked == [None]
    assert states(campaign) == {"PENDING": 2}


def test_a_pump_that_limits_hold_back_lets_others_go_first(now, sink, monkeypatch, states):
    monkeypatch.setattr(PUMP, "LONGEST_IDLE", 0.3)
    campaign = running(segment_of(subscribers(3)), now, messages_per_minute=1)

    left = pump("BULK", seconds=20)

    assert left is False
    assert states(campaign) == {"SENT": 1, "PENDING": 2}


def test_a_message_that_ends_its_sender_each_time_is_not_tried_for_ever(now, monkeypatch):
    knows_again = SimpleNamespace(capabilities=Capabilities(idempotency_window=timedelta(days=1)))
    monkeypatch.setattr(claims, "open_sender", lambda _channel: knows_again)
    campaign = running(segment_of([subscriber("alice@mail.example")]), now)
    held = {"state": "SENDING", "owner": "x", "lease_until": now - timedelta(minutes=1)}
    states = []
    for attempts in (1, 5, 6):
        campaign.messages.update(attempts=attempts, **held)
        reap_leases(at=now)
        states.append(campaign.messages.get().state)

    assert states == ["PENDING", "PENDING", "UNKNOWN"]


def test_a_stop_ends_what_waits_in_portions_and_gives_the_codes_back(now, monkeypatch, states):
    monkeypatch.setattr(reservations, "AT_ONCE", 2)
    monkeypatch.setattr(reservations, "MANY", 3)
    campaign = running(segment_of(subscribers(12)), now, promotion=offer(now))
    run = campaign.runs.get()
    claim = claim_messages(lane="BULK", owner="me", run=run, limit=5)
    reservations.reserve_coupons(claim, version=run.version, at=now)

    stop_campaign(campaign, at=now)
    tend_runs(at=now)

    run.refresh_from_db()
    assert (states(campaign), run.status) == ({"CANCELLED": 12}, "STOPPED")
    assert set(Publication.objects.values_list("status", flat=True)) == {"WITHDRAWN"}
    assert Publication.objects.count() == 5


def test_a_merge_gives_back_the_code_of_the_message_it_cancels_and_undone_another_is_given(now, states, sink):
    anna, bea = subscriber("anna@mail.example"), subscriber("bea@mail.example")
    campaign = running(segment_of([anna, bea]), now, promotion=offer(now))
    run = campaign.runs.get()
    claim = claim_messages(lane="BULK", owner="me", run=run)
    reservations.reserve_coupons(claim, version=run.version, at=now)
    claims.release_claims(owner="me")

    operation = merge_customers(anna, [bea], reason="one person", at=now)
    merged = states(campaign), sorted(Publication.objects.values_list("status", flat=True))
    undo_merge(operation, at=now)
    pump("BULK")

    assert merged == ({"PENDING": 1, "CANCELLED": 1}, ["PUBLISHED", "WITHDRAWN"])
    assert states(campaign) == {"SENT": 2}
    codes = {message.coupon_code for message in campaign.messages.select_related("publication__coupon")}
    assert len(codes) == 2 and "" not in codes
