"""From orders to traits: habits, probabilities and windows of real rows; pages and the API show them."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from analytics.errors import HistoryTooShort
from analytics.models import BehaviourModel, BehaviourRun
from analytics.services.behaviour import choose_behaviour_model, predict_behaviour
from customers.models import Customer, OrderLine, Product, SalesChannel, Store, Trait
from customers.services.rollups import refresh_rollups
from tests.analytics.behaviour.coupons import give
from tests.analytics.factories import purchase
from tests.factories import CustomerFactory

pytestmark = pytest.mark.django_db
ROME = ZoneInfo("Europe/Rome")
TODAY = date(2026, 11, 21)
OWN = {
    str(days): {
        "parameters": {"b": 0.5, "r": 0.5, "half_life": 30.0},
        "calibration": {"shift": 0.0, "slope": 1.0},
    }
    for days in (7, 14, 30)
}


def model() -> BehaviourModel:
    return BehaviourModel.objects.create(
        as_of=TODAY, kind="OWN_HISTORY", predictors=OWN, trials=[], population=1, learned_from=1,
        first_on=TODAY,
    )  # fmt: skip


def order(
    person: Customer, days_ago: int, *articles: tuple[Product, int, int], hour: int = 18, **fields
) -> None:
    day = TODAY - timedelta(days=days_ago)
    total = sum(amount - discount for _product, amount, discount in articles) or 1000
    made = purchase(
        person, at=datetime(day.year, day.month, day.day, hour, 30, tzinfo=ROME), amount=total, **fields
    )
    for place, (product, amount, discount) in enumerate(articles):
        OrderLine.objects.create(
            order=made, line_id=str(place), product=product, quantity=1, amount=amount,
            discount_amount=discount,
        )  # fmt: skip
    refresh_rollups([person.pk])


def traits(person: Customer) -> dict:
    return dict(person.traits.values_list("code", "value"))


def test_traits_say_how_likely_when_what_where_and_how():
    alice = CustomerFactory()
    shoes = Product.objects.create(sku="s", category="Shoes", brand="Vela", product_line="Outdoor")
    socks = Product.objects.create(sku="k", category="Socks", brand="Lana")
    shop = Store.objects.create(code="MI-1", name="Milano Duomo")
    store, web = (SalesChannel.objects.create(code=code) for code in ("store", "web"))
    for days in (70, 60, 50, 40, 30):
        order(alice, days, (shoes, 8000, 0), (socks, 500, 0), store=shop, sales_channel=store)
    for days in (20, 10):
        order(alice, days, (shoes, 8000, 800), sales_channel=web, hour=18)

    run = predict_behaviour(as_of=TODAY, model=model())

    found = traits(alice)
    weight = sum(2 ** (-days / 30) for days in (70, 60, 50, 40, 30, 20, 10))
    assert found["buy_probability_30"] == round(1 - 2.718281828459045 ** (-0.5 * (0.5 + weight)), 3)
    assert found["next_order_window"] == {"from": "2026-11-21", "until": "2026-11-21"}
    assert found["favourite_categories"] == ["Shoes", "Socks"]
    assert (found["favourite_brand"], found["favourite_product_line"]) == ("Vela", "Outdoor")
    assert (found["usual_store"], found["usual_channel"], found["usual_hour"]) == ("MI-1", "store", 18)
    assert found["channel_profile"] == "MULTI"
    assert found["channel_shares"] == {"store": 0.69, "web": 0.31}
    assert found["discount_sensitivity"] == 0.5  # The only customer is the average.
    assert (run.population, run.read_anew, run.carried_on) == (1, 1, 0)


def test_one_order_tells_no_window_and_no_usual_place():
    bob = CustomerFactory()
    order(bob, 5)

    predict_behaviour(as_of=TODAY, model=model())

    found = traits(bob)
    assert "next_order_window" not in found
    assert not {"usual_hour", "usual_store", "favourite_categories"} & found.keys()
    assert 0 < found["buy_probability_7"] < 1


def test_the_next_night_reads_only_who_bought_and_a_second_run_writes_nothing():
    alice, bob = CustomerFactory(), CustomerFactory()
    for person in (alice, bob):
        order(person, 30)
        order(person, 10)
    ours = model()
    predict_behaviour(as_of=TODAY, model=ours)
    order(alice, 0)

    night = predict_behaviour(as_of=TODAY + timedelta(days=1), model=ours)
    again = predict_behaviour(as_of=TODAY + timedelta(days=1), model=ours)

    assert (night.carried_on, night.read_anew) == (1, 0)
    assert again.changed_rows == 0
    carried = {person.pk: traits(person) for person in (alice, bob)}
    BehaviourRun.objects.all().delete()
    predict_behaviour(as_of=TODAY + timedelta(days=1), model=ours)
    assert carried == {person.pk: traits(person) for person in (alice, bob)}


def test_whoever_uses_more_coupons_than_others_is_more_sensitive():
    eager, cool = CustomerFactory(), CustomerFactory()
    for person in (eager, cool):
        order(person, 10)
    give(eager, used=4, unused=0)
    give(cool, used=0, unused=4)

    predict_behaviour(as_of=TODAY, model=model())

    assert traits(eager)["coupon_response"] > 0.5 > traits(cool)["coupon_response"]
    assert traits(eager)["discount_sensitivity"] > 0.5 > traits(cool)["discount_sensitivity"]


def test_whoever_refused_profiling_has_no_traits():
    alice = CustomerFactory(profiling=Customer.Profiling.OBJECTED)
    order(alice, 10)

    predict_behaviour(as_of=TODAY, model=model())

    assert not Trait.objects.exists()


def test_too_few_customers_teach_no_model():
    order(CustomerFactory(), 10)

    with pytest.raises(HistoryTooShort):
        choose_behaviour_model(as_of=TODAY)
    assert not BehaviourModel.objects.exists()


def test_habits_read_in_portions_are_those_read_at_once(monkeypatch):
    shoes = Product.objects.create(sku="s", category="Shoes", brand="Vela")
    people = [CustomerFactory() for _ in range(3)]
    for place, person in enumerate(people):
        for days in (60, 40, 20):
            order(person, days + place, (shoes, 8000, 800 * place))
    give(people[0], used=1, unused=1)
    whole = predict_behaviour(as_of=TODAY, model=model())
    before = [traits(person) for person in people]
    monkeypatch.setattr("analytics.services.behaviour.PEOPLE_AT_ONCE", 1)
    BehaviourRun.objects.all().delete()

    portions = predict_behaviour(as_of=TODAY, model=model())

    assert [traits(person) for person in people] == before
    assert portions.habits == whole.habits
    assert portions.habits["counts"]["favourite_brand"] == {"Vela": 3}


def test_who_is_no_buyer_any_more_loses_their_habits():
    alice = CustomerFactory()
    for days in (60, 40, 20):
        order(alice, days)
    predict_behaviour(as_of=TODAY, model=model())
    assert "usual_weekday" in traits(alice)
    alice.orders.update(status="CANCELLED")
    refresh_rollups([alice.pk])

    predict_behaviour(as_of=TODAY, model=model())

    assert traits(alice) == {}
