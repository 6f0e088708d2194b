"""What suits a person stands first, and says why. Pure: no row is written."""

import pytest

from customers.models import Product
from loyalty.catalogue import Obstacle
from loyalty.models import Reward
from loyalty.ranking import Taste, check_traits, fit_of
from loyalty.services.reward_offers import RewardOffer
from operations.errors import InvalidInput

ANNA = Taste.of(
    {
        "favourite_categories": ["Shoes", "Bags"],
        "interests": ["Hats", "Shoes"],
        "favourite_brand": "Aria",
        "usual_store": "milano-1",
        "discount_sensitivity": 0.7,
    },
    average_order=4500,
)


def reward(kind="PRODUCT", **fields):
    product = fields.pop("product", None)
    return Reward(code="r", name="R", kind=kind, product=product, **fields)


@pytest.mark.parametrize(
    ("signs", "score", "why"),
    [
        ({"categories": ["shoes"]}, 4, "You often buy Shoes"),
        ({"categories": ["Bags"]}, 3, "You often buy Bags"),
        ({"categories": ["Hats"]}, 2, "You looked at Hats lately"),
        ({"categories": ["Shoes", "Bags", "Hats"]}, 7, "You often buy Shoes"),
        ({"brands": ["ARIA"], "categories": ["Shoes"]}, 7, "You often buy Shoes"),
        ({"stores": ["milano-1"]}, 1, "In the store you usually visit"),
        ({"price_from": 4000, "price_until": 5000}, 1, "Fits what you usually spend"),
        ({"price_from": 4501}, 0, ""),
        ({"price_until": 4500}, 0, ""),
        ({"categories": ["Toys"]}, 0, ""),
    ],
)
def test_each_sign_weighs_what_it_weighs(signs, score, why):
    fit = fit_of(reward(traits=signs), ANNA)

    assert (fit.score, fit.why) == (score, why)


def test_a_product_speaks_for_itself():
    shoe = Product(sku="S", category="Shoes", brand="Aria")

    assert fit_of(reward(product=shoe), ANNA).reasons == ("You often buy Shoes", "Your favourite brand: Aria")


def test_a_saving_is_for_those_whom_discounts_move():
    assert fit_of(reward("COUPON"), ANNA).why == "Saves on your next purchase"
    assert fit_of(reward("COUPON"), Taste(sensitivity=0.5)).score == 0
    assert fit_of(reward("DONATION"), ANNA).score == 0


def test_traits_of_another_shape_say_nothing():
    odd = Taste.of({"favourite_categories": "Shoes", "favourite_brand": 3, "discount_sensitivity": "much"})

    assert odd == Taste()


@pytest.mark.parametrize(
    ("traits", "pointer"),
    [
        ([], "/traits"),
        ({"colour": ["red"]}, "/traits/colour"),
        ({"brands": "Aria"}, "/traits/brands"),
        ({"brands": [""]}, "/traits/brands"),
        ({"brands": ["x"] * 51}, "/traits/brands"),
        ({"price_from": -1}, "/traits/price_from"),
        ({"price_from": True}, "/traits/price_from"),
        ({"price_from": 5, "price_until": 5}, "/traits/price_until"),
    ],
)
def test_signs_that_mean_nothing_are_refused(traits, pointer):
    with pytest.raises(InvalidInput) as refused:
        check_traits(traits)

    assert refused.value.details[0].pointer == pointer


def test_empty_signs_are_not_kept():
    assert check_traits({"brands": [], "price_from": None, "stores": [" milano-1 "]}) == {
        "stores": ["milano-1"]
    }


def test_what_is_nearly_reached_says_how_far_it_is():
    far = RewardOffer(reward(cost_points=400), Obstacle.POINTS, 101, None)
    near = RewardOffer(reward(cost_points=400), Obstacle.POINTS, 100, None)
    one = RewardOffer(reward(cost_points=400), Obstacle.POINTS, 1, None)

    assert [each.why for each in (far, near, one)] == [
        "",
        "Only 100 points to go",
        "Only 1 point to go",
    ]
