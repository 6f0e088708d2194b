"""Engagement measured from events, written as a trait and scored in every model."""

import threading
from datetime import date, timedelta

import pytest
from django.db import connections, transaction

from analytics.models import EngagementRule, RfmScore
from analytics.services import (
    create_rfm_model,
    edit_engagement_rule,
    measure_engagement,
    run_rfm,
    score_engagement,
)
from customers.models import Customer, Event, Trait
from operations.errors import InvalidInput
from tests.analytics.factories import buyer
from tests.factories import NOON, CustomerFactory, SourceFactory

TODAY = date(2026, 11, 21)

pytestmark = pytest.mark.django_db


def sign(customer: Customer | None, kind: str, days_ago: int) -> None:
    source = SourceFactory()
    Event.objects.create(
        type=kind,
        customer=customer,
        occurred_at=NOON - timedelta(days=days_ago),
        source=source,
        external_id=f"sign-{Event.objects.count()}",
        content_hash=b"",
    )


def values() -> dict[int, float]:
    return dict(Trait.objects.filter(code="engagement").values_list("customer", "value"))


def test_engagement_is_written_as_a_trait_of_whoever_showed_interest():
    keen, cool = CustomerFactory(), CustomerFactory()
    sign(keen, "product.tried", 14)
    sign(keen, "message.clicked", 28)
    sign(cool, "message.opened", 14)
    sign(None, "visit.recorded", 1)

    measured = measure_engagement(as_of=TODAY, at=NOON)

    assert values() == {keen.pk: 4.75, cool.pk: 0.5}
    assert (measured.people, measured.changed) == (2, 2)
    assert measure_engagement(as_of=TODAY, at=NOON).changed == 0
    assert EngagementRule.the_one().measured_on == TODAY


def test_today_does_not_count_yet_and_what_is_long_ago_counts_no_more():
    customer = CustomerFactory()
    sign(customer, "product.tried", 0)
    sign(customer, "product.tried", 141)

    measure_engagement(as_of=TODAY, at=NOON)

    assert values() == {}


def test_whoever_refused_profiling_is_not_measured_and_loses_what_there_was():
    customer = CustomerFactory()
    sign(customer, "product.tried", 14)
    measure_engagement(as_of=TODAY, at=NOON)
    Customer.objects.filter(pk=customer.pk).update(profiling=Customer.Profiling.OBJECTED)

    measured = measure_engagement(as_of=TODAY, at=NOON)

    assert measured.people == 0
    assert values() == {}


def test_e_is_scored_in_fifths_of_the_models_customers_who_showed_interest():
    model = create_rfm_model("mine", name="Mine", minimum_population=1)
    buyers = [buyer(3) for _ in range(6)]
    for place, customer in enumerate(buyers[:5]):
        for _ in range(place + 1):
            sign(customer, "message.opened", 14)
    sign(CustomerFactory(), "product.tried", 1)
    run_rfm(model, as_of=TODAY)

    measure_engagement(as_of=TODAY, at=NOON)

    scored = dict(RfmScore.objects.values_list("customer", "e"))
    assert [scored[customer.pk] for customer in buyers] == [1, 2, 3, 4, 5, None]


def test_the_merchants_own_weights_hold_from_the_next_measurement_on():
    customer = CustomerFactory()
    sign(customer, "review.written", 7)

    edit_engagement_rule(weights={"review.written": 2}, half_life_days=7)
    measure_engagement(as_of=TODAY, at=NOON)

    assert values() == {customer.pk: 1.0}


def test_weights_that_make_no_sense_are_refused_and_the_old_ones_stay():
    for weights, half_life in (({"x": 1}, 14), ({"message.opened": -1}, 14), ({"message.opened": 1}, 0)):
        with pytest.raises(InvalidInput):
            edit_engagement_rule(weights=weights, half_life_days=half_life)

    assert EngagementRule.the_one().weights["cart.abandoned"] == 10


@pytest.mark.django_db(transaction=True)
def test_e_is_not_scored_while_a_run_of_the_model_writes():
    buyer(1)
    model = create_rfm_model("waits", name="Waits", minimum_population=1)
    done = threading.Event()

    def score():
        try:
            score_engagement(model)
            done.set()
        finally:
            connections.close_all()

    thread = threading.Thread(target=score)
    with transaction.atomic():
        run_rfm(model, as_of=TODAY)
        thread.start()
        scored_meanwhile = done.wait(0.5)
    thread.join()

    assert not scored_meanwhile
    assert done.is_set()
