"""Codes and pages that leak: told once, at home and by mail, to whoever owns the promotion."""

from datetime import timedelta

import pytest
from django.core import mail

from analytics.dashboard.decisions import open_decisions
from campaigns.models import LandingVisit
from campaigns.services.landing_pages import count_visit
from campaigns.services.leaks import is_usual, watch_referrers
from coupons.models import PromotionAlert
from coupons.services import redeem_stack
from coupons.services.alerts import mail_alerts, watch_promotions
from customers.models import Event
from loyalty_site.roles import Role
from tests.campaigns.factories import offer
from tests.campaigns.page_factories import landing
from tests.console_data import staff
from tests.coupons.factories import NOW, amount, promotion, spending
from tests.factories import CustomerFactory, OrderFactory

pytestmark = pytest.mark.django_db


def visits(page, host: str, times: int, at, source: str = "") -> None:
    for _time in range(times):
        count_visit(page, host=host, source=source, at=at)


def test_a_site_never_seen_before_that_sends_many_is_told_once(now, settings):
    settings.UNUSUAL_VISITS_A_DAY = 3
    owner = staff(Role.MARKETER)
    page = landing(now, promotion=offer(now, created_by=owner))
    visits(page, "coupons.example", 3, now)
    visits(page, "small.example", 2, now)
    visits(page, "l.facebook.com", 9, now)
    visits(page, "partner.example", 9, now, source="partner")

    raised, again = watch_referrers(at=now), watch_referrers(at=now + timedelta(minutes=5))
    mail_alerts(at=now)

    (alert,) = raised
    assert (alert.kind, alert.host, alert.redemptions) == ("REFERRER", "coupons.example", 3)
    assert again == []
    assert Event.objects.get(type="promotion.leak_suspected").payload["host"] == "coupons.example"
    assert "coupons.example" in mail.outbox[0].subject
    assert any("coupons.example" in one.title for one in open_decisions(owner))


def test_a_site_that_was_seen_before_is_no_news(now, settings):
    settings.UNUSUAL_VISITS_A_DAY = 3
    page = landing(now)
    visits(page, "blog.example", 1, now - timedelta(days=3))
    visits(page, "blog.example", 9, now)

    assert watch_referrers(at=now) == []


def test_a_site_that_the_merchant_named_is_usual():
    assert is_usual("www.google.co.uk") and is_usual("t.co") and is_usual("x.com")
    assert is_usual("shop.partner.example", ["partner.example"])
    assert not is_usual("notgoogle.example") and not is_usual("evilpartner.example", ["partner.example"])


def test_whoever_makes_sites_up_fills_no_table(now, monkeypatch):
    monkeypatch.setattr("campaigns.services.landing_pages.MOST_HOSTS", 3)
    page = landing(now)

    for number in range(8):
        visits(page, f"s{number}.example", 1, now)

    assert LandingVisit.objects.count() == 4
    assert LandingVisit.objects.get(host="(other)").visits == 5


def public_code(times: int, *, known: bool) -> None:
    for number in range(times):
        buyer = CustomerFactory(email=f"b{number}-{known}@mail.example")
        if known:
            OrderFactory(customer=buyer, ordered_at=NOW - timedelta(days=40))
        redeem_stack(spending("SUMMER10", who=buyer), at=NOW)


def test_a_public_code_that_newcomers_suddenly_use_is_told(settings):
    settings.UNUSUAL_NEWCOMERS_AN_HOUR = 4
    promotion(amount(100), coupon={"code": "SUMMER10"}, name="Summer")
    public_code(1, known=True)
    public_code(5, known=False)

    raised = watch_promotions(at=NOW + timedelta(minutes=1))

    assert [(one.kind, one.redemptions, one.usual) for one in raised] == [("NEWCOMER", 6, 5)]
    assert watch_promotions(at=NOW + timedelta(minutes=2)) == []
    assert PromotionAlert.objects.count() == 1


def test_a_code_that_customers_use_or_that_is_meant_for_newcomers_is_no_alert(settings):
    settings.UNUSUAL_NEWCOMERS_AN_HOUR = 4
    promotion(amount(100), coupon={"code": "SUMMER10"}, name="Summer")
    public_code(5, known=True)
    public_code(4, known=False)

    assert watch_promotions(at=NOW + timedelta(minutes=1)) == []
