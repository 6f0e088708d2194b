"""`manage.py rfm run` and `rfm verify`."""

from datetime import date

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from analytics.models import RfmRun, RfmScore
from analytics.services import create_rfm_model, run_rfm
from customers.models import PurchaseChange
from tests.analytics.factories import buyer

TODAY = date(2026, 11, 21)
pytestmark = pytest.mark.django_db


def model(code, **settings):
    return create_rfm_model(code, name=code, **({"minimum_population": 1} | settings))


def test_run_scores_every_model_as_of_the_day_and_says_what_it_did(capsys):
    buyer(3)
    model("first"), model("second")

    call_command("rfm", "run", "--as-of", "2026-11-21")

    told = capsys.readouterr().out.splitlines()
    assert told[0].startswith("first, as of 2026-11-21: 1 customers, 1 read, 1 rows written, 0 moves, ")
    assert told[1].startswith("second, as of 2026-11-21: 1 customers")
    assert set(RfmRun.objects.values_list("as_of", "status")) == {(TODAY, "DONE")}


def test_run_of_one_model_scores_it_alone_as_of_today():
    buyer(3)
    model("first"), model("second")

    call_command("rfm", "run", "--model", "second")

    run = RfmRun.objects.get()
    assert (run.model.code, run.as_of) == ("second", timezone.localdate())


def test_a_model_that_is_refused_is_named_and_the_others_are_scored(capsys):
    buyer(3)
    model("choosy", minimum_population=25), model("second")

    with pytest.raises(CommandError, match="choosy: 1 customers bought in the window") as refusal:
        call_command("rfm", "run", "--as-of", "2026-11-21")

    assert refusal.value.returncode == 1
    assert capsys.readouterr().out.startswith("second, as of 2026-11-21")
    assert RfmScore.objects.get().model.code == "second"


def test_run_over_everybody_puts_right_what_was_stored_otherwise_and_says_so():
    buyer(3)
    run_rfm(model("first"), as_of=TODAY)
    PurchaseChange.objects.all().delete()
    RfmScore.objects.update(orders=7)

    with pytest.raises(CommandError, match="first: 1 customers were stored otherwise"):
        call_command("rfm", "run", "--everybody", "--as-of", "2026-11-21")

    assert RfmScore.objects.get().orders == 1


def test_verify_of_scores_that_are_right_says_so_and_of_a_model_never_run_that_it_compares_nothing(capsys):
    buyer(3)
    run_rfm(model("first"), as_of=TODAY)
    model("never")

    call_command("rfm", "verify")

    assert capsys.readouterr().out.splitlines() == [
        "first, as of 2026-11-21: 1 scores are what the orders tell",
        "never: nothing to compare before its next run",
    ]


def test_verify_exits_one_names_the_first_difference_and_changes_nothing():
    alice = buyer(3)
    run_rfm(model("first"), as_of=TODAY)
    PurchaseChange.objects.all().delete()
    RfmScore.objects.update(orders=7)

    with pytest.raises(CommandError) as refusal:
        call_command("rfm", "verify")

    assert refusal.value.returncode == 1
    assert str(refusal.value).splitlines()[0] == (
        f"first: customer {alice.public_id}: stored 7 orders, 5000, the last on 2026-11-18,"
        " their orders tell 1 orders, 5000, the last on 2026-11-18"
    )
    assert RfmScore.objects.get().orders == 7


def test_a_model_that_does_not_exist_is_refused():
    with pytest.raises(CommandError, match="There is no RFM model nothing"):
        call_command("rfm", "verify", "--model", "nothing")
