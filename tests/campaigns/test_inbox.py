"""The local listener, and the whole way of a mail through real processes."""

import smtplib
import socket
import sys
import time
from pathlib import Path

import pytest
from django.utils import timezone

from campaigns.models import InboxMail, Message
from campaigns.services import clear_inbox, store_mail
from coupons.services import publish_coupon
from customers.models import Purpose
from loyalty_site.devserver.processes import Program
from tests.campaigns.factories import offer, running, segment_of, subscribers
from tests.embedded import FOLDER
from tests.factories import CustomerFactory
from tests.processes import REPOSITORY, free_port, wait_until


@pytest.fixture
def inbox(transactional_db, process_environment):
    """`manage.py run_inbox` on a port of its own, to which the processes of this test send."""
    port = free_port()
    log = Path(process_environment[FOLDER], f"inbox-{port}.log")
    command = [sys.executable, "manage.py", "run_inbox", "--port", str(port)]
    program = Program("inbox", command, log=log, env=process_environment, cwd=REPOSITORY)
    program.start()
    wait_until(lambda: "Inbox at" in log.read_text(), seconds=60, what="the inbox")
    process_environment["EMAIL_URL"] = f"smtp://127.0.0.1:{port}"
    yield port
    program.stop()


def test_the_listener_keeps_what_it_is_sent(inbox):
    with smtplib.SMTP("127.0.0.1", inbox) as smtp:
        smtp.sendmail(
            "shop@fidelio.example", ["a@mail.example", "b@mail.example"], "Subject: Ciao\r\n\r\n.Un punto\r\n"
        )

    mail = InboxMail.objects.get()
    assert (mail.sender, mail.recipients) == ("shop@fidelio.example", ["a@mail.example", "b@mail.example"])
    assert mail.subject == "Ciao"
    assert bytes(mail.raw) == b"Subject: Ciao\r\n\r\n.Un punto\r\n"


def test_the_listener_takes_over_a_port_that_is_held_for_it(transactional_db, process_environment):
    with socket.create_server(("127.0.0.1", 0)) as held:
        port, handed = held.getsockname()[1], held.fileno()
        log = Path(process_environment[FOLDER], f"inbox-{port}.log")
        command = [sys.executable, "manage.py", "run_inbox", "--socket", str(handed)]
        program = Program("inbox", command, log=log, env=process_environment, cwd=REPOSITORY, hands=[handed])
        program.start()
        wait_until(lambda: f"Inbox at smtp://127.0.0.1:{port}" in log.read_text(), seconds=60, what="it")

        with smtplib.SMTP("127.0.0.1", port) as smtp:
            smtp.sendmail("shop@fidelio.example", ["a@mail.example"], "Subject: Ciao\r\n\r\nCiao\r\n")
        program.stop()

    assert InboxMail.objects.get().recipients == ["a@mail.example"]


def test_the_inbox_can_be_emptied(db):
    store_mail(sender="", recipients=["a@mail.example"], raw=b"Subject: Ciao\r\n\r\nCiao")

    assert clear_inbox(before=timezone.now()) == 1
    assert InboxMail.objects.count() == 0


@pytest.mark.slow
def test_an_apology_overtakes_a_campaign_on_its_way_to_the_inbox(inbox, celery_worker_process):
    now = timezone.now()
    promotion = offer(now)
    celery_worker_process(queues="fast,celery")
    celery_worker_process(queues="bulk")
    campaign = running(segment_of(subscribers(400)), now, promotion=promotion)
    wait_until(lambda: campaign.messages.filter(state="SENT").count() > 20, seconds=60, what="the bulk run")
    asked = time.monotonic()

    alice = CustomerFactory(email="alice@mail.example", first_name="Alice", language="en")
    publish_coupon(
        promotion,
        customer=alice,
        source_id="apology-1",
        channel="email",
        reason="APOLOGY",
        purpose=Purpose.SERVICE,
        at=timezone.now(),
    )
    wait_until(
        lambda: InboxMail.objects.filter(subject="Our apologies, Alice").exists(),
        seconds=30,
        what="the apology",
    )
    took = time.monotonic() - asked

    assert campaign.messages.filter(state="PENDING").exists()
    wait_until(lambda: Message.objects.get(lane="FAST").state == "SENT", seconds=10, what="the record of it")
    assert took < 15
    wait_until(
        lambda: campaign.messages.filter(state="SENT").count() == 400, seconds=120, what="the bulk run"
    )
    wait_until(lambda: InboxMail.objects.count() == 401, seconds=10, what="every mail")
    print(f"the apology took {took:.2f} s")
