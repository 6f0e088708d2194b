"""The errors every app raises, and how they are answered.

FidelioError
├── InvalidInput          422, with a JSON pointer for each mistake
├── Refusal               422, a rule of the business says no
│   ├── NotFound          404
│   ├── Conflict          409
│   └── Gone              410
└── TryLater              429 or 503, with Retry-After

Each has a stable `key` for programs and a sentence a person can act on.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Mistake:
    """One thing wrong with an input: where (a JSON pointer) and what."""

    pointer: str
    message: str


class FidelioError(Exception):
    """Base of every error an entrance shows to its caller."""

    key = "error"
    status = 422
    message = "The request could not be carried out."

    def __init__(self, message: str = "", *, details: list[Mistake] | None = None) -> None:
        self.message = message or self.message
        self.details = details or []
        super().__init__(self.message)


class InvalidInput(FidelioError):
    """The input is malformed or contradicts itself; nothing was done."""

    key = "invalid_input"
    message = "The input is not valid."

    @classmethod
    def at(cls, pointer: str, message: str) -> "InvalidInput":
        """Return the error for one mistake at one place."""
        return cls(message, details=[Mistake(pointer, message)])

    def under(self, pointer: str) -> "InvalidInput":
        """Return the same error of a part that stands under `pointer` in the whole."""
        details = [Mistake(pointer + mistake.pointer, mistake.message) for mistake in self.details]
        return type(self)(self.message, details=details)

    def elsewhere(self, pointers: Mapping[str, str]) -> "InvalidInput":
        """Return the same error for an input whose parts stand at other places than those named here."""
        details = [
            Mistake(pointers.get(mistake.pointer, mistake.pointer), mistake.message)
            for mistake in self.details
        ]
        return type(self)(self.message, details=details)


class Refusal(FidelioError):
    """The input is fine, but a rule of the business says no. Stored under its idempotency key."""

    key = "refused"


class NotFound(Refusal):
    key = "not_found"
    status = 404
    message = "There is nothing under this id."


class Conflict(Refusal):
    key = "conflict"
    status = 409
    message = "This contradicts what was recorded before."


class Gone(Refusal):
    key = "erased"
    status = 410
    message = "The person was erased at their request."


class TryLater(FidelioError):
    """Nothing is wrong with the request; the same one may pass in `retry_after` seconds."""

    key = "unavailable"
    status = 503
    retry_after = 2


class RateLimited(TryLater):
    key = "rate_limited"
    status = 429
    message = "Too many requests; slow down."


class IdempotencyInProgress(TryLater):
    key = "idempotency_in_progress"
    status = 409
    retry_after = 1
    message = "The first request with this Idempotency-Key is still running."


class IdempotencyKeyMissing(FidelioError):
    key = "idempotency_key_missing"
    status = 400
    message = "This call needs an Idempotency-Key header."


class IdempotencyKeyReused(FidelioError):
    key = "idempotency_key_reused"
    message = "This Idempotency-Key was used for another request."
