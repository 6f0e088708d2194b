"""Somebody refuses profiling, or is erased, while a run over everybody is under way: nothing stays."""

import threading
import time
from datetime import date

import pytest
from django.db import connection, transaction

from analytics.engine import PostgresEngine
from analytics.models import RfmRun, RfmScore
from analytics.services import create_rfm_model, run_rfm
from customers.models import Customer, SegmentMembership, Trait
from customers.services.erasure import erase_customer
from customers.services.processing import restrict_processing
from customers.services.profiling import sweep_profiles
from customers.services.traits import write_traits
from tests.analytics.factories import buyer
from tests.factories import NOON

DAY = date(2026, 11, 21)
PATIENCE = 10

pytestmark = pytest.mark.django_db(transaction=True)


class Refusal(threading.Thread):
    """Refuses in a transaction that ends only when scores of the person were written, or wait for it."""

    def __init__(self, refuse, customer: Customer) -> None:
        super().__init__()
        self.refuse, self.customer = refuse, customer
        self.refused = threading.Event()
        self.overtaken = False

    def run(self) -> None:
        try:
            with transaction.atomic():
                self.refuse(self.customer, at=NOON)
                self.refused.set()
                until = time.monotonic() + PATIENCE
                while not self.overtaken and time.monotonic() < until:
                    self.overtaken = self._is_overtaken()
                    time.sleep(0.01)
        finally:
            connection.close()

    def _is_overtaken(self) -> bool:
        if RfmScore.objects.filter(customer=self.customer).exists():
            return True
        with connection.cursor() as cursor:
            cursor.execute("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)")
            return cursor.fetchone()[0]


def restrict(customer: Customer, *, at) -> None:
    restrict_processing(customer, reason="Asked by letter", at=at)


@pytest.mark.parametrize("refuse", [restrict, erase_customer])
def test_who_refuses_or_is_erased_during_a_run_is_left_without_a_score(refuse):
    alice, bob = buyer(3), buyer(5)
    model = create_rfm_model("all-orders", name="All orders", minimum_population=1)
    refusal = Refusal(refuse, alice)
    refusal.start()
    assert refusal.refused.wait(PATIENCE)

    run_rfm(model, as_of=DAY)
    refusal.join()

    assert refusal.overtaken
    assert list(RfmScore.objects.values_list("customer", flat=True)) == [bob.pk]
    assert set(SegmentMembership.objects.current().values_list("customer", flat=True)) == {bob.pk}


def test_the_sweep_takes_what_was_computed_about_whoever_refused_and_of_nobody_else():
    alice, bob = buyer(3), buyer(5)
    rows = [(alice.pk, "engagement", 1.0), (bob.pk, "engagement", 2.0)]
    write_traits(rows, codes=["engagement"], at=NOON, model_version="1")
    Customer.objects.filter(pk=alice.pk).update(profiling=Customer.Profiling.OBJECTED)

    assert sweep_profiles(at=NOON) == 1

    assert list(Trait.objects.values_list("customer", flat=True)) == [bob.pk]
    assert sweep_profiles(at=NOON) == 0


def test_a_run_that_was_the_victim_of_a_deadlock_is_done_again(monkeypatch):
    buyer(3)
    model = create_rfm_model("all-orders", name="All orders", minimum_population=1)
    write, attempts = PostgresEngine.write, []

    def write_after_a_deadlock(self, thresholds):
        attempts.append(self.run.pk)
        if len(attempts) == 1:
            with connection.cursor() as cursor:
                cursor.execute("DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = 'deadlock_detected'; END $$")
        return write(self, thresholds)

    monkeypatch.setattr(PostgresEngine, "write", write_after_a_deadlock)
    run = run_rfm(model, as_of=DAY)

    assert (len(attempts), run.status, run.changed_rows) == (2, RfmRun.Status.DONE, 1)
    assert RfmScore.objects.count() == RfmRun.objects.count() == 1
