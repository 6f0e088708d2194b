"""What passes say anew, found and told to the telephones that hold them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

from django.db import connection, transaction
from django.db.models import F

from loyalty.models import WalletDevice, WalletPass
from loyalty.services.wallets import contents_of
from loyalty.wallets import apple, google
from loyalty.wallets.apns import ApplePush, Told

PORTION = 1000
TOLD_AT_ONCE = 50
MOST_ATTEMPTS = 8
TELLERS = 0x77616C6C  # "wall": the first half of the advisory lock of who tells.
Platform = WalletPass.Platform


def note_changes(*, at: datetime) -> int:
    """Find the passes that say something else than they last told, in portions; return how many.

    Points expire and become spendable without anything being written, so that all passes are looked at.
    """
    changed, after = 0, 0
    while True:
        passes = WalletPass.objects.filter(pk__gt=after).select_related("customer__merged_into")
        portion = list(passes.order_by("pk")[:PORTION])
        if not portion:
            return changed
        after = portion[-1].pk
        news = []
        for each, content in zip(portion, contents_of(portion, at=at), strict=True):
            if content.digest != each.told:
                each.told, each.changed_at, each.due, each.attempts = content.digest, at, True, 0
                news.append(each)
        WalletPass.objects.bulk_update(news, ["told", "changed_at", "due", "attempts"])
        changed += len(news)


def tell_telephones(*, at: datetime) -> int:
    """Tell Apple's telephones and Google of the passes with news; return how many were told.

    One process at a time tells those of a kind of wallet; no row is held while others are called. Told again
    it does no harm.
    """
    told = 0
    for platform, teller in ((Platform.APPLE, _Apple), (Platform.GOOGLE, _Google)):
        if not (apple if platform == Platform.APPLE else google).is_set():
            continue
        try:
            with _only_teller(platform) as ours:
                told += _tell_all(platform, teller(at=at)) if ours else 0
        except apple.NotUsable as error:
            WalletPass.objects.filter(platform=platform, due=True).update(problem=str(error)[:200])
    return told


@contextmanager
def _only_teller(platform: str) -> Iterator[bool]:
    """Hold a kind of wallet on this connection, which the server ends with it; say whether it was free."""
    key = [TELLERS, Platform.values.index(platform)]
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", key)
        (taken,) = cursor.fetchone()
    try:
        yield taken
    finally:
        if taken and connection.is_usable():
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s, %s)", key)


def _tell_all(platform: str, teller: "_Apple | _Google") -> int:
    told, after = 0, 0
    due = WalletPass.objects.filter(platform=platform, due=True).select_related("customer__merged_into")
    try:
        while portion := list(due.filter(pk__gt=after).order_by("pk")[:TOLD_AT_ONCE]):
            after = portion[-1].pk
            done = teller.tell(portion)
            _note_told(portion, done, teller.problem)
            told += len(done)
            if len(done) < len(portion):
                break  # The service is away: the next beat goes on.
    finally:
        teller.close()
    return told


def _note_told(portion: Sequence[WalletPass], done: set[int], problem: str) -> None:
    """Write down what came of telling these passes; one with newer news by now stays to be told."""
    seen = {one.pk: one.changed_at for one in portion}
    with transaction.atomic():
        rows = WalletPass.objects.filter(pk__in=seen).order_by("pk").select_for_update(no_key=True)
        same = {row.pk for row in rows if row.changed_at == seen[row.pk]}
        WalletPass.objects.filter(pk__in=same & done).update(due=False, attempts=0, problem="")
        rest = WalletPass.objects.filter(pk__in=same - done)
        rest.update(attempts=F("attempts") + 1, problem=problem)
        rest.filter(attempts__gte=MOST_ATTEMPTS).update(due=False)


class _Apple:
    """Pushes to the telephones of passes; one that is gone is forgotten."""

    def __init__(self, *, at: datetime) -> None:
        self._push = ApplePush(apple.identity(at=at))

    @property
    def problem(self) -> str:
        return self._push.problem

    def tell(self, passes: Sequence[WalletPass]) -> set[int]:
        devices = list(WalletDevice.objects.filter(wallet_pass__in=passes).exclude(push_token=""))
        answers = self._push.tell({device.push_token for device in devices})
        gone = [device.pk for device in devices if answers[device.push_token] == Told.GONE]
        WalletDevice.objects.filter(pk__in=gone).delete()
        late = {device.wallet_pass_id for device in devices if answers[device.push_token] == Told.LATER}
        return {one.pk for one in passes} - late

    def close(self) -> None:
        self._push.close()


class _Google:
    """Changes the objects of passes at Google."""

    def __init__(self, *, at: datetime) -> None:
        self._objects, self._at = google.GoogleObjects(google.account()), at

    @property
    def problem(self) -> str:
        return self._objects.problem

    def tell(self, passes: Sequence[WalletPass]) -> set[int]:
        done = set()
        for each, content in zip(passes, contents_of(passes, at=self._at), strict=True):
            if not self._objects.change(content):
                break
            done.add(each.pk)
        return done

    def close(self) -> None:
        self._objects.close()
