"""The campaign's pages, as staff use them."""

from campaigns.models import ChannelSwitch, InboxMail
from campaigns.services import pump, store_mail
from tests.campaigns.factories import draft, offer, running, segment_of, subscribers
from tests.factories import CustomerFactory

LIST = "/console/campaigns/campaign/"


MARKETER = [
    "campaigns.view_campaign",
    "campaigns.add_campaign",
    "campaigns.change_campaign",
    "campaigns.start_campaign",
    "campaigns.stop_campaign",
    "campaigns.view_message",
    "campaigns.view_channelswitch",
    "campaigns.change_channelswitch",
    "campaigns.view_inboxmail",
]


def test_stop_needs_its_own_right(staff, now):
    campaign = running(segment_of(subscribers(1)), now)
    analyst = staff("campaigns.view_campaign")

    answer = analyst.post(f"{LIST}{campaign.pk}/move/stop/")

    campaign.refresh_from_db()
    assert answer.status_code == 403
    assert campaign.status == "RUNNING"


def test_stop_pause_and_go_on_from_the_page(staff, now):
    campaign = running(segment_of(subscribers(1)), now)
    client = staff(*MARKETER)

    seen = []
    for move in ("pause", "resume", "stop"):
        client.post(f"{LIST}{campaign.pk}/move/{move}/")
        campaign.refresh_from_db()
        seen.append(campaign.status)

    assert seen == ["PAUSED", "RUNNING", "STOPPED"]
    assert client.get(f"{LIST}{campaign.pk}/move/stop/").status_code == 405
    assert client.post(f"{LIST}{campaign.pk}/move/explode/").status_code == 404


def test_the_progress_asks_for_the_page_anew_when_the_status_has_changed(staff, now):
    campaign = running(segment_of(subscribers(1)), now)
    client = staff(*MARKETER)

    same = client.get(f"{LIST}{campaign.pk}/progress/?status=RUNNING")
    changed = client.get(f"{LIST}{campaign.pk}/progress/?status=SCHEDULED")

    assert "HX-Refresh" not in same
    assert '<span id="codes-out" hx-swap-oob="true">0 codes' in same.content.decode()
    assert changed["HX-Refresh"] == "true"


def test_the_list_asks_the_database_no_more_for_more_campaigns(staff, now, django_assert_max_num_queries):
    segment = segment_of(subscribers(2))
    for number in range(5):
        running(segment, now, code=f"campaign-{number}")
    client = staff(*MARKETER)

    with django_assert_max_num_queries(30):
        page = client.get(LIST).content.decode()

    assert page.count("campaign-") >= 5


def test_messages_are_listed_by_state_and_cannot_be_changed(staff, now):
    campaign = running(segment_of([*subscribers(1), CustomerFactory(first_name="Zoe", email=None)]), now)
    client = staff(*MARKETER)
    address = "/console/campaigns/message/"

    left_out = f"{address}?campaign__id__exact={campaign.pk}&state__exact=SUPPRESSED"
    page = client.get(left_out).content.decode()

    message = campaign.messages.first()
    assert "Zoe" in page and "Persona0" not in page
    assert client.get(f"{address}{message.pk}/change/").status_code == 200
    assert client.post(f"{address}{message.pk}/change/", {"state": "SENT"}).status_code == 403


def test_a_channel_is_switched_off_and_on(staff):
    client = staff(*MARKETER)
    address = "/console/campaigns/channelswitch/"

    client.post(address, {"channel": "email", "off": "1", "reason": "provider trouble"})
    off = ChannelSwitch.objects.get()
    assert (off.off, off.reason) == (True, "provider trouble")
    assert "provider trouble" in client.get(address).content.decode()
    client.post(address, {"channel": "email", "off": "0"})

    assert ChannelSwitch.objects.get().off is False


def test_a_mail_in_the_inbox_is_shut_in(staff):
    raw = (
        b"From: a@shop.example\r\nTo: b@mail.example\r\nSubject: =?utf-8?b?w4g=?= regalo\r\n"
        b"MIME-Version: 1.0\r\n"
        b"Content-Type: text/html; charset=utf-8\r\n\r\n<p>Hello</p><script>alert(1)</script>\r\n"
    )
    mail = store_mail(sender="a@shop.example", recipients=["b@mail.example"], raw=raw)
    client = staff(*MARKETER)

    page = client.get(f"/console/campaigns/inboxmail/{mail.pk}/change/")
    body = client.get(f"/console/campaigns/inboxmail/{mail.pk}/body/")

    assert mail.subject == "È regalo"
    assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in page.content.decode()
    assert body["Content-Security-Policy"].startswith("sandbox allow-popups")
    assert "default-src 'none'" in body["Content-Security-Policy"]
    assert client.get("/console/campaigns/inboxmail/?q=regalo").status_code == 200


def test_the_inbox_is_searched_by_subject_and_never_by_address(staff):
    store_mail(sender="", recipients=["bianca@mail.example"], raw=b"Subject: Un regalo\r\n\r\nCiao")
    client = staff(*MARKETER)

    found = client.get("/console/campaigns/inboxmail/?q=regalo").content.decode()
    by_address = client.get("/console/campaigns/inboxmail/?q=bianca").content.decode()

    assert "Un regalo" in found
    assert "Un regalo" not in by_address


def test_mail_that_nobody_can_parse_is_kept_and_shown(staff):
    mail = store_mail(sender="", recipients=[], raw=b"\xff\xfe no headers at all\x00")
    client = staff(*MARKETER)

    assert client.get(f"/console/campaigns/inboxmail/{mail.pk}/change/").status_code == 200
    assert InboxMail.objects.get().subject == ""


def test_without_the_right_there_is_no_page(staff, now):
    campaign = draft(segment_of([]), now)
    nobody = staff()

    pages = [LIST, f"{LIST}add/", f"{LIST}{campaign.pk}/change/", f"{LIST}{campaign.pk}/edit/",
             "/console/campaigns/inboxmail/", "/console/campaigns/channelswitch/"]  # fmt: skip

    assert {nobody.get(page).status_code for page in pages} == {403}


def test_a_customers_page_tells_what_we_wrote(staff, sink, now):
    (alice,) = subscribers(1)
    running(segment_of([alice]), now, promotion=offer(now))
    pump("BULK")
    agent = staff("customers.view_customer", "campaigns.view_message")

    page = agent.get(f"/console/customers/customer/{alice.pk}/change/?tab=messages").content.decode()

    assert "Messages to this customer" in page
    assert alice.messages.get().coupon_code in page
