"""What counts under a scope, a season and a replacement window, and who moves when."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection

from analytics.models import RfmModel, RfmScore, RfmSnapshot, RfmTransition
from analytics.rules import replacement_score
from analytics.services import create_rfm_model, preview_rfm_model, run_rfm, verify_rfm_model
from customers.models import BusinessUnit, PurchaseChange, Return, ReturnLine, Season
from operations.errors import InvalidInput
from tests.analytics.factories import buyer, purchase
from tests.factories import (
    NOON,
    CustomerFactory,
    OrderFactory,
    ProductFactory,
    SalesChannelFactory,
    StoreFactory,
)

TODAY = date(2026, 11, 21)
OWN = {"r": [90, 60, 30, 10], "f": [2, 3, 4, 5], "m": [1000, 2000, 4000, 8000]}
pytestmark = pytest.mark.django_db


def model(code="scoped", **settings):
    return create_rfm_model(code, name=code, minimum_population=1, **settings)


def totals(rfm_model) -> dict[int, tuple[int, int]]:
    rows = RfmScore.objects.of(rfm_model).values_list("customer", "orders", "net_amount")
    return {customer: (orders, net_amount) for customer, orders, net_amount in rows}


def test_a_product_line_counts_its_own_articles_and_the_orders_that_have_some():
    for sku, line in (("T1", "tyres"), ("T2", "tyres"), ("O1", "oil")):
        ProductFactory(sku=sku, product_line=line)
    alice, bob = CustomerFactory(), CustomerFactory()
    lines = [("T1", 2, 9000, 1000), ("T2", 1, 3000, 0), ("O1", 1, 500, 0)]
    at = NOON - timedelta(days=3)
    order = OrderFactory(customer=alice, lines=lines, ordered_at=at)
    back = Return.objects.create(order=order, external_id="r", returned_at=at, refund_amount=3500)
    for line, amount in zip(order.lines.order_by("pk")[1:], (3000, 500), strict=True):
        ReturnLine.objects.create(parent=back, line=line, quantity=1, refund_amount=amount)
    type(order).objects.filter(pk=order.pk).update(refunded_amount=3500)
    OrderFactory(customer=bob, lines=[("O1", 1, 500, 0)], ordered_at=at)
    tyres = model(scope="PRODUCT_LINE", scope_value="tyres")

    run = run_rfm(tyres, as_of=TODAY)

    assert totals(tyres) == {alice.pk: (1, 8000)}
    assert (run.population, run.orders, run.net_amount) == (1, 1, 8000)


def test_places_count_what_was_bought_there():
    rome = StoreFactory(code="rome", country="IT", store_group="centre")
    turin = StoreFactory(code="turin", country="IT", store_group="north")
    nice = StoreFactory(code="nice", country="FR", store_group="north")
    web, shops = SalesChannelFactory(code="web"), BusinessUnit.objects.create(code="shops")
    alice = CustomerFactory()
    at = NOON - timedelta(days=3)
    for amount, place in (
        (1, {"store": rome, "business_unit": shops}),
        (10, {"store": turin}),
        (100, {"store": nice}),
        (1000, {"sales_channel": web}),
    ):
        purchase(alice, at=at, amount=amount, **place)
    expected = {
        ("STORE", "rome"): (1, 1),
        ("STORE_GROUP", "north"): (2, 110),
        ("COUNTRY", "IT"): (2, 11),
        ("CHANNEL", "web"): (1, 1000),
        ("BUSINESS_UNIT", "shops"): (1, 1),
        ("ALL", ""): (4, 1111),
    }

    found = {}
    for number, (scope, value) in enumerate(expected):
        scoped = model(f"place-{number}", scope=scope, scope_value=value)
        run_rfm(scoped, as_of=TODAY)
        found[scope, value] = totals(scoped)[alice.pk]

    assert found == expected


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"scope": "CHANNEL"}, "/scope_value"),
        ({"scope": "CHANNEL", "scope_value": "moon"}, "/scope_value"),
        ({"scope_value": "web"}, "/scope_value"),
        ({"recency": "REPLACEMENT", "cycle_days": 300}, "/tolerance_days"),
        ({"cycle_days": 300}, "/cycle_days"),
    ],
)
def test_a_scope_or_cycle_that_says_nothing_is_refused(settings, field):
    with pytest.raises(InvalidInput) as refusal:
        model(**settings)

    assert field in {mistake.pointer for mistake in refusal.value.details}
    assert not RfmModel.objects.exists()


def test_a_season_is_the_last_one_that_is_over():
    winter = Season.objects.create(
        code="long-winter", name="Winter", first_month=11, first_day=1, last_month=3, last_day=31
    )
    in_winter, before, now = buyer(), buyer(), buyer()
    zone_ends = datetime(2026, 3, 31, 21, 59, tzinfo=UTC)  # 23:59 in Rome, where summer time has begun.
    purchase(in_winter, at=zone_ends)
    purchase(before, at=zone_ends + timedelta(minutes=1))
    purchase(now, at=NOON - timedelta(days=2))
    seasonal = model(season=winter)

    run_rfm(seasonal, as_of=TODAY)

    assert seasonal.window(TODAY) == (date(2025, 11, 1), date(2026, 4, 1))
    assert set(totals(seasonal)) == {in_winter.pk}


@pytest.mark.parametrize(
    ("days", "score"),
    [
        (300, 5),
        (290, 5),
        (310, 5),
        (289, 4),
        (320, 4),
        (321, 3),
        (270, 3),
        (261, 2),
        (340, 2),
        (341, 1),
        (1, 1),
    ],
)
def test_a_replacement_window_scores_by_the_distance_from_the_cycle(days, score):
    person = buyer(days)
    tyres = model(recency="REPLACEMENT", cycle_days=300, tolerance_days=10)

    run = run_rfm(tyres, as_of=TODAY)

    assert replacement_score(days, cycle_days=300, tolerance_days=10) == score
    assert RfmScore.objects.get(customer=person).r == score
    assert run.thresholds["r"] == [40, 30, 20, 10]


def fixed(code="steady", **settings):
    return model(code, binning="FIXED", thresholds=OWN, **settings)


def test_a_new_segment_holds_when_it_was_named_on_three_days():
    alice = buyer(9, 9, amount=600)
    steady = fixed()
    run_rfm(steady, as_of=TODAY)
    before = RfmScore.objects.get().segment
    seen = []
    for day in (2, 2, 3, 4):  # Two days on, ten days have passed: R is 4.
        run_rfm(steady, as_of=TODAY + timedelta(days=day))
        score = RfmScore.objects.get()
        seen.append((score.r, score.segment == before, score.candidate_runs))

    assert seen == [(4, True, 1), (4, True, 1), (4, True, 2), (4, False, 0)]
    move = RfmTransition.objects.get(customer=alice)
    assert (move.from_segment, move.to_segment) == (before, RfmScore.objects.get().segment)


def test_two_levels_at_once_move_at_once():
    alice = buyer(100, amount=600)
    steady = fixed()
    run_rfm(steady, as_of=TODAY)
    for _ in range(5):
        purchase(alice, at=NOON, amount=9000)

    run = run_rfm(steady, as_of=TODAY + timedelta(days=1))

    assert (run.moves, RfmScore.objects.get().segment) == (1, "champions")


def test_the_last_run_of_a_month_is_kept():
    buyer(100)
    steady = fixed()
    for day in (date(2026, 10, 20), date(2026, 11, 1), date(2026, 11, 2)):
        run_rfm(steady, as_of=day)

    kept = RfmSnapshot.objects.order_by("month").values_list("month", "run__as_of", "population")

    assert list(kept) == [
        (date(2026, 10, 1), date(2026, 11, 1), 1),
        (date(2026, 11, 1), date(2026, 11, 2), 1),
    ]


def test_a_preview_tells_what_a_run_would_and_writes_nothing():
    buyer(1), buyer(40, 50), buyer(200)
    saved = model()
    unsaved = RfmModel(code="x", name="x", segment_map=saved.segment_map, minimum_population=1)

    preview = preview_rfm_model(unsaved, as_of=TODAY)

    assert not RfmScore.objects.exists()
    run = run_rfm(saved, as_of=TODAY)
    assert (preview.population, preview.thresholds, preview.cells) == (3, run.thresholds, run.cells)
    assert preview.sizes == run.segment_sizes


def test_verifying_names_the_first_difference():
    alice = buyer(3)
    steady = fixed()
    run_rfm(steady, as_of=TODAY)
    PurchaseChange.objects.all().delete()
    assert verify_rfm_model(steady, at=NOON).differences == []
    RfmScore.objects.update(orders=7)

    found = verify_rfm_model(steady, at=NOON)

    assert found.differences[0] == (
        f"customer {alice.public_id}: stored 7 orders, 5000, the last on 2026-11-18,"
        " their orders tell 1 orders, 5000, the last on 2026-11-18"
    )
    assert RfmScore.objects.get().orders == 7


def test_nothing_is_verified_after_more_has_changed_than_was_noted():
    buyer(3)
    steady = fixed()
    run_rfm(steady, as_of=TODAY)
    PurchaseChange.objects.all().delete()
    RfmScore.objects.update(orders=7)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO customers_purchasechange (writer, customers, scope)"
            " VALUES (pg_current_xact_id()::text::bigint, '{}', 'ALL')"
        )

    found = verify_rfm_model(steady, at=NOON)

    assert (found.compared, found.differences) == (None, [])
