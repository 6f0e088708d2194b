import email
import email.policy
import uuid
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from campaigns.errors import UnsafeHeader
from campaigns.mime import Mail, build_mime, checked_address

MAIL = Mail(
    sender='"Rossi, Figli & Co." <shop@shop.example>',
    recipient="alice@mail.example",
    subject="Perché no? È un regalo da 10 € per te, " + "molto " * 30,
    text="Ciao Alice\n.una riga che comincia con un punto\n" + "x" * 2000,
    html="<p>Ciao Alice è qui</p>",
    token=uuid.UUID(int=7),
    sent_at=datetime(2026, 11, 21, 11, tzinfo=UTC),
    unsubscribe_url="https://shop.example/u/7",
)


def parsed(mail: Mail):
    return email.message_from_bytes(build_mime(mail), policy=email.policy.default)


def test_a_mail_reads_back_as_it_was_written():
    message = parsed(MAIL)

    assert message["Subject"] == MAIL.subject
    assert message["From"].addresses[0].display_name == "Rossi, Figli & Co."
    assert message["To"] == "alice@mail.example"
    assert message.get_body(("plain",)).get_content().replace("\r\n", "\n").rstrip("\n") == MAIL.text
    assert message.get_body(("html",)).get_content().rstrip("\n") == MAIL.html
    assert message["List-Unsubscribe"] == "<https://shop.example/u/7>"


def test_every_line_ends_with_crlf_and_is_short():
    raw = build_mime(MAIL)

    assert b"\n" not in raw.replace(b"\r\n", b"")
    assert max(len(line) for line in raw.split(b"\r\n")) <= 100


def test_the_message_id_is_the_same_at_every_attempt_and_does_not_give_the_token_away():
    first, again = parsed(MAIL), parsed(replace(MAIL, sent_at=datetime(2027, 1, 1, tzinfo=UTC)))

    assert first["Message-ID"] == again["Message-ID"]
    assert MAIL.token.hex not in first["Message-ID"]


def test_service_mail_carries_no_unsubscribe_header():
    assert parsed(replace(MAIL, unsubscribe_url=""))["List-Unsubscribe"] is None


@pytest.mark.parametrize("subject", ["Hello\r\nBcc: victim@mail.example", "Hello\nworld", "a\x00b"])
def test_a_subject_with_a_line_break_is_refused(subject):
    with pytest.raises(UnsafeHeader):
        build_mime(replace(MAIL, subject=subject))


@pytest.mark.parametrize(
    "address",
    ["a@mail.example\r\nRCPT TO:<b@x>", "a b@mail.example", "a@mail.example>", "@mail.example", "a", ""],
)
def test_what_is_no_address_is_refused(address):
    with pytest.raises(UnsafeHeader):
        checked_address(address)


def test_a_domain_goes_over_the_wire_in_ascii():
    assert checked_address("anna@città.example") == "anna@xn--citt-3na.example"
