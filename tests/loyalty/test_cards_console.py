import io
import json

import pytest
from django.urls import reverse
from PIL import Image

from campaigns.models import Message
from customers.models import Identity
from loyalty.models import Card, CardBatch, CardDesign, MemberLink
from loyalty.services.cards import card_number, ensure_card, print_cards
from loyalty_site.roles import Role
from tests.api import caller
from tests.console_data import prove, staff
from tests.factories import NOON, ApiClientFactory, CustomerFactory
from tests.loyalty import wallets as cast

pytestmark = pytest.mark.django_db
LIST, LOOK = "/console/loyalty/card/", "/console/loyalty/card/look/"


def as_role(client, role):
    person = staff(role)
    client.force_login(person)
    prove(client, person)
    return client


def desk(customer):
    return f"/console/loyalty/card/of/{customer.pk}/"


def test_an_agent_links_a_printed_card_blocks_a_lost_one_and_sends_the_link(client):
    as_role(client, Role.AGENT)
    alice = CustomerFactory()
    number = print_cards(name="Milano", count=1, at=NOON).cards.get().number

    said = client.post(desk(alice), {"act": "link", "number": number}, follow=True).content.decode()
    assert "The card belongs to this customer now." in said and card_number(alice) == number
    said = client.post(desk(alice), {"act": "block", "number": number, "reason": "lost"}, follow=True)
    assert "Blocked. The new number is" in said.content.decode() and card_number(alice) != number
    page = client.get(reverse("admin:customers_customer_change", args=[alice.pk])).content.decode()
    assert f'<span class="fi-strong">{number}</span>' not in page
    assert f'<span class="fi-strong">{card_number(alice)}</span>' in page
    client.post(desk(alice), {"act": "send"})
    assert Message.objects.get().customer == alice
    client.post(desk(alice), {"act": "revoke"})
    assert MemberLink.objects.get(customer=alice).generation == 1


def test_what_cannot_be_linked_is_said_and_nothing_changes(client):
    as_role(client, Role.AGENT)
    alice = CustomerFactory()

    said = client.post(desk(alice), {"act": "link", "number": "2900000000000428"}, follow=True)
    assert "There is no card with this number." in said.content.decode()
    said = client.post(desk(alice), {"act": "link", "number": ""}, follow=True)
    assert said.status_code == 200
    said = client.post(desk(alice), {"act": "fly"}, follow=True)
    assert "Nothing was done." in said.content.decode()

    assert not Card.objects.exists() and not Identity.objects.filter(namespace="loyalty_card").exists()


def test_an_analyst_sees_a_card_and_changes_none(client):
    as_role(client, Role.ANALYST)
    alice = CustomerFactory()

    assert client.get(desk(alice)).status_code == 200
    assert client.post(desk(alice), {"act": "give"}).status_code == 403
    assert client.post(desk(alice), {"act": "revoke"}).status_code == 403
    assert client.get(LIST + "print/").status_code == 403
    assert client.post(LOOK, {"name": "x"}).status_code == 403

    assert not Card.objects.exists() and not MemberLink.objects.exists() and not CardDesign.objects.exists()


def test_staff_see_the_member_s_page_with_its_buttons_off(client):
    as_role(client, Role.AGENT)
    alice = CustomerFactory(first_name="Alice", language="it")
    ensure_card(alice, at=NOON)

    page = client.get(desk(alice) + "page/")

    text = page.content.decode()
    assert page.status_code == 200 and card_number(alice) in text
    assert "/m/" not in text and "<form" not in text


def test_cards_are_printed_in_a_batch_and_handed_out_ones_are_not_printed_again(client):
    as_role(client, Role.MARKETER)

    made = client.post(LIST + "print/", {"name": "Milano", "count": "12"})
    wrong = client.post(LIST + "print/", {"name": "", "count": "0"})

    batch = CardBatch.objects.get()
    assert made.url == f"/console/loyalty/card/batches/{batch.pk}/" and wrong.status_code == 200
    assert client.get(made.url).content.decode().count("<article>") == 12
    batch.cards.filter(pk=batch.cards.first().pk).update(
        status="ACTIVE", customer=CustomerFactory(), linked_at=NOON
    )
    assert client.get(made.url + "?part=99").content.decode().count("<article>") == 11
    assert "Milano" in client.get(LIST).content.decode()


def test_the_look_is_kept_with_its_logo_and_what_is_no_picture_is_refused(client):
    as_role(client, Role.MARKETER)
    logo = io.BytesIO()
    Image.new("RGB", (800, 200), "white").save(logo, "PNG")
    logo.seek(0)
    logo.name = "logo.png"
    form = {"name": "Alpina", "background": "#123456", "foreground": "#ffffff", "terms_it": "Vale ovunque"}

    saved = client.post(LOOK, form | {"upload": logo})
    bad = client.post(LOOK, form | {"background": "red"})
    fake = io.BytesIO(b"<svg/>")
    fake.name = "logo.png"
    refused = client.post(LOOK, form | {"name": "Other", "upload": fake})

    design = CardDesign.objects.get()
    assert saved.status_code == 302 and bad.status_code == refused.status_code == 200
    assert (design.name, design.background, design.terms) == ("Alpina", "#123456", {"it": "Vale ovunque"})
    assert Image.open(io.BytesIO(bytes(design.logo))).size == (480, 120)
    assert "Alpina" in client.get(LOOK).content.decode()


def test_the_look_says_whether_the_wallets_work(client, settings):
    as_role(client, Role.MARKETER)
    assert "Not set up: see WALLET_APPLE_CERTIFICATE" in client.get(LOOK).content.decode()

    for name, value in cast.apple().items():
        setattr(settings, name, value)
    settings.WALLET_GOOGLE_CREDENTIALS = "{}"
    text = client.get(LOOK).content.decode()
    assert "pass.example.fidelio, certificate until" in text and "The id of the issuer is a number." in text


def test_a_shop_gives_links_and_blocks_cards_over_the_api(api):
    alice = CustomerFactory()
    url = f"/api/v1/customers/{alice.public_id}/cards"
    assert api.get(url).json() == {"number": None, "cards": []}

    given = api.post(url, {}).json()
    linked = api.post(url, {"number": "SHOP-4711"}, HTTP_IDEMPOTENCY_KEY="two").json()
    blocked = api.post(
        f"{url}/block", {"number": "SHOP4711", "reason": "lost"}, HTTP_IDEMPOTENCY_KEY="3"
    ).json()

    assert given["number"].startswith("29") and linked["number"] == "SHOP4711"
    assert blocked["number"] == given["number"]
    states = {card["number"]: card["status"] for card in blocked["cards"]}
    assert states == {given["number"]: "ACTIVE", "SHOP4711": "BLOCKED"}
    assert api.post(f"{url}/block", {"number": "NOT-MINE-1"}).json()["key"] == "not_found"


def test_a_shop_gets_the_link_to_a_member_s_page_and_ends_it(api, client):
    alice = CustomerFactory()
    url = f"/api/v1/customers/{alice.public_id}/member-link"

    link = api.post(url, {}).json()["url"]

    page = "/" + link.split("/", 3)[3]
    assert client.get(page).status_code == 200
    assert api.delete(url).status_code == 204
    assert client.get(page).status_code == 404


def test_who_may_only_read_gets_no_link():
    reader = caller(ApiClientFactory(scopes=["loyalty:read"]))
    alice = CustomerFactory()

    assert reader.post(f"/api/v1/customers/{alice.public_id}/member-link", {}).status_code == 403
    assert reader.post(f"/api/v1/customers/{alice.public_id}/cards", {}).status_code == 403
    assert json.loads(reader.get(f"/api/v1/customers/{alice.public_id}/cards").content)["cards"] == []
