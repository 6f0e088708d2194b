"""Budgets that run out and codes that are used far too often: told once, to whoever owns the promotion."""

from datetime import timedelta

import pytest
from django.core import mail

from coupons import services
from coupons.forecast import burn_down
from coupons.models import PromotionAlert
from coupons.services.alerts import dismiss_alerts, watch_promotions
from customers.models import Event
from tests.coupons.factories import NOW, amount, coupon, promotion, spending, staff
from tests.coupons.races import at_once

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


def budgeted(cap: int = 10000, **fields):
    return promotion(amount(4000), budget={"metric": "DISCOUNT_AMOUNT", "cap": cap}, **fields)


def redeem(a_promotion, times: int = 1, *, at=NOW) -> None:
    code = coupon(a_promotion, max_uses=None)
    for _time in range(times):
        services.redeem_stack(spending(code), at=at)


def test_a_budget_at_eighty_percent_is_told_once_and_mailed_to_its_owner():
    sale = budgeted(name="Sale", created_by=staff("alice", email="alice@shop.example"))
    redeem(sale)
    assert watch_promotions(at=NOW) == []

    redeem(sale)
    raised = watch_promotions(at=NOW)
    again = watch_promotions(at=NOW + HOUR)

    assert [(one.kind, one.threshold) for one in raised] == [("BUDGET", 80)]
    assert again == []
    event = Event.objects.get(type="budget.threshold_reached")
    assert (event.payload["promotion"], event.payload["used"], event.payload["cap"]) == (
        sale.code,
        8000,
        10000,
    )
    (message,) = mail.outbox
    assert message.to == ["alice@shop.example"]
    assert message.subject == "Sale has spent 80% of its budget: €80.00 of €100.00"


def test_a_budget_that_is_spent_at_once_is_told_once():
    sale = budgeted(cap=8000)
    redeem(sale, 2)

    assert [one.threshold for one in watch_promotions(at=NOW)] == [100]
    assert Event.objects.filter(type="budget.threshold_reached").count() == 1


def test_a_budget_of_another_day_is_no_news():
    sale = promotion(amount(4000), budget={"metric": "DISCOUNT_AMOUNT", "cap": 8000, "period": "DAY"})
    redeem(sale, 2)

    assert watch_promotions(at=NOW + timedelta(days=1)) == []


def leaked(times: int, *, at=NOW):
    summer = promotion(amount(100), coupon={"code": "SUMMER10"}, name="Summer")
    for _time in range(times):
        services.redeem_stack(spending("SUMMER10"), at=at)
    return summer


def test_a_public_code_used_far_more_than_usual_is_told(settings):
    settings.UNUSUAL_REDEMPTIONS_AN_HOUR, settings.UNUSUAL_TIMES_FASTER = 6, 3
    summer = leaked(6)

    raised = watch_promotions(at=NOW + timedelta(minutes=1))
    again = watch_promotions(at=NOW + timedelta(minutes=2))

    assert [(one.kind, one.coupon.code, one.redemptions) for one in raised] == [("SPEED", "SUMMER10", 6)]
    assert again == []
    assert Event.objects.filter(type="promotion.unusual_speed").count() == 1
    assert dismiss_alerts(summer, by=staff("bob"), at=NOW) == 1
    assert not PromotionAlert.objects.open().exists()


def test_what_is_usual_is_no_alert(settings):
    settings.UNUSUAL_REDEMPTIONS_AN_HOUR, settings.UNUSUAL_TIMES_FASTER = 6, 3
    leaked(3, at=NOW - timedelta(days=1))
    for _time in range(6):
        services.redeem_stack(spending("SUMMER10"), at=NOW)

    assert watch_promotions(at=NOW + timedelta(minutes=1)) == []


def test_a_mail_server_that_is_away_is_asked_again(settings, monkeypatch):
    sale = budgeted(created_by=staff("alice", email="alice@shop.example"))
    redeem(sale, 2)

    def away(*args, **options):
        raise ConnectionRefusedError

    with monkeypatch.context() as broken:
        broken.setattr("django.core.mail.EmailMessage.send", away)
        watch_promotions(at=NOW)
    assert PromotionAlert.objects.get().mailed_at is None

    watch_promotions(at=NOW + timedelta(minutes=1))
    assert PromotionAlert.objects.get().mailed_at is not None
    assert len(mail.outbox) == 1


def test_a_budget_burns_down_at_the_pace_of_the_last_week():
    sale = budgeted(cap=20000)
    sale.activated_at = NOW - timedelta(days=3)
    sale.save()
    redeem(sale, at=NOW - timedelta(days=2))
    redeem(sale, at=NOW)

    burn = burn_down(sale.budgets.select_related("promotion").get(), used=8000, at=NOW)

    assert burn.pace == 2000
    assert burn.spent_on.isoformat() == "2026-10-28"
    assert burn.sentence == "At €20.00 a day, as in the last week, it will be spent on 28 Oct 2026."
    assert burn.chart.series[0].values[:4] == [20000, 16000, 16000, 12000]
    assert burn.chart.series[1].values[3:] == [12000, 10000, 8000, 6000, 4000, 2000, 0]


@pytest.mark.django_db(transaction=True)
def test_workers_that_watch_at_once_tell_once(settings):
    settings.UNUSUAL_REDEMPTIONS_AN_HOUR = 2
    settings.UNUSUAL_TIMES_FASTER = 1
    sale = budgeted(cap=8000, coupon={"code": "LEAKED", "max_uses": None})
    for _time in range(2):
        services.redeem_stack(spending("LEAKED"), at=NOW)

    moments = [NOW + timedelta(microseconds=number) for number in range(6)]
    raised = at_once([lambda at=at: watch_promotions(at=at) for at in moments])

    assert sum(len(one) for one in raised) == PromotionAlert.objects.count()
    told = Event.objects.filter(type__in=["budget.threshold_reached", "promotion.unusual_speed"])
    assert told.count() == PromotionAlert.objects.filter(promotion=sale).count() == 2
