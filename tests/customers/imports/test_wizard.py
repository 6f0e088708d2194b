import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from customers.models import Customer, ImportRun
from loyalty_site.roles import Role
from operations.services import carry_out
from tests.console_data import staff
from tests.customers.imports.files import carried_out, upload
from tests.factories import SourceFactory

pytestmark = pytest.mark.django_db
ADD = reverse("admin:customers_importrun_add")
FILE = b"id,first_name,birth_date,size\n1,Anna,1980-12-31,M\n2,Bea,31/02/1980,L\n"


def address(name: str, run: ImportRun) -> str:
    return reverse(f"admin:customers_import_{name}", args=[run.pk])


def page(run: ImportRun) -> str:
    return reverse("admin:customers_importrun_change", args=[run.pk])


@pytest.fixture
def marketer(client):
    client.force_login(staff(Role.MARKETER))
    return client


def settings_of(run: ImportRun, **more) -> dict:
    chosen = {"encoding": "utf-8", "delimiter": ",", "decimal": ".", "day_first": "1", "mode": "upsert"}
    targets = {f"column-{place}": target for place, target in enumerate(run.mapping.values())}
    return chosen | targets | more


def test_a_marketer_goes_from_the_file_over_a_dry_run_to_the_import(marketer):
    source = SourceFactory(code="crm")
    form = {"kind": "customers", "source": source.pk, "file": SimpleUploadedFile("people.csv", FILE)}
    answer = marketer.post(ADD, form)
    run = ImportRun.objects.get()
    assert answer.url == address("mapping", run)
    columns = marketer.get(answer.url).content.decode()
    assert "Anna · Bea" in columns
    assert "1 of the first 2: This day does not exist. (line 3)" in columns

    answer = marketer.post(
        address("mapping", run), settings_of(run, **{"column-3": "+size", "then": "check"})
    )
    assert answer.url == page(run)
    run.refresh_from_db()
    carry_out(run.job)
    checked = marketer.get(page(run)).content.decode()
    assert "would be refused" in checked
    assert not Customer.objects.exists()

    marketer.post(address("start", run))
    run.refresh_from_db()
    carry_out(run.job)
    done = marketer.get(page(run)).content.decode()
    assert "It can be undone until" in done
    assert Customer.objects.get().attributes == {"size": "M"}
    errors = marketer.get(address("errors", run))
    assert b"This day does not exist." in b"".join(errors.streaming_content)

    assert marketer.get(address("undo", run)).status_code == 200
    marketer.post(address("undo", run))
    run.refresh_from_db()
    carry_out(run.job)
    assert "Taken back on" in marketer.get(page(run)).content.decode()
    assert not Customer.objects.exists()


def test_reading_the_file_with_another_separator_shows_its_columns_anew(marketer):
    run = upload("id;first_name\n1;Anna\n")

    comma = marketer.post(address("mapping", run), settings_of(run, delimiter=",", then="start"))
    run.refresh_from_db()
    again = marketer.post(address("mapping", run), settings_of(run, delimiter=";", then="read"))
    run.refresh_from_db()

    assert comma.status_code == again.status_code == 200
    assert run.mapping == {"id": "source_id", "first_name": "first_name"}
    assert run.status == "DRAFT"


def test_what_is_missing_is_said_in_place_of_an_import(marketer):
    run = upload("zzz\n1\n")

    answer = marketer.post(address("mapping", run), settings_of(run, then="start"))

    assert "Say which column holds: Customer number." in answer.content.decode()
    assert not Customer.objects.exists()


def test_a_file_that_is_none_is_refused_with_a_sentence(marketer):
    source = SourceFactory(code="crm")
    form = {"kind": "customers", "source": source.pk, "file": SimpleUploadedFile("a.pdf", b"%PDF-1.7")}

    answer = marketer.post(ADD, form)

    assert answer.status_code == 200
    assert "This is a PDF." in answer.content.decode()


def test_the_same_file_again_is_told(marketer):
    carried_out(upload(FILE))

    columns = marketer.get(address("mapping", upload(FILE))).content.decode()

    assert "Exactly this file was imported on" in columns


@pytest.mark.parametrize("role,sees", [(Role.ANALYST, 200), (Role.AGENT, 403), (Role.SUPERVISOR, 403)])
def test_other_roles_bring_nothing_in(client, role, sees):
    run = carried_out(upload(FILE))
    client.force_login(staff(role))

    seen = client.get(page(run)).status_code
    refused = [
        client.get(ADD).status_code,
        client.get(address("mapping", run)).status_code,
        client.get(address("errors", run)).status_code,
        client.post(address("check", run)).status_code,
        client.post(address("start", run)).status_code,
        client.post(address("cancel", run)).status_code,
        client.post(address("undo", run)).status_code,
    ]

    assert seen == sees
    assert refused == [403] * 7
