"""E-mail over SMTP, one persistent connection per sender."""

import contextlib
import smtplib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from email.utils import parseaddr

from django.conf import settings
from django.http import HttpRequest

from campaigns.channels.base import (
    Capabilities,
    Envelope,
    Health,
    HookRefused,
    Outcome,
    Outgoing,
    Report,
    Result,
    reference_of,
    short_detail,
)
from campaigns.mime import Mail, build_mime, checked_address
from campaigns.rules import is_hard_bounce

PROVIDER = "SMTP"
# The answer of a server that closes the connection.
HANGS_UP = 421
# What lets the next command, and at last the body, follow each.
EXPECTED = (("mail", {250}), ("rcpt", {250, 251}), ("data", {354}))


@dataclass
class SmtpSender:
    """Hands mails to the server of settings.EMAIL_URL.

    Up to the reply to DATA every failure is proof that nothing was accepted; from the first byte of the body
    until the final reply, silence means UNKNOWN.
    """

    capabilities = Capabilities()
    sender: str = field(default_factory=lambda: parseaddr(settings.DEFAULT_FROM_EMAIL)[1])
    _connection: smtplib.SMTP | None = field(default=None, init=False)

    def prepare(self, outgoing: Outgoing) -> Envelope:
        message, rendered = outgoing.message, outgoing.rendered
        mail = Mail(
            sender=settings.DEFAULT_FROM_EMAIL,
            recipient=message.address,
            subject=rendered.subject,
            text=rendered.text,
            html=rendered.html,
            token=message.token,
            sent_at=outgoing.at,
            unsubscribe_url=outgoing.unsubscribe_url,
        )
        return Envelope(checked_address(message.address), build_mime(mail), reference_of(message))

    def send(self, envelopes: Sequence[Envelope]) -> list[Result]:
        return [self._send_one(envelope) for envelope in envelopes]

    def verify(self) -> Health:
        try:
            code, reply = self._connect().noop()
        except (OSError, smtplib.SMTPException) as error:
            self._drop()
            return Health(PROVIDER, problem=short_detail(repr(error)))
        problem = "" if code == 250 else short_detail(f"{code} {reply.decode(errors='replace')}")
        return Health(PROVIDER, problem=problem)

    def parse_webhook(self, request: HttpRequest) -> list[Report]:
        raise HookRefused("A mail server tells by mail, not by a call.")

    def close(self) -> None:
        if self._connection is not None:
            with contextlib.suppress(OSError, smtplib.SMTPException):
                self._connection.quit()
        self._drop()

    def _send_one(self, envelope: Envelope) -> Result:
        was_connected = self._connection is not None
        try:
            return self._send(envelope)
        except _NothingSent as silence:
            self._drop()
            if not was_connected:
                return _away(silence.__cause__)
        # An idle connection may be closed by the server at any time; that says nothing about this message.
        try:
            return self._send(envelope)
        except _NothingSent as silence:
            self._drop()
            return _away(silence.__cause__)

    def _send(self, envelope: Envelope) -> Result:
        try:
            connection = self._connect()
            refusal = self._offer(connection, envelope)
        except UnicodeError as error:  # An address that cannot be written to the wire: nothing has left.
            self._drop()
            return Result(Outcome.REJECTED, short_detail(repr(error)))
        except (OSError, smtplib.SMTPException) as error:
            raise _NothingSent from error
        if refusal is not None:
            return refusal
        try:
            # Dot-stuffed here, because smtplib.data() does not tell whether the body had begun.
            connection.send(_dot_stuffed(envelope.body))
            code, reply = connection.getreply()
        except (OSError, smtplib.SMTPException) as error:
            self._drop()
            return Result(Outcome.UNKNOWN, short_detail(repr(error)))
        return self._judge(code, reply, recipient=False)

    def _connect(self) -> smtplib.SMTP:
        if self._connection is None:
            kind = smtplib.SMTP_SSL if settings.EMAIL_USE_SSL else smtplib.SMTP
            connection = kind(settings.EMAIL_HOST, settings.EMAIL_PORT, timeout=settings.EMAIL_TIMEOUT)
            self._connection = connection
            if settings.EMAIL_USE_TLS:
                connection.starttls()
            if settings.EMAIL_HOST_USER:
                connection.login(settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD)
            connection.ehlo_or_helo_if_needed()
        return self._connection

    def _offer(self, connection: smtplib.SMTP, envelope: Envelope) -> Result | None:
        """Return why the server does not want the message, or None when it waits for the body."""
        # `prepare` has checked the recipient: smtplib.quoteaddr would parse both addresses for every mail.
        commands = [f"mail FROM:<{self.sender}>", f"rcpt TO:<{envelope.recipient}>", "data"]
        answers = _ask_at_once if connection.has_extn("pipelining") else _ask_in_turn
        answered = list(answers(connection, commands))
        for (code, reply), (command, expected) in zip(answered, EXPECTED, strict=False):
            if code not in expected:
                if len(answered) == len(commands) and answered[-1][0] in EXPECTED[-1][1]:
                    self._drop()  # It waits for a body although it refused the envelope: it gets none.
                return self._judge(code, reply, recipient=command == "rcpt")
        return None

    def _judge(self, code: int, reply: bytes, *, recipient: bool) -> Result:
        text = reply.decode(errors="replace")
        detail = short_detail(f"{code} {text}")
        if 200 <= code < 300:
            return Result(Outcome.ACCEPTED, detail)
        self._start_over(code)
        if 500 <= code < 600:
            return Result(Outcome.REJECTED, detail, hard_bounce=recipient and is_hard_bounce(code, text))
        return Result(Outcome.TRANSIENT, detail, unreachable=code == HANGS_UP)

    def _start_over(self, code: int) -> None:
        if code == HANGS_UP:
            self._drop()
            return
        if self._connection is None:
            return
        try:
            if self._connection.rset()[0] != 250:
                self._drop()
        except (OSError, smtplib.SMTPException):
            self._drop()

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _ask_in_turn(connection: smtplib.SMTP, commands: Sequence[str]) -> Iterator[tuple[int, bytes]]:
    """Give each command's answer; after a refusal nothing more is asked."""
    for command, (_name, expected) in zip(commands, EXPECTED, strict=True):
        connection.putcmd(command)
        answer = connection.getreply()
        yield answer
        if answer[0] not in expected:
            return


def _ask_at_once(connection: smtplib.SMTP, commands: Sequence[str]) -> Iterator[tuple[int, bytes]]:
    """Give all answers to commands that leave in one piece (RFC 2920); a server that hangs up gives fewer."""
    connection.send("".join(f"{command}\r\n" for command in commands))
    for _command in commands:
        answer = connection.getreply()
        yield answer
        if answer[0] == HANGS_UP:
            return


class _NothingSent(Exception):
    """The connection failed before the first byte of the body."""


def _away(error: BaseException | None) -> Result:
    return Result(Outcome.TRANSIENT, short_detail(repr(error)), unreachable=True)


def _dot_stuffed(body: bytes) -> bytes:
    body = body.replace(b"\r\n.", b"\r\n..")
    if body.startswith(b"."):
        body = b"." + body
    return body + (b".\r\n" if body.endswith(b"\r\n") else b"\r\n.\r\n")
