"""Sets of offers that overtake each other."""

from datetime import timedelta

import pytest
from django.utils import timezone

from coupons.models import Coupon, PersonalOffer
from coupons.services import offer_codes
from coupons.services.personal_offers import confirm_offers
from tests.coupons.factories import customer, promotion
from tests.coupons.test_personal_offers import OWN_PERCENT, offer

pytestmark = pytest.mark.django_db
Status = PersonalOffer.Status
LATER = timezone.now() + timedelta(days=30)


def test_a_code_is_given_for_the_offer_of_its_own_set_alone(monkeypatch):
    ours = promotion(OWN_PERCENT, coupon={"pattern": "FOR-##########"})
    alice, bob = customer(), customer()
    offer(ours, alice, "7", valid_until=LATER)
    offer(ours, bob, "9", valid_until=LATER)
    offer(ours, alice, "3", status=Status.PROPOSED, source_key="offer-set:2")
    recipients = offer_codes.Recipient

    def overtaken(*arguments):
        """Confirm the second set once the first has looked for whom its codes are."""
        monkeypatch.setattr(offer_codes, "Recipient", recipients)
        confirm_offers(ours, "offer-set:2", valid_until=LATER, at=timezone.now())
        return recipients(*arguments)

    monkeypatch.setattr(offer_codes, "Recipient", overtaken)

    assert offer_codes.give_codes(ours, "offer-set:1", automatic=False, by=None) == 0
    assert offer_codes.give_codes(ours, "offer-set:2", automatic=False, by=None) == 1
    assert [coupon.effect["percent"] for coupon in Coupon.objects.all()] == ["3"]
