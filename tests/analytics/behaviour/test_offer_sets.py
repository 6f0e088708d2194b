"""From predictions to the discount of each person: proposed, shown with its cost, confirmed."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from analytics.errors import NothingPredicted, OffersDecided
from analytics.models import BehaviourModel, BehaviourRun, OfferSet
from analytics.services import offer_sets
from analytics.services.offer_sets import (
    compute_offers,
    confirm_offer_set,
    discard_offer_set,
    propose_offers,
    run_codes,
)
from coupons.models import CodeBatch, Coupon, PersonalOffer
from coupons.services import create_promotion
from customers.models import Customer, Trait
from customers.services.rollups import refresh_rollups
from operations.errors import InvalidInput
from tests.analytics.factories import buyer
from tests.factories import NOON

pytestmark = pytest.mark.django_db
TODAY = date(2026, 11, 21)
GUARDS = {"lowest": Decimal(5), "highest": Decimal(20), "step": Decimal(5), "margin_percent": Decimal(30)}


def person(probability: float, sensitivity: float, *, amount: int = 10_000) -> Customer:
    """Return a customer with a basket of 100,00 and these traits."""
    customer = buyer(10, amount=amount)
    refresh_rollups([customer.pk])
    for code, value in (("buy_probability_30", probability), ("discount_sensitivity", sensitivity)):
        Trait.objects.create(customer=customer, code=code, value=value, computed_at=NOON)
    return customer


@pytest.fixture
def predicted():
    model = BehaviourModel.objects.create(
        as_of=TODAY, kind="OWN_HISTORY", predictors={}, trials=[], population=3, learned_from=3,
        first_on=TODAY,
    )  # fmt: skip
    return BehaviourRun.objects.create(model=model, as_of=TODAY, population=3)


@pytest.fixture
def personal():
    return create_promotion(
        code="yours", name="Yours", effect={"kind": "PERCENT", "personal": True}, activate=True, at=NOON
    )


def proposed(promotion, **fields) -> OfferSet:
    offers = propose_offers("November", promotion=promotion, as_of=TODAY, **(GUARDS | fields))
    return compute_offers(offers, at=NOON)


def test_each_person_is_proposed_what_earns_most_and_who_buys_anyway_nothing(predicted, personal):
    likely, open_to_offers = person(0.95, 0.5), person(0.2, 0.6)

    offers = proposed(personal)

    found = {offer.customer: offer for offer in PersonalOffer.objects.all()}
    assert list(found) == [open_to_offers]
    offer = found[open_to_offers]
    assert (offer.percent, offer.status, offer.model_version) == (10, "PROPOSED", predicted.model.version)
    assert offer.inputs == {
        "probability": 0.2,
        "probability_with_offer": 0.454,
        "days": 30,
        "discount_sensitivity": 0.6,
        "basket_amount": 10_000,
        "margin": 0.3,
    }
    assert likely.pk not in found
    figures = offers.figures
    assert (figures["people"], figures["offered"]) == (2, 1)
    assert (figures["orders_without"], figures["orders"]) == (1.1, 1.4)
    # 0.95 x 30 % + 0.2 x 30 % of 100.00; with the offer 0.95 x 30 % + 0.4535 x 20 %.
    assert (figures["margin_without"], figures["margin"]) == (3450, 3757)
    assert (figures["cost"], figures["cost_at_most"]) == (454, 1000)
    assert [row[:2] for row in figures["distribution"]] == [[0.0, 1], [10.0, 1]]


@pytest.mark.parametrize("portion", [1, 2, 3])
def test_portions_come_to_what_everybody_at_once_comes_to(predicted, personal, monkeypatch, portion):
    for probability in (0.95, 0.2, 0.5):
        person(probability, 0.6)
    at_once = proposed(personal).figures
    monkeypatch.setattr(offer_sets, "PORTION", portion)

    offers = proposed(personal)

    assert offers.figures == at_once
    assert at_once["people"] == 3
    assert PersonalOffer.objects.filter(source_key=offers.source_key).count() == at_once["offered"] > 0


def test_amounts_are_chosen_within_their_guard_by_what_they_are_of_the_basket(predicted):
    amounts = create_promotion(
        code="euros", name="Euros", effect={"kind": "AMOUNT", "personal": True}, activate=True, at=NOON
    )
    small, large = person(0.2, 0.6, amount=5_000), person(0.2, 0.6, amount=10_000)

    proposed(amounts, lowest=Decimal(500), highest=Decimal(1500), step=Decimal(500))

    found = {offer.customer: offer.amount for offer in PersonalOffer.objects.all()}
    assert found == {small: 500, large: 1000}


def test_confirmed_offers_stand_in_place_of_the_earlier_ones(predicted, personal):
    alice, bob = person(0.2, 0.6), person(0.2, 0.6)
    first = confirm_offer_set(proposed(personal), at=NOON)
    Trait.objects.filter(customer=bob, code="buy_probability_30").update(value=0.97)

    second = confirm_offer_set(proposed(personal), at=NOON + timedelta(hours=1))

    standing = PersonalOffer.objects.standing(NOON + timedelta(hours=2))
    assert [(offer.customer, offer.source_key) for offer in standing] == [(alice, second.source_key)]
    assert PersonalOffer.objects.filter(source_key=first.source_key, status="REPLACED").count() == 2
    assert (first.figures["confirmed"], second.figures["confirmed"]) == (2, 1)


def test_a_set_is_decided_once(predicted, personal):
    person(0.2, 0.6)
    offers = proposed(personal)
    discard_offer_set(offers, at=NOON)

    for decide in (confirm_offer_set, discard_offer_set):
        with pytest.raises(OffersDecided):
            decide(offers, at=NOON)
    assert not PersonalOffer.objects.exists()


def test_a_set_that_two_workers_computed_at_once_stays_what_the_first_made_of_it(
    predicted, personal, monkeypatch
):
    person(0.2, 0.6)
    offers = propose_offers("November", promotion=personal, as_of=TODAY, **GUARDS)

    def after_another(stale, *, at):
        confirm_offer_set(compute_offers(stale, at=at), at=at)
        return compute_offers(stale, at=at)

    monkeypatch.setattr(offer_sets, "compute_offers", after_another)
    told = offer_sets.run_offers(offers.job)

    offers.refresh_from_db()
    assert (told, offers.status, offers.error) == ({"people": 1, "offers": 1}, "CONFIRMED", "")


def test_whoever_objects_between_the_proposal_and_the_confirmation_gets_none(predicted, personal):
    alice, bob = person(0.2, 0.6), person(0.2, 0.6)
    offers = proposed(personal)
    Customer.objects.filter(pk=bob.pk).update(profiling=Customer.Profiling.OBJECTED)

    confirm_offer_set(offers, at=NOON)

    assert [offer.customer for offer in PersonalOffer.objects.standing(NOON)] == [alice]


def test_codes_of_a_set_are_one_batch_of_a_code_per_person_also_when_made_twice(predicted, personal):
    alice, bob = person(0.2, 0.6), person(0.2, 0.6)
    offers = propose_offers(
        "November", promotion=personal, as_of=TODAY, codes=OfferSet.Codes.AUTOMATIC, **GUARDS
    )
    offers = confirm_offer_set(compute_offers(offers, at=timezone.now()), at=timezone.now())

    assert run_codes(offers.job) == {"issued": 2}
    assert run_codes(offers.job) == {"issued": 2}

    coupons = Coupon.objects.order_by("holder")
    assert [(one.holder, one.effect["percent"], one.automatic) for one in coupons] == [
        (alice, "10", True), (bob, "10", True),
    ]  # fmt: skip
    assert CodeBatch.objects.get().made == 2


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"highest": Decimal(3)}, ""),
        ({"step": Decimal(0)}, ""),
        ({"highest": Decimal(120)}, "/highest"),
        ({"step": Decimal("0.01"), "highest": Decimal(90)}, "/step"),
        ({"margin_percent": Decimal(130)}, "/margin_percent"),
    ],
)
def test_a_guard_that_makes_no_sense_is_refused(predicted, personal, wrong, pointer):
    with pytest.raises(InvalidInput) as refusal:
        propose_offers("November", promotion=personal, as_of=TODAY, **(GUARDS | wrong))

    assert pointer in [mistake.pointer for mistake in refusal.value.details]
    assert not OfferSet.objects.exists()


def test_without_predictions_there_is_nothing_to_propose(personal):
    with pytest.raises(NothingPredicted):
        propose_offers("November", promotion=personal, as_of=TODAY, **GUARDS)


def test_a_promotion_that_gives_everybody_the_same_is_refused(predicted):
    same = create_promotion(code="same", name="Same", effect={"kind": "PERCENT", "percent": "10"}, at=NOON)

    with pytest.raises(InvalidInput):
        propose_offers("November", promotion=same, as_of=TODAY, **GUARDS)
