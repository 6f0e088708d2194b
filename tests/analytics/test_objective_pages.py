"""The pages of objectives, and what the API tells of them."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse
from django.utils import timezone

from analytics.models import CorrectiveAction, Objective, ObjectiveReview
from analytics.services.objectives import check_objective, create_objective
from tests.analytics.factories import purchase
from tests.api import caller
from tests.factories import ApiClientFactory, CustomerFactory, StoreFactory, UserFactory

pytestmark = pytest.mark.django_db


def person(client, *codes: str):
    user = UserFactory()
    user.user_permissions.set(Permission.objects.filter(codename__in=[f"{code}_objective" for code in codes]))
    client.force_login(user)
    return user


@pytest.fixture
def behind() -> Objective:
    """Off track: nothing was sold in the first ten of twenty days."""
    today = timezone.localdate()
    objective = create_objective(
        "sell",
        name="Sell something",
        metric="net_amount",
        target=Decimal(100_000),
        starts_on=today - timedelta(days=10),
        ends_on=today + timedelta(days=9),
        next_review_on=today,
        owner=UserFactory(username="owner"),
        at=timezone.now(),
    )
    check_objective(objective, day=today - timedelta(days=1), at=timezone.now())
    return Objective.objects.get()


def page(client, name: str, *args) -> str:
    answer = client.get(reverse(f"admin:analytics_objective_{name}", args=args))
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_overview_teaches_as_long_as_there_is_nothing(client):
    person(client, "view", "add")

    assert "No objective yet" in page(client, "changelist")


def test_the_overview_shows_how_each_stands_and_what_is_due(client, behind):
    person(client, "view")

    text = page(client, "changelist")

    assert "Sell something" in text
    assert "Off track" in text
    assert "A corrective action waits." in text
    assert "Its review is due." in text


def test_an_objective_is_written_in_the_units_people_use(client):
    person(client, "view", "add")
    today = timezone.localdate()
    form = {
        "name": "More of them come back",
        "metric": "repeat_rate",
        "target": "40",
        "starts_on": today.isoformat(),
        "ends_on": (today + timedelta(days=30)).isoformat(),
        "tolerance_percent": "5",
        "part": "",
        "cadence": "WEEKLY",
        "owner": UserFactory().pk,
    }

    answer = client.post(reverse("admin:analytics_objective_add"), form)

    objective = Objective.objects.get()
    assert answer.url == reverse("admin:analytics_objective_change", args=[objective.pk])
    assert (objective.code, objective.target) == ("more-of-them-come-back", Decimal("0.4"))


def test_a_target_in_euros_is_kept_in_cents_and_shown_in_euros_again(client, behind):
    person(client, "view", "change")

    assert 'value="1000"' in page(client, "edit", behind.pk)


def test_mistakes_stand_beside_their_fields_and_nothing_is_written(client):
    person(client, "view", "add")
    day = date(2026, 1, 1).isoformat()
    form = {
        "name": "x",
        "metric": "nps",
        "target": "40",
        "starts_on": day,
        "ends_on": day,
        "tolerance_percent": "5",
        "part": "STORE:7",
        "cadence": "WEEKLY",
        "owner": UserFactory().pk,
    }

    StoreFactory(code="7")
    answer = client.post(reverse("admin:analytics_objective_add"), form)

    assert answer.context["form"].errors["part"]
    assert not Objective.objects.exists()


def test_a_review_is_recorded_on_the_page(client, behind):
    person(client, "view", "change")
    url = reverse("admin:analytics_objective_change", args=[behind.pk])

    client.post(url, {"review": "1", "decision": "A mail to everybody"})

    assert ObjectiveReview.objects.get().decision == "A mail to everybody"
    assert "A mail to everybody" in page(client, "change", behind.pk)


def test_a_corrective_action_is_closed_on_the_page(client, behind):
    person(client, "view", "change")
    url = reverse("admin:analytics_objective_change", args=[behind.pk])

    refused = client.post(url, {"done": "1", "outcome": ""})
    assert refused.status_code == 200
    assert CorrectiveAction.objects.get().status == "OPEN"
    client.post(url, {"done": "1", "outcome": "Wrote to them"})

    assert CorrectiveAction.objects.get().status == "DONE"


@pytest.mark.parametrize(
    ("name", "data"), [("change", {"review": "1", "decision": "x"}), ("close", {}), ("check", {})]
)
def test_who_may_only_look_changes_nothing(client, behind, name, data):
    person(client, "view")

    answer = client.post(reverse(f"admin:analytics_objective_{name}", args=[behind.pk]), data)

    assert answer.status_code == 403
    behind.refresh_from_db()
    assert behind.closed_at is None
    assert not ObjectiveReview.objects.exists()


def test_a_closed_objective_stands_among_the_closed_ones(client, behind):
    person(client, "view", "change")

    client.post(reverse("admin:analytics_objective_close", args=[behind.pk]))

    assert "Sell something" not in page(client, "changelist")
    assert (
        "Sell something"
        in client.get(reverse("admin:analytics_objective_changelist") + "?closed").content.decode()
    )


def test_its_way_is_a_file(client, behind):
    person(client, "view")

    answer = client.get(reverse("admin:analytics_objective_change", args=[behind.pk]) + "?csv=way")

    assert answer["Content-Type"].startswith("text/csv")
    assert len(answer.content.decode().strip().splitlines()) == 11


def test_the_api_tells_how_an_objective_stands(behind):
    purchase(CustomerFactory(), at=timezone.now() - timedelta(days=3), amount=700)
    api = caller(ApiClientFactory(scopes=["analytics:read"]))

    listed = api.get("/api/v1/objectives").json()["data"]
    one = api.get("/api/v1/objectives/sell").json()

    assert [objective["code"] for objective in listed] == ["sell"]
    assert one["standing"] == "OFF_TRACK"
    assert len(one["checks"]) == 10
    assert api.get("/api/v1/objectives/none").status_code == 404
