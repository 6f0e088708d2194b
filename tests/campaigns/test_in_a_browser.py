"""Making, starting and stopping a campaign with a mouse; a mail in the inbox; the way out of the mails."""

import pytest
from django.utils import timezone

from campaigns.models import Campaign, GlobalHoldout, Message
from campaigns.services import pump, start_campaign, store_mail, tend_runs
from customers.models import Segment
from loyalty_site.roles import Role
from tests.browser.conftest import browser, filled_site, visiting  # noqa: F401
from tests.campaigns.factories import draft, offer, segment_of, subscribers
from tests.factories import CustomerFactory

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def audience(filled_site):  # noqa: F811
    now = timezone.now()
    with filled_site.database():
        people = [*subscribers(30), CustomerFactory(email=None), CustomerFactory()]
        segment = segment_of(people, code="regulars")
        offer(now, code="autumn-ten", name="Ten percent in autumn")
        return segment.pk


def test_a_campaign_from_a_recipe_of_ones_own_to_mails_and_a_stop(
    filled_site,  # noqa: F811
    visiting,  # noqa: F811
    audience,
    sink,
):
    with filled_site.database():
        GlobalHoldout.objects.all().delete()  # Whom its lot keeps out is another number each time.
    with visiting(Role.MARKETER) as visitor:
        page = visitor.open("/console/campaigns/campaign/add/")
        visitor.look()
        page.fill("#id_name", "Autumn for regulars")
        page.click("button[name=channel][value=email]")
        page.select_option("#id_segment", str(audience))
        page.wait_for_selector("#audience-count >> text=32")
        page.click(".fi-wizard-foot .fi-button-primary")
        page.check("input[name=kind][value=same]")
        page.select_option("#id_promotion", label="Ten percent in autumn")
        visitor.look()
        page.click(".fi-wizard-foot .fi-button-primary")
        page.fill("#id_subject", "For you, {{ customer.first_name }}")
        page.locator(".fi-block textarea").first.fill("The autumn is here.")
        page.click(".fi-block-add >> nth=-1 >> button:has-text('Coupon')")
        page.click(".fi-block-add >> nth=-1 >> button:has-text('Button')")
        last = page.locator(".fi-block").last
        last.get_by_label("On the button").fill("To the shop")
        last.get_by_label("Leads to").fill("shop.example")
        page.fill("#id_preview_as", "person7@mail.example")
        page.click(".fi-wizard-foot .fi-button-primary")
        page.wait_for_selector("text=An address starts with https://.")
        page.locator(".fi-block").last.get_by_label("Leads to").fill("https://shop.example/")
        page.fill("#id_preview_as", "person7@mail.example")
        page.click("button:has-text('Preview')")
        page.wait_for_selector("dd:has-text('Persona7 Rossi')")
        page.frame_locator("#preview iframe").locator("text=TEST-NOT-VALID").wait_for()
        visitor.look()
        page.fill("#id_test_address", "marta@staff.example")
        page.click(".fi-wizard-foot .fi-button-primary")
        page.fill("#id_holdout_percent", "0")
        page.click(".fi-steps button[value=schedule]")
        page.check("input[name=trigger][value=CALENDAR]")
        page.wait_for_selector("text=Christmas Day")
        visitor.look()
        page.check("input[name=trigger][value=ONE_OFF]")
        page.click(".fi-wizard-foot .fi-button-primary")
        page.wait_for_selector("text=Once, as soon as it is started.")
        visitor.look()
        page.click(".fi-wizard-foot button:has-text('Start')")
        page.wait_for_selector("text=Write to about 30 people now?")
        page.click("button:has-text('Start it')")
        page.wait_for_selector("text=The audience is being taken")
        with filled_site.database():
            tend_runs(at=timezone.now())
        page.wait_for_selector("text=2 of 32")
        visitor.look()
        with filled_site.database():
            pump("BULK")
            tend_runs(at=timezone.now())
        page.wait_for_selector("text=32 of 32")
        page.wait_for_selector("text=Finished")
        visitor.look()
        page.click("button:has-text('Copy')")
        page.wait_for_selector("text=This is a copy")
        page.click(".fi-steps button[value=review]")
        page.click(".fi-wizard-foot button:has-text('Start')")
        page.click("button:has-text('Start it')")
        page.wait_for_selector("text=The audience is being taken")
        with filled_site.database():
            tend_runs(at=timezone.now())
        page.wait_for_selector("text=2 of 32")
        page.click("button:has-text('Stop')")
        page.check("input[name=coupons][value=DRAIN]")
        page.wait_for_selector("#waiting:has-text('30')")
        page.click("button:has-text('Stop it')")
        page.wait_for_selector("text=The campaign was stopped.")
        visitor.look()

    mails = [mail for mail in sink.messages if mail["Subject"].startswith("For you")]
    codes = {mail.get_body(("plain",)).get_content().split("Yours")[0] for mail in mails}
    with filled_site.database():
        campaign = Campaign.objects.get(name="Autumn for regulars")
        copy = Campaign.objects.get(name="Autumn for regulars (copy)")
        assert len({mail["To"] for mail in mails}) == 30
        assert (campaign.status, copy.status, len(mails), len(codes)) == (
            "FINISHED",
            "STOPPED",
            30,
            30,
        )
        assert copy.version.promotion.stop_mode == "DRAIN"
        assert [block["kind"] for block in campaign.version.content.blocks["blocks"]][-2:] == [
            "coupon",
            "button",
        ]
    assert visitor.problems == []


def test_the_wizard_on_a_phone_with_a_recipe(filled_site, visiting, audience):  # noqa: F811
    with visiting(Role.MARKETER, phone=True, dark=True) as visitor:
        page = visitor.open("/console/campaigns/campaign/add/")
        page.click("button[name=recipe][value=birthday]")
        page.wait_for_selector("#audience-count table")
        visitor.look()
        for step in ("offer", "content", "experiment", "schedule", "review"):
            page.click(f".fi-steps button[value={step}]")
            page.wait_for_selector(f".fi-steps button[value={step}][aria-current=step]")
            page.wait_for_timeout(300)
            visitor.look()
        visitor.open("/console/campaigns/picture/")

    assert visitor.problems == []


def test_the_other_pages_and_the_way_out(filled_site, visiting, audience):  # noqa: F811
    now = timezone.now()
    with filled_site.database():
        segment = Segment.objects.get(pk=audience)
        campaign = start_campaign(draft(segment, now, code="for-pages"), at=now)
        tend_runs(at=now)
        token = Message.objects.filter(campaign=campaign, state="PENDING").first().token
        mail = store_mail(
            sender="shop@fidelio.example",
            recipients=["alice@mail.example"],
            raw=b"Subject: Hello\r\nContent-Type: text/html\r\n\r\n<h1>Hello</h1><script>alert(1)</script>",
        )
    with visiting(Role.ADMINISTRATOR, phone=True) as visitor:
        for path in (
            f"campaign/{campaign.pk}/change/",
            f"campaign/{campaign.pk}/edit/review/",
            f"message/?campaign__id__exact={campaign.pk}",
            "channelswitch/",
            "inboxmail/",
        ):
            visitor.open(f"/console/campaigns/{path}")
        page = visitor.open(f"/console/campaigns/inboxmail/{mail.pk}/change/")
        page.frame_locator("iframe").locator("h1:has-text('Hello')").wait_for()
        page.click("button:has-text('Headers')")
        page.wait_for_selector("dt:has-text('Subject')")
        page = visitor.open(f"/u/{token}")
        page.click("button")
        page.wait_for_selector("h1:has-text('Done')")
        visitor.look()

    # The browser says that it did not run the mail's script: that is what the frame is for.
    assert [problem for problem in visitor.problems if "Blocked script execution" not in problem] == []
