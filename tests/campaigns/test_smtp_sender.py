"""What the SMTP sender makes of a server's answers, word for word, from a server that follows a script."""

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from campaigns.channels import Envelope, Outcome
from campaigns.channels.email import SmtpSender

MAIL = Envelope("anna@mail.example", b"Subject: Ciao\r\n\r\n.Uno\r\n", "reference")
PIPELINING = b"250-server.example\r\n250 PIPELINING\r\n"


class Script:
    """Answers by the command's first word; keeps what it was told."""

    def __init__(self, answers: dict[str, str]) -> None:
        self.answers = {"ehlo": PIPELINING.decode(), "rset": "250 ok\r\n", "quit": "221 bye\r\n"} | answers
        self.told: list[str] = []


@contextmanager
def server(settings, answers: dict[str, str]) -> Iterator[Script]:
    script = Script(answers)

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.wfile.write(b"220 server.example\r\n")
            body = False
            for line in self.rfile:
                text = line.decode().rstrip("\r\n")
                script.told.append(text)
                word = "." if body and text == "." else text.partition(" ")[0].lower()
                if body and word != ".":
                    continue
                answer = script.answers[word]
                body = answer.startswith("354")
                self.wfile.write(answer.encode())

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as listening:
        listening.daemon_threads = True
        threading.Thread(target=listening.serve_forever, daemon=True).start()
        settings.EMAIL_HOST, settings.EMAIL_PORT = listening.server_address
        yield script
        listening.shutdown()


WELCOME = {"mail": "250 ok\r\n", "rcpt": "250 ok\r\n", "data": "354 go on\r\n", ".": "250 taken\r\n"}


def send(settings, **answers: str):
    with server(settings, WELCOME | answers) as script:
        sender = SmtpSender()
        [result] = sender.send([MAIL])
        sender.close()
    return result, script.told


def test_a_mail_is_offered_in_one_piece_and_its_dots_are_doubled(settings):
    result, told = send(settings)

    assert (result.outcome, result.detail) == (Outcome.ACCEPTED, "250 taken")
    assert told[1:4] == ["mail FROM:<no-reply@fidelio.example>", "rcpt TO:<anna@mail.example>", "data"]
    assert told[4:] == ["Subject: Ciao", "", "..Uno", ".", "quit"]


def test_a_server_that_refuses_the_recipient_and_the_data_is_used_again(settings):
    result, told = send(settings, rcpt="550 5.1.1 Nobody here\r\n", data="503 need RCPT\r\n")

    assert (result.outcome, result.hard_bounce) == (Outcome.REJECTED, True)
    assert told[3:] == ["data", "rset", "quit"]


def test_a_server_that_refuses_the_recipient_and_wants_a_body_all_the_same_gets_none(settings):
    result, told = send(settings, rcpt="550 5.1.1 Nobody here\r\n")

    assert (result.outcome, result.detail) == (Outcome.REJECTED, "550 5.1.1 Nobody here")
    assert told[3:] == ["data"]


@pytest.mark.parametrize("word", ["mail", "rcpt", "data"])
def test_a_server_that_hangs_up_on_the_way_has_accepted_nothing(settings, word):
    result, told = send(settings, **{word: "421 4.3.2 Going down\r\n"})

    assert (result.outcome, result.unreachable) == (Outcome.TRANSIENT, True)
    assert "Subject: Ciao" not in told
