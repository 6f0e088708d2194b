"""A small load: what it holds fits together as facts that came over the API would."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.db.models import Count, F, Sum
from django.db.utils import IntegrityError

from customers.models import (
    Consent,
    ConsentRecord,
    Customer,
    Event,
    EventKey,
    Identity,
    MonthlyRollup,
    Order,
    OrderLine,
    Rollup,
    SourceProfile,
)
from customers.services.rollups import refresh_rollups
from loyalty_site.demo.progress import Progress
from loyalty_site.synthetic.loading import AlreadyLoaded, load_synthetic
from loyalty_site.synthetic.people import invent_people
from loyalty_site.synthetic.plan import Plan
from operations.indexes import indexes_laid_aside
from tests.factories import CustomerFactory

UNTIL = datetime(2026, 11, 21, 12, tzinfo=UTC)
PLAN = Plan(customers=6_000, orders=3_000, seed=1, until=UNTIL, history=timedelta(days=60))
SMALL = replace(PLAN, customers=20, orders=10)


def structure_of_the_database() -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename NOT LIKE %s UNION ALL"
            " SELECT conrelid::regclass || conname || pg_get_constraintdef(oid) FROM pg_constraint"
            " WHERE conrelid <> 0 AND conrelid::regclass::text NOT LIKE %s ORDER BY 1",
            2 * ["customers_event_2%"],  # The months that the load needs stay.
        )
        return cursor.fetchall()


def test_a_load_fits_together(db):
    before = structure_of_the_database()

    loaded = load_synthetic(PLAN, progress=Progress())

    assert (loaded.customers, loaded.orders) == (6_000, 3_000)
    assert (Customer.objects.count(), Order.objects.count()) == (6_000, 3_000)
    assert loaded.lines == OrderLine.objects.count()
    assert loaded.events == Event.objects.count()
    assert structure_of_the_database() == before
    assert SourceProfile.objects.count() > 6_000
    assert Identity.objects.filter(namespace="phone", shared=True).exists()
    assert Consent.objects.count() == ConsentRecord.objects.count() > 1_000
    assert Order.objects.filter(ordered_at__gte=UNTIL).count() == 0
    assert Order.objects.filter(ordered_at__lt=F("customer__created_at")).count() == 0
    assert Event.objects.filter(type="order.recorded").count() == Order.objects.filter(status="PAID").count()
    sums = OrderLine.objects.values("order").annotate(sum=Sum(F("amount") - F("discount_amount")))
    totals = dict(Order.objects.values_list("pk", "total_amount"))
    assert {row["order"]: row["sum"] for row in sums} == totals
    assert not Event.objects.exclude(pk__in=EventKey.objects.values("pk")).exists()
    assert_the_totals_are_those_of_the_orders()


def assert_the_totals_are_those_of_the_orders():
    loaded = set(Rollup.objects.values_list("customer", "orders", "net_amount", "last_order_at"))
    months = set(MonthlyRollup.objects.values_list("customer", "month", "orders", "net_amount"))

    refresh_rollups(Customer.objects.values_list("pk", flat=True))

    assert loaded
    assert set(Rollup.objects.values_list("customer", "orders", "net_amount", "last_order_at")) == loaded
    assert set(MonthlyRollup.objects.values_list("customer", "month", "orders", "net_amount")) == months


def test_the_same_seed_invents_the_same_people():
    first, again = invent_people(PLAN, 0, 6_000), invent_people(PLAN, 0, 6_000)

    assert first.email.to_pylist() == again.email.to_pylist()
    assert 80 < first.duplicate.sum() < 300
    assert len(set(zip(first.last_name.to_pylist(), first.street.to_pylist(), strict=True))) < 4_500


def test_a_second_load_is_refused(db):
    load_synthetic(SMALL, progress=Progress())

    with pytest.raises(AlreadyLoaded):
        load_synthetic(PLAN, progress=Progress())

    assert Customer.objects.count() == 20


def test_a_load_joins_what_is_there(db):
    anna = CustomerFactory(first_name="Anna")

    load_synthetic(SMALL, progress=Progress())

    assert Customer.objects.count() == 21
    assert Customer.objects.get(pk=anna.pk).first_name == "Anna"
    assert Customer.objects.aggregate(ids=Count("public_id", distinct=True)) == {"ids": 21}


def test_an_index_comes_back_only_over_rows_that_fit(db):
    anna = CustomerFactory()

    with pytest.raises(IntegrityError), indexes_laid_aside([Identity]):
        for _ in range(2):
            Identity.objects.create(namespace="email", value="anna@mail.example", customer=anna)
