"""What a cell of the RFM map offers, and the files of the map."""

from datetime import date

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse

from analytics.models import RfmScore
from analytics.services import create_rfm_model, run_rfm
from customers.models import Segment
from tests.analytics.factories import buyer
from tests.factories import UserFactory

TODAY = date(2026, 11, 21)

pytestmark = pytest.mark.django_db


@pytest.fixture
def model():
    model = create_rfm_model("all-orders", name="All orders", minimum_population=1)
    buyer(1)
    buyer(300)
    run_rfm(model, as_of=TODAY)
    return model


def logged_in(client, *codes):
    user = UserFactory()
    user.user_permissions.set(Permission.objects.filter(codename__in=["view_rfmmodel", *codes]))
    client.force_login(user)
    return client


def test_a_cell_offers_its_customers_a_segment_and_a_campaign(client, model):
    logged_in(client, "view_rfmscore", "add_segment", "view_segment", "add_campaign")

    text = client.get(reverse("admin:analytics_rfm_model_map", args=[model.pk])).content.decode()

    assert text.count('name="segment_of" value="r3 f1"') == 1
    assert text.count('name="campaign_of" value="r3 f1"') == 1
    assert text.count('id="rfm-cell"') == 1


def test_who_may_not_make_segments_goes_from_a_cell_to_its_customers_at_once(client, model):
    logged_in(client, "view_rfmscore")

    text = client.get(reverse("admin:analytics_rfm_model_map", args=[model.pk])).content.decode()

    assert "r__exact=3&amp;f__exact=1" in text
    assert "segment_of" not in text


@pytest.mark.parametrize(
    ("asked", "then"), [("segment_of", "customers/segment/"), ("campaign_of", "campaign/add/")]
)
def test_what_a_cell_posts_makes_the_segment_of_its_scores(client, model, asked, then):
    logged_in(client, "add_segment", "view_segment", "add_campaign")

    answer = client.post(reverse("admin:analytics_rfm_make_segment", args=[model.pk]), {asked: "r3 f1"})

    segment = Segment.objects.get(code="all-orders-r3-f1")
    assert then in answer.url
    assert segment.size == RfmScore.objects.filter(r=3, f=1).count() == 1


def test_the_map_and_its_segments_are_had_as_files(client, model):
    logged_in(client)
    address = reverse("admin:analytics_rfm_model_map", args=[model.pk])

    cells = client.get(f"{address}?csv=map").content.decode("utf-8-sig").splitlines()
    segments = client.get(f"{address}?csv=segments").content.decode("utf-8-sig").splitlines()

    assert (cells[0], len(cells)) == ("R,F,Customers,Share,Average value,M score,Segment", 26)
    assert [line for line in cells if line.startswith("3,1,1,0.5,")]
    assert segments[0] == "Segment,Customers,Share,Difference,Of revenue,Average,What to do"
    assert len(segments) == 12


def test_the_segments_below_the_map_count_who_is_in_them_as_their_lists_do(client, model):
    score = RfmScore.objects.get(r=3)
    run = model.last_run()
    run.segment_sizes = {"champions": 2}
    run.segment_amounts = {"champions": run.net_amount}
    run.save()
    RfmScore.objects.update(segment="champions")
    logged_in(client)

    rows = client.get(reverse("admin:analytics_rfm_model_map", args=[model.pk])).context["segments"]

    assert score.candidate_segment != "champions"
    assert {row.segment.code: row.customers for row in rows if row.customers} == {"champions": 2}
    assert rows[0].revenue_share == 1
