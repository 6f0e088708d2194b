import signal
import threading
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from asgiref.sync import sync_to_async
from django.core.management.base import BaseCommand, CommandParser
from django.db import Error, close_old_connections

from campaigns.services import store_mail

LARGEST_MAIL = 10 * 1024 * 1024


class Inbox:
    """Answers SMTP; a mail is accepted once it is in the database."""

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        try:
            await sync_to_async(_keep)(envelope)
        except Error:
            return "451 4.3.0 The inbox cannot be reached right now"
        return "250 2.0.0 Kept"


def _keep(envelope: Envelope) -> None:
    close_old_connections()
    store_mail(sender=envelope.mail_from or "", recipients=envelope.rcpt_tos, raw=envelope.content)


class Command(BaseCommand):
    help = "Receive mail on this machine and show it in the console: for demos, never for production."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=2525)

    def handle(self, *args: Any, **options: Any) -> None:
        stopping = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stopping.set())
        controller = Controller(
            Inbox(), hostname=options["host"], port=options["port"], data_size_limit=LARGEST_MAIL
        )
        controller.start()
        self.stdout.write(f"Inbox at smtp://{options['host']}:{options['port']}")
        self.stdout.flush()
        try:
            stopping.wait()
        finally:
            controller.stop()
