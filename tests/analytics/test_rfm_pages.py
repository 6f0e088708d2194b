"""A model's pages beside its map: moves and history."""

from datetime import date

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse

from analytics.rfm_history import last_run_of_each_month
from analytics.rfm_moves import moves_between
from analytics.services import create_rfm_model, run_rfm
from tests.analytics.factories import buyer
from tests.factories import UserFactory

JULY, AUGUST, LATER = date(2026, 7, 31), date(2026, 8, 15), date(2026, 11, 21)

pytestmark = pytest.mark.django_db


@pytest.fixture
def marketer(client):
    user = UserFactory()
    user.user_permissions.set(Permission.objects.filter(codename="view_rfmmodel"))
    client.force_login(user)
    return client


@pytest.fixture
def model():
    return create_rfm_model(
        "fixed", name="Fixed", binning="FIXED", commit_after_runs=1,
        thresholds={"r": [365, 180, 90, 30], "f": [2, 3, 4, 5], "m": [100, 200, 300, 400]},
    )  # fmt: skip


@pytest.fixture
def moved(model):
    """Two who were Promising in August (315) and are Can't Lose in November (215), one who came since."""
    buyer(200)
    buyer(200)
    run_rfm(model, as_of=AUGUST)
    buyer(1)
    run_rfm(model, as_of=LATER)
    return model


def test_the_moves_between_two_days_are_counted_in_figures_matrix_and_list(moved):
    moves = moves_between(moved, AUGUST, LATER)

    assert [figure.value for figure in moves.figures] == ["0", "0", "2", "1", "0"]
    assert [row[:2] for row in moves.table.rows] == [
        ["Promising", "Can't Lose"],
        ["Not a buyer", "Promising"],
    ]
    assert [cell[2].value for cell in moves.table.rows] == [2, 1]
    assert sum(value or 0 for one in moves.matrix.series for value in one.values) == 3


def test_the_page_of_moves_draws_them_and_gives_them_as_files(marketer, moved):
    url = reverse("admin:analytics_rfm_moves", args=[moved.pk]) + "?period=own&from=2026-08-20&to=2026-11-21"

    text = marketer.get(url).content.decode()
    matrix = marketer.get(f"{url}&csv=matrix").content.decode()

    assert "fi-flow" in text
    assert "Not a buyer" in text
    assert "Not a buyer" in matrix
    assert marketer.get(f"{url}&csv=nothing").status_code == 404


def test_a_page_before_the_first_run_says_what_to_do(marketer, model):
    for name in ("analytics_rfm_moves", "analytics_rfm_history"):
        assert (
            "This model has not run yet"
            in marketer.get(reverse(f"admin:{name}", args=[model.pk])).content.decode()
        )


def test_the_history_takes_the_last_run_of_each_month(marketer, model):
    buyer(150)
    for day in (JULY, date(2026, 8, 1), AUGUST, LATER):
        run_rfm(model, as_of=day)

    months = last_run_of_each_month(model)

    assert [run.as_of for run in months] == [JULY, AUGUST, LATER]
    text = marketer.get(reverse("admin:analytics_rfm_history", args=[model.pk])).content.decode()
    assert "Jul 2026" in text


def test_nobody_sees_the_pages_without_the_right(client, model):
    client.force_login(UserFactory())

    for name in ("analytics_rfm_moves", "analytics_rfm_history"):
        assert client.get(reverse(f"admin:{name}", args=[model.pk])).status_code == 403
