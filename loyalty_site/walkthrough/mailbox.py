"""A real SMTP server that keeps what the site sends, and can be told to make a sender wait."""

import asyncio
import email
import email.policy
import re
import threading
import time
from dataclasses import dataclass, field
from email.message import EmailMessage

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from loyalty_site.walkthrough.client import Mismatch

SECONDS = 120
CODE = re.compile(r"\b[A-Z]+-[2-9A-Z]{10}\b|\b[2-9A-HJ-NP-Z]{10}\b")
LINK = re.compile(r"<(https?://[^>]+)>")


@dataclass(frozen=True)
class Mail:
    """One mail as it arrived."""

    recipient: str
    message: EmailMessage

    @property
    def code(self) -> str:
        """Return the coupon code in the plain text. Raises Mismatch when there is none."""
        text = self.message.get_body(("plain",)).get_content()
        found = CODE.search(text)
        if not found:
            raise Mismatch(f"The mail to {self.recipient} holds no code:\n{text}")
        return found[0]

    @property
    def unsubscribe_url(self) -> str:
        """Return the address that one click posts to (RFC 8058). Raises Mismatch when there is none."""
        link = LINK.search(self.message["List-Unsubscribe"] or "")
        if not link or self.message["List-Unsubscribe-Post"] != "List-Unsubscribe=One-Click":
            raise Mismatch(f"The mail to {self.recipient} has no one-click unsubscribe.")
        return link[1]


@dataclass
class Mailbox:
    """Listens on `port` from `open` to `close`."""

    port: int
    mails: list[Mail] = field(default_factory=list)
    waiting: int = 0
    _open: threading.Event = field(default_factory=threading.Event)
    _controller: Controller | None = None

    def open(self) -> None:
        self.release()
        self._controller = Controller(self, hostname="127.0.0.1", port=self.port)
        self._controller.start()

    def close(self) -> None:
        self.release()
        if self._controller:
            self._controller.stop()

    def hold(self) -> None:
        """Let senders wait with the mail they are handing over."""
        self._open.clear()

    def release(self) -> None:
        self._open.set()

    def expect(self, count: int) -> list[Mail]:
        """Return all mails once there are `count`. Raises Mismatch when they do not come."""
        wait_until(lambda: len(self.mails) >= count, f"{count} mails in all (there are {len(self.mails)})")
        return self.mails

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        self.waiting += 1
        while not self._open.is_set():
            await asyncio.sleep(0.02)
        self.waiting -= 1
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        self.mails += [Mail(recipient, message) for recipient in envelope.rcpt_tos]
        return "250 Kept"


def wait_until(condition, what: str, *, seconds: float = SECONDS):
    """Return the first true answer of `condition`. Raises Mismatch when there is none in time."""
    deadline = time.monotonic() + seconds
    while not (answer := condition()):
        if time.monotonic() > deadline:
            raise Mismatch(f"Waited {seconds:g} s in vain for {what}.")
        time.sleep(0.1)
    return answer
