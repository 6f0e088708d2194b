"""What is shown in a slot, to whom, with which code; and what never is."""

from datetime import timedelta
from threading import Barrier, Thread

import pytest
from django.db import connection
from django.test import Client

from campaigns.errors import ContentInvalid, MoveNotPossible, PlacementCodeTaken
from campaigns.experiments import Salt, lot
from campaigns.models import GlobalHoldout, Placement, PlacementShowing
from campaigns.services import pause_campaign, resume_campaign, start_campaign, stop_campaign
from campaigns.services.placements import (
    PlacementTerms,
    Wording,
    activate_placement,
    edit_placement,
    pause_placement,
    stop_placement,
)
from campaigns.services.showings import follow_click, show_placement, showings_by_day
from coupons.models import Coupon, Publication
from coupons.rules import local_day
from coupons.services import issue_coupons, stop_promotion, withdraw_publication
from customers.models import Customer, Purpose
from customers.services import merge_customers, record_consent, undo_merge
from operations.errors import InvalidInput
from tests.api import caller
from tests.campaigns.factories import draft, offer, segment_of, subscriber
from tests.campaigns.page_factories import banner
from tests.factories import ApiClientFactory, CustomerFactory

pytestmark = pytest.mark.django_db
RENDER = "/api/v1/placements/popup/render"


def seen_by(customer, at, **options):
    return show_placement("popup", customer=customer, at=at, **options)


def test_a_person_sees_what_stands_in_the_slot_in_html_and_in_json(api, now):
    banner(now)
    subscriber("anna@mail.example", first_name="Anna")

    told = api.post(RENDER, {"customer": {"email": "anna@mail.example"}})
    piece = api.post(RENDER, {"customer": {"email": "anna@mail.example"}}, headers={"Accept": "text/html"})

    showing = PlacementShowing.objects.get()
    click = f"http://127.0.0.1:8000/k/{showing.token}/0"
    html = f'<p>Ciao Anna</p><a href="{click}">Vai</a>'
    assert told.json() == {
        "slot": "popup",
        "placement": "autumn",
        "campaign": None,
        "language": "it",
        "title": "Autunno",
        "html": html,
        "text": "Ciao Anna\n\nVai (https://shop.example/a?b=1&c=2)",
        "links": [click],
        "coupon": None,
    }
    assert piece["Content-Type"] == "text/html; charset=utf-8"
    assert piece.content.decode() == html
    assert showing.showings == 2


def test_a_click_is_counted_and_leads_to_the_stored_address_alone(now):
    banner(now)
    shown = seen_by(subscriber("anna@mail.example"), now)
    client = Client()

    followed = client.get(f"/k/{shown.token}/0")

    assert (followed.status_code, followed["Location"]) == (302, "https://shop.example/a?b=1&c=2")
    assert client.get(f"/k/{shown.token}/1").status_code == 404
    assert client.get("/k/00000000-0000-4000-8000-000000000000/0").status_code == 404
    assert follow_click(shown.token, -1) is None
    assert PlacementShowing.objects.get().clicks == 1


def test_a_link_shown_before_an_edit_leads_where_it_led(now):
    placement = banner(now)
    token = seen_by(subscriber("anna@mail.example"), now).token

    terms = PlacementTerms(slot="popup")
    body = '<a href="https://shop.example/new">Nuovo</a>'
    edit_placement(placement, name="Autumn", terms=terms, contents=[Wording(body)], at=now)

    assert follow_click(token, 0) == "https://shop.example/a?b=1&c=2"
    assert follow_click(token, 1) == "https://shop.example/new"


def test_without_consent_nothing_is_shown_nor_counted(api, now):
    banner(now)
    CustomerFactory(email="silent@mail.example")

    for reference in ({"email": "silent@mail.example"}, {"email": "nobody@mail.example"}, None):
        answer = api.post(RENDER, {"customer": reference})
        assert (answer.status_code, answer.json()["placement"], answer.json()["html"]) == (200, None, "")

    assert not PlacementShowing.objects.exists()
    assert Customer.objects.count() == 1


def test_who_withdraws_sees_nothing_any_more(now):
    banner(now)
    anna = subscriber("anna@mail.example")
    assert seen_by(anna, now)

    record_consent(anna, channel="email", purpose="MARKETING", state="WITHDRAWN", at=now)

    assert seen_by(anna, now) is None


def test_what_stands_in_a_mail_needs_consent_for_mail(now):
    on_site, on_invoice = banner(now), banner(now, "invoice", slot="invoice")
    by_sms = CustomerFactory(email="anna@mail.example", phone="+393471234567")
    record_consent(
        by_sms, channel="sms", purpose="MARKETING", state="GRANTED", proof={"form": "paper"}, at=now
    )

    assert (on_site.channel, on_invoice.channel) == ("", "email")
    assert seen_by(by_sms, now) is not None
    assert show_placement("invoice", customer=by_sms, at=now) is None


def test_who_has_not_decided_is_asked_for_consent_and_nobody_else(now):
    banner(
        now,
        "ask",
        purpose=Purpose.SERVICE,
        asks_consent="email",
        body='<a href="{{ preferences_url }}">Sì</a>',
    )
    undecided, allows = CustomerFactory(email="u@mail.example"), subscriber("a@mail.example")
    refused = subscriber("r@mail.example")
    record_consent(refused, channel="email", purpose="MARKETING", state="WITHDRAWN", at=now)

    shown = seen_by(undecided, now)

    assert "/p/" in shown.html
    assert [seen_by(one, now) for one in (allows, refused, None)] == [None, None, None]


def test_nobody_known_sees_service_and_no_advertising(now):
    banner(now, "news", priority=90)
    banner(now, "hours", purpose=Purpose.SERVICE, body="<p>Aperti la domenica</p>")

    assert seen_by(None, now).placement.code == "hours"


def test_the_audience_and_the_priority_decide(now):
    anna, bob = subscriber("anna@mail.example"), subscriber("bob@mail.example")
    banner(now, "all", priority=10)
    banner(now, "few", priority=60, segment=segment_of([anna], code="few"))

    assert seen_by(anna, now).placement.code == "few"
    assert seen_by(bob, now).placement.code == "all"


def test_it_is_shown_only_in_its_period_and_so_often(now):
    anna = subscriber("anna@mail.example")
    banner(now, starts_at=now, ends_at=now + timedelta(days=1), most_showings=2)

    assert seen_by(anna, now - timedelta(seconds=1)) is None
    assert seen_by(anna, now + timedelta(days=1)) is None
    assert [seen_by(anna, now) is not None for _n in range(3)] == [True, True, False]


def test_a_stop_or_a_pause_of_its_campaign_closes_it_at_once(now):
    anna = subscriber("anna@mail.example")
    campaign = draft(segment_of([anna]), now)
    banner(now, campaign=campaign)
    assert seen_by(anna, now) is None  # A draft has not begun.

    start_campaign(campaign, at=now)
    assert seen_by(anna, now) is not None
    pause_campaign(campaign, at=now)
    assert seen_by(anna, now) is None
    resume_campaign(campaign, at=now)
    assert seen_by(anna, now) is not None
    stop_campaign(campaign, at=now)
    assert seen_by(anna, now) is None


def test_who_was_held_out_of_the_campaign_does_not_see_it_here_either(now):
    people = [subscriber(f"p{n}@mail.example") for n in range(12)]
    campaign = start_campaign(draft(segment_of(people), now, holdout_percent=50), at=now)
    banner(now, campaign=campaign)
    salt = Salt.HOLDOUT.of(campaign.pk)
    held = [one for one in people if lot(salt, one.public_id) < 5000]

    assert 0 < len(held) < 12
    assert [one for one in people if seen_by(one, now) is None] == held


def test_who_is_kept_out_of_all_advertising_sees_service_alone(now):
    banner(now, "news", priority=90)
    banner(now, "hours", purpose=Purpose.SERVICE, body="<p>Aperti la domenica</p>")
    people = [subscriber(f"p{n}@mail.example") for n in range(30)]
    period = GlobalHoldout.objects.create(percent=20, starts_at=now)
    kept = [one for one in people if lot(Salt.GLOBAL_HOLDOUT.of(period.pk), one.public_id) < 2000]

    shown = {one: seen_by(one, now).placement.code for one in people}

    assert [one for one in people if shown[one] == "hours"] == kept


def test_each_person_sees_a_code_of_their_own_and_always_the_same(now):
    placement = banner(now, promotion=offer(now))
    anna, bob = subscriber("anna@mail.example"), subscriber("bob@mail.example")

    codes = [seen_by(one, now).coupon["code"] for one in (anna, anna, bob)]

    assert codes[0] == codes[1] != codes[2]
    assert Publication.objects.filter(promotion=placement.promotion).count() == 2
    assert Coupon.objects.get(code=codes[0]).holder == anna
    picture = Client().get(f"/k/{PlacementShowing.objects.get(customer=anna).token}/qr.svg")
    assert picture["Content-Type"] == "image/svg+xml"


def test_a_code_that_the_person_has_already_is_shown_and_a_spent_one_is_not_followed_by_another(now):
    banner(now, promotion=offer(now, coupon={"max_uses": 1}))
    anna = subscriber("anna@mail.example")
    code = seen_by(anna, now).coupon["code"]

    Coupon.objects.filter(code=code).update(uses=1)

    assert seen_by(anna, now) is None
    assert Publication.objects.count() == 1


def test_an_empty_pool_leaves_the_slot_to_the_next(now):
    promotion = offer(now, coupon={"pattern": ""})
    issue_coupons(promotion, codes=["ONLY-ONE"], at=now)
    banner(now, "offer", promotion=promotion, priority=90)
    banner(now, "news", priority=10)
    bob = subscriber("bob@mail.example")
    assert seen_by(bob, now).coupon["code"] == "ONLY-ONE"

    assert seen_by(subscriber("anna@mail.example"), now).placement.code == "news"
    stop_promotion(promotion, mode="HARD", at=now)
    assert seen_by(bob, now).placement.code == "news"


@pytest.mark.django_db(transaction=True)
def test_the_same_person_on_eight_pages_at_once_gets_one_code(now):
    banner(now, promotion=offer(now))
    anna = subscriber("anna@mail.example")
    barrier, codes = Barrier(8), []

    def look():
        barrier.wait()
        codes.append(seen_by(anna, now).coupon["code"])
        connection.close()

    threads = [Thread(target=look) for _n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(codes) == 8 and len(set(codes)) == 1
    assert Publication.objects.count() == 1
    assert PlacementShowing.objects.get().showings == 8


@pytest.mark.django_db(transaction=True)
def test_on_eight_pages_at_once_it_is_seen_no_oftener_than_it_may(now):
    placement = banner(now, most_showings=3)
    anna = subscriber("anna@mail.example")
    barrier, seen = Barrier(8), []

    def look():
        barrier.wait()
        seen.append(seen_by(anna, now) is not None)
        connection.close()

    threads = [Thread(target=look) for _n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert seen.count(True) == 3
    assert list(showings_by_day(placement)) == [(local_day(now, "Europe/Rome"), 1, 3, 0)]


def test_a_withdrawn_code_is_not_shown(now):
    banner(now, promotion=offer(now))
    anna = subscriber("anna@mail.example")
    seen_by(anna, now)
    withdraw_publication(Publication.objects.get(), at=now)

    assert seen_by(anna, now) is None
    assert Publication.objects.count() == 1


def test_restricted_and_merged_people(now):
    banner(now)
    anna, twin = subscriber("anna@mail.example"), subscriber("anna2@mail.example")
    seen_by(anna, now)
    seen_by(twin, now)
    Customer.objects.filter(pk=subscriber("x@mail.example").pk).update(restricted_at=now)

    merge_customers(anna, [twin], reason="same", at=now)

    assert sorted(PlacementShowing.objects.values_list("showings", "former")) == [(1, False), (1, True)]
    assert seen_by(Customer.objects.get(restricted_at__isnull=False), now) is None


def test_a_placement_moves_as_its_owner_moves_it(now):
    placement = banner(now, active=False)
    anna = subscriber("anna@mail.example")
    assert seen_by(anna, now) is None

    activate_placement(placement, at=now)
    pause_placement(placement, at=now)
    assert seen_by(anna, now) is None
    stop_placement(placement, at=now)

    with pytest.raises(MoveNotPossible):
        activate_placement(placement, at=now)
    assert Placement.objects.get().status == "STOPPED"


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ("<script>alert(1)</script>", "/contents/0/body"),
        ('<a href="javascript:x">x</a>', "/contents/0/body"),
        ("<mjml></mjml>", "/contents/0/body"),
        ("{{ settings.SECRET_KEY }}", "/contents/0/body"),
        ("{{ coupon.code }}", "/contents/0/body"),
        ("{{ click_url }}", "/contents/0/body"),
    ],
)
def test_what_no_page_may_hold_is_refused_at_save(body, pointer, now):
    with pytest.raises(ContentInvalid) as refusal:
        banner(now, body=body)

    assert refusal.value.details[0].pointer == pointer
    assert not Placement.objects.exists()


def test_a_name_with_markup_is_escaped(now):
    banner(now)

    shown = seen_by(subscriber("anna@mail.example", first_name="<img src=x onerror=y>"), now)

    assert "<img" not in shown.html


def test_bad_terms_are_refused(now):
    with pytest.raises(InvalidInput):
        banner(now, promotion=offer(now), purpose=Purpose.SERVICE)
    with pytest.raises(InvalidInput):
        banner(now, asks_consent="email")
    banner(now)
    with pytest.raises(PlacementCodeTaken):
        banner(now)
    assert Placement.objects.count() == 1


def test_bad_requests_are_told_what_is_wrong(api, db):
    assert api.post(RENDER, {"customer": {"email": 3}}).status_code == 422
    assert api.post("/api/v1/placements/No_Slot!/render", {}).status_code == 422
    assert api.post(RENDER, {"language": "xx"}).status_code == 422
    assert caller(ApiClientFactory(scopes=["campaigns:read"])).post(RENDER, {}).status_code == 403


def test_a_partner_s_client_does_not_find_it(now):
    banner(now)
    partner = caller(ApiClientFactory(scopes=["placements:render"], partner_source="partner"))

    assert partner.post(RENDER, {}).status_code == 404


def test_few_statements_per_look(now, django_assert_max_num_queries):
    banner(now, promotion=offer(now))
    anna = subscriber("anna@mail.example")
    seen_by(anna, now)

    with django_assert_max_num_queries(9):
        seen_by(anna, now)


def test_links_shown_to_either_of_two_who_became_one_go_on(now):
    placement = banner(now, most_showings=4)
    anna, twin = subscriber("anna@mail.example"), subscriber("a.rossi@mail.example")
    mine, theirs = seen_by(anna, now), seen_by(twin, now)
    seen_by(twin, now)

    operation = merge_customers(anna, [twin], reason="same", at=now)
    followed = [follow_click(shown.token, 0) for shown in (mine, theirs)]
    again = seen_by(anna, now)
    by_day = [row[1:] for row in showings_by_day(placement)]
    none_left = seen_by(anna, now)
    undo_merge(operation, at=now)

    assert followed == ["https://shop.example/a?b=1&c=2"] * 2
    assert again.token == mine.token
    assert (by_day, none_left) == ([(1, 4, 2)], None)
    assert PlacementShowing.objects.get(customer=twin, former=False).showings == 2
