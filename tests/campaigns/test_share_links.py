"""Links that people pass on: always the same one, to a stored address, with who brought whom."""

from datetime import UTC, date, datetime

import pytest
from django.test import Client

from campaigns.models import LandingClaim, LandingVisit, ShareClick, ShareLink
from campaigns.services.landing_claims import give_code
from campaigns.services.landing_pages import count_visit
from campaigns.services.shares import create_share_link, follow_share, personal_link, share_buttons
from customers.services import merge_customers
from operations.errors import InvalidInput
from tests.campaigns.page_factories import asked, landing
from tests.factories import CustomerFactory

pytestmark = pytest.mark.django_db
BROWSER = {"User-Agent": "Mozilla/5.0"}


def test_a_person_shares_one_link_and_who_comes_by_it_is_theirs(now):
    page = landing(now, shares=True)
    anna = CustomerFactory(email="anna@mail.example")
    link = personal_link(page, anna)

    followed = Client(headers=BROWSER).get(f"/go/{link.token}/whatsapp")
    Client().post(followed["Location"].removeprefix("http://127.0.0.1:8000"), {"email": "bob@mail.example"})

    assert personal_link(page, anna) == link
    assert followed["Location"] == (
        "http://127.0.0.1:8000/o/summer"
        f"?utm_source=whatsapp&utm_medium=share&utm_campaign=summer&via={link.token}"
    )
    claim = LandingClaim.objects.get()
    assert claim.share == link
    assert claim.utm["utm_source"] == "whatsapp"
    click = ShareClick.objects.get()
    assert (click.network, click.clicks) == ("whatsapp", 1)


def test_nobody_brings_themselves(now):
    page = landing(now)
    anna = CustomerFactory(email="anna@mail.example")

    claim = asked(page, "anna@mail.example", now, share=personal_link(page, anna))

    assert claim.share is None


def test_previews_drawn_by_networks_are_no_clicks(now):
    link = personal_link(landing(now), CustomerFactory())

    for agent in ("facebookexternalhit/1.1", "WhatsApp/2.23", "Twitterbot/1.0", ""):
        assert follow_share(link.token, network="facebook", agent=agent, at=now)

    assert not ShareClick.objects.exists()


def test_a_click_after_midnight_is_of_the_new_day_where_the_merchant_is(now):
    page = landing(now)
    link = personal_link(page, CustomerFactory())
    past_midnight = datetime(2026, 7, 1, 22, 30, tzinfo=UTC)

    follow_share(link.token, network="x", agent="Mozilla/5.0", at=past_midnight)
    count_visit(page, host="", source="", at=past_midnight)

    assert ShareClick.objects.get().clicked_on == LandingVisit.objects.get().visited_on == date(2026, 7, 2)


def test_a_link_leads_to_its_stored_address_and_an_unknown_one_nowhere(now):
    link = create_share_link(name="Blogger", url="https://shop.example/sale?x=1", source="blog")

    followed = Client().get(f"/go/{link.token}?to=https://evil.example")

    assert followed["Location"] == "https://shop.example/sale?x=1&utm_source=blog&utm_medium=share"
    assert Client().get("/go/aaaaaaaaaaaaaa").status_code == 404


@pytest.mark.parametrize("url", ["javascript:alert(1)", "ftp://x.example", ""])
def test_only_web_addresses_are_stored(url, now):
    with pytest.raises(InvalidInput):
        create_share_link(name="x", url=url)

    assert not ShareLink.objects.exists()


def test_after_a_merge_both_links_lead_on_and_one_is_handed_out(now):
    page = landing(now)
    anna, twin = CustomerFactory(), CustomerFactory()
    links = [personal_link(page, one) for one in (anna, twin)]

    merge_customers(anna, [twin], reason="same", at=now)

    assert personal_link(page, twin) == links[0]
    assert all(Client().get(f"/go/{link.token}").status_code == 302 for link in links)
    assert ShareLink.objects.filter(customer=anna).count() == 2


def test_who_got_a_code_finds_buttons_to_share_the_page(now):
    page = landing(now, shares=True)
    claim = give_code(asked(page, "anna@mail.example", now), at=now)

    shown = Client().get(f"/e/{claim.token}").content.decode()

    link = ShareLink.objects.get(customer=claim.customer)
    assert [network for network, _name, _address in share_buttons(link, words="x")] == [
        "whatsapp", "facebook", "x", "telegram", "email",
    ]  # fmt: skip
    assert "https://wa.me/?text=" in shown and link.token in shown
    assert claim.publication.coupon.code not in "".join(a for _n, _m, a in share_buttons(link, words="x"))
