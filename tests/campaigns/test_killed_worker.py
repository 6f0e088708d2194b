"""Processes die in mid-send. Nobody gets two mails, nobody is forgotten."""

import random
import signal
import subprocess
import sys
import time
from collections import Counter

import pytest
import redis
from django.utils import timezone

from campaigns.bells import ring
from campaigns.models import OPEN, Campaign, Message
from campaigns.services import pump, reap_leases
from tests.campaigns.factories import offer, running, segment_of, subscribers
from tests.processes import REPOSITORY, SmtpSink, wait_until

PUMP = "import django; django.setup(); from campaigns.services import pump; pump('BULK')"


def received(sink: SmtpSink) -> Counter:
    return Counter(recipient for mail in list(sink.received) for recipient in mail.recipients)


def assert_everyone_is_accounted_for(campaign: Campaign, sink: SmtpSink, audience: int) -> None:
    """Each address got one mail at most, and every one that is SENT got it."""
    states = Counter(campaign.messages.values_list("state", flat=True))
    sent = set(campaign.messages.filter(state="SENT").values_list("address", flat=True))
    unknown = set(campaign.messages.filter(state="UNKNOWN").values_list("address", flat=True))
    mails = received(sink)
    assert states["SENT"] + states["UNKNOWN"] == audience
    assert max(mails.values()) == 1
    assert sent <= set(mails) <= sent | unknown
    codes = campaign.messages.values_list("publication__coupon__code", flat=True)
    assert len(set(codes)) == audience


@pytest.mark.django_db(transaction=True)
def test_a_killed_sender_leaves_nobody_with_two_mails(sink, process_environment):
    now = timezone.now()
    campaign = running(segment_of(subscribers(80)), now, promotion=offer(now))
    environment = process_environment | {"DJANGO_SETTINGS_MODULE": "loyalty_site.settings"}
    sender = subprocess.Popen([sys.executable, "-c", PUMP], cwd=REPOSITORY, env=environment)
    wait_until(lambda: len(sink.received) >= 20, seconds=180, what="the first mails")

    sender.send_signal(signal.SIGKILL)
    sender.wait()
    Message.objects.filter(state__in=["CLAIMED", "SENDING"]).update(lease_until=now)
    reap_leases(at=now)
    pump("BULK")

    assert not campaign.messages.filter(state__in=OPEN).exists()
    assert campaign.messages.filter(state="UNKNOWN").count() <= 1
    assert_everyone_is_accounted_for(campaign, sink, 80)


@pytest.mark.slow
def test_killed_workers_and_a_flushed_broker_leave_nobody_with_two_mails(
    smtp_sink, process_environment, celery_worker_process, settings
):
    process_environment["MESSAGE_LEASE_SECONDS"] = "3"
    now = timezone.now()
    campaign = running(segment_of(subscribers(2000)), now, promotion=offer(now))
    chance = random.Random(6)
    kills = 0
    # Slow until the last kill: a busy machine takes longer to start a worker than two take for 2,000 mails.
    smtp_sink.delay(0.5)
    workers = [celery_worker_process(), celery_worker_process()]
    deadline = time.monotonic() + 600

    while campaign.messages.filter(state__in=OPEN).exists():
        assert time.monotonic() < deadline, Counter(campaign.messages.values_list("state", flat=True))
        # The beat.
        ring("plan_runs", "pump_bulk")
        time.sleep(chance.uniform(0.3, 1.0))
        if kills < 8 and len(smtp_sink.received) > 20 * kills:
            workers.pop(chance.randrange(2)).kill()
            kills += 1
            if kills == 4:
                _flush(process_environment["CELERY_BROKER_URL"])
            workers.append(celery_worker_process())
            smtp_sink.delay(0.5 if kills < 8 else 0)

    assert kills == 8
    assert campaign.messages.filter(state="UNKNOWN").count() <= kills * 2
    assert_everyone_is_accounted_for(campaign, smtp_sink, 2000)


def _flush(url: str) -> None:
    path, _, database = url.removeprefix("redis+socket://").partition("?virtual_host=")
    with redis.Redis(unix_socket_path=path, db=int(database)) as broker:
        broker.flushdb()
