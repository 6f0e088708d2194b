"""Pages and the API of behaviour and personal offers: who sees what, and what happens on a click."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.contrib.auth.models import Group
from django.urls import reverse
from django.utils import timezone

from analytics.models import BehaviourModel, BehaviourRun, OfferSet
from analytics.services.behaviour_jobs import waiting_job
from coupons.models import PersonalOffer
from coupons.services import create_promotion
from loyalty_site.roles import Role, ensure_roles
from tests.factories import CustomerFactory, UserFactory

pytestmark = pytest.mark.django_db
TODAY = date(2026, 11, 21)


@pytest.fixture
def as_role(client):
    def log_in(role: Role):
        ensure_roles()
        user = UserFactory()
        user.groups.add(Group.objects.get(name=role.value))
        client.force_login(user)
        return client

    return log_in


def run() -> BehaviourRun:
    trial = {
        "kind": "OWN_HISTORY", "horizon": 30, "origins": ["2026-10-22"], "auc": 0.88, "log_loss": 0.306,
        "brier": 0.1, "people": 20, "bought": 10, "tenths": [[10, 0.9, 9], [10, 0.1, 1]],
    }  # fmt: skip
    model = BehaviourModel.objects.create(
        as_of=TODAY, kind="OWN_HISTORY", predictors={}, trials=[trial], population=20, learned_from=20,
        first_on=TODAY,
    )  # fmt: skip
    return BehaviourRun.objects.create(
        model=model, as_of=TODAY, population=20, distribution={"30": {"people": [10, 10], "mean": 0.5}}
    )


def test_the_pages_teach_before_the_first_run_and_show_its_figures_after(as_role):
    console = as_role(Role.MARKETER)
    pages = [reverse("admin:analytics_behaviour"), reverse("admin:analytics_behaviour_backtest")]
    for page in pages:
        assert b"fi-empty" in console.get(page).content

    run()

    answers = [console.get(page).content.decode() for page in pages]
    assert "Who buys soon" in answers[0]
    assert "0.880" in answers[1]
    file = console.get(pages[1] + "?csv=tenths").content.decode()
    assert file.splitlines()[1] == "1,10,0.9,0.9,1.8"


def test_a_marketer_starts_a_run_and_an_agent_does_not_see_the_page(as_role):
    url = reverse("admin:analytics_behaviour_run")

    assert as_role(Role.AGENT).post(url).status_code == 403
    assert waiting_job() is None
    as_role(Role.MARKETER).post(url)
    assert waiting_job().kind == "analytics.behaviour_choice"


def test_a_set_is_confirmed_by_a_marketer_only(as_role):
    promotion = create_promotion(
        code="yours", name="Yours", effect={"kind": "PERCENT", "personal": True}, activate=True,
        at=timezone.now(),
    )  # fmt: skip
    offers = OfferSet.objects.create(
        name="November", promotion=promotion, lowest=5, highest=20, step=5, as_of=TODAY,
        status=OfferSet.Status.PROPOSED, model=run().model,
        figures={
            "people": 1, "offered": 1, "orders": 1, "orders_without": 1, "cost": 500, "cost_at_most": 1000,
            "margin": 2500, "margin_without": 2000, "distribution": [[10.0, 1, 0.5, 500, 500]],
        },
    )  # fmt: skip
    PersonalOffer.objects.create(
        promotion=promotion, customer=CustomerFactory(), percent=Decimal(10), source_key=offers.source_key,
        valid_until=timezone.now() + timedelta(days=30), created_at=timezone.now(), model_version="m-1",
    )  # fmt: skip
    decide = reverse("admin:analytics_offer_set_decide", args=[offers.pk])

    assert as_role(Role.SUPERVISOR).post(decide, {"confirm": "1"}).status_code == 403
    assert not PersonalOffer.objects.standing(timezone.now()).exists()
    console = as_role(Role.MARKETER)
    form = reverse("admin:analytics_offerset_change", args=[offers.pk])
    assert console.get(form).url == reverse("admin:analytics_offer_set", args=[offers.pk])
    page = console.get(reverse("admin:analytics_offer_set", args=[offers.pk])).content.decode()
    assert "Nobody has been offered anything yet" in page
    assert "€10.00 if everybody uses it" in page
    console.post(decide, {"confirm": "1"})
    assert PersonalOffer.objects.standing(timezone.now()).count() == 1


def test_the_api_tells_what_stands_for_a_customer(api):
    alice = CustomerFactory()
    promotion = create_promotion(
        code="yours", name="Yours", effect={"kind": "PERCENT", "personal": True}, activate=True,
        at=timezone.now(),
    )  # fmt: skip
    for percent, status in ((7, "CONFIRMED"), (9, "PROPOSED")):
        PersonalOffer.objects.create(
            promotion=promotion, customer=alice, percent=Decimal(percent), status=status, source_key="s",
            valid_until=timezone.now() + timedelta(days=30), created_at=timezone.now(), model_version="m-1",
        )  # fmt: skip

    answer = api.get(f"/api/v1/customers/{alice.public_id}/offers")

    (offer,) = answer.json()["results"]
    assert (offer["promotion"], offer["percent"], offer["model_version"]) == ("yours", "7.00", "m-1")
    assert api.get("/api/v1/customers/nobody/offers").status_code == 404
