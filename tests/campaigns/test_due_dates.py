"""Campaigns that go on: what is due is found once, whatever the ticks do."""

import threading
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection

from campaigns.drafts import VersionTerms
from campaigns.models import Campaign, CampaignRun, Occasion
from campaigns.services import edit_campaign, start_campaign, stop_campaign, tend_runs
from campaigns.services.recipients import NO_TOKEN, coupon_values
from coupons.models import Coupon, Promotion
from coupons.services import issue_coupons, publish_coupon
from customers.models import Customer
from customers.services.rollups import refresh_rollups
from loyalty.services import adjust_points
from tests.campaigns.factories import draft, offer, segment_of, subscriber
from tests.factories import OrderFactory, ProductFactory

ROME, NEW_YORK = ZoneInfo("Europe/Rome"), ZoneInfo("America/New_York")


def going(rule, at, *, trigger="DATE", segment=None, **fields) -> Campaign:
    """A campaign of this trigger that was started at an instant."""
    terms = VersionTerms(trigger=trigger, trigger_rule=rule, **fields.pop("terms", {}))
    return start_campaign(draft(segment, at, terms=terms, **fields), at=at)


def planned(campaign) -> list[tuple[str, str, datetime]]:
    return [
        (message.customer.first_name, message.occurrence, message.not_before)
        for message in campaign.messages.select_related("customer").order_by("not_before", "pk")
    ]


def test_a_leap_day_child_in_new_york_is_congratulated_on_28_february_at_nine_there(db):
    subscriber(
        "leap@mail.example", first_name="Leap", birth_date=date(1992, 2, 29), time_zone="America/New_York"
    )
    subscriber("rome@mail.example", first_name="Rome", birth_date=date(1992, 2, 28))
    campaign = going({"of": "birthday", "at": "09:00"}, datetime(2027, 2, 27, 12, tzinfo=UTC))

    for hours in range(0, 60, 3):
        tend_runs(at=datetime(2027, 2, 27, 12, 3, tzinfo=UTC) + timedelta(hours=hours))

    assert planned(campaign) == [
        ("Rome", "2027", datetime(2027, 2, 28, 8, tzinfo=UTC)),
        ("Leap", "2027", datetime(2027, 2, 28, 14, tzinfo=UTC)),
    ]
    assert campaign.messages.get(customer__first_name="Leap").expires_at == datetime(
        2027, 3, 1, 14, tzinfo=UTC
    )
    assert [run.occurrence for run in campaign.runs.order_by("pk")] == ["2027-02-28"]


def test_nobody_is_congratulated_before_the_hour_has_come(db):
    subscriber("leap@mail.example", birth_date=date(1992, 2, 29), time_zone="America/New_York")
    campaign = going({"of": "birthday", "at": "09:00"}, datetime(2027, 2, 27, 12, tzinfo=UTC))

    tend_runs(at=datetime(2027, 2, 28, 13, 59, 59, tzinfo=UTC))
    assert campaign.messages.count() == 0
    tend_runs(at=datetime(2027, 2, 28, 14, tzinfo=UTC))

    assert campaign.messages.count() == 1


def test_who_moves_to_another_zone_on_the_day_is_congratulated_once(db):
    person = subscriber("moving@mail.example", birth_date=date(1990, 6, 1))
    campaign = going({"of": "birthday", "at": "09:00"}, datetime(2026, 5, 31, tzinfo=UTC))
    tend_runs(at=datetime(2026, 6, 1, 8, tzinfo=UTC))

    Customer.objects.filter(pk=person.pk).update(time_zone="America/Los_Angeles")
    tend_runs(at=datetime(2026, 6, 2, tzinfo=UTC))

    assert campaign.messages.count() == 1


def test_six_months_after_31_august_is_28_february(db):
    person = subscriber("shoes@mail.example", first_name="Anna")
    ProductFactory(sku="BOOTS", category="shoes")
    order = OrderFactory(
        customer=person,
        ordered_at=datetime(2026, 8, 31, 15, tzinfo=UTC),
        lines=[("BOOTS", 1, 9000, 0), ("SOCKS", 1, 900, 0)],
    )
    rule = {"of": "purchase", "months": 6, "category": "shoes", "at": "09:00"}
    campaign = going(rule, datetime(2027, 2, 26, tzinfo=UTC))

    for day in (27, 28):
        tend_runs(at=datetime(2027, 2, day, 20, tzinfo=UTC))
    tend_runs(at=datetime(2027, 3, 1, 20, tzinfo=UTC))

    line = order.lines.get(product__sku="BOOTS")
    assert planned(campaign) == [("Anna", f"line:{line.pk}", datetime(2027, 2, 28, 8, tzinfo=UTC))]
    assert Occasion.objects.get().about["product"] == line.product_id


def test_who_bought_again_is_not_won_back(db):
    gone, back = (subscriber(f"{name}@mail.example", first_name=name) for name in ("Gone", "Back"))
    long_ago = datetime(2026, 5, 10, 15, tzinfo=UTC)
    OrderFactory(customer=gone, ordered_at=long_ago)
    OrderFactory(customer=back, ordered_at=long_ago)
    OrderFactory(customer=back, ordered_at=long_ago + timedelta(days=30))
    refresh_rollups([gone.pk, back.pk])
    campaign = going({"of": "last_order", "months": 6, "at": "09:00"}, datetime(2026, 11, 9, tzinfo=UTC))

    tend_runs(at=datetime(2026, 11, 10, 12, tzinfo=UTC))

    assert [name for name, _occurrence, _at in planned(campaign)] == ["Gone"]


def test_a_coupon_and_points_that_end_are_told_of_some_days_before(db):
    at = datetime(2026, 11, 20, 8, tzinfo=UTC)
    holder = subscriber("holder@mail.example", first_name="Holder")
    saver = subscriber("saver@mail.example", first_name="Saver")
    until = datetime(2026, 12, 1, tzinfo=ROME)
    publish_coupon(offer(at, ends_at=until), customer=holder, source_id="one", channel=None, at=at)
    adjust_points(saver, points=300, reason="Gift", expires_at=until, at=at)
    coupons = going({"of": "coupon_expiry", "days_before": 3, "at": "10:00"}, at)
    points = going({"of": "points_expiry", "days_before": 3, "at": "10:00"}, at, code="points")

    for day in range(20, 31):
        tend_runs(at=datetime(2026, 11, day, 12, tzinfo=UTC))

    assert [(name, due) for name, _key, due in planned(coupons)] == [
        ("Holder", datetime(2026, 11, 27, 9, tzinfo=UTC))
    ]
    assert planned(points) == [("Saver", "points:2026-11-30", datetime(2026, 11, 27, 9, tzinfo=UTC))]
    assert Occasion.objects.get(campaign=points).about["points"] == 300


def test_a_coupon_ends_with_its_promotion_also_when_its_own_end_comes_later(db):
    at = datetime(2026, 11, 20, 8, tzinfo=UTC)
    holder = subscriber("holder@mail.example", first_name="Holder")
    issue_coupons(offer(at), count=1, holder=holder, valid_until=at + timedelta(days=30), at=at)
    Coupon.objects.update(published_at=at)
    Promotion.objects.update(ends_at=datetime(2026, 12, 1, tzinfo=ROME))
    coupons = going({"of": "coupon_expiry", "days_before": 3, "at": "10:00"}, at)

    for day in range(20, 31):
        tend_runs(at=datetime(2026, 11, day, 12, tzinfo=UTC))
    for day in range(1, 25):
        tend_runs(at=datetime(2026, 12, day, 12, tzinfo=UTC))

    assert [(name, due) for name, _key, due in planned(coupons)] == [
        ("Holder", datetime(2026, 11, 27, 9, tzinfo=UTC))
    ]
    told = coupon_values(Coupon.objects.select_related("promotion").get(), language="en", token=NO_TOKEN)
    assert told["valid_until"] == "30/11/2026"


def test_the_end_of_a_coupon_whose_scheduled_promotion_has_begun_is_told(db):
    at = datetime(2026, 11, 20, 8, tzinfo=UTC)
    holder = subscriber("holder@mail.example", first_name="Holder")
    sale = offer(at, starts_at=at + timedelta(days=1), ends_at=datetime(2026, 12, 1, tzinfo=ROME))
    coupon = issue_coupons(sale, count=1, holder=holder, at=at)[0]
    Coupon.objects.update(published_at=at)
    coupons = going({"of": "coupon_expiry", "days_before": 3, "at": "10:00"}, at)

    for day in range(20, 31):
        tend_runs(at=datetime(2026, 11, day, 12, tzinfo=UTC))

    assert sale.status == "SCHEDULED"
    assert planned(coupons) == [("Holder", f"coupon:{coupon.pk}", datetime(2026, 11, 27, 9, tzinfo=UTC))]


def test_a_birthday_more_than_a_day_ago_was_missed(db):
    subscriber("late@mail.example", birth_date=date(1990, 6, 1))
    subscriber("new@mail.example", first_name="New", birth_date=date(1990, 6, 3))
    campaign = going({"of": "birthday", "at": "09:00"}, datetime(2026, 5, 31, tzinfo=UTC))

    tend_runs(at=datetime(2026, 6, 3, 8, tzinfo=UTC))

    assert [name for name, _occurrence, _at in planned(campaign)] == ["New"]
    assert dict(campaign.runs.values_list("occurrence", "status")) == {
        "2026-05-31": "MISSED", "2026-06-01": "MISSED", "2026-06-02": "MISSED", "2026-06-03": "RUNNING",
    }  # fmt: skip


def test_a_recurring_broadcast_goes_out_every_time_and_the_campaign_goes_on(db, states):
    segment = segment_of([subscriber("weekly@mail.example")])
    start = datetime(2026, 11, 16, 6, tzinfo=UTC)
    rule = {"every": "week", "weekdays": ["MON", "THU"], "at": "09:00"}
    campaign = going(rule, start, trigger="RECURRING", segment=segment)

    for hours in range(0, 24 * 8, 8):
        tend_runs(at=start + timedelta(hours=hours + 2, minutes=5))

    assert list(campaign.runs.order_by("pk").values_list("occurrence", flat=True)) == [
        "2026-11-16", "2026-11-19", "2026-11-23",
    ]  # fmt: skip
    assert states(campaign) == {"PENDING": 3}
    campaign.messages.update(state="SENT", sent_at=start)
    tend_runs(at=start + timedelta(days=8))
    campaign.refresh_from_db()
    assert campaign.status == "RUNNING"
    assert set(campaign.runs.values_list("status", flat=True)) == {"DONE"}


def test_of_several_missed_broadcasts_the_last_waits_for_confirmation(db):
    segment = segment_of([subscriber("daily@mail.example")])
    start = datetime(2026, 11, 16, 6, tzinfo=UTC)
    campaign = going({"every": "day", "at": "09:00"}, start, trigger="RECURRING", segment=segment)

    tend_runs(at=datetime(2026, 11, 18, 12, tzinfo=UTC))

    campaign.refresh_from_db()
    assert campaign.status == "PAUSED"
    assert list(campaign.runs.order_by("occurrence").values_list("occurrence", "status", "pause_reason")) == [
        ("2026-11-16", "MISSED", ""), ("2026-11-17", "MISSED", ""), ("2026-11-18", "PAUSED", "LATE"),
    ]  # fmt: skip


def test_an_edit_counts_at_once(db):
    for name, day in (("First", 1), ("Second", 1)):
        subscriber(f"{name}@mail.example".lower(), first_name=name, birth_date=date(1990, 6, day))
    second = Customer.objects.get(first_name="Second")
    Customer.objects.filter(pk=second.pk).update(time_zone="America/New_York")
    campaign = going({"of": "birthday", "at": "09:00"}, datetime(2026, 5, 31, 12, tzinfo=UTC))
    tend_runs(at=datetime(2026, 6, 1, 8, tzinfo=UTC))

    edit_campaign(campaign, subject="Auguri!", at=datetime(2026, 6, 1, 9, tzinfo=UTC))
    tend_runs(at=datetime(2026, 6, 1, 14, tzinfo=UTC))

    assert list(campaign.messages.order_by("pk").values_list("version__number", flat=True)) == [1, 2]
    assert list(campaign.runs.order_by("pk").values_list("occurrence", flat=True)) == [
        "2026-06-01", "2026-06-01.2",
    ]  # fmt: skip


def test_a_campaign_ends_after_its_last_day(db):
    subscriber("june@mail.example", birth_date=date(1990, 6, 1))
    end = datetime(2026, 6, 1, tzinfo=UTC)
    campaign = going(
        {"of": "birthday", "at": "09:00"}, datetime(2026, 5, 31, tzinfo=UTC), terms={"ends_at": end}
    )

    tend_runs(at=datetime(2026, 6, 1, 12, tzinfo=UTC))

    campaign.refresh_from_db()
    assert (campaign.status, campaign.messages.count()) == ("FINISHED", 0)


def test_a_clock_that_jumps_back_plans_nothing_twice(db):
    subscriber("june@mail.example", birth_date=date(1990, 6, 1))
    campaign = going({"of": "birthday", "at": "09:00"}, datetime(2026, 5, 31, tzinfo=UTC))
    now = datetime(2026, 6, 1, 7, 5, tzinfo=UTC)

    for minutes in (0, 10, -10, 0, 5, -60, 60):
        tend_runs(at=now + timedelta(minutes=minutes))

    assert campaign.messages.count() == 1


def test_a_stop_closes_what_waits(db):
    subscriber("june@mail.example", birth_date=date(1990, 6, 1))
    campaign = going({"of": "birthday", "at": "09:00"}, datetime(2026, 5, 31, tzinfo=UTC))
    Occasion.objects.create(
        campaign=campaign,
        customer=Customer.objects.get(),
        occurrence="x",
        due_at=datetime(2026, 9, 1, tzinfo=UTC),
    )
    stop_campaign(campaign, at=datetime(2026, 5, 31, 1, tzinfo=UTC))

    tend_runs(at=datetime(2026, 9, 2, tzinfo=UTC))

    assert (campaign.messages.count(), Occasion.objects.get().state) == (0, "CLOSED")


@pytest.mark.django_db(transaction=True)
def test_two_beats_at_once_find_everybody_once():
    for number in range(30):
        subscriber(f"june{number}@mail.example", birth_date=date(1990, 6, 1))
    campaign = going({"of": "birthday", "at": "09:00"}, datetime(2026, 5, 31, tzinfo=UTC))
    barrier = threading.Barrier(4)

    def beat() -> None:
        barrier.wait()
        tend_runs(at=datetime(2026, 6, 1, 8, tzinfo=UTC))
        connection.close()

    threads = [threading.Thread(target=beat) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    tend_runs(at=datetime(2026, 6, 1, 8, 0, 5, tzinfo=UTC))

    assert campaign.messages.count() == 30
    assert campaign.messages.values("customer").distinct().count() == 30
    assert CampaignRun.objects.filter(status="RUNNING").count() == 1
