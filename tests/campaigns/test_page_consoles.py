"""Placements, landing pages, share links and audiences, as the marketer works with them in the console."""

import csv
import hashlib

import pytest
from django.contrib.admin.models import LogEntry
from django.core.exceptions import PermissionDenied
from django.test import Client

from campaigns.models import LandingPage, Placement, ShareLink
from campaigns.services.landing_claims import give_code
from campaigns.services.retargeting import hashed_email, request_audience
from campaigns.services.showings import show_placement
from coupons.models import Coupon
from customers.models import Customer, Suppression
from customers.services import record_consent, suppress
from loyalty_site.roles import Role
from operations.models import JobRun
from operations.services import carry_out
from tests.campaigns.factories import offer, segment_of, subscriber
from tests.campaigns.page_factories import asked, banner, landing
from tests.console_data import staff
from tests.factories import CustomerFactory

pytestmark = pytest.mark.django_db
PLACEMENTS = "/console/campaigns/placement/"
LANDING = "/console/campaigns/landingpage/"


@pytest.fixture
def marketer() -> Client:
    client = Client()
    client.force_login(staff(Role.MARKETER))
    return client


def placement_form(**fields) -> dict:
    values = {
        "name": "Autumn",
        "code": "autumn",
        "slot": "popup",
        "shows": "OFFER",
        "asks": "email",
        "priority": "50",
        "body_it": "<p>Ciao</p>",
    }
    return values | fields


def landing_form(promotion, **fields) -> dict:
    values = {"name": "Summer", "code": "summer", "promotion": promotion.pk, "title_it": "Sconto"}
    return values | {"shows_stores": "0"} | fields


def test_a_placement_is_written_shown_and_stopped(marketer, now):
    made = marketer.post(f"{PLACEMENTS}add/", placement_form())
    placement = Placement.objects.get()
    page = f"{PLACEMENTS}{placement.pk}/change/"
    anna = subscriber("anna@mail.example")
    before = show_placement("popup", customer=anna, at=now)
    marketer.post(f"{PLACEMENTS}{placement.pk}/move/activate/")
    shown = show_placement("popup", customer=anna, at=now)
    marketer.post(f"{PLACEMENTS}{placement.pk}/move/stop/")

    assert made["Location"] == page
    assert (before, shown.html) == (None, "<p>Ciao</p>")
    assert show_placement("popup", customer=anna, at=now) is None
    assert marketer.get(page).status_code == 200
    assert "Autumn" in marketer.get(PLACEMENTS).content.decode()


def test_a_mistake_in_a_content_stands_beside_it(marketer):
    answer = marketer.post(f"{PLACEMENTS}add/", placement_form(body_en="<p>{{ customer.nam }}</p>"))

    assert "customer.nam" in str(answer.context["form"].errors["body_en"])
    assert not Placement.objects.exists()


def test_a_placement_can_be_looked_at_as_any_customer_before_it_is_saved(marketer):
    CustomerFactory(email="anna@mail.example", first_name="Anna")

    seen = marketer.post(
        f"{PLACEMENTS}preview/",
        {"body_it": "<p>Ciao {{ customer.first_name }}</p>", "preview_as": "anna@mail.example"},
    ).content.decode()

    assert "Ciao Anna" in seen and "sandbox" in seen


def test_a_landing_page_is_written_opened_and_watched(marketer, now):
    marketer.post(f"{LANDING}add/", landing_form(offer(now), first_count="10", countries="it, sm"))
    page = LandingPage.objects.get()
    marketer.post(f"{LANDING}{page.pk}/move/open/")
    page.refresh_from_db()
    give_code(asked(page, "anna@mail.example", now), at=now)

    numbers = marketer.get(f"{LANDING}{page.pk}/numbers/").content.decode()

    assert (page.status, page.countries, page.first_count) == ("OPEN", ["IT", "SM"], 10)
    assert "9 of 10 left" in numbers
    assert marketer.get(f"{LANDING}{page.pk}/change/").status_code == 200
    assert marketer.get(f"{LANDING}{page.pk}/change/?csv=funnel")["Content-Type"].startswith("text/csv")
    assert marketer.get(f"{LANDING}{page.pk}/qr.svg")["Content-Type"] == "image/svg+xml"
    assert "Sconto" in marketer.get(f"{LANDING}{page.pk}/look/?lang=it").content.decode()
    assert "1 of 10" in marketer.get(LANDING).content.decode()
    marketer.post(f"{LANDING}{page.pk}/edit/", landing_form(page.promotion, title_it="Nuovo"))
    page.refresh_from_db()
    assert page.title == {"it": "Nuovo"}


@pytest.mark.parametrize(
    ("fields", "name"),
    [({"countries": "Italy"}, "countries"), ({"title_it": ""}, "title_en"), ({"promotion": ""}, "promotion")],
)
def test_a_mistake_of_a_landing_page_stands_beside_its_field(marketer, now, fields, name):
    answer = marketer.post(f"{LANDING}add/", landing_form(offer(now)) | fields)

    assert name in answer.context["form"].errors
    assert not LandingPage.objects.exists()


def test_a_share_link_is_made_and_told(marketer, now):
    page = landing(now)

    marketer.post(
        "/console/campaigns/sharelink/add/",
        {"name": "Post", "page": page.pk, "url": "", "source": "instagram", "medium": "social"},
    )

    link = ShareLink.objects.get()
    assert link.short_url in marketer.get("/console/campaigns/sharelink/").content.decode()


def test_the_service_desk_neither_sees_nor_writes_these_pages(now):
    client = Client()
    client.force_login(staff(Role.AGENT))
    placement, page = banner(now), landing(now)

    for path in (PLACEMENTS, f"{PLACEMENTS}add/", f"{PLACEMENTS}{placement.pk}/change/", LANDING,
                 f"{LANDING}{page.pk}/change/", f"{LANDING}{page.pk}/numbers/",
                 "/console/campaigns/sharelink/", "/console/campaigns/sharelink/retargeting/"):  # fmt: skip
        assert client.get(path).status_code in (302, 403), path
    assert client.post(f"{PLACEMENTS}{placement.pk}/move/stop/").status_code == 403
    assert client.post(f"{LANDING}{page.pk}/move/close/").status_code == 403
    assert Placement.objects.get().status == "ACTIVE" and LandingPage.objects.get().status == "OPEN"


def test_an_audience_holds_the_hashes_of_who_allows_it_and_of_nobody_else(now):
    owner = staff(Role.MARKETER)
    anna, bob = subscriber("anna@mail.example"), subscriber("b.o.b+x@gmail.com")
    left, gone = subscriber("left@mail.example"), subscriber("gone@mail.example")
    silent, restricted = CustomerFactory(email="silent@mail.example"), subscriber("r@mail.example")
    objects = subscriber("objects@mail.example")
    suppress("email", "gone@mail.example", reason=Suppression.Reason.BOUNCED)
    record_consent(left, channel="email", purpose="MARKETING", state="WITHDRAWN", at=now)
    Customer.objects.filter(pk=restricted.pk).update(restricted_at=now)
    Customer.objects.filter(pk=objects.pk).update(profiling="OBJECTED")
    segment = segment_of([anna, bob, left, gone, silent, restricted, objects])

    job = carry_out(request_audience(segment, platform="GOOGLE", by=owner))

    file = job.files.get()
    rows = list(csv.reader(file.file.open("rt").read().splitlines()))
    expected = {hashlib.sha256(one.encode()).hexdigest() for one in ("anna@mail.example", "bob@gmail.com")}
    assert rows[0] == ["Email"]
    assert {row[0] for row in rows[1:]} == expected
    assert (job.status, job.result) == ("DONE", {"addresses": 2})
    assert "2 hashed addresses" in LogEntry.objects.get().change_message


def test_who_asked_for_an_audience_fetches_it_from_the_page_of_its_job_and_nobody_else(client, now):
    segment = segment_of([subscriber("anna@mail.example")])
    owner = staff(Role.MARKETER)
    job = carry_out(request_audience(segment, platform="META", by=owner))
    page, address = (
        f"/console/operations/jobrun/{job.pk}/change/",
        f"/console/operations/jobrun/{job.pk}/file/",
    )

    client.force_login(owner, backend="django.contrib.auth.backends.ModelBackend")
    shown, fetched = client.get(page).content.decode(), client.get(address)
    client.force_login(staff(Role.ANALYST), backend="django.contrib.auth.backends.ModelBackend")
    of_another, refused = client.get(page).content.decode(), client.get(address)

    assert f'href="{address}"' in shown and "1 of 1" in shown
    assert b"".join(fetched.streaming_content).startswith(b"email\r\n")
    assert f'href="{address}"' not in of_another
    assert refused.status_code == 403


def test_meta_wants_the_address_as_it_is(db):
    assert hashed_email("B.o.b+x@Gmail.com ", "META") == hashlib.sha256(b"b.o.b+x@gmail.com").hexdigest()


def test_who_may_not_export_gets_no_audience(marketer, now):
    agent = staff(Role.AGENT)
    segment = segment_of([subscriber("anna@mail.example")])

    with pytest.raises(PermissionDenied):
        request_audience(segment, platform="META", by=agent)
    counted = marketer.post(
        "/console/campaigns/sharelink/retargeting/",
        {"segment": segment.pk, "platform": "META", "count": "1"},
    )

    assert "1 address of" in counted.content.decode()
    assert not JobRun.objects.exists()


def test_links_of_a_page_stand_in_mails(now):
    from campaigns.content.contributed import contributed_values, is_contributed

    page = landing(now, shares=True)
    anna = subscriber("anna@mail.example")

    values = contributed_values(anna, at=now)["page"]["summer"]

    link = ShareLink.objects.filter(customer=anna)
    assert is_contributed("page.summer.url") and is_contributed("page.summer.whatsapp")
    assert not is_contributed("page.summer.nothing") and not is_contributed("page.none.url")
    assert values["url"].startswith(page.url)
    assert not link.exists()
    assert values["share_url"] == link.get().short_url
    assert not Coupon.objects.exists()
