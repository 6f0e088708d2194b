"""Campaigns through the outbox, against bare smtplib handing the same ready bytes to the same local sink.

Everything a message needs is within: claim, coupon-less content rendered per person, MIME, the committed
statement before each send, what the sink said, events. The sink is a process of its own. `--customers 20000`
(at least 10,000) sends to fewer, in a minute or two.
"""

import os
import smtplib
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from benchmarks.measurement import Measurement, Size, seconds_of
from benchmarks.smtp_sink import smtp_sink, taken_by
from benchmarks.subscribers import fill

ROUNDS = 5
PER_ROUND = 1_000
SIZE = Size(customers=200_000, orders=0)
CLAIMED = 500
SIGNUPS = 60
BODY = """
<mjml><mj-body>
  <mj-section><mj-column>
    <mj-text>Ciao {{{{ customer.first_name }}}}, ti scriviamo da {{{{ programme.name }}}}.</mj-text>
    {rows}
    <mj-button href="https://shop.example/novita">Scopri</mj-button>
    <mj-text>Ti aspettiamo a {{{{ customer.city }}}}.</mj-text>
  </mj-column></mj-section>
</mj-body></mjml>
"""
ROW = "<mj-text>Il meglio della stagione numero {n}, scelto per chi ama la buona cucina di casa.</mj-text>"
MAIL_BYTES = 20_000


def measure(size: Size = SIZE) -> list[Measurement]:
    """Return the rates, the CPU per message, and how long planning, claiming, welcoming and stopping take."""
    from django.conf import settings

    per_round, signups = min(PER_ROUND, size.customers // 20), min(SIGNUPS, size.customers // 1_000)
    with smtp_sink() as port:
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", port
        settings.CAMPAIGN_APPROVAL_RECIPIENTS = 0
        audience = fill(size.customers)
        planned, campaign = plan_all(audience)
        claimed = claim_some(campaign)
        rates = send_rounds(campaign, port, per_round)
        with workers(port):
            welcome = welcome_during(campaign, signups)
            stopped, after = stop_while_sending(campaign, port)
    raw, outbox, cpu, weight = rates
    return [
        Measurement(f"smtplib with ready mails of {weight / 1000:.0f} kB", raw, 1.0),
        Measurement("outbox, one worker", outbox, outbox / raw, target=2.0, note="half the rate: 2.0"),
        Measurement("outbox, CPU of the worker", cpu, cpu / raw, limit=0.0012),
        Measurement(f"planning {size.customers:,} recipients", planned, planned / raw, limit=10.0),
        Measurement(f"claim of {CLAIMED} of {size.customers:,}", claimed, claimed / raw, limit=0.020),
        Measurement("welcome during a bulk run, p95", welcome, welcome / raw, limit=5.0),
        Measurement("stop with 3 workers sending", stopped, stopped / raw, limit=2.0, note=after),
    ]


def plan_all(segment: Any) -> tuple[float, Any]:
    """Start a campaign for everybody; return the seconds it took to plan it."""
    from django.utils import timezone

    from campaigns.services import create_campaign, plan_run, start_campaign

    body = BODY.format(rows="\n".join(ROW.format(n=n) for n in range(26)))
    at = timezone.now()
    campaign = create_campaign(
        "bulk", name="Bulk", segment=segment, subject="Ciao {{ customer.first_name }}", body=body, at=at
    )
    start_campaign(campaign, at=at)
    return seconds_of(lambda: plan_run(campaign.runs.get(), at=timezone.now())), campaign


def claim_some(campaign: Any) -> float:
    """Return the median of claims of the whole queue's first messages, put back each time."""
    from campaigns.services.claims import claim_messages, release_claims

    def claim() -> None:
        held = claim_messages(lane="BULK", owner="bench", run=run, limit=CLAIMED)
        assert len(held.message_ids) == CLAIMED

    run, taken = campaign.runs.get(), []
    for _round in range(ROUNDS * 3):
        taken.append(seconds_of(claim))
        release_claims(owner="bench")
    return statistics.median(taken)


def send_rounds(campaign: Any, port: int, per_round: int) -> tuple[float, float, float, int]:
    """Let both send as many in turn; return seconds per message of each, our CPU, and the bytes of a mail."""
    ready = _ready_mails(campaign, per_round)
    raw, outbox, cpu = [], [], []
    for _round in range(ROUNDS):
        raw.append(seconds_of(lambda: _send_raw(ready, port)) / len(ready))
        began, used = time.perf_counter(), time.process_time()
        sent = _send_some(per_round)
        outbox.append((time.perf_counter() - began) / sent)
        cpu.append((time.process_time() - used) / sent)
    weight = sum(len(body) for _address, body in ready) // len(ready)
    return statistics.median(raw), statistics.median(outbox), statistics.median(cpu), weight


def _ready_mails(campaign: Any, count: int) -> list[tuple[str, bytes]]:
    from django.utils import timezone

    from campaigns.channels import open_sender
    from campaigns.models import Message
    from campaigns.services.outgoing import outgoing_of
    from campaigns.services.pump import Pump

    version, sender = Pump("BULK")._version(campaign.runs.get()), open_sender("email")
    messages = Message.objects.with_recipient().filter(campaign=campaign).order_by("pk")[:count]
    envelopes = [sender.prepare(outgoing_of(one, version, at=timezone.now())) for one in messages]
    return [(one.recipient, one.body) for one in envelopes]


def _send_raw(mails: list[tuple[str, bytes]], port: int) -> None:
    with smtplib.SMTP("127.0.0.1", port) as server:
        for recipient, body in mails:
            server.sendmail("no-reply@fidelio.example", [recipient], body)


def _send_some(count: int) -> int:
    """Send one round's worth as a worker does, with as many connections as it has; return how many."""
    from django.conf import settings

    pumps = [
        Bounded("BULK", count // settings.MESSAGE_CONNECTIONS) for _ in range(settings.MESSAGE_CONNECTIONS)
    ]
    threads = [threading.Thread(target=one.work) for one in pumps]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(one.pump.sent for one in pumps)


class Bounded:
    """A pump that ends after so many messages."""

    def __init__(self, lane: str, most: int) -> None:
        from campaigns.services.pump import Pump

        class Ends(Pump):
            def _has_time(self) -> bool:
                return self.sent < most and super()._has_time()

        self.pump = Ends(lane, seconds=120)

    def work(self) -> None:
        from django.db import connection

        try:
            self.pump.run()
        finally:
            connection.close()


@contextmanager
def workers(port: int) -> Iterator[None]:
    """Run real workers as `make run` does, three processes for bulk, and ring their bells as beat does."""
    from campaigns.bells import ring
    from customers.services.events import ring as ring_events

    environment = os.environ | {
        "EMAIL_URL": f"smtp://127.0.0.1:{port}",
        "MESSAGE_PUMPS_PER_LANE": "3",
        "CAMPAIGN_APPROVAL_RECIPIENTS": "0",
    }
    processes = [
        subprocess.Popen(
            [
                sys.executable,
                "-m",
                "celery",
                "-A",
                "loyalty_site",
                "worker",
                "--loglevel",
                "ERROR",
                "-Q",
                queues,
                "-c",
                str(count),
                "-n",
                f"bench-{count}@%h",
            ],
            env=environment,
        )
        for queues, count in (("fast,celery", 2), ("bulk", 3))
    ]
    over = threading.Event()

    def beat() -> None:
        while not over.wait(5):
            ring("plan_runs", "pump_bulk", "pump_fast")
            ring_events()

    clock = threading.Thread(target=beat, daemon=True)
    clock.start()
    ring("pump_bulk", "pump_bulk", "pump_bulk")
    try:
        yield
    finally:
        over.set()
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait()


def welcome_during(campaign: Any, signups: int) -> float:
    """Let people sign up while the bulk run is being sent; return the 95th percentile of their waiting."""
    from django.utils import timezone

    from campaigns.models import Message
    from campaigns.services import create_from_recipe, start_campaign
    from coupons.services import activate_promotion
    from customers.models import Customer, Identity
    from customers.services import record_consent

    at = timezone.now()
    welcome = create_from_recipe("welcome", language="it", owner=None, at=at, holdout_percent=0)
    activate_promotion(welcome.version.promotion, at=at)
    start_campaign(welcome, at=at)
    received = Message.objects.filter(campaign=campaign, state="SENT")
    before = received.count()
    _until(lambda: received.count() > before + 100)
    signed_up: dict[int, Any] = {}
    for number in range(signups):
        person = Customer.objects.create(first_name="Nuova", last_name="Persona", language="it")
        address = f"new{number}@mail.example"
        Identity.objects.create(customer=person, namespace="email", value=address)
        signed_up[person.pk] = timezone.now()
        record_consent(
            person, channel="email", purpose="MARKETING", address=address, state="GRANTED",
            text_version="1", proof={"form": "bench"}, at=timezone.now(),
        )  # fmt: skip
        time.sleep(0.25)
    greeted = Message.objects.filter(campaign=welcome, state="SENT")
    _until(lambda: greeted.count() == signups)
    assert Message.objects.filter(campaign=campaign, state="PENDING").exists(), (
        "The bulk run was over: ask for more customers."
    )
    waited = [
        (sent - signed_up[pk]).total_seconds() for pk, sent in greeted.values_list("customer", "sent_at")
    ]
    return statistics.quantiles(waited, n=20)[-1]


def stop_while_sending(campaign: Any, port: int) -> tuple[float, str]:
    """Stop the bulk run; return the seconds until its last mail, and how many were taken after the commit."""
    from django.db import connection
    from django.utils import timezone

    from campaigns.models import Message
    from campaigns.services import stop_campaign

    stop_campaign(campaign, at=timezone.now())
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        committed_at = cursor.fetchone()[0]
    stopped, last, count = time.perf_counter(), 0.0, taken_by(port)
    while time.perf_counter() - stopped < 5:
        now = taken_by(port)
        if now != count:
            count, last = now, time.perf_counter() - stopped
        time.sleep(0.02)
    after = Message.objects.filter(campaign=campaign, taken_at__gt=committed_at).count()
    return last, f"{after} taken after the commit"


def _until(condition: Any, *, seconds: float = 240) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("The benchmark waited in vain.")
        time.sleep(0.1)
