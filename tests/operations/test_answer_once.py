import threading
from datetime import timedelta

import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone

from operations.errors import IdempotencyInProgress, IdempotencyKeyReused, InvalidInput, Refusal
from operations.models import ApiClient, IdempotencyKey, JobRun
from operations.services import answer_once, forget_answers, queue_job
from operations.services.idempotency import Answer
from tests.coupons.races import at_once

HASH, OTHER_HASH = b"h" * 32, b"o" * 32


@pytest.fixture
def till(db) -> ApiClient:
    return ApiClient.objects.create_key(name="till", scopes=["all"])[0]


def queue_one() -> Answer:
    job = queue_job("trial", title="Trial")
    return Answer(201, f'{{"id": {job.pk}}}'.encode())


def refused(refusal: Refusal) -> Answer:
    return Answer(refusal.status, refusal.key.encode())


def ask(client: ApiClient, key: str = "k1", request_hash: bytes = HASH, work=queue_one) -> Answer:
    return answer_once(client, key=key, request_hash=request_hash, work=work, refuse=refused)


def test_the_same_request_twice_works_once_and_gets_the_same_bytes(till):
    first = ask(till)

    second = ask(till)

    assert (second.status, second.body) == (first.status, first.body)
    assert (first.replayed, second.replayed) == (False, True)
    assert JobRun.objects.count() == 1


def test_another_request_under_the_same_key_is_refused_and_does_nothing(till):
    ask(till)

    with pytest.raises(IdempotencyKeyReused):
        ask(till, request_hash=OTHER_HASH)

    assert JobRun.objects.count() == 1


def test_the_same_key_of_another_client_is_another_request(till):
    shop, _ = ApiClient.objects.create_key(name="shop", scopes=["all"])

    assert ask(till).body != ask(shop).body
    assert JobRun.objects.count() == 2


def test_a_refusal_rolls_back_what_was_done_and_is_stored(till):
    def refuse_after_writing() -> Answer:
        queue_job("trial", title="Half-written")
        raise Refusal("no")

    answers = [ask(till, work=refuse_after_writing) for _ in range(2)]

    assert [(a.status, a.body, a.replayed) for a in answers] == [
        (422, b"refused", False),
        (422, b"refused", True),
    ]
    assert JobRun.objects.count() == 0


def test_bad_input_is_not_stored_so_that_the_corrected_request_may_use_the_key(till):
    def reject() -> Answer:
        raise InvalidInput.at("/lines/0/quantity", "At least 1.")

    with pytest.raises(InvalidInput):
        ask(till, work=reject)

    assert IdempotencyKey.objects.count() == 0
    assert ask(till).replayed is False


@pytest.mark.django_db(transaction=True)
def test_while_the_first_request_runs_the_second_is_told_so():
    till, _ = ApiClient.objects.create_key(name="till", scopes=["all"])
    started, finish = threading.Event(), threading.Event()

    def slow_work() -> Answer:
        started.set()
        finish.wait(10)
        return queue_one()

    def run_first() -> None:
        ask(till, work=slow_work)
        connection.close()

    first = threading.Thread(target=run_first)
    first.start()
    started.wait(10)
    with pytest.raises(IdempotencyInProgress):
        ask(till)
    finish.set()
    first.join(10)

    assert ask(till).replayed is True
    assert JobRun.objects.count() == 1


def test_answers_are_forgotten_after_thirty_days(till):
    now = timezone.now()
    for key, age in {"old": timedelta(days=30, seconds=1), "kept": timedelta(days=30)}.items():
        ask(till, key=key)
        IdempotencyKey.objects.filter(key=key).update(created_at=now - age)

    assert forget_answers(at=now) == 1
    assert IdempotencyKey.objects.get().key == "kept"


def test_answers_are_forgotten_every_day():
    assert "operations.tasks.forget_answers" in {
        entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()
    }


@pytest.mark.django_db(transaction=True)
def test_the_same_request_many_times_at_once_works_once_and_everybody_gets_one_answer():
    till, _ = ApiClient.objects.create_key(name="till", scopes=["all"])

    def retrying() -> Answer | str:
        try:
            return ask(till)
        except IdempotencyInProgress as error:
            return error.key

    answers = [one for one in at_once([retrying] * 8 * 4) if isinstance(one, Answer)]

    assert JobRun.objects.count() == 1
    assert {answer.body for answer in answers} == {bytes(IdempotencyKey.objects.get().body)}
    assert [answer.replayed for answer in answers].count(False) == 1
