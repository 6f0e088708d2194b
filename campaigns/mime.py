"""Mails written by hand: email.message takes ten times as long (docs/decisions/0042)."""

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime, parseaddr
from functools import lru_cache
from uuid import UUID

from campaigns.errors import UnsafeHeader

LONGEST_PLAIN_HEADER = 900
ENCODED_WORD_BYTES = 45
PRINTABLE = re.compile(r"[\x20-\x7e]*\Z")
ADDRESS = re.compile(r"[!#$%&'*+/=?^_`{|}~0-9A-Za-z.-]{1,64}@[0-9A-Za-z.-]{1,253}\Z")


@dataclass(frozen=True)
class Mail:
    """What a mail is made of; `sender` may carry a name, `unsubscribe_url` is empty for service mail."""

    sender: str
    recipient: str
    subject: str
    text: str
    html: str
    token: UUID
    sent_at: datetime
    unsubscribe_url: str = ""


def build_mime(mail: Mail) -> bytes:
    """Return the mail as RFC 5322 bytes with CRLF line ends: plain text and HTML as alternatives.

    The Message-ID follows from the token, so that it is the same at every attempt.

    Raises UnsafeHeader for a subject with a line break and for an address that could not be written to.
    """
    sender, address = _sender(mail.sender)
    boundary = f"=_{mail.token.hex}"
    headers = [
        ("From", sender),
        ("To", checked_address(mail.recipient)),
        ("Subject", encode_header(mail.subject)),
        ("Date", format_datetime(mail.sent_at)),
        ("Message-ID", message_id(mail.token, address)),
        ("MIME-Version", "1.0"),
        ("Content-Type", f'multipart/alternative; boundary="{boundary}"'),
    ]
    if mail.unsubscribe_url:
        headers += [
            ("List-Unsubscribe", f"<{mail.unsubscribe_url}>"),
            ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
        ]
    parts = [
        "".join(f"{name}: {value}\r\n" for name, value in headers).encode("ascii"),
        _part(boundary, "plain", mail.text),
        _part(boundary, "html", mail.html),
        f"--{boundary}--\r\n".encode(),
    ]
    return b"\r\n".join(parts)


@lru_cache(maxsize=16)
def _sender(written: str) -> tuple[str, str]:
    """Return the header and the address of whom mails come from: the same for all of them."""
    name, address = parseaddr(written)
    return (f"{_phrase(name)} <{address}>" if name else address), address


def message_id(token: UUID, sender: str) -> str:
    """Return the Message-ID; it does not give the token away, which unsubscribes."""
    return f"<{hashlib.sha256(token.bytes).hexdigest()[:32]}@{sender.rpartition('@')[2]}>"


def checked_address(address: str) -> str:
    """Return the address as it goes over the wire, its domain in ASCII. Raises UnsafeHeader."""
    local, _, domain = address.rpartition("@")
    try:
        plain = f"{local}@{_ascii_domain(domain)}"
    except UnicodeError as error:
        raise UnsafeHeader("The address has no valid domain.") from error
    if not ADDRESS.match(plain):
        raise UnsafeHeader("The address cannot be written to.")
    return plain


@lru_cache(maxsize=4096)
def _ascii_domain(domain: str) -> str:
    return domain.encode("idna").decode()


def encode_header(value: str) -> str:
    """Return the value as it stands in a header: encoded words where it is not plain ASCII.

    Raises UnsafeHeader for a line break or another control character.
    """
    if any(ord(character) < 32 or ord(character) == 127 for character in value):
        raise UnsafeHeader("A header holds a line break or another control character.")
    if PRINTABLE.match(value) and len(value) <= LONGEST_PLAIN_HEADER and "=?" not in value:
        return value
    words = (base64.b64encode(chunk).decode() for chunk in _chunks(value))
    return "\r\n ".join(f"=?utf-8?b?{word}?=" for word in words)


def _phrase(name: str) -> str:
    encoded = encode_header(name)
    if encoded != name:
        return encoded
    return '"{}"'.format(name.replace("\\", r"\\").replace('"', r"\""))


def _chunks(value: str):
    """Yield UTF-8 pieces that each fit an encoded word and never split a character."""
    chunk = b""
    for character in value:
        encoded = character.encode()
        if len(chunk) + len(encoded) > ENCODED_WORD_BYTES:
            yield chunk
            chunk = b""
        chunk += encoded
    yield chunk


def _part(boundary: str, subtype: str, content: str) -> bytes:
    lines = content.replace("\r\n", "\n").replace("\r", "\n")
    encoded = binascii.b2a_qp(lines.encode(), istext=True).replace(b"\n", b"\r\n")
    head = (
        f"--{boundary}\r\n"
        f"Content-Type: text/{subtype}; charset=utf-8\r\n"
        "Content-Transfer-Encoding: quoted-printable\r\n"
        "\r\n"
    )
    return head.encode() + encoded
