"""HTTP calls to addresses that somebody typed in: they reach the public internet or nothing at all.

The name is resolved once and the connection goes to exactly the address that was judged, so that a name which
changes its mind in between gains nothing. No redirects; one deadline for the whole call; a bounded answer.
"""

import ipaddress
import socket
import ssl
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpcore
from django.conf import settings
from django.db import models
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

LONGEST_SECONDS = 10.0
LARGEST_ANSWER = 64 * 1024
SHORTEST_WAIT = 0.001
TRANSLATED = (ipaddress.ip_network("64:ff9b::/96"), ipaddress.ip_network("::/96"))
# Only these of httpcore's errors prove that no byte of the request was sent.
NOTHING_SENT = (
    httpcore.ConnectError,
    httpcore.ConnectTimeout,
    httpcore.PoolTimeout,
    httpcore.UnsupportedProtocol,
)


class AddressRefused(Exception):
    """The address is not https, or leads into a network that is not the public internet."""


class Failure(models.TextChoices):
    """Why no answer came, as a person reads it."""

    UNREACHABLE = "UNREACHABLE", gettext_lazy("The address could not be reached")
    UNTRUSTED = "UNTRUSTED", gettext_lazy("No secure connection (TLS) came about")
    TOO_SLOW = "TOO_SLOW", gettext_lazy("The answer took too long")
    BROKEN_OFF = "BROKEN_OFF", gettext_lazy("The connection broke off before the answer was there")


class CallFailed(Exception):
    """No answer came: `failure` says why, the message is the technical detail.

    `nothing_sent` is proof that the receiver cannot have seen the request.
    """

    def __init__(self, detail: str, *, failure: Failure, nothing_sent: bool) -> None:
        super().__init__(detail)
        self.failure, self.nothing_sent = failure, nothing_sent

    @classmethod
    def by(cls, error: Exception) -> "CallFailed":
        """Return what an error of the network means."""
        detail = str(error) or type(error).__name__
        return cls(detail, failure=_failure(error), nothing_sent=isinstance(error, NOTHING_SENT))


@dataclass(frozen=True)
class Answer:
    """What a receiver said; `body` ends after 64 kB."""

    status: int
    body: bytes
    headers: dict[str, str]

    @property
    def text(self) -> str:
        return self.body.decode(errors="replace")


def check_url(url: str) -> None:
    """Raises AddressRefused for what is no https address (http to this machine where settings allow it).

    A number that is no public address is refused here already, a name when it is called.
    """
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError as error:
        raise AddressRefused(_("The address has no valid port.")) from error
    if not parts.hostname or parts.username or port == 0:
        raise AddressRefused(_("Give a whole address, without a user name."))
    if parts.scheme == "https":
        if _is_internal(parts.hostname):
            raise AddressRefused(_("The address leads into a network that is not public."))
        return
    if parts.scheme == "http" and settings.ALLOW_LOOPBACK_WEBHOOKS and _is_loopback(parts.hostname):
        return
    raise AddressRefused(_("The address must begin with https://."))


def judged_addresses(host: str, port: int) -> list[str]:
    """Return the addresses of a host, every one of them public. Raises AddressRefused, OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = list(dict.fromkeys(entry[4][0] for entry in found))
    for address in addresses:
        if not _may_call(address):
            raise AddressRefused(_("The address leads into a network that is not public."))
    return addresses


def _may_call(address: str) -> bool:
    ip = ipaddress.ip_address(address.partition("%")[0])
    ip = _inside(ip) or getattr(ip, "ipv4_mapped", None) or getattr(ip, "sixtofour", None) or ip
    if ip.is_loopback:
        return settings.ALLOW_LOOPBACK_WEBHOOKS
    return ip.is_global and not ip.is_multicast


def _is_internal(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return not settings.ALLOW_LOOPBACK_WEBHOOKS
    try:
        return not _may_call(host)
    except ValueError:
        return False


def _inside(ip: ipaddress.IPv4Address | ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """Return the IPv4 address that a translated (64:ff9b::/96) or compatible (::/96) address leads to."""
    if ip.version == 4 or ip.is_loopback or ip.is_unspecified or not any(ip in net for net in TRANSLATED):
        return None
    return ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@dataclass
class Deadline:
    """When the call under way has to be over."""

    ends_at: float = 0.0

    def renew(self, seconds: float) -> None:
        self.ends_at = time.monotonic() + seconds

    def left(self, timeout: float | None) -> float:
        """Return how long one step may take; a step of no time fails at once."""
        left = max(self.ends_at - time.monotonic(), SHORTEST_WAIT)
        return left if timeout is None else min(timeout, left)


class _Stream(httpcore.NetworkStream):
    """A connection on which all steps together keep to the deadline, so that nobody drips for hours."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: Deadline) -> None:
        self._stream, self._deadline = stream, deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        if time.monotonic() >= self._deadline.ends_at:
            raise httpcore.ReadTimeout("the answer took too long")
        return self._stream.read(max_bytes, self._deadline.left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._deadline.left(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        inner = self._stream.start_tls(ssl_context, server_hostname, self._deadline.left(timeout))
        return _Stream(inner, self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class _Network(httpcore.NetworkBackend):
    """Connects to the judged address itself, never by name again."""

    def __init__(self, deadline: Deadline, *, guarded: bool) -> None:
        self._plain, self._deadline, self._guarded = httpcore.SyncBackend(), deadline, guarded

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable | None = None,
    ) -> httpcore.NetworkStream:
        try:
            addresses = judged_addresses(host, port) if self._guarded else [host]
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError(str(error)) from error
        for address in addresses[:-1]:
            try:
                return self._connect(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
        return self._connect(addresses[-1], port, timeout, local_address, socket_options)

    def _connect(self, address: str, port: int, timeout: float | None, *rest: Any) -> httpcore.NetworkStream:
        stream = self._plain.connect_tcp(address, port, self._deadline.left(timeout), *rest)
        return _Stream(stream, self._deadline)


@dataclass
class SafeClient:
    """Calls one after the other over connections that stay open; `close` ends them.

    `guarded` False is for addresses that come from the operator's own settings, which may be anywhere.
    """

    seconds: float = LONGEST_SECONDS
    guarded: bool = True
    _deadline: Deadline = field(default_factory=Deadline, init=False)
    _pool: httpcore.ConnectionPool | None = field(default=None, init=False)

    def call(
        self, method: str, url: str, *, headers: dict[str, str] | None = None, body: bytes = b""
    ) -> Answer:
        """Send one request and return the answer; a redirect is an answer like any other.

        Raises AddressRefused before anything is sent, and CallFailed.
        """
        if self.guarded:
            check_url(url)
        self._deadline.renew(self.seconds)
        sent = {"Host": urlsplit(url).netloc, "User-Agent": "Fidelio", **(headers or {})}
        if body or method == "POST":
            sent["Content-Length"] = str(len(body))
        timeouts = dict.fromkeys(("connect", "read", "write", "pool"), self.seconds)
        try:
            with self._connections().stream(
                method,
                url,
                headers=list(sent.items()),
                content=body,
                extensions={"timeout": timeouts},
            ) as response:
                return Answer(response.status, _bounded(response), _headers_of(response))
        except AddressRefused:
            raise
        except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError,
                httpcore.UnsupportedProtocol, OSError, ValueError) as error:  # fmt: skip
            raise CallFailed.by(error) from error

    def close(self) -> None:
        if self._pool is not None:
            self._pool.close()
            self._pool = None

    def _connections(self) -> httpcore.ConnectionPool:
        if self._pool is None:
            self._pool = httpcore.ConnectionPool(
                ssl_context=ssl.create_default_context(),
                network_backend=_Network(self._deadline, guarded=self.guarded),
                max_connections=10,
                keepalive_expiry=5.0,
            )
        return self._pool


def _failure(error: Exception) -> Failure:
    if isinstance(error, NOTHING_SENT):
        # httpcore wraps what TLS says into errors of its own.
        untrusted = any(isinstance(one, ssl.SSLError) for one in error.args)
        return Failure.UNTRUSTED if untrusted else Failure.UNREACHABLE
    too_slow = isinstance(error, (httpcore.TimeoutException, TimeoutError))
    return Failure.TOO_SLOW if too_slow else Failure.BROKEN_OFF


def _bounded(response: httpcore.Response) -> bytes:
    body = b""
    for chunk in response.iter_stream():
        body += chunk
        if len(body) >= LARGEST_ANSWER:
            break
    return body[:LARGEST_ANSWER]


def _headers_of(response: httpcore.Response) -> dict[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers}
