"""The demo's service desk: what the pages of apologies, gift cards and returns show a newcomer."""

from collections.abc import Iterator

import pytest
from django.db.models import F, Sum

from coupons.models import Apology, GiftCard, Redemption, RedemptionReturn
from coupons.services.apology_report import apology_report
from customers.models import Event
from loyalty_site.demo.journey.loading import choose_calendar, load_journey
from loyalty_site.demo.progress import Progress
from loyalty_site.demo.service_desk import write_service_desk
from loyalty_site.demo.showcase import write_allowances
from loyalty_site.demo.staff import create_logins
from operations.models import Approval
from tests.journey.conftest import NOW, loaded_once

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def desk(sample, django_db_setup, django_db_blocker) -> Iterator[int]:
    def load() -> int:
        create_logins()
        write_allowances()
        calendar = choose_calendar(sample, as_is=False, at=NOW)
        load_journey(sample, calendar=calendar, progress=Progress(), at=NOW)
        return write_service_desk(at=NOW)

    with loaded_once(django_db_blocker, load) as apologies:
        yield apologies


def test_the_report_of_apologies_is_not_empty(desk):
    report = apology_report(at=NOW)

    assert report.apologies == Apology.objects.filter(status="ISSUED").count() == desk - 1
    assert {month.complaints > 0 for month in report.months} == {True}
    assert Event.objects.filter(type="complaint.made", customer=None).count() == 0


def test_coupons_were_used_and_goods_came_back(desk):
    assert Redemption.objects.filter(kind="coupon", coupon__holder__isnull=False).exists()
    assert RedemptionReturn.objects.get().lines.count() == 1
    assert {"COUPON", "GIFT_CARD"} == set(Apology.objects.values_list("kind", flat=True))


def test_gift_cards_are_good_switched_off_or_wait_to_be_sold(desk):
    assert set(GiftCard.objects.values_list("status", flat=True)) == {"INACTIVE", "ACTIVE", "DISABLED"}
    paid = Redemption.objects.filter(kind="gift_card", tender_amount__gt=0)
    assert paid.count() == 3
    assert not paid.exclude(tender_amount=F("units")).exists()


def test_one_apology_waits_for_a_supervisor(desk):
    assert Approval.objects.filter(status="PENDING").count() == 1
    assert Apology.objects.get(status="AWAITING_APPROVAL").worth_amount == 6_000


def test_the_second_time_changes_nothing(desk):
    before = Apology.objects.aggregate(Sum("worth_amount"))

    assert write_service_desk(at=NOW) == desk
    assert Apology.objects.aggregate(Sum("worth_amount")) == before
