"""An address, a mail, a press, a code: once per mailbox, the first N exactly, telling nobody whom we know."""

import re
from datetime import timedelta
from threading import Barrier, Thread

import pytest
from django.db import connection
from django.test import Client

from campaigns.errors import CodesGone, CountryNotServed, LandingPageCodeTaken, NotANewcomer, PageClosed
from campaigns.models import LandingClaim, LandingPage, LandingVisit, Message
from campaigns.services import pump, start_campaign, stop_campaign
from campaigns.services.landing_claims import give_code, is_in_time
from campaigns.services.landing_pages import close_landing_page, edit_landing_page, terms_of
from coupons.models import Coupon, Publication
from customers.models import Consent, Customer, Identity
from customers.services import merge_customers
from operations.errors import FidelioError, InvalidInput
from tests.campaigns.factories import draft, offer, segment_of, subscriber
from tests.campaigns.page_factories import asked, landing
from tests.factories import CustomerFactory, OrderFactory, StoreFactory

pytestmark = pytest.mark.django_db
BROWSER = {"User-Agent": "Mozilla/5.0"}


def mailed_link(sink) -> str:
    return re.search(r"/e/[0-9a-f-]{36}", sink.messages[-1].as_string().replace("=\n", ""))[0]


def test_an_address_is_confirmed_by_mail_and_the_code_comes_after_a_post(sink, now):
    landing(now, asks_name=True)
    client = Client(headers=BROWSER)

    form = client.get("/o/summer?utm_source=instagram&utm_campaign=summer&lang=it")
    sent = client.post(
        "/o/summer?utm_source=instagram&utm_campaign=summer&lang=it",
        {"email": " Anna@Mail.Example ", "first_name": "Anna", "wants_offers": "on", "website": ""},
    )
    pump("FAST")
    link = mailed_link(sink)
    looked = client.get(link)
    nothing_yet = Coupon.objects.count()
    given = client.post(link, follow=True)

    assert form.status_code == 200 and "Dieci per cento" in form.content.decode()
    assert (sent.status_code, sent["Location"]) == (303, "/o/summer?sent=1&lang=it")
    assert (looked.status_code, nothing_yet) == (200, 0)
    claim = LandingClaim.objects.get()
    assert claim.publication.coupon.code in given.content.decode()
    assert (claim.state, claim.address, claim.utm) == (
        "GIVEN",
        "anna@mail.example",
        {"utm_source": "instagram", "utm_campaign": "summer"},
    )
    assert client.get(link).content.decode().count(claim.publication.coupon.code) == 1
    person = Customer.objects.get()
    assert (person.status, person.first_name) == ("PROSPECT", "Anna")
    assert Consent.objects.get().state == "GRANTED"
    assert Identity.objects.get().verified_at is not None
    assert LandingPage.objects.get().given == 1
    assert LandingVisit.objects.get().source == "instagram"


def test_without_the_tick_no_consent_is_entered(now):
    give_code(asked(landing(now), "anna@mail.example", now), at=now)

    assert not Consent.objects.exists()


def test_known_and_unknown_addresses_are_answered_alike(now):
    landing(now)
    subscriber("anna@mail.example")
    client = Client()

    answers = [
        client.post("/o/summer", {"email": f"{who}@mail.example"}) for who in ("anna", "nobody", "anna")
    ]

    assert len({(answer.status_code, answer["Location"], answer.content) for answer in answers}) == 1
    assert LandingClaim.objects.count() == 2
    assert Message.objects.count() == 2  # The third was asked for within a minute of the first.


def test_one_mailbox_has_one_claim_however_it_is_written(now):
    page = landing(now)

    first = asked(page, "an.na+shop@gmail.com", now)
    second = asked(page, "anna@googlemail.com", now + timedelta(hours=1))

    assert first == second
    assert set(Message.objects.values_list("address", flat=True)) == {"an.na+shop@gmail.com"}


def test_few_mails_go_to_one_mailbox(now):
    page = landing(now)

    for minutes in range(0, 20, 2):
        asked(page, "anna@mail.example", now + timedelta(minutes=minutes))

    assert Message.objects.count() == 5


def test_pressing_twice_gives_one_code(now):
    claim = asked(landing(now), "anna@mail.example", now)

    codes = {give_code(claim, at=now).publication.coupon.code for _n in range(2)}

    assert len(codes) == 1
    assert LandingPage.objects.get().given == 1


@pytest.mark.django_db(transaction=True)
def test_the_first_five_of_twelve_at_once_get_a_code(now):
    page = landing(now, first_count=5)
    claims = [asked(page, f"p{n}@mail.example", now) for n in range(12)]
    barrier, outcomes = Barrier(12), []

    def press(claim):
        barrier.wait()
        try:
            outcomes.append(give_code(claim, at=now).state)
        except CodesGone as error:
            outcomes.append(error.key)
        connection.close()

    threads = [Thread(target=press, args=[claim]) for claim in claims]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(outcomes) == ["GIVEN"] * 5 + ["codes_gone"] * 7
    page.refresh_from_db()
    assert (page.given, page.left, Coupon.objects.count()) == (5, 0, 5)
    assert LandingClaim.objects.filter(state="REFUSED", refusal="codes_gone").count() == 7
    assert Client().post("/o/summer", {"email": "late@mail.example"}).status_code == 410


def test_a_stop_of_the_campaign_closes_the_page_at_once(now):
    campaign = start_campaign(draft(segment_of([subscriber("a@mail.example")]), now), at=now)
    page = landing(now, campaign=campaign)
    claim = asked(page, "anna@mail.example", now)

    stop_campaign(campaign, at=now)

    with pytest.raises(PageClosed):
        give_code(claim, at=now)
    assert Client().get("/o/summer").status_code == 410
    assert Client().post(f"/e/{claim.token}").status_code == 410
    assert not Coupon.objects.exists()
    assert LandingPage.objects.get().given == 0


def test_a_closed_page_gives_nothing_and_shows_codes_given_before(now):
    page = landing(now)
    given = give_code(asked(page, "anna@mail.example", now), at=now)
    waiting = asked(page, "bob@mail.example", now)

    close_landing_page(page, at=now)

    assert Client().get(f"/e/{waiting.token}").status_code == 410
    assert given.publication.coupon.code in Client().get(f"/e/{given.token}").content.decode()


def test_who_has_bought_is_no_newcomer_and_learns_it_only_from_their_own_mailbox(now):
    page = landing(now, newcomers_only=True)
    anna = CustomerFactory(email="anna@mail.example")
    OrderFactory(customer=anna)
    claim = asked(page, "anna@mail.example", now)

    with pytest.raises(NotANewcomer):
        give_code(claim, at=now)

    assert (Coupon.objects.count(), LandingPage.objects.get().given) == (0, 0)
    assert LandingClaim.objects.get().refusal == "not_a_newcomer"


def test_people_from_elsewhere_get_nothing(now):
    page = landing(now, countries=("IT", "SM"))
    abroad = CustomerFactory(email="anna@mail.example", country="FR")
    claim = asked(page, "anna@mail.example", now, country="IT")

    with pytest.raises(CountryNotServed):
        give_code(claim, at=now)
    typed = Client().post("/o/summer", {"email": "bob@mail.example", "country": "--"})

    assert typed.status_code == 422
    assert abroad.pk == claim.customer_id
    assert not Coupon.objects.exists()


def test_two_addresses_of_one_person_bring_one_code(now):
    page = landing(now)
    anna, twin = CustomerFactory(email="anna@mail.example"), CustomerFactory(email="anna2@mail.example")
    claims = [asked(page, f"{name}@mail.example", now) for name in ("anna", "anna2")]
    merge_customers(anna, [twin], reason="same", at=now)

    codes = {give_code(claim, at=now).publication.coupon.code for claim in claims}

    assert len(codes) == 1
    assert LandingPage.objects.get().given == 1


def test_a_promotion_that_cannot_give_leaves_the_count_as_it_was(now):
    page = landing(now, promotion=offer(now, coupon={"pattern": ""}), first_count=5)
    claim = asked(page, "anna@mail.example", now)

    with pytest.raises(FidelioError):
        give_code(claim, at=now)

    assert LandingPage.objects.get().given == 0
    assert Client().post(f"/e/{claim.token}").status_code == 410
    assert not Publication.objects.exists()


def test_a_machine_that_fills_the_trap_is_thanked_and_forgotten(now):
    landing(now)

    answer = Client().post("/o/summer", {"email": "bot@mail.example", "website": "http://spam.example"})

    assert answer.status_code == 303
    assert not LandingClaim.objects.exists() and not Customer.objects.exists()


def test_an_address_that_asks_too_often_is_slowed_down(now, settings):
    settings.LANDING_REQUESTS_PER_ADDRESS = 3
    landing(now)
    client = Client(REMOTE_ADDR="203.0.113.77")

    statuses = [client.post("/o/summer", {"email": f"p{n}@mail.example"}).status_code for n in range(5)]

    assert statuses == [303, 303, 303, 429, 429]
    assert LandingClaim.objects.count() == 3


@pytest.mark.parametrize("email", ["", "no address", "a@b\r\nBcc: x@y.example", "ü" * 300 + "@mail.example"])
def test_a_bad_address_is_told_beside_the_field(email, now):
    landing(now)

    answer = Client().post("/o/summer?lang=en", {"email": email})

    assert answer.status_code == 422
    assert 'role="alert"' in answer.content.decode()
    assert not LandingClaim.objects.exists()


def test_a_link_is_good_for_some_days_and_a_forged_one_never(now):
    claim = asked(landing(now), "anna@mail.example", now)

    assert is_in_time(claim, at=now + timedelta(days=6))
    assert not is_in_time(claim, at=now + timedelta(days=7))
    assert Client().get("/e/00000000-0000-4000-8000-000000000000").status_code == 404
    assert Client().get("/o/nothing").status_code == 404


def test_a_draft_is_not_there_and_a_page_ahead_says_when(now):
    landing(now, "draft", opened=False, promotion=offer(now))
    landing(now, "ahead", promotion=offer(now, code="later"), starts_at=now + timedelta(days=1))

    assert Client().get("/o/draft").status_code == 404
    assert Client().get("/o/ahead").status_code == 410


def test_the_nearest_shops_are_named(now):
    landing(now, shows_stores=2)
    StoreFactory(code="bo", name="Bologna Centro", country="IT", city="Bologna", postcode="40121")
    StoreFactory(code="mi", name="Milano Duomo", country="IT", city="Milano", postcode="20121")

    page = Client().post("/o/summer", {"near": "Bologna"}).content.decode()

    nowhere = Client().post("/o/summer", {"near": "Nowhereville"}).content.decode()

    assert 0 < page.index("Bologna Centro") < page.index("Milano Duomo")
    assert "Bologna Centro" not in nowhere


def test_markup_in_texts_and_queries_is_escaped(now):
    landing(now, title={"it": "<b>x</b>"}, introduction={"it": "<img src=x>"})

    page = Client().get("/o/summer?lang=it&utm_source=%22%3E%3Cscript%3E").content.decode()

    assert "<b>x" not in page and "<img src=x" not in page and "<script" not in page


def test_the_number_cannot_fall_below_what_was_given(now):
    page = landing(now, first_count=3)
    give_code(asked(page, "anna@mail.example", now), at=now)
    page.refresh_from_db()
    terms = terms_of(page)

    with pytest.raises(InvalidInput):
        edit_landing_page(page, name="x", terms=type(terms)(**(vars(terms) | {"first_count": 0})), at=now)
    with pytest.raises(LandingPageCodeTaken):
        landing(now, promotion=page.promotion)

    assert LandingPage.objects.get().first_count == 3


def test_visits_are_counted_by_site_and_machines_are_not(now):
    landing(now)

    for agent in ("Mozilla/5.0", "Mozilla/5.0", "facebookexternalhit/1.1", ""):
        Client().get("/o/summer", headers={"User-Agent": agent, "Referer": "https://forum.example/t/1"})

    visits = LandingVisit.objects.get()
    assert (visits.host, visits.visits) == ("forum.example", 2)
