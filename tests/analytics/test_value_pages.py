"""The value model in the console and over the API."""

from datetime import date

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse

from analytics.models import ValueRun
from analytics.panels.value import activity_words, value_panel
from analytics.services.value import ensure_value_model, run_value_model
from customers.models import Trait
from operations.models import JobRun
from tests.analytics.crowds import crowd
from tests.api import caller
from tests.factories import NOON, ApiClientFactory, CustomerFactory, UserFactory

DAY = date(2026, 11, 21)
VALUE, BACKTEST, SETTINGS, RUN = (
    f"admin:analytics_value{page}" for page in ("", "_backtest", "_settings", "_run")
)
pytestmark = pytest.mark.django_db


def staff(client, *codes):
    user = UserFactory()
    user.user_permissions.set(Permission.objects.filter(codename__in=codes))
    client.force_login(user)
    return client


@pytest.fixture
def analyst(client):
    return staff(client, "view_valuemodel", "view_valuerun", "change_valuemodel", "run_valuemodel")


@pytest.fixture
def run():
    crowd(120, until=DAY)
    return run_value_model(ensure_value_model(), as_of=DAY, at=NOON)


def page(client, name) -> str:
    answer = client.get(reverse(name))
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.mark.parametrize(
    ("name", "teaches"),
    [(VALUE, "Nothing was predicted yet"), (BACKTEST, "No back-test yet"), (SETTINGS, "No run yet")],
)
def test_before_the_first_run_the_pages_teach(analyst, name, teaches):
    assert teaches in page(analyst, name)


def test_the_overview_shows_what_is_expected_and_what_was_learned(analyst, run):
    shown = page(analyst, VALUE)

    assert "people buy every" in shown and "never come back" in shown
    assert f"of {run.population}" in shown
    assert "No RFM segments yet" in shown


def test_the_back_test_compares_tenths(analyst, run):
    shown = page(analyst, BACKTEST)

    assert "Predicted against actual" in shown
    assert shown.count('data-fi-chart="') == 2


@pytest.mark.parametrize(
    ("name", "key", "heading"),
    [(VALUE, "activity", "Probability,Customers"), (VALUE, "tenths", "Customers by value,Lifetime value"),
     (BACKTEST, "back-test", "Tenth,Customers,"), (BACKTEST, "calibration", "Tenth,Predicted,Actual")],
)  # fmt: skip
def test_every_figure_is_a_file_too(analyst, run, name, key, heading):
    answer = analyst.get(reverse(name), {"csv": key})

    assert answer["Content-Type"].startswith("text/csv")
    assert answer.content.decode("utf-8-sig").startswith(heading)
    assert len(answer.content.splitlines()) == 11


def test_settings_are_saved_by_whoever_may(analyst):
    given = {"margin_percent": "45", "discount_rate_percent": "8", "months": 24, "schedule": "WEEKLY",
             "test_days": 60, "minimum_population": 30}  # fmt: skip

    answer = analyst.post(reverse(SETTINGS), given)

    model = ensure_value_model()
    assert answer.status_code == 302
    assert (model.margin_percent, model.months, model.schedule) == (45, 24, "WEEKLY")


def test_impossible_settings_are_shown_at_their_field(analyst):
    answer = analyst.post(reverse(SETTINGS), {"margin_percent": "145"})

    assert answer.status_code == 200 and b"less than or equal to 100" in answer.content
    assert ensure_value_model().margin_percent == 30


def test_whoever_only_sees_neither_saves_nor_runs(client):
    staff(client, "view_valuemodel")

    assert client.post(reverse(RUN)).status_code == 403
    assert client.post(reverse(SETTINGS), {"margin_percent": "45"}).status_code in (200, 403)
    assert ensure_value_model().margin_percent == 30
    assert not ValueRun.objects.exists()


def test_a_stranger_sees_nothing(client):
    staff(client, "view_customer")

    assert client.get(reverse(VALUE)).status_code == 403


def test_a_run_is_queued_once_however_often_it_is_asked_for(analyst):
    for _ in range(2):
        assert analyst.post(reverse(RUN)).status_code == 302

    assert JobRun.objects.filter(kind="value.run").count() == ValueRun.objects.count() == 1
    assert "on its way" in page(analyst, VALUE)


def test_a_customers_page_tells_in_words(rf, run):
    customer = Trait.objects.filter(code="predicted_clv").order_by("-value").first().customer
    request = rf.get("/")
    request.user = UserFactory(is_superuser=True)

    panel = value_panel(customer, request)

    assert [days for days, _orders, _value in panel.context["horizons"]] == [30, 90, 365]
    assert panel.context["economics"]["months"] == 36
    request.user = UserFactory()
    assert value_panel(customer, request) is None


def test_somebody_without_an_order_has_no_panel(rf, run):
    request = rf.get("/")
    request.user = UserFactory(is_superuser=True)

    assert value_panel(CustomerFactory(), request) is None


def test_words_follow_the_probability():
    assert len({activity_words(share) for share in (0.9, 0.6, 0.3, 0.1)}) == 4


def test_a_prediction_is_read_by_the_customers_id(api, run):
    customer = Trait.objects.filter(code="predicted_clv").order_by("-value").first().customer
    Trait.objects.create(
        customer=customer, code="next_order_window", computed_at=NOON,
        value={"from": "2026-11-25", "until": "2026-12-02"},
    )  # fmt: skip

    body = api.get(f"/api/v1/customers/{customer.public_id}/prediction").json()

    known = dict(customer.traits.values_list("code", "value"))
    assert body["probability_active"] == known["probability_active"]
    assert body["expected_orders_365"] == known["expected_orders_365"]
    assert body["predicted_value_365"] == known["predicted_value_365"]
    assert (body["buy_probability_30"], body["next_order_window"]) == (None, known["next_order_window"])


def test_nobody_predicts_for_whoever_never_ordered(api):
    body = api.get(f"/api/v1/customers/{CustomerFactory().public_id}/prediction").json()

    assert set(body.values()) == {None}


@pytest.mark.parametrize("reference", ["7", "6f2b1c7e-0d9c-4c53-9a55-3f0d7d1f2017"])
def test_an_unknown_customer_has_no_prediction(api, reference):
    assert api.get(f"/api/v1/customers/{reference}/prediction").status_code == 404


def test_a_client_without_the_scope_reads_no_predictions():
    stranger = caller(ApiClientFactory(scopes=["orders:write"]))

    assert stranger.get(f"/api/v1/customers/{CustomerFactory().public_id}/prediction").status_code == 403


def test_the_model_is_set_and_run_over_the_api(api):
    crowd(60, until=DAY)

    changed = api.patch("/api/v1/value-model", {"margin_percent": "50", "months": 12})
    refused = api.patch("/api/v1/value-model", {"months": 500})
    run = api.post("/api/v1/value-model/runs", {"as_of": str(DAY)})

    assert (changed.status_code, changed.json()["margin_percent"], changed.json()["months"]) == (
        200,
        "50.00",
        12,
    )
    assert (refused.status_code, refused.json()["details"][0]["pointer"]) == (422, "/months")
    assert (run.status_code, run.json()["status"], run.json()["population"]) == (200, "DONE", 60)
    assert api.get(f"/api/v1/value-model/runs/{run.json()['id']}").json() == run.json()
    assert [each["id"] for each in api.get("/api/v1/value-model/runs").json()["data"]] == [run.json()["id"]]
    assert api.get("/api/v1/value-model/runs/9223372036854775808").status_code == 404


def test_a_run_that_learns_nothing_is_refused_over_the_api(api):
    answer = api.post("/api/v1/value-model/runs", {"as_of": str(DAY)})

    assert (answer.status_code, answer.json()["key"]) == (422, "model_does_not_fit")
