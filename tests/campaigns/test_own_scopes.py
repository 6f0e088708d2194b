"""Coupons that are good for a favourite of their holder alone."""

import pytest
from django.utils import timezone

from campaigns.drafts import VersionTerms
from campaigns.services import edit_campaign, pump
from coupons.models import Coupon
from coupons.services import issue_coupons
from customers.models import Customer, Trait
from operations.errors import InvalidInput
from tests.campaigns.factories import draft, offer, running, segment_of, subscriber
from tests.factories import OrderFactory

pytestmark = pytest.mark.django_db


def liking(email: str, **traits) -> Customer:
    person = subscriber(email)
    for code, value in traits.items():
        Trait.objects.create(customer=person, code=code, value=value, computed_at=timezone.now())
    return person


def scopes(campaign) -> dict[str, dict | None]:
    return {
        message.address.partition("@")[0]: message.publication.coupon.items
        for message in campaign.messages.select_related("publication__coupon")
    }


def test_each_code_is_good_for_the_favourite_category_of_its_holder(now, sink):
    people = [
        liking("anna@mail.example", favourite_categories=["Coffee", "Tea"]),
        liking("bea@mail.example", favourite_categories=["Wine"]),
        liking("carla@mail.example", favourite_categories=["Coffee"]),
        liking("dora@mail.example"),
        liking("elsa@mail.example", favourite_categories=["Wine"]),
    ]
    Customer.objects.filter(pk=people[4].pk).update(profiling=Customer.Profiling.OBJECTED)
    terms = VersionTerms(coupon_scope="FAVOURITE_CATEGORY")
    campaign = running(segment_of(people), now, promotion=offer(now), terms=terms)

    pump("BULK")

    assert scopes(campaign) == {
        "anna": {"categories": ["Coffee"]},
        "bea": {"categories": ["Wine"]},
        "carla": {"categories": ["Coffee"]},
        "dora": None,
        "elsa": None,
    }
    assert Coupon.objects.values("code").distinct().count() == 5


def test_or_for_the_article_somebody_spent_most_on(now, sink):
    anna = subscriber("anna@mail.example")
    OrderFactory(customer=anna, lines=[("CUP", 1, 900, 0), ("BEANS", 2, 1200, 100)])
    terms = VersionTerms(coupon_scope="FAVOURITE_PRODUCT")
    campaign = running(segment_of([anna]), now, promotion=offer(now), terms=terms)

    pump("BULK")

    assert scopes(campaign) == {"anna": {"skus": ["BEANS"]}}


@pytest.mark.parametrize("scope", ["FAVOURITE_COLOUR", "FAVOURITE_BRAND"])
def test_a_scope_that_is_none_or_has_no_offer_is_refused(now, scope):
    campaign = draft(segment_of([subscriber("anna@mail.example")]), now)

    with pytest.raises(InvalidInput) as refused:
        edit_campaign(campaign, terms=VersionTerms(coupon_scope=scope), at=now)

    assert [one.pointer for one in refused.value.details] == ["/coupon_scope"]


def test_a_public_code_has_no_scope_of_somebody_s_own(now):
    promotion = offer(now, coupon={"code": "SUMMER10"})
    assert promotion.coupons.filter(public=True).exists() or issue_coupons(promotion, count=1, at=now)
    campaign = draft(segment_of([subscriber("anna@mail.example")]), now, promotion=promotion)

    with pytest.raises(InvalidInput):
        edit_campaign(campaign, terms=VersionTerms(coupon_scope="FAVOURITE_BRAND"), at=now)
