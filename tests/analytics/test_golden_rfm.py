"""RFM on real data: every number of the design, section 5, exactly."""

from collections import Counter
from datetime import UTC, date, datetime

import pytest
from django.db import transaction

from analytics.models import RfmRun, RfmScore, RfmTransition
from analytics.services import create_rfm_model, kpis, run_rfm
from customers.models import Customer, SegmentMembership
from customers.services.rollups import refresh_rollups
from tests.analytics import datasets

NOW = datetime(2026, 11, 21, 11, tzinfo=UTC)
CDNOW_DAY = date(1998, 7, 1)
JOURNEY_DAY = date(2018, 1, 2)


class Rollback(Exception):
    """Ends a module's transaction."""


def loaded(django_db_blocker, orders):
    """Load once for a module; its tests share the transaction, which is rolled back after the last."""
    with django_db_blocker.unblock():
        try:
            with transaction.atomic():
                datasets.load(orders())
                yield
                raise Rollback
        except Rollback:
            pass


@pytest.fixture(scope="class")
def cdnow(django_db_setup, django_db_blocker):
    yield from loaded(django_db_blocker, datasets.cdnow)


@pytest.fixture(scope="class")
def journey(django_db_setup, django_db_blocker):
    yield from loaded(django_db_blocker, datasets.complete_journey)


@pytest.fixture(scope="class")
def cdnow_run(cdnow) -> RfmRun:
    return run_rfm(create_rfm_model("all-orders", name="All orders"), as_of=CDNOW_DAY, at=NOW)


@pytest.fixture(scope="class")
def journey_run(journey) -> RfmRun:
    return run_rfm(create_rfm_model("all-orders", name="All orders"), as_of=JOURNEY_DAY, at=NOW)


class TestCdnow:
    def test_everybody_who_bought_is_scored(self, cdnow_run):
        assert cdnow_run.status == RfmRun.Status.DONE
        assert cdnow_run.population == 23_570
        assert cdnow_run.orders == 69_659
        assert cdnow_run.net_amount == 250_031_563
        assert cdnow_run.anonymous_orders == 0

    def test_the_thresholds_are_the_published_ones(self, cdnow_run):
        assert cdnow_run.thresholds == {
            "r": [513, 486, 433, 142],
            "f": [1, 1, 2, 4],
            "m": [1536, 3135, 5992, 13395],
        }

    def test_the_sums_of_scores_are_the_published_ones(self, cdnow_run):
        assert cdnow_run.score_sums == {"r": 70_650, "f": 58_402, "m": 70_602, "sum": 199_654}

    def test_customers_with_one_order_share_one_score(self, cdnow_run):
        sizes = Counter(RfmScore.objects.of(cdnow_run.model).values_list("f", flat=True))

        assert sizes == {1: 11_908, 3: 4_079, 4: 3_658, 5: 3_925}

    def test_the_segments_have_the_published_sizes(self, cdnow_run):
        assert cdnow_run.named_sizes() == {
            "Champions": 5_432,
            "Hibernating": 3_499,
            "Lost": 3_097,
            "About To Sleep": 1_848,
            "Potential Loyalist": 1_844,
            "Can't Lose": 1_717,
            "Loyal": 1_680,
            "Need Attention": 1_583,
            "New": 1_438,
            "Promising": 937,
            "At Risk": 495,
        }

    def test_the_customers_segments_hold_the_same_people(self, cdnow_run):
        members = Counter(
            SegmentMembership.objects.current()
            .filter(segment__code__startswith="all-orders--")
            .values_list("segment__code", flat=True)
        )

        assert members == {f"all-orders--{code}": size for code, size in cdnow_run.segment_sizes.items()}

    def test_the_same_run_again_writes_nothing(self, cdnow_run):
        again = run_rfm(cdnow_run.model, as_of=CDNOW_DAY, at=NOW)

        assert (again.changed_rows, again.moves) == (0, 0)
        assert again.segment_sizes == cdnow_run.segment_sizes
        assert not RfmTransition.objects.filter(run=again).exists()

    def test_the_next_day_writes_only_what_the_passing_day_moved(self, cdnow_run):
        next_day = run_rfm(cdnow_run.model, as_of=date(1998, 7, 2), at=NOW)

        assert next_day.population == 23_570
        assert next_day.changed_rows < 500
        assert next_day.moves <= next_day.changed_rows


class TestCompleteJourney:
    def test_everybody_who_bought_is_scored(self, journey_run):
        assert journey_run.population == 2_469
        assert journey_run.orders == 155_848
        assert journey_run.net_amount == 459_603_958

    def test_the_thresholds_are_the_published_ones(self, journey_run):
        assert journey_run.thresholds == {
            "r": [27, 11, 5, 2],
            "f": [16, 32, 55, 95],
            "m": [35_363, 87_176, 162_849, 298_723],
        }

    def test_the_sums_of_scores_are_the_published_ones(self, journey_run):
        assert journey_run.score_sums == {"r": 6_925, "f": 7_372, "m": 7_405, "sum": 21_702}

    def test_the_segments_have_the_published_sizes(self, journey_run):
        assert journey_run.named_sizes() == {
            "Hibernating": 478,
            "Champions": 396,
            "Loyal": 321,
            "Lost": 318,
            "Potential Loyalist": 290,
            "At Risk": 222,
            "Need Attention": 180,
            "New": 144,
            "About To Sleep": 76,
            "Can't Lose": 23,
            "Promising": 21,
        }

    def test_inverted_recency_turns_r_around(self, journey):
        model = create_rfm_model("durables", name="Durables", recency="INVERTED")

        run = run_rfm(model, as_of=JOURNEY_DAY, at=NOW)

        assert run.score_sums["r"] == 7_889
        assert run.thresholds["r"] == [27, 11, 5, 2]

    def test_the_key_figures_are_the_published_ones(self, journey):
        refresh_rollups(Customer.objects.values_list("pk", flat=True))

        first, second, *_rest = kpis(date(2017, 1, 1), date(2017, 12, 31), "quarter")
        year, new_years_day = kpis(date(2017, 1, 1), date(2018, 1, 1), "year")
        net_amount, orders = (
            (year.net_amount + new_years_day.net_amount),
            (year.orders + new_years_day.orders),
        )

        assert first.buyers == 2_280
        assert second.retention_rate == round(2_188 / 2_280, 6)
        assert (year.buyers, year.repeat_rate) == (2_469, round(2_438 / 2_469, 6))
        assert round(net_amount / orders / 100, 4) == 29.4905
        assert year.average_transaction_value == 2_949
