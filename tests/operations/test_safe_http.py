"""Calls to addresses that somebody typed in, against a real server on this machine."""

import os
import socket
import ssl
import threading
import time
from contextlib import suppress

import httpcore
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from operations.safe_http import AddressRefused, CallFailed, Failure, SafeClient, check_url, judged_addresses
from tests.loyalty.wallets import certify, make_key, pem_of


@pytest.mark.parametrize(
    "url",
    [
        "http://shop.example/hook", "ftp://shop.example/", "https://", "https://user@shop.example/",
        "https://shop.example:0/", "file:///etc/passwd",
        "http://169.254.169.254/latest/", "javascript:alert(1)",
        "https://10.0.0.5/hook", "https://169.254.169.254/", "https://[fd00::1]/", "https://[::ffff:10.0.0.1]/",
    ],
)  # fmt: skip
def test_only_whole_https_addresses_are_called(settings, url):
    settings.ALLOW_LOOPBACK_WEBHOOKS = True

    with pytest.raises(AddressRefused):
        check_url(url)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.0.0.8", "192.168.1.1", "172.16.0.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",
        "::1", "fe80::1", "fd00::1", "::ffff:10.0.0.1", "224.0.0.1", "2002:0a00:0001::",
        "64:ff9b::10.0.0.1", "64:ff9b::169.254.169.254", "::10.0.0.1", "::127.0.0.1",
    ],
)  # fmt: skip
def test_an_address_that_is_not_public_is_refused(settings, address):
    settings.ALLOW_LOOPBACK_WEBHOOKS = False

    with pytest.raises(AddressRefused):
        judged_addresses(address, 443)


def test_a_public_address_is_taken():
    assert judged_addresses("93.184.216.34", 443) == ["93.184.216.34"]


def test_a_name_that_leads_home_is_refused_when_it_is_called(settings, http_sink):
    settings.ALLOW_LOOPBACK_WEBHOOKS = False

    with pytest.raises(AddressRefused):
        SafeClient().call("POST", f"https://localhost:{http_sink.port}/", body=b"{}")

    assert http_sink.requests == []


def test_an_answer_comes_back_with_its_status_and_a_redirect_is_not_followed(settings, http_sink):
    settings.ALLOW_LOOPBACK_WEBHOOKS = True
    http_sink.answer(302, headers={"Location": f"{http_sink.url}/elsewhere"}, body=b"moved")

    answer = SafeClient().call("POST", f"{http_sink.url}/hook", body=b"ciao", headers={"X-Test": "yes"})

    (request,) = http_sink.requests
    assert (answer.status, answer.text) == (302, "moved")
    assert (request.method, request.path, request.body) == ("POST", "/hook", b"ciao")
    assert request.headers["x-test"] == "yes"


def test_an_answer_ends_after_64_kilobytes(settings, http_sink):
    settings.ALLOW_LOOPBACK_WEBHOOKS = True
    http_sink.answer(200, body=b"x" * 1_000_000)

    assert len(SafeClient().call("GET", http_sink.url).body) == 64 * 1024


def test_a_refused_connection_proves_that_nothing_was_sent(settings):
    settings.ALLOW_LOOPBACK_WEBHOOKS = True
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]

    with pytest.raises(CallFailed) as failure:
        SafeClient().call("POST", f"http://127.0.0.1:{port}/", body=b"x")

    assert failure.value.nothing_sent
    assert failure.value.failure == Failure.UNREACHABLE
    assert str(failure.value) == "[Errno 111] Connection refused"


def test_a_receiver_that_speaks_no_tls_is_not_trusted(settings, http_sink):
    settings.ALLOW_LOOPBACK_WEBHOOKS = True

    with pytest.raises(CallFailed) as failure:
        SafeClient().call("POST", http_sink.url.replace("http:", "https:"), body=b"x")

    assert failure.value.nothing_sent
    assert failure.value.failure == Failure.UNTRUSTED


def test_silence_after_the_request_proves_nothing(settings, http_sink):
    settings.ALLOW_LOOPBACK_WEBHOOKS = True
    http_sink.drop_after_request()

    with pytest.raises(CallFailed) as failure:
        SafeClient().call("POST", http_sink.url, body=b"x")

    assert not failure.value.nothing_sent
    assert failure.value.failure == Failure.BROKEN_OFF


@pytest.fixture
def broken_tls(tmp_path, monkeypatch):
    """Where a trusted receiver speaks TLS, begins its answer and then sends what is no TLS."""
    key, name = make_key(), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    certificate = certify(name, key, name, key, authority=True, host="localhost")
    pem = tmp_path / "receiver.pem"
    pem.write_text(certificate.public_bytes(Encoding.PEM).decode() + pem_of(key))
    monkeypatch.setenv("SSL_CERT_FILE", str(pem))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(pem)
    listener = socket.create_server(("127.0.0.1", 0))

    def answer() -> None:
        plain, _address = listener.accept()
        with context.wrap_socket(plain, server_side=True) as stream:
            stream.recv(65536)
            stream.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
            os.write(stream.fileno(), b"no TLS at all")
            # Closing first, with bytes unread, would cut the connection before that arrives.
            with suppress(ConnectionResetError):
                while os.read(stream.fileno(), 65536):
                    pass

    thread = threading.Thread(target=answer, daemon=True)
    thread.start()
    yield f"https://localhost:{listener.getsockname()[1]}/"
    listener.close()
    thread.join()


def test_tls_that_breaks_after_the_request_is_broken_off_and_not_untrusted(settings, broken_tls):
    settings.ALLOW_LOOPBACK_WEBHOOKS = True

    with pytest.raises(CallFailed) as failure:
        SafeClient().call("POST", broken_tls, body=b"x")

    assert isinstance(failure.value.__cause__.args[0], ssl.SSLError)
    assert not failure.value.nothing_sent
    assert failure.value.failure == Failure.BROKEN_OFF


@pytest.mark.parametrize(
    ("error", "failure"),
    [
        (httpcore.WriteError(ssl.SSLEOFError("EOF occurred")), Failure.BROKEN_OFF),
        (httpcore.ReadError(ssl.SSLZeroReturnError("closed")), Failure.BROKEN_OFF),
        (httpcore.ConnectError(ssl.SSLEOFError("EOF occurred")), Failure.UNTRUSTED),
        (httpcore.ConnectError(TimeoutError("timed out")), Failure.UNREACHABLE),
        (TimeoutError("timed out"), Failure.TOO_SLOW),
    ],
)
def test_what_an_error_means_depends_on_whether_anything_was_sent(error, failure):
    assert CallFailed.by(error).failure == failure


def test_a_receiver_that_drips_is_given_up_in_time(settings):
    settings.ALLOW_LOOPBACK_WEBHOOKS = True
    listener = socket.create_server(("127.0.0.1", 0))

    def drip() -> None:
        connection, _address = listener.accept()
        with connection:
            for byte in b"HTTP/1.1 200 OK\r\nX: " + b"y" * 200:
                try:
                    connection.send(bytes([byte]))
                except OSError:
                    return
                time.sleep(0.05)

    thread = threading.Thread(target=drip, daemon=True)
    thread.start()
    began = time.monotonic()

    with pytest.raises(CallFailed) as failure:
        SafeClient(seconds=0.5).call("GET", f"http://127.0.0.1:{listener.getsockname()[1]}/")

    assert time.monotonic() - began < 2
    assert failure.value.failure == Failure.TOO_SLOW
    listener.close()
    thread.join()
