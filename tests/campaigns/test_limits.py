"""Caps, quiet hours, rates and the breaker: what holds messages back, and for how long."""

import threading
from datetime import UTC, datetime, time, timedelta
from time import monotonic

import pytest
from django.core import mail
from django.db import connection

from campaigns.models import (
    Allowance,
    Breaker,
    CampaignRun,
    ChannelSwitch,
    FrequencyCap,
    Message,
    QuietHours,
    RateLimit,
)
from campaigns.pace import Pace, Quiet
from campaigns.services import pump, resume_campaign
from campaigns.services.breaker import watch_run
from campaigns.services.claims import claim_messages
from campaigns.services.limits import SendingLimits, Waiting, draw, give_back, quiet_until, read_limits
from customers.services import merge_customers
from tests.campaigns.factories import running, segment_of, subscriber, subscribers
from tests.factories import UserFactory


def due_again(**fields) -> None:
    """Let what yielded to another campaign ask at once."""
    Message.objects.filter(state="PENDING", **fields).update(not_before=datetime.now(UTC))


def three_campaigns(people, now) -> dict[str, object]:
    """Three at once to the same people, the least important planned first."""
    segment = segment_of(people)
    return {
        name: running(segment, now, code=name, priority=priority)
        for name, priority in [("low", 10), ("middle", 50), ("high", 90)]
    }


def test_the_campaigns_with_the_highest_priorities_use_up_the_cap(db, sink, now):
    FrequencyCap.objects.create(channel="email", messages=2, days=7)
    campaigns = three_campaigns([subscriber("alice@mail.example")], now)

    for _round in range(2):
        pump("BULK")
        due_again()

    told = {name: campaign.messages.get() for name, campaign in campaigns.items()}
    assert {name: one.state for name, one in told.items()} == {
        "low": "SUPPRESSED",
        "middle": "SENT",
        "high": "SENT",
    }
    assert told["low"].reason == "CAPPED"
    assert len(sink.received) == 2


def test_a_message_yields_to_one_that_waits_and_matters_more(db, sink, now, states):
    FrequencyCap.objects.create(messages=1, days=1)
    campaigns = three_campaigns([subscriber("alice@mail.example")], now)
    low = claim_messages(lane="BULK", owner="me", run=campaigns["low"].runs.get())
    Message.objects.filter(pk__in=low.message_ids).update(state="PENDING", owner="", lease_until=None)
    CampaignRun.objects.exclude(campaign=campaigns["low"]).update(status="DONE")
    CampaignRun.objects.filter(campaign=campaigns["high"]).update(status="RUNNING")
    Message.objects.filter(campaign=campaigns["high"]).update(state="CLAIMED", owner="x", lease_until=now)

    pump("BULK", seconds=0.5)

    waits = campaigns["low"].messages.get()
    assert (waits.state, waits.reason, waits.attempts) == ("PENDING", "", 0)
    assert waits.not_before > now + timedelta(seconds=2)
    assert sink.received == []


def test_nothing_yields_to_a_message_whose_channel_is_switched_off(db, sink, now, states):
    FrequencyCap.objects.create(messages=1, days=1)
    alice = subscriber("alice@mail.example")
    high = running(segment_of([alice]), now, code="high", priority=90)
    high.messages.update(channel="sms")
    ChannelSwitch.objects.create(channel="sms", off=True, changed_at=now)
    low = running(segment_of([alice], code="two"), now, code="low", priority=10)

    pump("BULK")

    assert (states(high), states(low)) == ({"PENDING": 1}, {"SENT": 1})


def test_service_messages_are_free_of_caps_and_do_not_count(db, sink, now, states):
    FrequencyCap.objects.create(messages=1, days=1)
    alice = subscriber("alice@mail.example")
    service = running(segment_of([alice]), now, code="service")
    service.messages.update(purpose="SERVICE")
    first = running(segment_of([alice], code="one"), now, code="first")
    second = running(segment_of([alice], code="two"), now, code="second")

    for _round in range(2):
        pump("BULK")
        due_again()

    assert (states(service), states(first), states(second)) == ({"SENT": 1}, {"SENT": 1}, {"SUPPRESSED": 1})


def test_a_cap_ends_with_its_days(db, sink, now, states):
    FrequencyCap.objects.create(messages=1, days=7)
    alice = subscriber("alice@mail.example")
    earlier = running(segment_of([alice]), now, code="earlier")
    earlier.messages.update(state="SENT", sent_at=now, taken_at=now - timedelta(days=7, minutes=1))
    later = running(segment_of([alice], code="two"), now, code="later")

    pump("BULK")

    assert states(later) == {"SENT": 1}


def test_messages_of_who_was_merged_count_together(db, sink, now, states):
    FrequencyCap.objects.create(messages=1, days=7)
    alice, twin = subscriber("alice@mail.example"), subscriber("twin@mail.example")
    earlier = running(segment_of([twin]), now, code="earlier")
    pump("BULK")
    later = running(segment_of([alice], code="two"), now, code="later")
    merge_customers(alice, [twin], reason="same person", at=now)

    pump("BULK")

    assert (states(earlier), states(later)) == ({"SENT": 1}, {"SUPPRESSED": 1})


@pytest.mark.django_db(transaction=True)
def test_three_senders_at_once_never_exceed_a_cap(sink, now):
    FrequencyCap.objects.create(messages=2, days=7)
    campaigns = three_campaigns(subscribers(15), now)

    def work() -> None:
        try:
            for _round in range(4):
                pump("BULK", seconds=10)
                due_again()
        finally:
            connection.close()

    senders = [threading.Thread(target=work) for _ in range(3)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()

    sent = Message.objects.filter(state="SENT")
    assert {name: one.messages.filter(state="SENT").count() for name, one in campaigns.items()} == {
        "low": 0,
        "middle": 15,
        "high": 15,
    }
    assert sent.count() == 30 == len(sink.received)


def test_quiet_hours_hold_a_message_until_they_end(db, sink, now, states):
    person = subscriber("alice@mail.example", time_zone="UTC")
    campaign = running(segment_of([person]), now)
    begin, end = (now - timedelta(hours=1)).time(), (now + timedelta(hours=2)).time().replace(microsecond=0)
    QuietHours.objects.create(channel="email", starts_at=begin, ends_at=end)

    pump("BULK")

    message = campaign.messages.get()
    assert states(campaign) == {"PENDING": 1}
    assert message.not_before.time() == end
    assert timedelta(0) < message.not_before - now < timedelta(hours=2, seconds=1)
    assert sink.received == []


def test_who_is_in_quiet_hours_when_the_audience_is_taken_waits_for_their_own_morning(db, now):
    here = subscriber("here@mail.example", time_zone="UTC")
    far = subscriber("far@mail.example", time_zone="Pacific/Kiritimati")
    begin, end = (now - timedelta(hours=1)).time(), (now + timedelta(hours=2)).time().replace(microsecond=0)
    QuietHours.objects.create(channel="email", starts_at=begin, ends_at=end)

    campaign = running(segment_of([here, far]), now)

    waits = dict(campaign.messages.values_list("customer", "not_before"))
    assert waits[here.pk].time() == end
    assert timedelta(hours=1) < waits[here.pk] - now < timedelta(hours=2, seconds=1)
    assert waits[far.pk] - now < timedelta(minutes=1)


def test_nobody_waits_for_a_confirmation_until_the_morning():
    limits = SendingLimits(quiet={"email": Quiet(time(0), time(23, 59))}, rates={})
    at = datetime(2026, 11, 22, 23, tzinfo=UTC)
    waiting = Waiting(1, "email", "", "SERVICE", "FAST", "Europe/Rome")

    assert quiet_until(waiting, limits, at=at) is None
    assert quiet_until(Waiting(1, "email", "", "SERVICE", "BULK", ""), limits, at=at) is not None
    assert quiet_until(Waiting(1, "email", "", "MARKETING", "FAST", ""), limits, at=at) is not None
    assert quiet_until(Waiting(1, "sms", "", "MARKETING", "FAST", ""), limits, at=at) is None


def test_a_campaigns_own_speed_is_kept(db, sink, now, states):
    campaign = running(segment_of(subscribers(5)), now, messages_per_minute=2)

    pump("BULK", seconds=1.5)

    assert states(campaign) == {"SENT": 1, "PENDING": 4}


def test_a_provider_takes_so_many_a_minute_from_all_runs_together(db, sink, now):
    RateLimit.objects.create(kind="CHANNEL", key="email", per_minute=180)
    people = subscribers(10)
    running(segment_of(people), now)
    running(segment_of(people, code="again"), now, code="again")
    began = monotonic()

    pump("BULK", seconds=1.2)

    assert 3 <= len(sink.received) <= 3 + 3 * (monotonic() - began)
    assert Message.objects.filter(state="CLAIMED").count() == 0


def test_a_slow_domain_does_not_hold_the_others(db, sink, now):
    RateLimit.objects.create(kind="DOMAIN", key="slow.example", per_minute=1)
    slow = [subscriber(f"a{n}@slow.example") for n in range(3)]
    fast = [subscriber(f"b{n}@fast.example") for n in range(3)]
    campaign = running(segment_of([*slow, *fast]), now)

    pump("BULK", seconds=1.5)

    assert campaign.messages.filter(state="SENT", address__endswith="fast.example").count() == 3
    assert campaign.messages.filter(state="SENT", address__endswith="slow.example").count() == 1
    assert campaign.messages.filter(state="PENDING", not_before__gt=now + timedelta(seconds=30)).count() == 2


@pytest.mark.django_db(transaction=True)
def test_many_drawers_share_what_a_limit_gives():
    pace, drawn = Pace(600), []

    def work() -> None:
        try:
            drawn.extend(draw("channel:email", pace, asked=1) for _ in range(10))
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    # Ten at once, and what was filled up meanwhile: ten a second at most.
    assert 10 <= sum(drawn) < 25


def test_what_was_drawn_and_not_used_goes_back(db):
    pace = Pace(600)
    assert draw("channel:email", pace, asked=10) == 10
    Allowance.objects.update(
        counted_at=datetime.now(UTC) + timedelta(minutes=5)
    )  # A clock that was set back.

    give_back("channel:email", pace, count=4)

    assert draw("channel:email", pace, asked=10) == 4


def test_a_run_whose_mails_bounce_pauses_and_its_owner_is_told(db, sink, now, states, settings):
    Breaker.objects.create(minimum_sample=20)
    sink.refuse("person[01]@", "550 5.1.1 No such mailbox")
    owner = UserFactory(email="marta@shop.example")
    campaign = running(segment_of(subscribers(30)), now, owner=owner)

    pump("BULK")

    campaign.refresh_from_db()
    run = CampaignRun.objects.get()
    assert (campaign.status, run.status, run.pause_reason) == ("PAUSED", "PAUSED", "BOUNCES")
    assert [letter.to for letter in mail.outbox] == [["marta@shop.example"]]
    assert "Autumn" in mail.outbox[0].subject
    assert states(campaign) == {"SENT": 28, "FAILED": 2}


def test_below_the_sample_nothing_is_concluded(db, sink, now, states):
    sink.refuse("person0@", "550 5.1.1 No such mailbox")
    campaign = running(segment_of(subscribers(3)), now)

    pump("BULK")

    campaign.refresh_from_db()
    assert campaign.status == "RUNNING"
    assert mail.outbox == []


def test_who_resumes_has_seen_what_bounced_before(db, sink, now):
    Breaker.objects.create(minimum_sample=20)
    sink.refuse("person[01]@", "550 5.1.1 No such mailbox")
    campaign = running(segment_of(subscribers(30)), now)
    pump("BULK")

    resume_campaign(campaign, at=datetime.now(UTC))

    assert watch_run(campaign.runs.get(), at=now) is None


def test_limits_are_read_by_their_keys(db):
    RateLimit.objects.create(kind="DOMAIN", key="slow.example", per_minute=60)
    QuietHours.objects.create(channel="sms", starts_at=time(20), ends_at=time(9))

    limits = read_limits()

    assert limits.rates == {"domain:slow.example": Pace(60)}
    assert list(limits.quiet) == ["sms"]
