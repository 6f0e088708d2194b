"""The scenarios of campaigns.md, section 9, that are about sending: real workers, broker and SMTP server."""

import random
import time
from collections import Counter
from datetime import timedelta

import pytest
from django.utils import timezone

from campaigns.models import CampaignRun, Message
from campaigns.services import pump, reap_leases, resume_campaign, stop_campaign, tend_runs, unsubscribe
from coupons.services import issue_coupons
from customers.models import Event
from tests.campaigns.factories import draft, offer, running, segment_of, subscriber, subscribers
from tests.campaigns.reliability.conftest import (
    assert_accounted_for,
    crash,
    end_connections,
    finish,
    flush_broker,
    kill_one_of,
    stopped,
    waiting,
)
from tests.processes import wait_until

KILLS = 25
SCENARIO_1 = 4_000
# A worker that starts on a busy machine may take minutes until it sends.
READY_SECONDS = 300


@pytest.mark.slow
def test_25_kills_in_4000_mails_leave_nobody_with_two(
    smtp_sink, process_environment, celery_worker_process, beat
):
    process_environment["MESSAGE_LEASE_SECONDS"] = "3"
    now = timezone.now()
    campaign = running(segment_of(subscribers(SCENARIO_1)), now)
    chance, kills = random.Random(25), 0
    workers = [celery_worker_process(), celery_worker_process()]
    beat()
    deadline = time.monotonic() + 1_800

    while kills < KILLS or waiting(campaign):
        assert time.monotonic() < deadline, Counter(campaign.messages.values_list("state", flat=True))
        time.sleep(chance.uniform(0.1, 0.5))
        if kills < KILLS and len(smtp_sink.received) > 140 * kills:
            kills += kill_one_of(workers[kills % 2], chance)
    finish(campaign, seconds=READY_SECONDS)
    wait_until(
        lambda: CampaignRun.objects.get().status == "DONE", seconds=READY_SECONDS, what="the run's end"
    )

    # Each process has two connections, each with one message in the air at most.
    assert_accounted_for(campaign, smtp_sink, SCENARIO_1, unknown_at_most=2 * KILLS)
    sent = campaign.messages.filter(state="SENT").count()
    assert Event.objects.filter(type="message.sent").count() == sent


@pytest.mark.slow
def test_a_broker_flushed_and_a_database_cut_off_mid_run_lose_nobody(
    smtp_sink, process_environment, celery_worker_process, beat
):
    process_environment["MESSAGE_LEASE_SECONDS"] = "3"
    now = timezone.now()
    campaign = running(segment_of(subscribers(1_500)), now)
    celery_worker_process()
    beat()
    beat()  # Two beats.
    wait_until(lambda: len(smtp_sink.received) > 200, seconds=READY_SECONDS, what="the first mails")

    flush_broker(process_environment["CELERY_BROKER_URL"])
    wait_until(lambda: len(smtp_sink.received) > 500, seconds=READY_SECONDS, what="mails after the flush")
    end_connections()
    finish(campaign, seconds=READY_SECONDS)

    assert_accounted_for(campaign, smtp_sink, 1_500, unknown_at_most=4)


@pytest.mark.slow
def test_a_database_server_that_crashes_mid_run_and_comes_back_loses_nobody(
    smtp_sink, process_environment, own_server, celery_worker_process, beat
):
    process_environment["MESSAGE_LEASE_SECONDS"] = "3"
    celery_worker_process()
    campaign = running(segment_of(subscribers(1_500)), timezone.now())
    beat()
    wait_until(lambda: len(smtp_sink.received) > 200, seconds=READY_SECONDS, what="the first mails")

    crash(own_server)
    left = waiting(campaign)
    finish(campaign, seconds=READY_SECONDS)

    assert left > 0
    assert_accounted_for(campaign, smtp_sink, 1_500, unknown_at_most=4)


@pytest.mark.slow
def test_a_worker_that_stood_still_beyond_its_lease_repeats_nobody(
    smtp_sink, process_environment, celery_worker_process, beat
):
    process_environment["MESSAGE_LEASE_SECONDS"] = "30"
    now = timezone.now()
    campaign = running(segment_of(subscribers(1_200)), now)
    frozen = celery_worker_process()
    beat()
    wait_until(lambda: len(smtp_sink.received) > 100, seconds=READY_SECONDS, what="the first mails")

    with stopped(frozen):
        celery_worker_process()
        time.sleep(130)
    finish(campaign, seconds=READY_SECONDS)

    assert_accounted_for(campaign, smtp_sink, 1_200, unknown_at_most=4)


@pytest.mark.slow
def test_a_stop_takes_effect_within_two_seconds_with_three_workers(
    smtp_sink, process_environment, celery_worker_process, beat
):
    process_environment["MESSAGE_PUMPS_PER_LANE"] = "3"
    for _number in range(3):
        celery_worker_process(queues="bulk,celery", concurrency=1)
    now = timezone.now()
    campaign = running(segment_of(subscribers(3_000)), now)
    beat()
    wait_until(lambda: len(smtp_sink.received) > 150, seconds=READY_SECONDS, what="the first mails")

    stop_campaign(campaign, at=timezone.now())
    in_the_air = campaign.messages.filter(state="SENDING").count()
    time.sleep(2)
    after_two_seconds = len(smtp_sink.received)
    time.sleep(1)

    assert in_the_air <= 6
    assert len(smtp_sink.received) == after_two_seconds < 3_000
    finish(campaign, seconds=READY_SECONDS)
    left = Counter(campaign.messages.values_list("state", flat=True))
    assert left["SENT"] == after_two_seconds
    assert left["SENT"] + left["CANCELLED"] == 3_000


@pytest.mark.parametrize("fault", ["421 4.3.2 Going down", "450 4.2.1 Try again later"])
def test_what_was_refused_for_now_goes_out_later_and_once(db, sink, now, states, fault):
    sink.refuse("person[0-4]@", fault)
    campaign = running(segment_of(subscribers(10)), now)

    pump("BULK", seconds=5)
    sink.accept_all()
    campaign.messages.filter(state="PENDING").update(not_before=now)
    pump("BULK", seconds=5)

    assert states(campaign) == {"SENT": 10}
    assert max(Counter(r for mail in sink.received for r in mail.recipients).values()) == 1


def test_a_connection_dropped_after_the_mail_leaves_it_unknown_and_is_never_sent_again(db, sink, now, states):
    sink.hang_up("person[0-2]@")
    campaign = running(segment_of(subscribers(10)), now, promotion=offer(now))

    for later in (timedelta(), timedelta(hours=1), timedelta(days=1)):
        pump("BULK", seconds=5)
        reap_leases(at=now + later)
        tend_runs(at=now + later)
    pump("BULK", seconds=5)

    assert states(campaign) == {"SENT": 7, "UNKNOWN": 3}
    unknown = campaign.messages.filter(state="UNKNOWN")
    assert set(unknown.values_list("reason", "publication__status")) == {("NO_ANSWER", "PUBLISHED")}
    mails = Counter(recipient for mail in sink.received for recipient in mail.recipients)
    assert (len(mails), max(mails.values())) == (10, 1)


def test_a_pool_that_runs_dry_pauses_the_run_and_more_codes_finish_it(db, sink, now, states):
    promotion = offer(now, coupon={"pattern": ""})
    issue_coupons(promotion, codes=[f"POOL-{n:04}" for n in range(96)], at=now)
    campaign = running(segment_of(subscribers(120)), now, promotion=promotion)

    pump("BULK", seconds=120)
    run = CampaignRun.objects.get()
    dry = (states(campaign), run.status, run.pause_reason, len(sink.received))
    issue_coupons(promotion, codes=[f"MORE-{n:04}" for n in range(24)], at=now)
    campaign.refresh_from_db()
    resume_campaign(campaign, at=now)
    pump("BULK", seconds=120)

    assert dry == ({"SENT": 96, "PENDING": 24}, "PAUSED", "NO_COUPON", 96)
    assert states(campaign) == {"SENT": 120}
    assert len(set(campaign.messages.values_list("publication__coupon__code", flat=True))) == 120


def test_who_leaves_between_the_claim_and_the_send_gets_nothing(db, sink, now, states):
    people = [subscriber(f"{name}@mail.example") for name in ("anna", "bea")]
    campaign = running(segment_of(people), now)
    leaver = campaign.messages.get(address="bea@mail.example")
    unsubscribe(leaver.token, at=now)

    pump("BULK")

    leaver.refresh_from_db()
    assert states(campaign) == {"SENT": 1, "SUPPRESSED": 1}
    assert leaver.reason == "NO_CONSENT"


def test_a_clock_set_back_and_forth_neither_forgets_nor_repeats(db, sink, now, states):
    campaign = running(segment_of(subscribers(6)), now)

    for moved in (timedelta(minutes=-10), timedelta(minutes=10), timedelta()):
        reap_leases(at=now + moved)
        tend_runs(at=now + moved)
        pump("BULK", seconds=5)

    assert states(campaign) == {"SENT": 6}
    assert len(sink.received) == 6


def test_what_a_killed_process_had_not_told_is_told_when_the_run_ends(db, sink, now):
    campaign = running(segment_of(subscribers(3)), now)
    campaign.messages.update(state="SENT", sent_at=now, taken_at=now, owner="killed")

    tend_runs(at=now)
    tend_runs(at=now)

    told = Event.objects.filter(type="message.sent").values_list("payload__message", flat=True)
    assert sorted(told) == sorted(Message.objects.values_list("pk", flat=True))


def test_a_draft_sends_nothing_whatever_rings(db, sink, now):
    draft(segment_of(subscribers(2)), now)

    tend_runs(at=now)
    pump("BULK", seconds=1)

    assert sink.received == []
