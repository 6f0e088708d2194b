"""Calls to addresses that somebody typed in, against a real server on this machine."""

import socket
import threading
import time

import pytest

from operations.safe_http import AddressRefused, CallFailed, Failure, SafeClient, check_url, judged_addresses


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
