"""What a campaign's results say, with numbers known beforehand."""

from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from django.urls import reverse

from campaigns.errors import HoldoutOverlaps, MoveNotPossible
from campaigns.models import CampaignRun, Engagement, GlobalHoldout, Message
from campaigns.result_figures import money_table
from campaigns.results.attribution import Attributed, attributed_orders
from campaigns.results.links import LinkClicks, link_clicks
from campaigns.results.overall import overall_lift
from campaigns.results.report import campaign_report, campaign_reports
from campaigns.services import end_global_holdout, start_global_holdout
from customers.models import Customer
from operations.errors import InvalidInput
from tests.analytics.factories import purchase
from tests.campaigns.factories import draft, running, segment_of, subscribers

BODY = '<a href="https://shop.example/a">A</a> <a href="https://shop.example/b">B</a>'


@pytest.fixture(autouse=True)
def costs(settings):
    settings.THOUSAND_MESSAGES_AMOUNT = 5_000
    settings.MARGIN_SHARE = "tests.campaigns.test_results.forty_percent"


def forty_percent() -> float:
    return 0.4


def finished(now, *, treated: int, held_out: int = 0, code: str = "autumn"):
    """A campaign of two days ago: its messages, those sent first."""
    campaign = draft(segment_of([], code=code), now, code=code, name=code.title(), body=BODY,
                     holdout_percent=20 if held_out else 0)  # fmt: skip
    version = campaign.version
    run = CampaignRun.objects.create(
        campaign=campaign, version=version, occurrence="once", not_before=now, status="DONE", planned_at=now
    )
    customers = Customer.objects.bulk_create(Customer() for _ in range(treated + held_out))
    then = now - timedelta(days=2)
    messages = Message.objects.bulk_create(
        Message(
            run=run, campaign=campaign, version=version, customer=customer, channel="email", drawn=True,
            occurrence="once", purpose="MARKETING", lane="BULK", token=uuid4(), not_before=then,
            state="SENT" if place < treated else "HOLDOUT", sent_at=then if place < treated else None,
            address_hash=str(uuid4()),
        )
        for place, customer in enumerate(customers)
    )  # fmt: skip
    Message.objects.filter(run=run).update(created_at=then)
    return campaign, messages


def clicked(message: Message, at, link: int = 1) -> None:
    Engagement.objects.create(message=message, kind="CLICKED", link=link, at=at, settled=True)
    Message.objects.filter(pk=message.pk, clicked_at=None).update(clicked_at=at)


def test_effect_cost_and_return_follow_from_the_orders(db, now):
    campaign, messages = finished(now, treated=100, held_out=50)
    yesterday = now - timedelta(days=1)
    for message in messages[:40]:
        purchase(message.customer, at=yesterday, amount=10_000)
    for message in messages[100:110]:
        purchase(message.customer, at=yesterday, amount=10_000)
    purchase(messages[41].customer, at=now - timedelta(days=3), amount=10_000)  # Before it.

    report = campaign_report(campaign)

    assert (report.figures.sent, report.figures.holdout, report.figures.bought) == (100, 50, 40)
    assert round(report.lift.conversion.difference, 4) == 0.2
    assert (round(report.lift.conversion.low, 4), round(report.lift.conversion.high, 4)) == (0.0533, 0.3467)
    assert round(report.lift.revenue.difference) == 2_000
    assert (report.cost.messages_amount, report.cost.discount_amount) == (500, 0)
    assert (report.extra_amount, report.extra_margin) == (200_000, 80_000)
    assert (report.profit, report.roi) == (79_500, 159.0)
    assert report.profit_interval.low < report.profit < report.profit_interval.high


def test_without_a_holdout_there_is_a_comparison_and_no_effect(db, now):
    campaign, messages = finished(now, treated=10)
    purchase(messages[0].customer, at=now - timedelta(days=3), amount=1_000)
    for message in messages[:3]:
        purchase(message.customer, at=now - timedelta(days=1), amount=1_000)

    report = campaign_report(campaign)

    assert (report.lift, report.extra_amount, report.profit, report.roi) == (None, None, None, None)
    found = report.before_and_after
    assert (found.people, found.before, found.after) == (10, 1, 3)


def test_an_order_belongs_to_the_last_click_of_a_week(db, now):
    first, messages = finished(now, treated=3)
    second, others = finished(now, treated=1, code="winter")
    one, two, three = (message.customer for message in messages)
    Message.objects.filter(pk=others[0].pk).update(customer=one)
    hours = timedelta(hours=1)
    clicked(messages[0], now - 40 * hours)
    clicked(others[0], now - 30 * hours)
    clicked(messages[1], now - 20 * hours)
    purchase(one, at=now - 35 * hours, amount=100)
    purchase(one, at=now - 25 * hours, amount=1_000)
    purchase(two, at=now - 10 * hours, amount=10_000)
    purchase(two, at=now - 21 * hours, amount=7)  # Before the click.
    purchase(two, at=now - 20 * hours + timedelta(days=7, seconds=1), amount=7)  # A week too late.
    purchase(three, at=now - 10 * hours, amount=7)  # No click.

    found = attributed_orders([first, second])

    assert found == {first.pk: Attributed(2, 2, 10_100), second.pk: Attributed(1, 1, 1_000)}


def test_links_are_counted_apart_from_scanners(db, now):
    campaign, messages = finished(now, treated=3)
    clicked(messages[0], now, 1)
    clicked(messages[0], now, 1)
    clicked(messages[1], now, 2)
    Engagement.objects.create(
        message=messages[2], kind="CLICKED", link=1, at=now, settled=True, scanner="BURST"
    )

    assert link_clicks(campaign) == [
        LinkClicks("https://shop.example/a", 1, 2, 1),
        LinkClicks("https://shop.example/b", 1, 1, 0),
    ]


def test_reports_of_many_take_as_many_statements_as_of_one(db, now, django_assert_max_num_queries):
    campaigns = [finished(now, treated=2, held_out=2, code=f"c{number}")[0] for number in range(5)]

    with django_assert_max_num_queries(12):
        reports = campaign_reports(campaigns)

    assert [report.figures.sent for report in reports] == [2] * 5


def test_a_share_of_everybody_is_in_no_marketing(db, now):
    start_global_holdout(percent=20, at=now - timedelta(minutes=1))

    campaign = running(segment_of(subscribers(200)), now, holdout_percent=10)

    again = running(segment_of(Customer.objects.all(), code="again"), now, code="again")
    kept_out, kept_out_again = (
        set(one.messages.filter(reason="GLOBAL_HOLDOUT").values_list("customer_id", flat=True))
        for one in (campaign, again)
    )
    own_holdout = campaign.messages.filter(state="HOLDOUT", reason="").count()
    assert 20 < len(kept_out) < 60
    assert kept_out_again == kept_out
    assert 5 <= own_holdout <= 35
    assert campaign_report(campaign).lift.holdout.people == own_holdout


def test_what_all_campaigns_brought_is_measured_against_the_kept_out(db, now):
    period = start_global_holdout(percent=10, at=now - timedelta(days=3))
    _campaign, messages = finished(now, treated=80, held_out=20)
    Message.objects.filter(state="HOLDOUT").update(reason="GLOBAL_HOLDOUT")
    for message in messages[:40] + messages[80:84]:
        purchase(message.customer, at=now - timedelta(days=1), amount=1_000)

    found = overall_lift(period, at=now)

    assert (found.reached.people, found.reached.bought) == (80, 40)
    assert (found.kept_out.people, found.kept_out.bought) == (20, 4)
    assert round(found.conversion.difference, 4) == 0.3
    assert round(found.extra_amount) == 24_000


def test_one_period_at_a_time(db, now):
    period = start_global_holdout(percent=5, at=now)

    with pytest.raises(HoldoutOverlaps):
        start_global_holdout(percent=5, at=now + timedelta(days=1))
    with pytest.raises(InvalidInput):
        start_global_holdout(percent=21, at=now)
    end_global_holdout(period, at=now + timedelta(days=2))
    with pytest.raises(MoveNotPossible):
        end_global_holdout(period, at=now + timedelta(days=3))

    start_global_holdout(percent=5, at=now + timedelta(days=2))
    assert GlobalHoldout.objects.count() == 2


def test_the_pages_show_it(admin_client, now):
    campaign, messages = finished(now, treated=10, held_out=5)
    purchase(messages[0].customer, at=now - timedelta(days=1), amount=1_000)
    address = reverse("admin:campaigns_campaign_results", args=[campaign.pk])

    page = admin_client.get(address)
    compared = admin_client.get(reverse("admin:campaigns_campaign_comparison"))
    some = admin_client.get(reverse("admin:campaigns_campaign_comparison"), {"campaign": [campaign.pk, "x"]})
    file = admin_client.get(address, {"csv": "money"})

    assert "10.0% of 10 bought, and 0.0% of the 5 who were held out" in page.content.decode()
    assert address in compared.content.decode()
    assert some.status_code == 200
    assert "Return on investment" in file.content.decode()


def test_a_campaign_without_holdout_is_not_called_effective(admin_client, now):
    campaign, messages = finished(now, treated=10)
    purchase(messages[0].customer, at=now - timedelta(days=1), amount=1_000)

    page = admin_client.get(reverse("admin:campaigns_campaign_results", args=[campaign.pk])).content.decode()

    assert "Nobody was held out by lot" in page
    assert "Before and after: a comparison, no effect" in page


def test_a_period_is_begun_and_ended_on_its_page(admin_client):
    address = reverse("admin:campaigns_globalholdout_changelist")

    empty = admin_client.get(address)
    admin_client.post(address, {"percent": "30", "days": "90"})
    assert not GlobalHoldout.objects.exists()
    admin_client.post(address, {"percent": "5", "days": "90"})
    period = GlobalHoldout.objects.get()
    page = admin_client.get(address)
    admin_client.post(reverse("admin:campaigns_globalholdout_end", args=[period.pk]))

    assert "Nobody has been kept out so far" in empty.content.decode()
    assert "Running now" in page.content.decode()
    period.refresh_from_db()
    assert (period.percent, (period.ends_at - period.starts_at).days) == (5, 0)


def test_the_api_tells_the_results(db, now, api):
    campaign, messages = finished(now, treated=100, held_out=50)
    for message in messages[:40] + messages[100:110]:
        purchase(message.customer, at=now - timedelta(days=1), amount=10_000)
    clicked(messages[0], now)

    answer = api.get(f"/api/v1/campaigns/{campaign.code}/results")

    body = answer.json()
    assert answer.status_code == 200
    assert body["funnel"] == {
        "targeted": 150, "sent": 100, "delivered": 100, "opened": 0, "clicked": 1, "redeemed": 0,
        "bought": 40,
    }  # fmt: skip
    assert body["effect"]["conversion"]["difference"] == pytest.approx(0.2)
    assert body["effect"]["conversion"]["significant"] is True
    assert body["money"] == {
        "messages_amount": 500, "discount_amount": 0, "cost_amount": 500, "extra_margin_amount": 80_000,
        "profit_amount": 79_500, "roi": 159.0,
    }  # fmt: skip
    assert (body["comparison"], body["variants"], body["decision"]) == (None, [], None)
    assert api.get(f"/api/v1/campaigns/{campaign.code}").json()["runs"][0]["clicked"] == 1


def test_the_api_compares_without_a_holdout(db, now, api):
    campaign, messages = finished(now, treated=2)
    purchase(messages[0].customer, at=now - timedelta(days=1), amount=1_000)

    body = api.get(f"/api/v1/campaigns/{campaign.code}/results").json()

    assert (body["effect"], body["money"]["roi"]) == (None, None)
    assert body["comparison"] == {"people": 2, "before": 0, "after": 1}


def test_what_came_back_was_not_delivered(db, now):
    from campaigns.models import ProviderEvent

    campaign, messages = finished(now, treated=3)
    for key, kind in (("1", "BOUNCED"), ("2", "SOFT_BOUNCED")):
        ProviderEvent.objects.create(
            provider="x", key=key, channel="email", kind=kind, message=messages[0], occurred_at=now
        )

    assert campaign_report(campaign).figures.delivered == 2


def test_a_file_has_amounts_in_whole_units(db, now):
    table = money_table(campaign_report(finished(now, treated=1)[0]))

    amounts = {row[0]: row[1].value for row in table.rows}
    assert (amounts["Messages"], amounts["Extra revenue, after discounts"]) == (Decimal("0.05"), None)
