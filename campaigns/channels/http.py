"""What the answers of providers over HTTP mean for a message."""

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from campaigns.channels.base import Outcome, Result, short_detail
from operations.safe_http import AddressRefused, Answer, CallFailed, SafeClient

# Nothing was taken, and the next minutes will tell: too fast, or not there just now.
NOT_NOW = {408, 425, 429, 503}
# Our own keys are wrong: nothing is known about anybody's message.
NOT_US = {401, 402, 403, 407}


@dataclass
class HttpCaller:
    """Calls a provider; gives its answer, or what else became of the message.

    `idempotent`: the receiver knows a message again, so that silence is no reason to give it up. `strangers`:
    the addresses are other people's. They are kept out of private networks, one that is away holds nobody
    else up, and what one of them thinks of our keys is about its own message.
    """

    idempotent: bool = False
    strangers: bool = False
    _client: SafeClient | None = field(default=None, init=False)
    _away: dict[str, Result] = field(default_factory=dict, init=False)

    def call(
        self, method: str, url: str, *, headers: dict[str, str] | None = None, body: bytes = b""
    ) -> Answer | Result:
        """Return the answer of somebody who took or refused the message, else what that means."""
        host = urlsplit(url).netloc
        if host in self._away:  # It does not get another ten seconds of everybody's time.
            return self._away[host]
        if self._client is None:
            self._client = SafeClient(guarded=self.strangers)
        try:
            answer = self._client.call(method, url, headers=headers, body=body)
        except AddressRefused as error:
            return Result(Outcome.REJECTED, short_detail(str(error)))
        except CallFailed as error:
            result = self._silence(error)
            if self.strangers:
                self._away[host] = Result(Outcome.TRANSIENT, result.detail)
            return result
        return self._judge(answer)

    def close(self) -> None:
        if self._client is not None:
            self._client.close()

    def _judge(self, answer: Answer) -> Answer | Result:
        detail, unreachable = detail_of(answer), not self.strangers
        if answer.status in NOT_NOW:
            return Result(Outcome.TRANSIENT, detail, unreachable=unreachable and answer.status != 408)
        if answer.status in NOT_US and not self.strangers:
            return Result(Outcome.TRANSIENT, detail, unreachable=True)
        if answer.status >= 500 or answer.status < 200:
            return Result(self._unclear, detail)
        return answer

    def _silence(self, error: CallFailed) -> Result:
        detail = short_detail(str(error))
        if error.nothing_sent:
            return Result(Outcome.TRANSIENT, detail, unreachable=not self.strangers)
        return Result(self._unclear, detail)

    @property
    def _unclear(self) -> Outcome:
        return Outcome.TRANSIENT if self.idempotent else Outcome.UNKNOWN


def detail_of(answer: Answer) -> str:
    """Return an answer as it is kept with the message."""
    return short_detail(f"{answer.status} {answer.text}")
