"""From a link in a mail to the click that counts."""

import re
import threading
from datetime import timedelta

import pytest
from django.db import connection

from campaigns.models import Campaign, CampaignLink, Engagement, Message
from campaigns.results import campaign_figures
from campaigns.services import pump, settle_engagements
from campaigns.services.tracking import MOST_PER_MESSAGE, follow_link
from campaigns.tracking import Scanner, seal
from customers.models import Event
from customers.segments.evaluation import evaluate_rules
from tests.campaigns.factories import offer, running, segment_of, subscriber, subscribers

BROWSER = {"HTTP_USER_AGENT": "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"}
BODY = (
    '<p>Ciao {{ customer.first_name }}: <a href="https://shop.example/autumn?a=1&amp;b=2">guarda</a>'
    ' <a href="https://shop.example/sale">saldi</a> <a href="https://shop.example/new">novità</a></p>'
)
AUTUMN = "https://shop.example/autumn?a=1&b=2&utm_source=fidelio&utm_medium=email&utm_campaign=autumn"


@pytest.fixture
def message(db, sink, now) -> Message:
    """A message that was sent a minute ago."""
    running(segment_of([subscriber("alice@mail.example")]), now, body=BODY)
    pump("BULK")
    Message.objects.update(sent_at=now - timedelta(minutes=1))
    return Message.objects.get()


def links_in(sink) -> list[str]:
    (mail,) = sink.messages
    return re.findall(r'href="http://127\.0\.0\.1:8000(/l/[^"]+)"', mail.get_body(("html",)).get_content())


def settle(now) -> None:
    settle_engagements(at=now + timedelta(minutes=1))


def test_a_link_leads_where_the_marketer_meant_and_is_counted(message, sink, client, now):
    first = links_in(sink)[0]

    answer = client.get(first, **BROWSER)
    settle(now)

    message.refresh_from_db()
    click = Engagement.objects.get()
    event = Event.objects.get(type="message.clicked")
    assert (answer.status_code, answer["Location"]) == (302, AUTUMN)
    assert (click.link, click.scanner, click.settled) == (1, "", True)
    assert message.clicked_at == click.at
    assert campaign_figures([message.campaign])[message.campaign_id].clicked == 1
    assert (event.customer_id, event.payload["url"]) == (message.customer_id, AUTUMN)


def test_a_second_click_on_a_link_is_told_once(message, client, now):
    for _ in range(2):
        client.get(f"/l/{seal(message.pk)}/1", **BROWSER)
    settle(now)
    client.get(f"/l/{seal(message.pk)}/1", **BROWSER)
    settle(now)

    assert Engagement.objects.count() == 3
    assert Event.objects.filter(type="message.clicked").count() == 1
    assert settle_engagements(at=now + timedelta(hours=1)) == 0


def test_a_click_is_judged_when_a_scanner_would_have_shown(message, client, now):
    client.get(f"/l/{seal(message.pk)}/1", **BROWSER)

    assert settle_engagements(at=Engagement.objects.get().at + timedelta(seconds=9)) == 0
    assert settle_engagements(at=Engagement.objects.get().at + timedelta(seconds=10)) == 1


def test_a_scanner_that_follows_every_link_clicked_nothing(message, sink, client, now):
    for link in links_in(sink):
        assert client.get(link, **BROWSER).status_code in (302, 404)
    settle(now)

    message.refresh_from_db()
    assert [e.scanner for e in Engagement.objects.order_by("pk")] == [Scanner.TRAP] * 4
    assert message.clicked_at is None
    assert not Event.objects.filter(type="message.clicked").exists()


def test_a_click_right_after_the_delivery_is_a_scanners(message, client, now):
    Message.objects.update(sent_at=now)

    client.get(f"/l/{seal(message.pk)}/1", **BROWSER)
    settle(now)

    assert Engagement.objects.get().scanner == Scanner.SOON


@pytest.mark.parametrize(
    "headers",
    [{"HTTP_USER_AGENT": "Barracuda Sentinel"}, {}, BROWSER | {"HTTP_SEC_PURPOSE": "prefetch;prerender"}],
)
def test_a_program_that_is_no_browser_is_led_on_and_not_counted(message, client, now, headers):
    answer = client.get(f"/l/{seal(message.pk)}/1", **({"HTTP_USER_AGENT": ""} | headers))
    settle(now)

    assert answer["Location"] == AUTUMN
    assert Engagement.objects.get().scanner == Scanner.AGENT


def test_opening_is_noted_and_decides_nothing(message, client, now):
    answer = client.get(f"/l/{seal(message.pk)}/open.gif", **BROWSER)
    settle(now)

    message.refresh_from_db()
    assert (answer.status_code, answer["Content-Type"]) == (200, "image/gif")
    assert (message.opened_at is None, message.clicked_at) == (False, None)
    assert Event.objects.filter(type="message.opened").count() == 1


@pytest.mark.parametrize("path", ["/l/{}/4", "/l/{}/65536", "/l/{}x/1", "/l/AAAAAAAAAAAAAAAAAAAAAAAAAAA/1"])
def test_what_we_did_not_write_leads_nowhere(message, client, path):
    answer = client.get(path.format(seal(message.pk)), **BROWSER)

    assert answer.status_code == 404
    assert "Location" not in answer
    assert Engagement.objects.count() == 0


def test_the_picture_is_there_whoever_asks(db, client):
    assert client.get("/l/nobody/open.gif", **BROWSER).status_code == 200
    assert Engagement.objects.count() == 0


def test_an_address_gets_the_recipients_own_code(db, sink, now):
    body = '<a href="https://shop.example/?code={{ coupon.code }}&who={{ customer.first_name }}">x</a>'
    customer = subscriber("alice@mail.example", first_name="A&b=\r\nSet-Cookie: x")
    running(segment_of([customer]), now, body=body, promotion=offer(now))
    pump("BULK")
    message = Message.objects.with_recipient().get()

    address = follow_link(seal(message.pk), 1, agent="Mozilla/5.0 Firefox", at=now)

    assert CampaignLink.objects.get().address.startswith("https://shop.example/?code={{ coupon.code }}")
    assert address is None  # A line break in an address is refused.
    message.customer.first_name = "Alice"
    message.customer.save()
    address = follow_link(seal(message.pk), 1, agent="Mozilla/5.0 Firefox", at=now)
    assert address.startswith(f"https://shop.example/?code={message.publication.coupon.code}&who=Alice&utm_")


def test_whoever_follows_a_link_a_thousand_times_is_not_written_down_as_often(message, client, now):
    for _ in range(MOST_PER_MESSAGE + 5):
        assert follow_link(seal(message.pk), 1, agent="Mozilla/5.0 Firefox", at=now) == AUTUMN

    assert Engagement.objects.count() == MOST_PER_MESSAGE


def test_a_stored_address_cannot_be_changed(message):
    from django.db import DatabaseError

    with pytest.raises(DatabaseError):
        CampaignLink.objects.update(address="https://evil.example/")


def test_two_clicks_of_a_campaign_edited_since_lead_where_their_own_mail_said(message, client, now):
    from campaigns.services import edit_campaign

    Campaign.objects.update(status="RUNNING")
    edit_campaign(message.campaign, at=now, body='<a href="https://shop.example/other">x</a>')

    assert client.get(f"/l/{seal(message.pk)}/1", **BROWSER)["Location"] == AUTUMN


@pytest.mark.django_db(transaction=True)
def test_two_that_judge_at_once_tell_of_a_click_once(sink, now):
    people = subscribers(20)
    running(segment_of(people), now, body=BODY)
    Message.objects.update(state="SENT", sent_at=now - timedelta(minutes=1))
    for message in Message.objects.all():
        follow_link(seal(message.pk), 1, agent="Mozilla/5.0 Firefox", at=now)
    barrier = threading.Barrier(4)

    def judge():
        barrier.wait()
        settle(now)
        connection.close()

    threads = [threading.Thread(target=judge) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert Event.objects.filter(type="message.clicked").count() == 20
    assert Message.objects.filter(clicked_at=now).count() == 20


def test_who_clicked_is_a_segment(message, client, now):
    client.get(f"/l/{seal(message.pk)}/1", **BROWSER)
    settle(now)

    rules = {
        "combinator": "and",
        "rules": [{"field": "campaign.clicked", "operator": "=", "value": "autumn"}],
    }
    found = evaluate_rules(rules, as_of=now + timedelta(hours=1))
    assert list(found.values_list("pk", flat=True)) == [message.customer_id]
