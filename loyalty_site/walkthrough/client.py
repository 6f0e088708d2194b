"""A partner system: speaks to the API over HTTP and knows nothing else of the site."""

import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

SECONDS = 60


class Mismatch(Exception):
    """The site did something else than what was known beforehand."""


@dataclass(frozen=True)
class Reply:
    """An answer: its status, its JSON and whether it is one that was given before."""

    status: int
    body: Any
    replayed: bool = False

    def __getitem__(self, name: str | int) -> Any:
        return self.body[name]


@dataclass(frozen=True)
class Client:
    """Calls `/api/v1` with a key."""

    base_url: str
    key: str

    def get(self, path: str) -> Reply:
        return self._call("GET", path)

    def post(self, path: str, body: Any = None, *, idempotency_key: str = "") -> Reply:
        """POST JSON, under an Idempotency-Key of its own unless one is given."""
        return self._call("POST", path, body or {}, idempotency_key or str(uuid4()))

    def fetch(self, url: str, *, data: bytes | None = None) -> int:
        """GET (or POST `data` to) a public page, as anybody; returns the status."""
        request = urllib.request.Request(url, data=data, headers={"User-Agent": "walkthrough"})
        return _open(request).status

    def _call(self, method: str, path: str, body: Any = None, idempotency_key: str = "") -> Reply:
        headers = {"Authorization": f"Api-Key {self.key}", "Accept": "application/json"}
        data = None
        if method == "POST":
            data = json.dumps(body).encode()
            headers |= {"Content-Type": "application/json", "Idempotency-Key": idempotency_key}
        url = f"{self.base_url}/api/v1{path}"
        return _open(urllib.request.Request(url, data=data, headers=headers, method=method))


def _open(request: urllib.request.Request) -> Reply:
    try:
        with urllib.request.urlopen(request, timeout=SECONDS) as answer:
            return _reply(answer.status, answer)
    except urllib.error.HTTPError as answer:
        return _reply(answer.code, answer)
    except urllib.error.URLError as error:
        raise Mismatch(f"{request.full_url} cannot be reached: {error.reason}") from error


def _reply(status: int, answer: Any) -> Reply:
    content = answer.read()
    body = json.loads(content) if "json" in answer.headers.get("Content-Type", "") else None
    return Reply(status, body, answer.headers.get("Idempotent-Replayed") == "true")


def expect(what: str, actual: Any, wanted: Any) -> None:
    """Raises Mismatch unless both are equal."""
    if actual != wanted:
        raise Mismatch(f"{what}: expected {wanted!r}, got {actual!r}")


def expect_status(what: str, reply: Reply, status: int, key: str | None = None) -> Reply:
    """Return the reply. Raises Mismatch unless it has the status and, of a refusal, the key."""
    told = reply["key"] if key and isinstance(reply.body, dict) and "key" in reply.body else None
    if reply.status != status or told != key:
        raise Mismatch(f"{what}: expected {status} {key or ''}, got {reply.status} {reply.body}")
    return reply
