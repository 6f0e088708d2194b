"""The Idempotency-Key header, for views that write."""

import hashlib
import json
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Protocol

from django.http import HttpResponse
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request

from operations.api.problems import problem_body
from operations.errors import IdempotencyKeyMissing, InvalidInput
from operations.locks import retry_deadlocks
from operations.services import answer_once
from operations.services.idempotency import Answer, Keeping

MAXIMUM_KEY_LENGTH = 255


class Secret(Protocol):
    """What of an answer must not be stored: taken out before it is kept, told again while that may be."""

    def hide(self, data: Any) -> Any:
        """Return the answer without its secret, the fields in the same order."""

    def reveal(self, data: Any) -> Any:
        """Return the stored answer as it may be told now."""


def respond_once(
    request: Request,
    work: Callable[[], tuple[int, Any]],
    *,
    required: bool = False,
    secret: Secret | None = None,
) -> HttpResponse:
    """Run `work() -> (status, data)` under the request's Idempotency-Key and answer it as JSON.

    A repeat with the same key and body gets the same bytes and `Idempotent-Replayed: true`. Without a key the
    work just runs; when it is `required`, that is IdempotencyKeyMissing. Validate the input inside `work`:
    InvalidInput is never stored. Nor is what `secret` hides.
    """
    return respond_keeping(request, lambda _keeping: work(), required=required, secret=secret)


def respond_keeping(
    request: Request,
    work: Callable[["AnswerKeeping | None"], tuple[int, Any]],
    *,
    required: bool = False,
    secret: Secret | None = None,
) -> HttpResponse:
    """Do what `respond_once` does for work that may keep its answer by a statement of its own."""
    key = request.headers.get("Idempotency-Key", "")
    if not key and required:
        raise IdempotencyKeyMissing
    if not key:
        status, data = retry_deadlocks(lambda: work(None))
        return HttpResponse(_render(data), status=status, content_type="application/json")
    if len(key) > MAXIMUM_KEY_LENGTH:
        raise InvalidInput.at("", f"An Idempotency-Key has at most {MAXIMUM_KEY_LENGTH} characters.")
    keeping = AnswerKeeping(request.auth, key, _request_hash(request))

    def answered() -> Answer:
        status, data = work(keeping)
        return keeping.answer or _answer(status, data, secret)

    answer = retry_deadlocks(
        lambda: answer_once(
            request.auth,
            key=key,
            request_hash=keeping.request_hash,
            work=answered,
            refuse=lambda refusal: _answer(refusal.status, problem_body(refusal)),
            keeping=keeping,
        )
    )
    body, headers = answer.body, {}
    if answer.replayed:
        headers = {"Idempotent-Replayed": "true"}
        if secret and answer.status < HTTPStatus.BAD_REQUEST:
            body = _render(secret.reveal(json.loads(body)))
    return HttpResponse(body, status=answer.status, content_type="application/json", headers=headers)


class AnswerKeeping(Keeping):
    """Keeps what the API answers."""

    def parameters_of(self, status: int, data: Any) -> dict[str, Any]:
        """Return the parameters of `PART` for this status and body."""
        return self.parameters(_answer(status, data))


def _answer(status: int, data: Any, secret: Secret | None = None) -> Answer:
    return Answer(status, _render(data), kept=_render(secret.hide(data)) if secret else None)


def _render(data: Any) -> bytes:
    return JSONRenderer().render(data)


def _request_hash(request: Request) -> bytes:
    # The parsed body, not its bytes: DRF has read the stream, and white space is no other request.
    parts = (request.method.encode(), request.get_full_path().encode(), _render(request.data))
    return hashlib.sha256(b"\n".join(parts)).digest()
