"""Codes out of files: each line taken or refused by name, the same file twice changes nothing."""

import csv
import io
from datetime import UTC, datetime

import pytest
from django.core.files.base import ContentFile

from coupons.errors import PromotionStopped
from coupons.models import CodeBatch, Coupon
from coupons.services import code_files, import_codes, stop_promotion
from customers.imports.records import UnreadableFile
from operations.models import JobFile, JobRun
from operations.services import carry_out
from tests.coupons.factories import NOW, coupon, customer, promotion, staff

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


def run(a_promotion, text: str, *, name: str = "codes.csv", **terms) -> JobRun:
    job = import_codes(a_promotion, file=ContentFile(text.encode(), name=name), at=NOW, **terms)
    return carry_out(job)


def refusals(job: JobRun) -> list[tuple[str, str]]:
    text = job.files.get(code="errors").file.read().decode("utf-8-sig")
    return [(row["line"], row["code"]) for row in csv.DictReader(io.StringIO(text))]


def test_each_line_says_how_its_code_is_used():
    anna = customer(email="anna@mail.example")
    text = (
        "Codice;Usi;Valido dal;Scadenza;E-mail\n"
        "Winter-1;3;;31/12/2026;\n"
        "winter-2;illimitato;2026-11-01;;ANNA@mail.example\n"
    )

    job = run(promotion(coupon={"max_uses": 1}), text, issued_by=staff())

    assert job.result == {"issued": 2, "unchanged": 0, "rejected": 0}
    first, second = Coupon.objects.order_by("pk")
    assert (first.code, first.code_canonical, first.max_uses) == ("Winter-1", "WINTER-1", 3)
    assert first.valid_until == datetime(2026, 12, 31, 23, tzinfo=UTC)  # The end of the day in Rome.
    assert (first.holder, first.personal) == (None, False)
    assert (second.max_uses, second.holder, second.personal) == (None, anna, True)
    assert second.valid_from == datetime(2026, 10, 31, 23, tzinfo=UTC)
    assert first.issued_by == second.issued_by == staff_of(job)


def staff_of(job: JobRun):
    return CodeBatch.objects.get(job=job).issued_by


def test_a_bare_list_is_one_code_per_line():
    job = run(promotion(), "ALPHA-1\nBETA-2\n\nGAMMA-3", max_uses=7)

    assert job.result["issued"] == 3
    codes = Coupon.objects.order_by("pk").values_list("code", "max_uses")
    assert list(codes) == [("ALPHA-1", 7), ("BETA-2", 7), ("GAMMA-3", 7)]


def test_lines_that_cannot_be_taken_are_refused_by_name_and_the_rest_is_made():
    coupon(codes=["TAKEN-1"])
    lines = ["GOOD-1", "abc", "taken-1", "GOOD-2", "good-1", '"GOOD-3",0', 'GOOD-4,"1,5"', "X" * 65]

    job = run(promotion(), "code,max_uses\n" + "\n".join(lines))

    assert job.result == {"issued": 2, "unchanged": 0, "rejected": 6}
    assert sorted(refusals(job)) == [
        ("3", "code"),
        ("4", "taken"),
        ("6", "twice"),
        ("7", "max_uses"),
        ("8", "too_many_decimals"),
        ("9", "code"),
    ]


def test_a_line_with_a_year_that_nobody_means_is_refused():
    lines = ["GOOD-1,2031-05-31", "ODD-1,0001-01-01", "ODD-2,9999-12-31", "ODD-3,9999-12-31 10:00"]

    job = run(promotion(), "code,valid_until\n" + "\n".join(lines))

    assert job.result == {"issued": 1, "unchanged": 0, "rejected": 3}
    assert sorted(refusals(job)) == [("3", "not_a_date"), ("4", "not_a_date"), ("5", "not_a_date")]
    assert Coupon.objects.get().code == "GOOD-1"


def test_the_same_file_twice_changes_nothing():
    winter = promotion()
    run(winter, "code\nGOOD-1\nGOOD-2\n")

    again = run(winter, "code\nGOOD-1\nGOOD-2\n")

    assert again.result == {"issued": 0, "unchanged": 2, "rejected": 0}
    assert Coupon.objects.count() == 2


def test_a_killed_import_goes_on_behind_its_last_portion(monkeypatch):
    monkeypatch.setattr(code_files, "PORTION", 2)
    codes = [f"CODE-{number}" for number in range(5)]
    text = "\n".join(["code", *codes[:2], "no", codes[0], *codes[2:]])
    job = import_codes(promotion(), file=ContentFile(text.encode(), name="codes.csv"), at=NOW)
    real, calls = code_files.advance_job, []

    def dies(*args, **kwargs):
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        real(*args, **kwargs)

    monkeypatch.setattr(code_files, "advance_job", dies)
    with pytest.raises(KeyboardInterrupt):
        carry_out(job)
    monkeypatch.setattr(code_files, "advance_job", real)

    done = carry_out(job)

    assert (done.status, done.result) == ("DONE", {"issued": 5, "unchanged": 0, "rejected": 2})
    assert set(Coupon.objects.values_list("code", flat=True)) == set(codes)
    assert refusals(done) == [("4", "code"), ("5", "twice")]


def test_the_upload_is_gone_once_it_was_read():
    job = run(promotion(), "code\nGOOD-1\n")

    assert JobFile.objects.filter(job=job).count() == 0


@pytest.mark.parametrize("text", ["", "name,price\nTea,3\n", "%PDF-1.4"])
def test_what_is_no_list_of_codes_is_refused_at_once(text):
    with pytest.raises(UnreadableFile):
        import_codes(promotion(), file=ContentFile(text.encode(), name="x.csv"), at=NOW)

    assert (JobRun.objects.count(), CodeBatch.objects.count()) == (0, 0)


def test_a_stop_ends_an_import_that_is_under_way():
    stopped = promotion()
    job = import_codes(stopped, file=ContentFile(b"code\nGOOD-1\n", name="x.csv"), at=NOW)
    stop_promotion(stopped, mode="DRAIN", at=NOW)

    done = carry_out(job)

    assert (done.status, done.error) == ("FAILED", str(PromotionStopped.message))
    assert Coupon.objects.count() == 0


def test_a_formula_or_a_binary_cell_ends_in_the_error_file():
    job = run(promotion(), 'code\n"=HYPERLINK(1)"\nBAD\x00CODE\nÀÉÎ-✓✓\n')

    assert job.result == {"issued": 1, "unchanged": 0, "rejected": 2}
    assert sorted(refusals(job)) == [("2", "code"), ("3", "control_character")]
    assert list(Coupon.objects.values_list("code", flat=True)) == ["ÀÉÎ-✓✓"]
