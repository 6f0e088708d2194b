"""Codes in the console: made, pasted and uploaded, followed, printed, found, taken back."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from coupons import services
from coupons.models import CodeBatch, Coupon, Publication
from coupons.sheets import labels_of
from customers.admin.lists import EstimatedPaginator
from loyalty_site.roles import Role
from operations.models import JobRun
from operations.services import carry_out
from tests.console_data import staff as role_of
from tests.coupons.factories import NOW, coupon, customer, promotion
from tests.coupons.test_console_pages import text_of

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


def logged_in(role: Role) -> Client:
    client = Client()
    client.force_login(role_of(role), backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def marketer(db):
    return logged_in(Role.MARKETER)


@pytest.fixture
def agent(db):
    return logged_in(Role.AGENT)


def make(client, a_promotion, **fields):
    url = f"{reverse('admin:coupons_codebatch_add')}?promotion={a_promotion.pk}"
    return client.post(url, {"way": "GENERATE", "max_uses": "1", **fields})


def page(client, name, *args, **query):
    return client.get(reverse(f"admin:coupons_{name}", args=args), query)


def test_codes_are_made_on_terms_of_their_own(marketer):
    answer = make(
        marketer, promotion(), count="5", pattern="P-%%%%%%%%%%%%%%%%", max_uses="", skus="A-1, A-2"
    )

    batch = CodeBatch.objects.get()
    assert answer.url == reverse("admin:coupons_codebatch_change", args=[batch.pk])
    made = list(Coupon.objects.all())
    assert {(len(one.code), one.max_uses, one.issued_by.username) for one in made} == {(18, None, "marketer")}
    assert made[0].items == {"skus": ["A-1", "A-2"]}
    assert made[0].code in text_of(marketer.get(answer.url))


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"count": ""}, "This field is required."),
        ({"count": "5", "pattern": "WIN-####"}, "could be guessed"),
        ({"way": "PASTE"}, "This field is required."),
        ({"way": "PASTE", "codes": " ; , "}, "This field is required."),
        ({"count": "1000001"}, "less than or equal to 1000000"),
        ({"count": "5", "valid_from": "2027-01-02T00:00", "valid_until": "2027-01-01T00:00"}, "ends after"),
    ],
)
def test_what_cannot_be_made_is_said_beside_the_field(marketer, fields, words):
    answer = make(marketer, promotion(), **fields)

    assert answer.status_code == 200
    assert words in text_of(answer)
    assert (Coupon.objects.count(), CodeBatch.objects.count()) == (0, 0)


def test_many_codes_are_a_job_whose_progress_the_page_shows(marketer):
    running = promotion(at=timezone.now())
    answer = make(marketer, running, count="1001")
    batch = CodeBatch.objects.get()

    waiting = text_of(marketer.get(answer.url))
    carry_out(JobRun.objects.get(kind="coupons.issue"))
    done = page(marketer, "codebatch_progress", batch.pk)

    assert "Waiting for a worker" in waiting
    assert done["HX-Refresh"] == "true"
    assert "1,001" in text_of(done)
    assert Coupon.objects.filter(batch=batch).count() == 1001


def test_a_pasted_list_and_a_file_tell_which_lines_were_refused(marketer):
    running = promotion(at=timezone.now())
    make(marketer, running, way="PASTE", codes='PARTNER-1\nab\nPART"NER\n')
    make(
        marketer,
        running,
        way="FILE",
        file=SimpleUploadedFile("list.csv", b"code;usi\nFILE-1;7\nPARTNER-1;1\n"),
    )
    for job in JobRun.objects.filter(kind="coupons.import").order_by("pk"):
        carry_out(job)

    file_batch, pasted = CodeBatch.objects.all()
    assert (pasted.made, pasted.rejected) == (2, 1)
    assert (file_batch.made, file_batch.unchanged, file_batch.file_name) == (1, 1, "list.csv")
    assert Coupon.objects.get(code="FILE-1").max_uses == 7
    errors = page(marketer, "codebatch_errors", pasted.pk)
    assert b"A code has 4 to 64 characters." in b"".join(errors.streaming_content)
    assert page(marketer, "codebatch_errors", file_batch.pk).status_code == 404


def test_codes_pasted_on_one_line_are_codes_of_their_own_and_quotation_marks_hold_one_together(marketer):
    running = promotion(at=timezone.now())
    make(
        marketer,
        running,
        way="PASTE",
        codes='PASTE-1\nPASTE-2; PASTE-3\nPASTE-4,PASTE-5;\n"10%,EXTRA"; "A""B;C"',
    )
    carry_out(JobRun.objects.get(kind="coupons.import"))

    assert list(Coupon.objects.order_by("code").values_list("code", flat=True)) == [
        "10%,EXTRA", 'A"B;C', "PASTE-1", "PASTE-2", "PASTE-3", "PASTE-4", "PASTE-5",
    ]  # fmt: skip
    batch = CodeBatch.objects.get()
    assert (batch.made, batch.rejected) == (7, 0)


@pytest.mark.parametrize("picture", ["qr", "barcode", "none"])
def test_a_sheet_has_the_codes_that_are_good_on_pages_to_cut(marketer, picture):
    codes = services.issue_coupons(promotion(), count=9, at=NOW)
    Coupon.objects.filter(pk=codes[0].pk).update(active=False)

    sheet = page(
        marketer, "codebatch_sheet", codes[0].batch_id, per_page=2, picture=picture, heading="Thanks"
    )

    text = text_of(sheet)
    assert [one.code in text for one in codes] == [False] + [True] * 8
    assert text.count('class="page per-2"') == 4
    assert text.count("data:image/svg+xml") == (0 if picture == "none" else 8)
    assert text.count("<h2>Thanks</h2>") == 8


def test_several_codes_are_good_until_a_day_in_the_plural_in_italian(marketer):
    batch = services.issue_coupons(promotion(), count=2, at=NOW)[0].batch
    italian = {"accept-language": "it"}
    change = reverse("admin:coupons_codebatch_change", args=[batch.pk])
    add = f"{reverse('admin:coupons_codebatch_add')}?promotion={batch.promotion_id}"

    made, form = (text_of(marketer.get(address, headers=italian)) for address in (change, add))

    assert "<dt>Validi fino al</dt>" in made
    assert "Validi dal" in form and "Validi fino al" in form


def test_a_sheet_names_the_last_day_of_the_promotion_where_that_ends_before_the_code():
    ends_at = datetime(2026, 12, 27, tzinfo=ZoneInfo("Europe/Rome"))
    code = coupon(promotion(ends_at=ends_at), valid_until=ends_at + timedelta(days=30))

    (label,) = labels_of([code], code.promotion, picture="none")

    assert label.until == "Good until 26 Dec 2026"


def test_a_code_typed_in_full_opens_its_page_and_a_beginning_lists(agent):
    coupon(codes=["WINTER-1", "WINTER-2"])

    found = page(agent, "coupon_changelist", q=" winter-1 ")
    listed = text_of(page(agent, "coupon_changelist", q="wint"))

    assert found.url == reverse("admin:coupons_coupon_change", args=[Coupon.objects.get(code="WINTER-1").pk])
    assert "WINTER-1" in listed
    assert "WINTER-2" in listed


def test_a_mistyped_code_is_told_from_one_that_never_was(agent):
    (made,) = services.issue_coupons(promotion(coupon={"pattern": "WIN-##########*"}), count=1, at=NOW)
    wrong = made.code[:-1] + ("A" if made.code[-1] != "A" else "B")

    mistyped = text_of(page(agent, "coupon_changelist", q=wrong.lower()))
    unknown = text_of(page(agent, "coupon_changelist", q="NO-SUCH-CODE"))

    assert "A character of this code is wrong" in mistyped
    assert "A character of this code is wrong" not in unknown


@pytest.mark.parametrize(
    ("status", "expected"),
    [("ACTIVE", "GOOD-1"), ("DISABLED", "OFF-1"), ("EXPIRED", "LATE-1"), ("USED_UP", "USED-1")],
)
def test_the_list_is_narrowed_to_what_became_of_the_codes(marketer, status, expected):
    running = promotion()
    services.issue_coupons(running, codes=["GOOD-1", "OFF-1", "USED-1"], at=NOW)
    services.issue_coupons(running, codes=["LATE-1"], valid_until=NOW, at=NOW)
    Coupon.objects.filter(code="OFF-1").update(active=False)
    Coupon.objects.filter(code="USED-1").update(uses=1)

    listed = text_of(page(marketer, "coupon_changelist", state=status))

    shown = {code for code in ("GOOD-1", "OFF-1", "LATE-1", "USED-1") if code in listed}
    assert shown == {expected}


def test_a_handed_out_code_is_taken_back_by_who_may(agent, marketer):
    published = services.publish_coupon(promotion(), customer=customer(), source_id="1", at=NOW)
    url = reverse("admin:coupons_publication_withdraw", args=[published.pk])

    assert agent.post(url, {"reason": "x"}).status_code == 403
    marketer.post(url, {"reason": "sent by mistake"})

    assert Publication.objects.get().status == "WITHDRAWN"
    story = text_of(page(marketer, "coupon_change", published.coupon_id))
    assert "sent by mistake" in story
    assert "Switched off" in story  # Its status.


def test_who_may_not_make_codes_sees_no_form(agent):
    running = promotion()

    assert page(agent, "codebatch_add").status_code == 403
    assert make(agent, running, count="5").status_code == 403
    assert Coupon.objects.count() == 0


def test_more_rows_than_are_worth_counting_are_estimated_also_where_they_are_filtered(monkeypatch):
    monkeypatch.setattr(EstimatedPaginator, "EXACT_BELOW", 20)
    many, few = promotion(), promotion()
    services.issue_coupons(many, count=500, at=NOW)
    services.issue_coupons(few, count=20, at=NOW)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE coupons_coupon")

    def count(rows):
        return EstimatedPaginator(rows.select_related("promotion").order_by("-id"), 25).count

    assert count(Coupon.objects.filter(promotion=few)) == 20
    assert count(Coupon.objects.filter(promotion=many)) == pytest.approx(500, rel=0.1)
