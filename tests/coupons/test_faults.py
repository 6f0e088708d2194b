"""Tills go on asking while servers die: nothing acknowledged is lost, nothing is spent twice.

The tills repeat a request with its Idempotency-Key until it is answered by success or refusal, over a
database server of their own that may be killed. Run with `-s` to see the figures of benchmarks/RESULTS.md.
"""

import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from coupons.models import Budget, Coupon, Redemption, RedemptionStack
from loyalty_site.devserver.folder import short_temporary_folder
from loyalty_site.devserver.postgres import Postgres
from operations.models import IdempotencyKey
from tests.coupons.factories import amount, coupon, promotion
from tests.factories import ApiClientFactory
from tests.processes import REPOSITORY, Site, serve_site

pytestmark = pytest.mark.slow

TILLS = 8
CODES_PER_TILL = 2000
GIVE_UP_SECONDS = 60
CART = {"currency": "EUR", "lines": [{"line_id": "1", "unit_price": 10000}]}


@dataclass
class Till:
    """Redeems one code after the other, each until it is answered, until `closed`."""

    site: Site
    key: str
    codes: list[str]
    closed: threading.Event
    acknowledged: dict[str, int] = field(default_factory=dict)
    refused: list[bytes] = field(default_factory=list)
    answers: list[tuple[float, int, float]] = field(default_factory=list)

    def work(self) -> None:
        for code in self.codes:
            if self.closed.is_set():
                return
            self._redeem(code)

    def _redeem(self, code: str) -> None:
        give_up_at = time.monotonic() + GIVE_UP_SECONDS
        while time.monotonic() < give_up_at:
            began = time.monotonic()
            status, body = self._ask(code)
            self.answers.append((began, status, time.monotonic() - began))
            if status == 200:
                self.acknowledged[code] = json.loads(body)["id"]
                return
            if status == 422:
                self.refused.append(body)
                return
            time.sleep(0.02)

    def _ask(self, code: str) -> tuple[int, bytes]:
        """Return (0, b"") where no answer came."""
        address = urlsplit(self.site.base_url)
        connection = http.client.HTTPConnection(address.hostname, address.port, timeout=30)
        body = {"order": CART, "redeemables": [{"type": "coupon", "code": code}]}
        headers = {
            "Authorization": f"Api-Key {self.key}",
            "Content-Type": "application/json",
            "Idempotency-Key": code,
        }
        try:
            connection.request("POST", "/api/v1/redemptions", json.dumps(body), headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException):
            return 0, b""
        finally:
            connection.close()


@dataclass
class Shop:
    """Eight tills with a code for every redemption, on a site with a database server of its own."""

    site: Site
    postgres: Postgres
    tills: list[Till]
    closed: threading.Event

    def open_while(self, trouble: Callable[[], None], *, before: float = 2.0, after: float = 4.0) -> None:
        """Let the tills work from before the trouble until a while after it."""
        threads = [threading.Thread(target=till.work) for till in self.tills]
        for thread in threads:
            thread.start()
        time.sleep(before)
        trouble()
        time.sleep(after)
        self.closed.set()
        for thread in threads:
            thread.join(GIVE_UP_SECONDS + 35)
        assert not any(thread.is_alive() for thread in threads)

    @property
    def answers(self) -> list[tuple[float, int, float]]:
        return sorted(answer for till in self.tills for answer in till.answers)

    def first_success_after(self, instant: float) -> float:
        """Return the seconds to the end of the first request that began after an instant and succeeded."""
        return min(
            began + took - instant
            for began, status, took in self.answers
            if began > instant and status == 200
        )

    def assert_books_agree(self) -> None:
        """What was acknowledged is there, once; what was not acknowledged is there at most once."""
        acknowledged = {code: stack for till in self.tills for code, stack in till.acknowledged.items()}
        assert not [body for till in self.tills for body in till.refused]
        with self.site.database():
            stacks = {str(pk) for pk in RedemptionStack.objects.values_list("pk", flat=True)}
            used = Counter(Redemption.objects.values_list("coupon__code", flat=True))
            assert set(map(str, acknowledged.values())) <= stacks
            assert len(set(acknowledged.values())) == len(acknowledged)
            assert set(used.values()) == {1}
            assert Coupon.objects.filter(uses=1).count() == Redemption.objects.count() == len(stacks)
            assert IdempotencyKey.objects.count() == len(stacks)
            assert Budget.objects.get().periods.get().used == 500 * len(stacks)
        assert "All " in self.site.manage("check_invariants")
        print(f"\n{len(acknowledged)} acknowledged, 0 lost, 0 doubled; answers: {self.statuses()}")

    def statuses(self) -> dict[int, int]:
        return dict(Counter(status for _began, status, _took in self.answers))


@pytest.fixture
def shop(django_db_blocker, tmp_path: Path) -> Iterator[Shop]:
    folder = Path(short_temporary_folder()) / f"faults-{os.getpid()}"
    folder.mkdir(mode=0o711)
    postgres = Postgres(folder / "data", folder, tmp_path / "postgres.log")
    postgres.start()
    environment = dict(os.environ) | {"DATABASE_URL": postgres.url()}
    subprocess.run(
        [sys.executable, "manage.py", "migrate", "-v", "0"], cwd=REPOSITORY, env=environment, check=True
    )
    try:
        with serve_site(environment, django_db_blocker) as site:
            yield _open_shop(site, postgres)
    finally:
        postgres.stop()
        subprocess.run(["rm", "-rf", str(folder)], check=True)


def _open_shop(site: Site, postgres: Postgres) -> Shop:
    closed = threading.Event()
    budget = {"metric": "DISCOUNT_AMOUNT", "cap": 500 * TILLS * CODES_PER_TILL, "on_insufficient": "REJECT"}
    with site.database():
        key = ApiClientFactory().key
        codes = [f"FAULT-{number}" for number in range(TILLS * CODES_PER_TILL)]
        coupon(promotion(amount(500), budget=budget), codes=codes)
    tills = [Till(site, key, codes[number::TILLS], closed) for number in range(TILLS)]
    return Shop(site, postgres, tills, closed)


def test_web_workers_killed_four_times_a_second_lose_and_double_nothing(shop):
    def kill_workers() -> None:
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            if workers := _children(shop.site.program.process.pid):
                os.kill(workers[0], signal.SIGKILL)
            time.sleep(0.25)

    shop.open_while(kill_workers)

    assert shop.statuses()[0] > 0
    shop.assert_books_agree()


def test_a_database_that_crashes_under_load_loses_and_doubles_nothing(shop):
    instants = []

    def crash() -> None:
        os.kill(shop.postgres.program.process.pid, signal.SIGQUIT)
        shop.postgres.program.process.wait()
        shop.postgres.start()
        instants.append(time.monotonic())

    shop.open_while(crash)

    assert set(shop.statuses()) <= {0, 200, 409, 503}
    shop.assert_books_agree()
    print(f"first success {shop.first_success_after(instants[0]):.2f} s after the server was back")


def test_a_frozen_database_is_answered_with_503_and_hangs_nobody(shop):
    instants = []

    def freeze() -> None:
        family = [shop.postgres.program.process.pid, *_children(shop.postgres.program.process.pid)]
        for pid in family:
            os.kill(pid, signal.SIGSTOP)
        instants.append(time.monotonic())
        time.sleep(5)
        for pid in family:
            os.kill(pid, signal.SIGCONT)
        instants.append(time.monotonic())

    shop.open_while(freeze)

    unavailable = [took for _began, status, took in shop.answers if status == 503]
    assert unavailable
    assert set(shop.statuses()) <= {200, 409, 503}
    shop.assert_books_agree()
    print(
        f"503 after {max(unavailable):.2f} s at most;"
        f" first success {shop.first_success_after(instants[1]):.2f} s after the thaw"
    )


def _children(pid: int) -> list[int]:
    """Return the processes that this one started and that still live."""
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for task in tasks for child in task.read_text().split()]
