"""Two people decide about one set of offers at the same moment."""

from datetime import date
from decimal import Decimal

import pytest

from analytics.models import BehaviourModel, BehaviourRun, OfferSet
from analytics.services.offer_sets import (
    compute_offers,
    confirm_offer_set,
    discard_offer_set,
    propose_offers,
)
from coupons.models import PersonalOffer
from coupons.services import create_promotion
from customers.models import Trait
from customers.services.rollups import refresh_rollups
from operations.models import JobRun
from tests.analytics.factories import buyer
from tests.coupons.races import at_once
from tests.factories import NOON

pytestmark = pytest.mark.django_db(transaction=True)
TODAY = date(2026, 11, 21)


@pytest.fixture
def offers():
    """A proposed set of one offer of ten percent, whose codes are made when it is confirmed."""
    model = BehaviourModel.objects.create(
        as_of=TODAY, kind="OWN_HISTORY", predictors={}, trials=[], population=1, learned_from=1,
        first_on=TODAY,
    )  # fmt: skip
    BehaviourRun.objects.create(model=model, as_of=TODAY, population=1)
    promotion = create_promotion(
        code="yours", name="Yours", effect={"kind": "PERCENT", "personal": True}, activate=True, at=NOON,
        coupon={"pattern": "YOU-##########"},
    )  # fmt: skip
    alice = buyer(10, amount=10_000)
    refresh_rollups([alice.pk])
    for code, value in (("buy_probability_30", 0.2), ("discount_sensitivity", 0.6)):
        Trait.objects.create(customer=alice, code=code, value=value, computed_at=NOON)
    proposed = propose_offers(
        "November", promotion=promotion, as_of=TODAY, codes=OfferSet.Codes.BATCH, lowest=Decimal(5),
        highest=Decimal(20), step=Decimal(5), margin_percent=Decimal(30),
    )  # fmt: skip
    return compute_offers(proposed, at=NOON)


def test_a_set_confirmed_six_times_at_once_stands_once_and_promises_its_codes_once(offers):
    results = at_once([lambda: confirm_offer_set(offers, at=NOON).figures["confirmed"]] * 6)

    assert sorted(map(str, results)) == ["1"] + ["offers_decided"] * 5
    assert list(PersonalOffer.objects.values_list("percent", "status")) == [(10, "CONFIRMED")]
    assert JobRun.objects.filter(kind="analytics.offer_codes").count() == 1


def test_of_a_confirmation_and_a_refusal_at_once_one_holds(offers):
    results = at_once(
        [
            lambda: confirm_offer_set(offers, at=NOON).status,
            lambda: discard_offer_set(offers, at=NOON).status,
        ]
        * 3
    )

    (decided,) = set(results) - {"offers_decided"}
    assert results.count("offers_decided") == 5
    offers.refresh_from_db()
    assert offers.status == decided
    standing = PersonalOffer.objects.filter(status="CONFIRMED").count()
    assert standing == (1 if decided == "CONFIRMED" else 0)
