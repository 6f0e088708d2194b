import csv
import io

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.urls import reverse
from openpyxl import load_workbook

from customers.models import Customer
from operations.cells import inert
from operations.exports import columns_of
from operations.models import JobRun
from operations.services import carry_out
from tests.console_data import staff
from tests.customers.imports.conftest import media  # noqa: F401
from tests.factories import CustomerFactory, OrderFactory, UserFactory

pytestmark = pytest.mark.django_db
CUSTOMERS = reverse("admin:operations_export", args=["customers", "customer"])


@pytest.fixture
def marketer(client):
    from loyalty_site.roles import Role

    client.user = staff(Role.MARKETER)
    client.force_login(client.user)
    return client


def exported(client, address: str, form: str = "csv") -> JobRun:
    answer = client.post(address, {"form": form})
    assert answer.status_code == 302
    job = JobRun.objects.latest("pk")
    return carry_out(job)


def table(client, job: JobRun) -> list[list[str]]:
    answer = client.get(reverse("admin:operations_job_file", args=[job.pk]))
    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text)))


def test_the_file_holds_exactly_the_filtered_rows_in_their_order(marketer):
    CustomerFactory(first_name="Anna", status="PROSPECT", email="anna@mail.example")
    CustomerFactory(first_name="Bea", status="ACTIVE")
    CustomerFactory(first_name="Carla", status="PROSPECT")

    job = exported(marketer, f"{CUSTOMERS}?status__exact=PROSPECT")
    head, *rows = table(marketer, job)

    assert job.status == "DONE"
    assert [row[head.index("First name")] for row in rows] == ["Carla", "Anna"]
    assert [row[head.index("E-mail")] for row in rows][1] == "anna@mail.example"


def test_cells_that_look_like_formulas_are_inert_in_csv_and_in_excel(marketer):
    formula = '=HYPERLINK("http://evil.example","x")'
    CustomerFactory(first_name=formula, last_name="+1+cmd|' /C calc'!A0")

    head, row = table(marketer, exported(marketer, CUSTOMERS))
    book = exported(marketer, CUSTOMERS, "xlsx").files.get()
    cells = [cell.value for cell in list(load_workbook(book.file.open()).active.rows)[1]]

    assert row[head.index("First name")] == f"'{formula}"
    assert row[head.index("Last name")] == "'+1+cmd|' /C calc'!A0"
    assert cells[head.index("First name")] == f"'{formula}"
    assert [inert(text) for text in ("+39 347 1234567", "-12.50", "@x", "plain")] == [
        "+39 347 1234567",
        "-12.50",
        "'@x",
        "plain",
    ]


def test_money_is_written_in_whole_units_and_secrets_not_at_all(marketer):
    OrderFactory(lines=[("SKU-A", 1, 1250, 0)])

    job = exported(marketer, reverse("admin:operations_export", args=["customers", "order"]))
    head, row = table(marketer, job)

    assert row[head.index("total")] == "12.50"
    assert "content hash" not in head
    told = {c.label for m, a in admin.site._registry.items() if m is not Customer for c in columns_of(a)}
    assert not {label for label in told if "password" in label.lower() or "secret" in label.lower()}


def test_who_may_not_export_or_see_a_list_gets_nothing(client):
    CustomerFactory()
    viewer = UserFactory(is_staff=True)
    viewer.user_permissions.add(Permission.objects.get(codename="view_customer"))
    client.force_login(viewer)
    refused = client.post(CUSTOMERS, {"form": "csv"})
    viewer.user_permissions.set([Permission.objects.get(codename="export_data")])
    unseen = client.post(CUSTOMERS, {"form": "csv"})

    assert (refused.status_code, unseen.status_code) == (403, 403)
    assert not JobRun.objects.exists()


def test_logins_and_keys_are_never_exported(client):
    client.force_login(UserFactory(is_superuser=True))

    answers = [
        client.get(reverse("admin:operations_export", args=names)).status_code
        for names in (["operations", "user"], ["operations", "apiclient"], ["no", "such"])
    ]

    assert answers == [403, 403, 404]


def test_only_who_asked_may_fetch_the_file_and_the_export_is_logged(marketer, client):
    CustomerFactory(first_name="Anna")
    job = exported(marketer, f"{CUSTOMERS}?status__exact=ACTIVE")

    entry = LogEntry.objects.get()
    client.force_login(UserFactory(is_superuser=True))
    answer = client.get(reverse("admin:operations_job_file", args=[job.pk]))

    assert answer.status_code == 403
    assert entry.user_id == job.owner_id
    assert entry.change_message == "Exported 1 rows; filters: status__exact=ACTIVE"


def test_the_words_of_a_search_filter_the_export_and_do_not_stay_in_the_job(marketer):
    CustomerFactory(first_name="Anna", last_name="Verdi")
    CustomerFactory(first_name="Bea", last_name="Rossi")
    marketer.post(reverse("admin:customers_customer_changelist"), {"search_text": "verd"})

    job = exported(marketer, f"{CUSTOMERS}?found=1")
    head, *rows = table(marketer, job)

    assert [row[head.index("Last name")] for row in rows] == ["Verdi"]
    assert job.parameters["session"] == {}


def test_every_list_of_the_merchants_data_can_be_exported(client):
    client.force_login(UserFactory(is_superuser=True))
    OrderFactory()

    for model in admin.site._registry:
        if model._meta.app_label in (
            "customers",
            "coupons",
            "loyalty",
            "campaigns",
            "referrals",
            "analytics",
        ):
            address = reverse("admin:operations_export", args=[model._meta.app_label, model._meta.model_name])
            assert exported(client, address).status == "DONE", model


def test_the_number_of_queries_does_not_grow_with_the_rows(marketer, django_assert_max_num_queries):
    for number in range(12):
        OrderFactory(lines=[(f"SKU-{number}", 1, 100, 0)])
    marketer.post(reverse("admin:operations_export", args=["customers", "order"]), {"form": "csv"})

    with django_assert_max_num_queries(30):
        job = carry_out(JobRun.objects.latest("pk"))

    assert job.result == {"rows": 12}
