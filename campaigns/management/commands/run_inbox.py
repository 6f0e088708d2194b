import signal
import socket
import threading
from asyncio import AbstractServer
from collections.abc import Awaitable
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


class HandedController(Controller):
    """Listens on a socket that somebody else holds open, so that its port is nobody else's meanwhile."""

    def __init__(self, handler: Inbox, handed: socket.socket, **kwargs: Any) -> None:
        host, port = handed.getsockname()
        super().__init__(handler, hostname=host, port=port, **kwargs)
        self.handed = handed

    def _create_server(self) -> Awaitable[AbstractServer]:
        return self.loop.create_server(self._factory_invoker, sock=self.handed)


def _controller(*, host: str, port: int, handed: int | None, **options: Any) -> Controller:
    if handed is None:
        return Controller(Inbox(), hostname=host, port=port, data_size_limit=LARGEST_MAIL)
    return HandedController(Inbox(), socket.socket(fileno=handed), data_size_limit=LARGEST_MAIL)


class Command(BaseCommand):
    help = "Receive mail on this machine and show it in the console: for demos, never for production."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=2525)
        parser.add_argument(
            "--socket", type=int, dest="handed", help="an open socket's number, in place of host and port"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        stopping = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stopping.set())
        controller = _controller(**options)
        controller.start()
        self.stdout.write(f"Inbox at smtp://{controller.hostname}:{controller.port}")
        self.stdout.flush()
        try:
            stopping.wait()
        finally:
            controller.stop()
