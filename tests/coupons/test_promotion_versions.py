"""Who changed what of a promotion, and the ways back."""

import pytest
from django.urls import reverse

from coupons import services
from coupons.models import Promotion
from coupons.services import Author, clone_promotion, edit_promotion, restore_version, stop_promotion
from coupons.wording import compare
from loyalty_site.roles import Role
from operations.errors import InvalidInput
from tests.console_data import staff as role_of
from tests.coupons.factories import NOW, TEN_PERCENT, promotion, staff

pytestmark = pytest.mark.django_db
BUDGET = {"metric": "DISCOUNT_AMOUNT", "cap": 10000, "period": "TOTAL", "on_insufficient": "REJECT"}


def history(of: Promotion) -> list[tuple]:
    return [(one.number, one.change, str(one.changed_by or "")) for one in of.versions.order_by("number")]


def test_every_change_leaves_a_version_with_who_made_it():
    bob = staff("bob")
    spring = promotion(activate=False, created_by=staff("alice"))

    edit_promotion(spring, name="Spring", by=Author(bob), at=NOW)
    edit_promotion(spring, name="Spring", by=Author(bob), at=NOW)
    services.activate_promotion(spring, by=Author(bob), at=NOW)
    stop_promotion(spring, reason="too dear", by=Author(bob), at=NOW)
    services.resume_promotion(spring, at=NOW)

    assert history(spring) == [
        (1, "CREATED", "alice"),
        (2, "EDITED", "bob"),
        (3, "ACTIVATED", "bob"),
        (4, "STOPPED", "bob"),
        (5, "RESUMED", ""),
    ]
    assert spring.versions.get(number=4).note == "HARD: too dear"


def test_two_versions_are_compared_in_words():
    spring = promotion(activate=False, name="Spring", budget=BUDGET)
    edit_promotion(spring, effect=TEN_PERCENT | {"percent": "20"}, budgets=[BUDGET | {"cap": 20000}], at=NOW)

    first, second = (one.definition for one in spring.versions.order_by("number"))

    assert compare(first, second, zone="Europe/Rome") == [
        ("It gives", "10% off the whole order", "20% off the whole order"),
        ("Budget", "€100.00 of discounts in all", "€200.00 of discounts in all"),
    ]


def test_a_draft_goes_back_to_an_earlier_version():
    spring = promotion(activate=False, conditions={"first_order_only": True}, budget=BUDGET)
    edit_promotion(spring, effect={"kind": "FREE_SHIPPING"}, conditions={}, budgets=[], name="Other", at=NOW)

    restore_version(spring, 1, at=NOW)

    spring.refresh_from_db()
    assert (spring.effect, spring.conditions) == (TEN_PERCENT, {"first_order_only": True})
    assert spring.budgets.get().cap == 10000
    assert spring.versions.order_by("-number").first().note == "as in version 1"


def test_a_started_promotion_does_not_go_back_on_what_was_promised():
    spring = promotion(activate=False)
    edit_promotion(spring, effect={"kind": "FREE_SHIPPING"}, at=NOW)
    services.activate_promotion(spring, at=NOW)

    with pytest.raises(InvalidInput):
        restore_version(spring, 1, at=NOW)

    spring.refresh_from_db()
    assert spring.effect == {"kind": "FREE_SHIPPING"}
    copy = clone_promotion(spring, version=1, at=NOW)
    assert (copy.effect, copy.status) == (TEN_PERCENT, "DRAFT")


def test_a_copy_is_a_draft_with_a_code_of_its_own():
    summer = promotion(code="summer", name="Summer", coupon={"code": "SUMMER10"}, budget=BUDGET)

    first, second = clone_promotion(summer, at=NOW), clone_promotion(summer, at=NOW)

    assert [one.code for one in (first, second)] == ["summer-2", "summer-3"]
    assert (first.name, first.status, first.budgets.get().cap) == ("Summer (copy)", "DRAFT", 10000)
    assert not first.coupons.exists()


def test_the_page_shows_versions_and_restores_them(client):
    client.force_login(role_of(Role.MARKETER), backend="django.contrib.auth.backends.ModelBackend")
    spring = promotion(activate=False)
    edit_promotion(spring, effect=TEN_PERCENT | {"percent": "20"}, at=NOW)

    page = client.get(reverse("admin:coupons_promotion_versions", args=[spring.pk])).content.decode()
    client.post(reverse("admin:coupons_promotion_restore", args=[spring.pk, 1]))

    assert "<del>10% off the whole order</del>" in page
    assert "<ins>20% off the whole order</ins>" in page
    spring.refresh_from_db()
    assert spring.effect["percent"] == "10"


def test_the_page_says_in_words_how_a_promotion_was_stopped(client):
    client.force_login(role_of(Role.MARKETER), backend="django.contrib.auth.backends.ModelBackend")
    spring = promotion()
    stop_promotion(spring, mode="DRAIN", reason="too dear", at=NOW)

    page = client.get(reverse("admin:coupons_promotion_versions", args=[spring.pk])).content.decode()

    assert "Hand out no more · too dear" in page
    assert "DRAIN" not in page


def test_who_may_only_look_restores_and_copies_nothing(client):
    client.force_login(role_of(Role.AGENT), backend="django.contrib.auth.backends.ModelBackend")
    spring = promotion(activate=False)

    assert client.get(reverse("admin:coupons_promotion_versions", args=[spring.pk])).status_code == 200
    assert client.post(reverse("admin:coupons_promotion_restore", args=[spring.pk, 1])).status_code == 403
    copy = reverse("admin:coupons_promotion_move", args=[spring.pk, "copy"])
    assert client.post(copy).status_code == 403
    assert Promotion.objects.count() == 1
