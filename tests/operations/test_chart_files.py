"""Charts of pages outside of analytics can be had as files, too."""

import pytest
from django.urls import reverse

from customers.services import create_segment
from loyalty.services import adjust_points
from tests.coupons.factories import amount, promotion
from tests.factories import NOON, CustomerFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin(client):
    client.force_login(UserFactory(is_superuser=True, is_staff=True))
    return client


def lines(client, address: str, key: str) -> list[str]:
    answer = client.get(f"{address}?csv={key}")
    assert answer["Content-Type"].startswith("text/csv")
    return answer.content.decode("utf-8-sig").splitlines()


def test_the_size_and_the_moves_of_a_segment(admin):
    segment = create_segment(
        code="rome", name="Rome", rules={"combinator": "and", "not": False, "rules": [
            {"field": "customer.city", "operator": "=", "value": "Rome"}]},
    )  # fmt: skip
    page = reverse("admin:customers_segment_change", args=[segment.pk])

    assert lines(admin, page, "members")[0] == "Day,Members"
    assert lines(admin, page, "moves")[0] == "Day,Entered,Left"


def test_the_redemptions_of_a_promotion(admin):
    page = reverse("admin:coupons_promotion_change", args=[promotion(amount(500)).pk])

    assert lines(admin, page, "redemptions")[0] == "Day,Redemptions"
    assert len(lines(admin, page, "redemptions")) == 31


def test_what_is_owed_in_points(admin):
    adjust_points(CustomerFactory(), points=300, reason="Sorry", at=NOON)

    found = lines(admin, reverse("admin:coupons_liabilities"), "kinds")

    assert found[1].startswith("Points,")
