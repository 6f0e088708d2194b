"""Coalition partners in the console: rates as people say them, months that are closed, and their postings."""

from datetime import UTC, datetime

import pytest
from django.utils import timezone
from structlog.testing import capture_logs

from loyalty.models import Partner, Settlement
from loyalty.services import earn_at_partner
from loyalty_site.roles import Role
from tests.console_data import prove, staff
from tests.coupons.factories import customer
from tests.loyalty.factories import make_partner

pytestmark = pytest.mark.django_db
FORM = {
    "name": "Bar Sport",
    "code": "bar",
    "source": "bar",
    "active": "on",
    "earn_points": "1",
    "earn_per": "2.50",
    "valid_months": "12",
    "customer_day_points": "",
    "month_points": "",
    "burn_points": "100",
    "burn_pays": "1.00",
    "customer_day_burn_points": "",
    "earn_hundred": "0.85",
    "burn_hundred": "1",
}


@pytest.fixture
def marketer(client):
    person = staff(Role.MARKETER)
    client.force_login(person)
    prove(client, person)
    return client


def test_a_marketer_sets_up_a_partner_in_amounts_and_prices_for_a_hundred_points(marketer):
    # 0.85 for 100 points is 0.85 cents for one.
    made = marketer.post("/console/loyalty/partner/add/", FORM)

    partner = Partner.objects.get()
    assert made.url == f"/console/loyalty/partner/{partner.pk}/change/"
    rates = (partner.earn_amount, partner.burn_points, partner.burn_amount, partner.currency)
    assert rates == (250, 100, 100, "EUR")
    assert (str(partner.earn_price), str(partner.burn_price)) == ("0.8500", "1.0000")
    page = marketer.get(made.url).content.decode()
    assert "1 point for every full €2.50 paid there; 100 points pay €1.00." in page
    assert "Its till needs an API client" in page
    edit = marketer.get(f"{made.url}?edit=1").content.decode()
    assert 'value="0.85"' in edit and 'value="2.5' in edit
    assert "1 for every €2.50" in marketer.get("/console/loyalty/partner/").content.decode()


def test_the_form_says_what_the_source_is_needed_for(marketer):
    empty = marketer.get("/console/loyalty/partner/add/").content.decode()
    refused = marketer.post("/console/loyalty/partner/add/", FORM | {"source": ""})

    assert "names the partner's till" in empty
    assert refused.status_code == 200 and not Partner.objects.exists()


def test_a_month_is_closed_once_it_is_over_and_its_postings_are_a_file(marketer):
    bar, anna = make_partner(), customer()
    earn_at_partner(bar, anna, source_id="=1+1", amount=10000, at=datetime(2026, 9, 10, tzinfo=UTC))
    url = f"/console/loyalty/partner/{bar.pk}/"

    assert "€0.80" in marketer.get(f"{url}change/").content.decode()
    marketer.post(f"{url}months/2026-09/close/")
    marketer.post(f"{url}months/{timezone.localdate():%Y-%m}/close/")

    assert Settlement.objects.get().balance_amount == 80
    with capture_logs() as logs:
        file = marketer.get(f"{url}months/2026-09.csv").content.decode()
    assert [one["month"] for one in logs if one["event"] == "partner_postings_downloaded"] == ["2026-09"]
    assert f"EARN,'=1+1,{anna.public_id},10000,EUR,100,2026-09," in file
    assert marketer.get(f"{url}months/September.csv").status_code == 404


def test_an_agent_looks_at_partners_and_closes_nothing(client):
    bar = make_partner()
    client.force_login(staff(Role.AGENT))

    assert client.get(f"/console/loyalty/partner/{bar.pk}/change/").status_code == 200
    assert client.get("/console/loyalty/partner/add/").status_code == 403
    assert client.post(f"/console/loyalty/partner/{bar.pk}/months/2026-09/close/").status_code == 403


def test_the_rates_of_a_partner_are_dressed_like_its_other_fields(client, db):
    client.force_login(staff(Role.MARKETER))

    form = client.get("/console/loyalty/partner/add/").context["adminform"].form

    dressed = form.fields["earn_points"].widget.attrs["class"]
    for rate in ("earn_per", "burn_pays", "earn_hundred", "burn_hundred"):
        assert "border" in form.fields[rate].widget.attrs["class"] and "border" in dressed
