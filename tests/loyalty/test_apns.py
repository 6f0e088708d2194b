import json
import socket
import ssl
import threading

import h2.config
import h2.connection
import h2.events
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from loyalty.wallets import apple
from loyalty.wallets.apns import ApplePush, Told, _reason
from tests.factories import NOON
from tests.loyalty import wallets as cast

ANSWERS = {
    "good": (200, b""),
    "gone": (410, b'{"reason": "Unregistered"}'),
    "busy": (429, b'{"reason": "TooManyRequests"}'),
}


class PushService(threading.Thread):
    """A push service of our own: HTTP/2 over TLS, for whoever shows a certificate of the test authority."""

    def __init__(self, folder):
        super().__init__(daemon=True)
        key = cast.make_key()
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
        self.certificate = cast.certify(name, key, name, key, authority=True, host="localhost")
        (folder / "server.pem").write_text(
            self.certificate.public_bytes(Encoding.PEM).decode() + cast.pem_of(key)
        )
        self.context = ssl.create_default_context(
            ssl.Purpose.CLIENT_AUTH, cadata=cast.apple()["WALLET_APPLE_AUTHORITY"]
        )
        self.context.load_cert_chain(folder / "server.pem")
        self.context.verify_mode = ssl.CERT_REQUIRED
        self.context.set_alpn_protocols(["h2"])
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.seen: list[dict[str, str]] = []

    @property
    def url(self) -> str:
        return f"https://localhost:{self.listening.getsockname()[1]}"

    def run(self):
        plain, _address = self.listening.accept()
        with self.context.wrap_socket(plain, server_side=True) as stream:
            speaking = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
            speaking.initiate_connection()
            stream.sendall(speaking.data_to_send())
            while data := stream.recv(65536):
                for event in speaking.receive_data(data):
                    if isinstance(event, h2.events.RequestReceived):
                        self._answer(speaking, event)
                stream.sendall(speaking.data_to_send())

    def _answer(self, speaking, event):
        headers = {name.decode(): value.decode() for name, value in event.headers}
        self.seen.append(headers)
        status, body = ANSWERS[headers[":path"].rpartition("/")[2]]
        speaking.send_headers(event.stream_id, [(":status", str(status))], end_stream=not body)
        if body:
            speaking.send_data(event.stream_id, body, end_stream=True)


def test_telephones_are_told_over_one_connection_with_the_certificate_of_the_passes(settings, tmp_path):
    for name, value in cast.apple().items():
        setattr(settings, name, value)
    service = PushService(tmp_path)
    service.start()
    settings.WALLET_APPLE_PUSH_URL = service.url
    trusted = service.certificate.public_bytes(Encoding.PEM).decode()
    push = ApplePush(apple.identity(at=NOON), trusted=trusted)

    told = push.tell(["good", "gone", "busy"])
    push.close()
    service.join(timeout=5)

    assert told == {"good": Told.TAKEN, "gone": Told.GONE, "busy": Told.LATER}
    assert push.problem == "429 TooManyRequests"
    assert [each[":path"] for each in service.seen] == ["/3/device/good", "/3/device/gone", "/3/device/busy"]
    assert {each["apns-topic"] for each in service.seen} == {cast.PASS_TYPE}


def test_a_push_service_that_is_away_is_tried_later(settings):
    for name, value in cast.apple().items():
        setattr(settings, name, value)
    settings.WALLET_APPLE_PUSH_URL = "https://127.0.0.1:9"
    push = ApplePush(apple.identity(at=NOON))

    assert push.tell(["good"]) == {"good": Told.LATER}
    assert "ConnectError" in push.problem


def test_once_the_push_service_cannot_be_reached_the_rest_is_not_tried(settings, monkeypatch):
    for name, value in cast.apple().items():
        setattr(settings, name, value)
    tried = []

    def away(push):
        tried.append(push)
        raise OSError("away")

    monkeypatch.setattr(ApplePush, "_connections", away)

    told = ApplePush(apple.identity(at=NOON)).tell(["one", "two", "three"])

    assert told == dict.fromkeys(["one", "two", "three"], Told.LATER) and len(tried) == 1


@pytest.mark.parametrize("body", [b"", b"[]", b"not json", json.dumps({"reason": 5}).encode()])
def test_an_answer_without_a_reason_is_no_error(body):
    assert _reason(body) in ("", "5")
