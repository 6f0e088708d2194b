"""One run of a model: what counts, what is refused, what is written."""

import threading
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection, connections

from analytics.errors import PopulationTooSmall, RunInProgress
from analytics.models import RfmRun, RfmScore, RfmTransition
from analytics.services import create_rfm_model, run_rfm, segment_migration
from analytics.services.run_locks import only_run_of
from customers.models import Order, Segment, SegmentMembership
from tests.analytics.factories import buyer, purchase
from tests.factories import NOON, CustomerFactory

TODAY = date(2026, 11, 21)
RECENCY = [2, 10, 20, 35, 50, 75, 110, 160, 230, 340]
ORDERS = [1, 1, 1, 1, 1, 1, 2, 2, 3, 9]

pytestmark = pytest.mark.django_db


def model(code="all-orders", **settings):
    return create_rfm_model(code, name="All orders", **({"minimum_population": 1} | settings))


def scores(rfm_model, customers) -> list[tuple[int, int, int] | None]:
    found = {score.customer_id: (score.r, score.f, score.m) for score in RfmScore.objects.of(rfm_model)}
    return [found.get(customer.pk) for customer in customers]


def ten_buyers():
    return [
        buyer(*[days] * count, amount=1000 * number)
        for number, (days, count) in enumerate(zip(RECENCY, ORDERS, strict=True), start=1)
    ]


def test_ten_customers_get_the_scores_worked_out_by_hand():
    customers = ten_buyers()
    nobody = CustomerFactory()
    rfm_model = model()

    run = run_rfm(rfm_model, as_of=TODAY)

    assert [r for r, _, _ in scores(rfm_model, customers)] == [5, 5, 4, 4, 3, 3, 2, 2, 1, 1]
    assert [f for _, f, _ in scores(rfm_model, customers)] == [1, 1, 1, 1, 1, 1, 4, 4, 5, 5]
    assert scores(rfm_model, [nobody]) == [None]
    assert not SegmentMembership.objects.filter(customer=nobody).exists()
    assert (run.status, run.population) == (RfmRun.Status.DONE, 10)


def test_inverted_recency_is_the_reverse_and_still_leaves_non_buyers_out():
    customers = ten_buyers()
    nobody = CustomerFactory()
    rfm_model = model(recency="INVERTED")

    run_rfm(rfm_model, as_of=TODAY)

    assert [r for r, _, _ in scores(rfm_model, customers)] == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
    assert scores(rfm_model, [nobody]) == [None]


def test_fixed_thresholds_are_inclusive():
    customers = ten_buyers()
    own = {"r": [230, 110, 35, 10], "f": [2, 3, 4, 9], "m": [1000, 2000, 9000, 90000]}
    rfm_model = model(binning="FIXED", thresholds=own)

    run = run_rfm(rfm_model, as_of=TODAY)

    assert [r for r, _, _ in scores(rfm_model, customers)] == [5, 5, 4, 4, 3, 3, 3, 2, 2, 1]
    assert [f for _, f, _ in scores(rfm_model, customers)] == [1, 1, 1, 1, 1, 1, 2, 2, 3, 5]
    assert run.thresholds == own


def test_average_ticket_is_rounded_half_up():
    alice, bob = buyer(3), buyer(3, amount=2)
    purchase(bob, at=NOON - timedelta(days=4), amount=3)
    rfm_model = model(
        monetary="AVERAGE",
        binning="FIXED",
        thresholds={"r": [9, 8, 7, 6], "f": [1, 2, 3, 4], "m": [2, 3, 4, 5]},
    )

    run_rfm(rfm_model, as_of=TODAY)

    assert [m for _, _, m in scores(rfm_model, [alice, bob])] == [5, 3]


def test_weights_are_scaled_so_that_the_sum_stays_within_fifteen():
    buyer(1)
    rfm_model = model(weights=[2, 1, 1])

    run = run_rfm(rfm_model, as_of=TODAY)

    assert RfmScore.objects.get().sum == 3
    assert run.score_sums == {"r": 1, "f": 1, "m": 1, "sum": 3}


def test_only_paid_orders_before_the_day_count_at_what_they_are_worth_after_refunds():
    alice = buyer(1, amount=5000)
    Order.objects.filter(customer=alice).update(refunded_amount=2000)
    bob = buyer(1)
    purchase(bob, at=NOON, amount=9_999_999)
    carla = CustomerFactory()
    for status in (Order.Status.PENDING, Order.Status.REFUNDED, Order.Status.CANCELLED):
        purchase(carla, at=NOON - timedelta(days=2), status=status)
    purchase(None, at=NOON - timedelta(days=2), amount=2000)
    purchase(bob, at=NOON - timedelta(days=2), amount=7777, currency="CHF")
    rfm_model = model()

    run = run_rfm(rfm_model, as_of=TODAY)

    assert (run.population, run.orders, run.net_amount) == (2, 2, 8000)
    assert (run.anonymous_orders, run.anonymous_amount, run.anonymous_share) == (1, 2000, 0.2)
    assert RfmScore.objects.get(customer=alice).net_amount == 3000
    assert RfmScore.objects.get(customer=bob).net_amount == 5000
    assert not RfmScore.objects.filter(customer=carla).exists()


def test_days_are_calendar_days_of_the_programmes_time_zone():
    in_rome_on_the_20th = datetime(2026, 11, 19, 23, 30, tzinfo=UTC)
    too_late = datetime(2026, 11, 20, 23, 0, tzinfo=UTC)
    alice, bob = CustomerFactory(), CustomerFactory()
    purchase(alice, at=in_rome_on_the_20th)
    purchase(bob, at=too_late)
    rfm_model = model()

    run_rfm(rfm_model, as_of=TODAY)

    assert RfmScore.objects.get().customer == alice
    assert RfmScore.objects.get().last_order_on == date(2026, 11, 20)


def test_a_window_leaves_older_orders_out():
    alice = buyer(30, 31)
    bob = buyer(31)
    rfm_model = model(window_days=30)

    run_rfm(rfm_model, as_of=TODAY)

    assert RfmScore.objects.get().customer == alice
    assert RfmScore.objects.get().orders == 1
    assert scores(rfm_model, [bob]) == [None]


def test_too_few_customers_are_refused_and_nothing_changes():
    alice = buyer(1)
    rfm_model = model(minimum_population=1)
    run_rfm(rfm_model, as_of=TODAY)
    rfm_model.minimum_population = 25
    buyer(1)

    with pytest.raises(PopulationTooSmall, match="2 customers bought"):
        run_rfm(rfm_model, as_of=TODAY)

    assert RfmScore.objects.get().customer == alice
    assert rfm_model.runs.first().status == RfmRun.Status.FAILED
    assert "2 customers bought" in rfm_model.runs.first().error


def test_fixed_thresholds_need_no_minimum():
    buyer(1)
    own = {"r": [9, 8, 7, 6], "f": [1, 2, 3, 4], "m": [2, 3, 4, 5]}

    run = run_rfm(model(binning="FIXED", thresholds=own, minimum_population=25), as_of=TODAY)

    assert run.population == 1


def test_a_second_run_writes_only_what_changed():
    alice = buyer(1)
    bob = buyer(200)
    rfm_model = model()
    run_rfm(rfm_model, as_of=TODAY, at=NOON)
    untouched = RfmScore.objects.get(customer=alice).pk

    again = run_rfm(rfm_model, as_of=TODAY, at=NOON)
    Order.objects.filter(customer=bob).update(status=Order.Status.CANCELLED)
    carla = buyer(2)
    later = run_rfm(rfm_model, as_of=TODAY, at=NOON + timedelta(hours=1))

    assert (again.changed_rows, again.moves) == (0, 0)
    assert set(RfmScore.objects.values_list("customer", flat=True)) == {alice.pk, carla.pk}
    assert RfmScore.objects.get(customer=alice).pk == untouched
    gone = RfmTransition.objects.get(run=later, customer=bob)
    assert (gone.from_segment, gone.to_segment) == ("lost", "")
    assert SegmentMembership.objects.current().filter(customer=bob).count() == 0
    assert SegmentMembership.objects.filter(customer=bob, left_at__isnull=False).count() == 1


def test_segments_know_their_members_and_sizes():
    customers = ten_buyers()
    rfm_model = model()

    run = run_rfm(rfm_model, as_of=TODAY)

    assert Segment.objects.filter(code__startswith="all-orders--", kind=Segment.Kind.RFM).count() == 11
    assert sum(run.segment_sizes.values()) == 10
    for segment, size in run.segment_sizes.items():
        stored = Segment.objects.get(code=f"all-orders--{segment}")
        assert stored.memberships.current().count() == size == stored.size
    assert len(customers) == SegmentMembership.objects.current().count()


def test_models_run_side_by_side():
    buyer(1)
    buyer(400)
    everyone, recent = model(), model("last-year", window_days=365)

    run_rfm(everyone, as_of=TODAY)
    run_rfm(recent, as_of=TODAY)

    assert RfmScore.objects.of(everyone).count() == 2
    assert RfmScore.objects.of(recent).count() == 1
    assert Segment.objects.get(code="last-year--lost").name == "All orders: Lost"


def test_the_migration_between_two_dates_follows_runs_in_the_order_they_were_made():
    alice, bob = buyer(1), buyer(200)
    rfm_model = model()
    run_rfm(rfm_model, as_of=TODAY)
    purchase(bob, at=NOON)
    Order.objects.filter(customer=alice).update(status=Order.Status.CANCELLED)
    run_rfm(rfm_model, as_of=TODAY + timedelta(days=7))

    migration = segment_migration(rfm_model, from_=TODAY, to=TODAY + timedelta(days=10))
    first = segment_migration(rfm_model, from_=TODAY - timedelta(days=9), to=TODAY)

    assert migration.customers == {("new", ""): 1, ("lost", "lost"): 1}
    assert first.before is None
    assert first.customers == {("", "new"): 1, ("", "lost"): 1}


def test_the_migration_goes_by_when_runs_were_done_not_promised():
    alice, _bob = buyer(1), buyer(200)
    rfm_model = model()
    run_rfm(rfm_model, as_of=TODAY)
    waited = RfmRun.objects.create(model=rfm_model, as_of=TODAY + timedelta(days=400))
    run_rfm(rfm_model, as_of=TODAY + timedelta(days=1))
    Order.objects.filter(customer=alice).update(status=Order.Status.CANCELLED)
    run_rfm(rfm_model, as_of=waited.as_of, run=waited)

    migration = segment_migration(rfm_model, from_=TODAY + timedelta(days=1), to=waited.as_of)

    assert migration.customers == {("new", ""): 1, ("lost", "lost"): 1}


def test_a_run_that_was_cut_off_is_marked_as_failed_by_the_next():
    buyer(1)
    rfm_model = model()
    cut_off = RfmRun.objects.create(model=rfm_model, as_of=TODAY, started_at=NOON)
    queued = RfmRun.objects.create(model=rfm_model, as_of=TODAY)

    run_rfm(rfm_model, as_of=TODAY)

    cut_off.refresh_from_db()
    queued.refresh_from_db()
    assert cut_off.status == RfmRun.Status.FAILED
    assert queued.status == RfmRun.Status.RUNNING


@pytest.mark.django_db(transaction=True)
def test_of_two_runs_at_once_one_works_and_the_other_says_so():
    buyer(1)
    rfm_model = model()
    refusals = []

    def second():
        try:
            run_rfm(rfm_model, as_of=TODAY)
        except RunInProgress as error:
            refusals.append(error.key)
        finally:
            connections.close_all()

    with only_run_of(rfm_model):
        thread = threading.Thread(target=second)
        thread.start()
        thread.join()

    assert refusals == ["run_in_progress"]
    assert RfmRun.objects.count() == 0
    assert run_rfm(rfm_model, as_of=TODAY).status == RfmRun.Status.DONE


def test_the_aggregate_walks_the_covering_index():
    buyer(1)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_hashagg = off; SET LOCAL enable_seqscan = off")
        cursor.execute(
            "EXPLAIN SELECT customer_id, max(ordered_at), count(*), sum(net_amount) FROM customers_order"
            " WHERE status = 'PAID' AND customer_id IS NOT NULL AND currency = 'EUR' AND ordered_at < now()"
            " GROUP BY customer_id"
        )
        plan = "\n".join(line for (line,) in cursor.fetchall())

    assert "Index Only Scan using order_purchases" in plan
    assert plan.startswith("GroupAggregate")
